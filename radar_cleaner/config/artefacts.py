"""The kinds of injected artefacts, and the file with the ranges of their parameters.

For each kind the YAML file has a `weight` and the range [low, high] of each parameter. config/plants.yaml explains
them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from radar_cleaner.conventions import MAX_ECHO_DBZ, MIN_ECHO_DBZ
from radar_cleaner.errors import ConfigError

ArtefactKind = Literal[
    "spokes",
    "sectors",
    "specks",
    "patches",
    "rings",
    "turbines",
    "second_trip",
    "overlays",
    "noise",
    "frozen",
    "blocked",
    "repeated",
    "missing",
]
# In the order of painting: kinds that change whole frames come last.
ARTEFACT_KINDS: tuple[ArtefactKind, ...] = get_args(ArtefactKind)


@dataclass(frozen=True)
class Number:
    """Bounds of a parameter. With `octaves` all octaves are equally likely, otherwise all values."""

    low: float
    high: float
    octaves: bool = False
    whole: bool = False

    def draw(self, uniform: float, span: tuple[float, float]) -> float:
        """Map a uniform number (0 <= uniform < 1) to a value within a span."""
        low, high = span[0], span[1] + self.whole
        value = low * (high / low) ** uniform if self.octaves else low + uniform * (high - low)
        return float(min(math.floor(value), span[1])) if self.whole else value


@dataclass(frozen=True)
class Kind:
    """The parameters of a kind, and the input times at which it appears.

    `shows`: `all` times; `some` (one, and each other with the probability `lasting`); `one` time, which then shows
    the content of another; or a `neighbour`, never the time of the sample. The last two need more than one time.
    `polar`: its shape follows the rays of one radar, which a mosaic does not have.
    """

    shows: Literal["all", "some", "one", "neighbour"]
    numbers: Mapping[str, Number]
    polar: bool = False


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # fast: the file is read at each call of Snakemake
_MANY = Number(1, 1000, octaves=True, whole=True)
_SHARE = Number(0, 1)
_PX = Number(0.1, 5000, octaves=True)
_SPOT_PX = Number(0.1, 32, octaves=True)  # each is painted alone, in a square of this size
_DEGREES = Number(0.01, 360, octaves=True)
_DB = Number(0, 60)
_FACTORS = {"weight": None, "loss": 1}  # and their defaults
_COUNT = {"count": _MANY}  # comes first
_DBZ = {"dbz": Number(MIN_ECHO_DBZ, MAX_ECHO_DBZ)}
_RAY = {"width_degrees": _DEGREES, "start": _SHARE}
_LASTING = {"lasting": _SHARE}

KINDS: Mapping[ArtefactKind, Kind] = {
    "spokes": Kind("some", _COUNT | _DBZ | _RAY | {"filled": _SHARE, "dash_px": _PX} | _LASTING, polar=True),
    "sectors": Kind("some", _COUNT | _DBZ | _RAY | {"filled": _SHARE} | _LASTING, polar=True),
    "specks": Kind("some", _COUNT | _DBZ | {"specks": _MANY, "radius_px": _PX, "size_px": _SPOT_PX} | _LASTING),
    "patches": Kind("some", _COUNT | _DBZ | {"radius_px": _PX, "density": _SHARE, "grain_px": _PX} | _LASTING),
    "rings": Kind(
        "some", _COUNT | _DBZ | {"width_px": _PX, "arc_degrees": _DEGREES, "filled": _SHARE} | _LASTING, polar=True
    ),
    "turbines": Kind(
        "all", _COUNT | _DBZ | {"turbines": _MANY, "radius_px": _PX, "size_px": _SPOT_PX, "swing_db": _DB}
    ),
    "second_trip": Kind(
        "some",
        _COUNT
        | {"along_px": _PX, "across_px": _PX, "squeeze": Number(0.1, 20, octaves=True)}
        | {"loss_db": _DB, "filled": _SHARE}
        | _LASTING,
        polar=True,
    ),
    "overlays": Kind("all", _COUNT | _DBZ | {"size_px": _PX, "width_px": _PX}),
    "noise": Kind("some", _DBZ | {"share": _SHARE} | _LASTING),
    "frozen": Kind("one", _COUNT | {"size_px": _PX}),
    "blocked": Kind("some", _COUNT | _RAY | _LASTING, polar=True),
    "repeated": Kind("neighbour", {}),
    "missing": Kind("neighbour", {}),
}


@dataclass(frozen=True)
class KindRanges:
    """The relative frequency of a kind and the ranges of its parameters, in the order of KINDS.

    `loss` is the weight of its pixels in the loss of the mask, relative to an echo of full confidence.
    """

    weight: float
    loss: float
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ArtefactRanges:
    """The number of kinds per crop, [least, most], and the ranges of each kind."""

    together: tuple[int, int]
    kinds: Mapping[ArtefactKind, KindRanges]

    def chosen(self, kinds: Iterable[ArtefactKind], name: str) -> ArtefactRanges:
        """Return the ranges of these kinds only. `name` is the file. Raises ConfigError if a kind is missing."""
        wanted = set(kinds)
        absent = sorted(wanted - self.kinds.keys())
        if absent:
            raise ConfigError(f"{name}: has no {', '.join(absent)}; add the section, or leave the kind out")
        found = {kind: self.kinds[kind] for kind in ARTEFACT_KINDS if kind in wanted}
        if not any(ranges.weight for ranges in found.values()):
            raise ConfigError(f"{name}: the weights of {', '.join(found)} are all 0; give one of them more")
        return ArtefactRanges(self.together, found)


def read_artefact_ranges(path: Path, kinds: Iterable[ArtefactKind]) -> ArtefactRanges:
    """Read the ranges of these kinds from a file. Raises ConfigError if it is unreadable or wrong."""
    if not path.is_file():
        raise ConfigError(f"there is no file {path}; copy config/plants.yaml and change it")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text ({error})") from None
    return parse_artefact_ranges(text, str(path)).chosen(kinds, str(path))


def parse_artefact_ranges(text: str, name: str) -> ArtefactRanges:
    """Parse the text of a file of ranges. `name` is the file. Raises ConfigError at the first mistake."""
    try:
        content = yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(f"{name}: is not YAML ({reason})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{name}: has no sections; see config/plants.yaml")
    _check_keys(content, ("together", *ARTEFACT_KINDS), name)
    together = _span(content, "together", Number(1, len(ARTEFACT_KINDS), whole=True), f"{name}: together")
    kinds: dict[ArtefactKind, KindRanges] = {}
    for kind in ARTEFACT_KINDS:
        if kind in content:
            kinds[kind] = _kind_ranges(content[kind], KINDS[kind].numbers, f"{name}: {kind}")
    return ArtefactRanges((int(together[0]), int(together[1])), kinds)


def _kind_ranges(section: Any, numbers: Mapping[str, Number], place: str) -> KindRanges:
    if not isinstance(section, dict):
        raise ConfigError(f"{place}: write keys below it: {', '.join(['weight', *numbers])}")
    _check_keys(section, ("weight", "loss", *numbers), place)
    weight, loss = (_factor(section.get(key, default), f"{place}.{key}") for key, default in _FACTORS.items())
    spans = tuple(_span(section, key, number, f"{place}.{key}") for key, number in numbers.items())
    return KindRanges(weight, loss, spans)


def _factor(value: Any, place: str) -> float:
    if not _is_number(value) or not 0 <= value <= 1e6:
        raise ConfigError(f"{place}: {value!r} is not possible; write a number from 0 on")
    return float(value)


def _check_keys(section: Mapping[Any, Any], known: Iterable[str], place: str) -> None:
    known = list(known)
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            raise ConfigError(f"{place}: there is no key '{key}'; {hint}")


def _span(section: Mapping[str, Any], key: str, number: Number, place: str) -> tuple[float, float]:
    value = section.get(key)
    if value is None:
        raise ConfigError(f"{place}: is missing; write [low, high]")
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        raise ConfigError(f"{place}: {value!r} is not possible; write two numbers, [low, high]")
    if number.whole and any(float(one) % 1 for one in value):
        raise ConfigError(f"{place}: {value} is not possible; write two whole numbers, [low, high]")
    low, high = (float(one) for one in value)
    if low > high:
        raise ConfigError(f"{place}: {value} does not rise; write [low, high]")
    if low < number.low or high > number.high:
        raise ConfigError(f"{place}: {value} is not possible; allowed is {number.low:g} to {number.high:g}")
    return low, high


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
