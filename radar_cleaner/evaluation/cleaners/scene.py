"""One frame of a radar with all that a cleaner may look at: its neighbours in time, its labels, its site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import decode_log_odds
from radar_cleaner.errors import StoreError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, open_store

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

STEP = "step"  # seconds between neighbouring frames, in the memo of a site


@dataclass(frozen=True, eq=False)
class Site:
    """The constants of a radar; pictures are (y, x).

    `geometry` is the radar and the grid of its plot box. `echo_frequency` and `clutter` are those of the clutter
    atlas; an unknown frequency is NaN.
    """

    geometry: RadarGeometry
    echo_frequency: Values
    clutter: Mask
    _memo: dict[Any, Any] = field(default_factory=dict)

    @property
    def radar(self) -> str:
        """The name of the radar."""
        return self.geometry.radar

    @property
    def range_km(self) -> float:
        """The radar's range; without one, half of the longer side of the box."""
        return self.geometry.max_range_km or self.geometry.range_px * self.geometry.mean_side_km

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return the result of `make`, called once for each key."""
        return _once(self._memo, key, make)


class Source(Protocol):
    """The frames of a radar by time, in seconds since 1970; pictures are (y, x)."""

    @property
    def times(self) -> Sequence[int]:
        """The times of all frames, increasing."""

    def codes(self, time: int) -> Codes | None:
        """Return packed reflectivity, None without a frame."""

    def weak_label(self, time: int) -> Codes:
        """Return the echo classes that the frame alone gives."""

    def log_odds(self, time: int) -> Values:
        """Return the label model's log-odds of meteorological echo."""


@dataclass(frozen=True)
class Scene:
    """One frame of a radar. Its data are read when a cleaner first uses them."""

    site: Site
    time: int
    codes: Codes
    source: Source
    _memo: dict[Any, Any] = field(default_factory=dict)

    @property
    def weak_label(self) -> Codes:
        """(y, x) echo classes that the frame alone gives."""
        label: Codes = self.once("weak label", lambda: self.source.weak_label(self.time))
        return label

    @property
    def log_odds(self) -> Values:
        """(y, x) the label model's log-odds of meteorological echo."""
        log_odds: Values = self.once("log odds", lambda: self.source.log_odds(self.time))
        return log_odds

    def neighbours(self, reach: int) -> list[Codes]:
        """Return the codes of up to `reach` frames before and after, those that exist."""
        step = self.site.once(STEP, lambda: _cadence(self.source.times))
        around = (
            self.once(("codes", number), partial(self.source.codes, self.time + number * step))
            for number in range(-reach, reach + 1)
            if number
        )
        return [codes for codes in around if codes is not None]

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return the result of `make`, called once for each key: cleaners share their common work."""
        return _once(self._memo, key, make)


class StoredFrames:
    """A radar's frames in the stores of a results folder. Raises StoreError.

    `step_seconds` is the time between neighbours. By default it is the least time between two frames.
    """

    def __init__(self, layout: Layout, radar: str, shards: Sequence[str], step_seconds: int | None = None) -> None:
        self._layout, self._radar, self._shards = layout, radar, shards
        paths = [layout.reflectivity(radar, shard) for shard in shards]
        self._reflectivity = TimeSeries(paths, "reflectivity", AHEAD)
        self.plot_box_px: tuple[int, int, int, int] = tuple(self._reflectivity.stores[0].attrs["plot_box_px"])
        self.site = read_site(self._reflectivity.stores[0], layout.atlas(radar))
        if step_seconds is not None:
            self.site.once(STEP, lambda: step_seconds)

    @property
    def times(self) -> list[int]:
        """The times of all frames, increasing."""
        return self._reflectivity.times

    def codes(self, time: int) -> Codes | None:
        """Return packed reflectivity (y, x), None without a frame."""
        return self._reflectivity.frame("reflectivity", time)

    def weak_label(self, time: int) -> Codes:
        """Return the echo classes (y, x) that the frame alone gives."""
        return self._frame(self._labels, "shape_class", time)

    def log_odds(self, time: int) -> Values:
        """Return the label model's log-odds (y, x) of meteorological echo."""
        return decode_log_odds(self._frame(self._labels, "evidence", time))

    @cached_property
    def _labels(self) -> TimeSeries:
        return TimeSeries([self._layout.labels(self._radar, shard) for shard in self._shards], "labels")

    def scene(self, time: int) -> Scene:
        """Return the frame of a time and its surroundings."""
        return Scene(self.site, time, self._frame(self._reflectivity, "reflectivity", time), self)

    @staticmethod
    def _frame(series: TimeSeries, name: str, time: int) -> NDArray[Any]:
        frame = series.frame(name, time)
        if frame is None:
            raise StoreError(f"no {name}: {series.describe(time)}; run snakemake to make it")
        return frame


def read_site(reflectivity: Store, atlas_path: Path) -> Site:
    """Read the constants of a radar from one of its stores and from its clutter atlas."""
    atlas = open_store(atlas_path, "atlas")
    geometry = RadarGeometry.from_attrs(reflectivity.attrs, reflectivity.shape("reflectivity"))
    return Site(geometry, atlas.read("echo_frequency"), atlas.read("clutter"))


def _cadence(times: Sequence[int]) -> int:
    """Return the least seconds between two frames: gaps are longer."""
    return int(np.diff(times).min()) if len(times) > 1 else 1


def _once(memo: dict[Any, Any], key: Any, make: Callable[[], Any]) -> Any:
    if key not in memo:
        memo[key] = make()
    return memo[key]
