"""The radars of a zoo: where they are, which kind they are, and folds of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pyproj import Geod

from radar_cleaner.errors import ConfigError

DIRTY, CLUTTER, RAIN = KINDS = ("dirty with weather", "only clutter", "only rain")
RARE = 0.01  # share of the pixels with a class; a class that is rarer does not count for the kind
SAME_SECONDS = 3 * 3600.0  # radars near each other show the same weather within this time

_CONTENT = ("frames", "truth", "frames.csv", "radars.json", "palette.csv")


@dataclass(frozen=True)
class ZooRadar:
    """A radar of a zoo; pixels are sums over its frames, times are seconds since 1970."""

    id: str
    latitude: float
    longitude: float
    range_km: float
    times: tuple[float, ...]
    met_px: int
    other_px: int

    @property
    def kind(self) -> str:
        """One of KINDS, by the pixels of the reference."""
        known = self.met_px + self.other_px
        if self.other_px < RARE * known:
            return RAIN
        return CLUTTER if self.met_px < RARE * known else DIRTY

    def sees(self, other: ZooRadar) -> bool:
        """Return whether two radars have frames of the same place at nearly the same time."""
        _, _, metres = Geod(ellps="WGS84").inv(self.longitude, self.latitude, other.longitude, other.latitude)
        near = metres < 1000 * (self.range_km + other.range_km)
        return near and any(abs(one - two) < SAME_SECONDS for one in self.times for two in other.times)


@dataclass(frozen=True)
class Zoo:
    """A folder in the layout of `resources/zoo`, and its radars by id."""

    folder: Path
    radars: Mapping[str, ZooRadar]

    @classmethod
    def load(cls, folder: Path) -> Zoo:
        """Read the radars of a folder. Raises ConfigError."""
        missing = [name for name in _CONTENT if not (folder / name).exists()]
        if missing:
            raise ConfigError(
                f"{folder}: has no {', '.join(missing)}; resources/zoo is the part of the zoo that the repository"
                " carries, and resources/zoo/README.md names the sources of the rest"
            )
        table = pd.read_csv(folder / "frames.csv", dtype={"frame": str})
        places = json.loads((folder / "radars.json").read_text(encoding="utf-8"))
        radars = {}
        for name in sorted(places):
            rows = table[table.radar == name]
            times = pd.to_datetime(rows.frame.str[-12:], format="%Y%m%d%H%M")
            radars[name] = ZooRadar(
                name,
                **places[name],
                times=tuple(time.timestamp() for time in times),
                met_px=int(rows.met_px.sum()),
                other_px=int(rows.non_px.sum()),
            )
        return cls(folder, radars)

    def only(self, names: Iterable[str]) -> Zoo:
        """Return a part of the zoo. Raises ConfigError for an unknown radar."""
        unknown = sorted({*names} - {*self.radars})
        if unknown:
            raise ConfigError(
                f"--radars: {self.folder} has no {', '.join(unknown)}; it has {', '.join(self.radars)}"
            )
        return Zoo(self.folder, {name: self.radars[name] for name in sorted({*names})})

    def of_kind(self, kind: str) -> list[str]:
        """Return the radars of a kind."""
        return [name for name, radar in self.radars.items() if radar.kind == kind]


def make_folds(radars: Mapping[str, ZooRadar], count: int) -> list[list[str]]:
    """Return `count` folds of radars, each with about as many of each kind; the same for the same radars.

    Radars that see the same weather are in one fold, so that none is known through its neighbour. Raises
    ConfigError.
    """
    groups = _groups(radars)
    if not 1 <= count <= len(groups):
        raise ConfigError(f"--folds {count}: write 1 to {len(groups)}, the number of radars that share no weather")
    folds: list[list[str]] = [[] for _ in range(count)]

    def filled(fold: list[str], kind: str) -> tuple[int, int]:
        return sum(radars[name].kind == kind for name in fold), len(fold)

    for kind in KINDS:
        for group in groups:
            if min((radars[name].kind for name in group), key=KINDS.index) == kind:
                min(folds, key=lambda fold, kind=kind: filled(fold, kind)).extend(group)
    return [sorted(fold) for fold in folds]


def _groups(radars: Mapping[str, ZooRadar]) -> list[list[str]]:
    """Return the radars in groups that see the same weather, in the order of their ids."""
    left, groups = sorted(radars), []
    while left:
        group = [left.pop(0)]
        for one in group:  # it grows
            near = [name for name in left if radars[name].sees(radars[one])]
            group += near
            left = [name for name in left if name not in near]
        groups.append(sorted(group))
    return groups
