"""Read a palette off a legend bar."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.labels import ZR
from radar_cleaner.config.units import DBZ
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.bar_classes import MISSED, BarClasses
from radar_cleaner.reflectivity.bar_reading import BarReading, is_upright, read_bar, shows_through, turned
from radar_cleaner.reflectivity.bar_region import BarRegion
from radar_cleaner.reflectivity.palette import Palette, format_colour, hue_saturation_value, make_palette
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.units import check_spacing, conversion_attrs, to_dbz

Bar = NDArray[np.uint8]

# Two readings of one legend differ by noise: mean and largest RGB distance of its colours.
SAME_MEAN, SAME_MAX = 16.0, 75.0
UNEVEN_PX = 4
GRAY, COLOURED = 0.1, 0.3  # saturation
DEFAULT_ZR = ZR()
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LegendPalette:
    """The palette of a legend bar.

    box: that of the bar in its picture. rows: (n,) the middles of its classes along the box, in pixels from the
    bottom or from the left. columns: the first and the last (excluded) pixel across it, in the picture.
    """

    palette: Palette
    box: Box
    rows: NDArray[np.int64]
    columns: tuple[int, int]

    def matches(self, picture: Bar) -> bool:
        """Return whether another frame, (height, width, 3) of the same size, has the same colours in its bar."""
        seen = np.median(turned(picture, self.box)[self.rows, slice(*self.columns)], axis=1)
        distance = np.linalg.norm(seen - self.palette.colours, axis=1)
        return bool(distance.mean() <= SAME_MEAN and distance.max() <= SAME_MAX)


def read_legend(
    picture: Bar,
    numbers: Sequence[float],
    scale: Literal["ends", "bounds"],
    name: str,
    unit: str = DBZ,
    zr: ZR = DEFAULT_ZR,
    box: Box | None = None,
) -> LegendPalette:
    """Read the palette of the legend bar in a box of a picture, (height, width, 3) uint8; by default all of it.

    `numbers` go from bottom to top or from left to right, in `unit`. They are either the two ends of the bar and
    evenly spaced places between them, if there are more (the value of a colour then follows from its place), or
    the lower bounds of the classes. They fall where the strong end is at the bottom or at the
    left. Background around the bar, a frame, gaps and soft edges between the
    classes and numbers within them do not matter. `name` is the place of the legend, for errors.
    Raises ConfigError, also if the classes or their borders are not certain.
    """
    values = np.asarray(numbers, dtype=np.float64)
    steps = np.diff(values)
    if len(values) < 2 or not (np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all())):
        raise ConfigError(f"{name}: legend.dbz {list(numbers)} must rise or fall, and have two numbers or more")
    box = box or (0, 0, picture.shape[1], picture.shape[0])
    if scale == "bounds":
        reading = read_bar(picture, box, len(values))
        _check_classes(reading, picture, box, name)
        check_spacing(np.sort(values), unit, name)
        lower, last = values, None
    else:
        reading = read_bar(picture, box)
        reading = replace(reading, classes=reading.classes.joined())
        _check_classes(reading, picture, box, name)
        _check_ends(reading, box, name)
        edges = reading.classes.edges
        place = (edges - edges[0]) / (edges[-1] - edges[0])
        bounds = np.interp(place, np.linspace(0, 1, len(values)), values)
        lower, last = bounds[:-1], float(bounds[-1])
    classes = reading.classes
    if len(values) != len(classes.colours) and scale == "bounds":
        raise ConfigError(
            f"{_found(classes, name)}, but legend.dbz gives {len(values)} lower bounds; give one for each class"
            f" and none for the end of the last, or {_remedy(classes, box)}"
        )
    if not classes.clear:
        raise ConfigError(
            f"{_found(classes, name)}; name a picture of the legend that was never a JPEG as legend.file, or"
            f" {_remedy(classes, box)}"
        )
    doubt = _lost_class(reading, box) if scale == "bounds" else None
    if doubt:
        log.warning(
            "%s, as many as legend.dbz gives bounds, and %s. If it is one, add its bound, and %s",
            _found(classes, name),
            doubt,
            _remedy(classes, box),
        )
    rows, colours = (classes.starts + classes.stops - 1) // 2, classes.colours
    if values[0] > values[1]:
        lower, last = (values[::-1], None) if last is None else (bounds[:0:-1], float(bounds[0]))
        rows, colours = rows[::-1], colours[::-1]
    palette = make_palette(
        colours,
        to_dbz(lower, unit, zr, name),
        name,
        None if last is None else float(to_dbz([last], unit, zr, name)[0]),
    )
    palette = replace(palette, attrs=conversion_attrs(unit, zr))
    return LegendPalette(palette, box, rows, reading.region.columns)


def _check_classes(reading: BarReading, picture: Bar, box: Box, name: str) -> None:
    """Raise ConfigError if the bar has one colour, a colour at two places, or something shines through it."""
    classes = reading.classes
    if len(classes.colours) < 2:
        raise ConfigError(f"{_found(classes, name)}; set legend.box_px to the bar, without its numbers")
    twice = _returning_colour(classes)
    if twice is not None:
        raise ConfigError(f"{_found(classes, name)}, and {twice} occurs at two places; {_remedy(classes, box)}")
    if shows_through(reading, picture, box):
        raise ConfigError(
            f"{_found(classes, name)}, but they are not of one colour across the bar, as if a map showed through;"
            f" name a picture of the legend without it as legend.file, or {_remedy(classes, box)}"
        )


def _check_ends(reading: BarReading, box: Box, name: str) -> None:
    """Raise ConfigError if the ends of the bar are uncertain; warn if its classes are not equally long."""
    classes = reading.classes
    doubt = _lost_class(reading, box)
    if classes.clear and doubt:
        raise ConfigError(
            f"{_found(classes, name)}, and {doubt}; if it is one, set legend.scale to bounds, or"
            f" {_remedy(classes, box)}"
        )
    _, saturation, _ = hue_saturation_value(classes.colours)
    for end, neighbour in ((0, 1), (-1, -2)):
        if saturation[end] < GRAY and saturation[neighbour] > COLOURED:
            log.warning(
                "%s: the class %s at an end of its bar is gray, and the next is not. If it means no echo or no"
                " data, leave it out of legend.box_px: with it the values of all other colours are wrong",
                name,
                format_colour(classes.colours[end].tolist()),
            )
    lengths = np.diff(classes.edges)
    if lengths.max() > max(MISSED * np.median(lengths), UNEVEN_PX):
        log.warning(
            "%s: the %d classes found in its bar are not equally long; a colour has the value of its place"
            " along the bar. If the numbers beside the bar are not evenly spaced, or if it has other classes"
            " (show-frame lists them), set legend.scale to bounds",
            name,
            len(lengths),
        )


def _lost_class(reading: BarReading, box: Box) -> str | None:
    """Return where a class in the background's colour may have been passed over; None if nowhere."""
    if any(reading.uncertain_ends()):
        within = list(_within(box, reading.region))
        return (
            "beside them something as long as a class that has the colour of the background. If it is not a class,"
            f" set legend.box_px to {within}"
        )
    if reading.has_wide_gap():
        return "between two of them a gap that is long enough for a class in its colour"
    return None


def _found(classes: BarClasses, name: str) -> str:
    unclear = "" if classes.clear else " (noise hides their borders, or makes their colours alike)"
    return f"{name}: its bar shows {len(classes.colours)} classes of colour{unclear}"


def _remedy(classes: BarClasses, box: Box) -> str:
    return (
        "set legend.box_px to exactly the bar, or complete this list as a CSV for the method palette:\n"
        + _as_csv(classes, box)
    )


def _within(box: Box, region: BarRegion) -> Box:
    """Return the box of the bar in the picture."""
    x0, y0, x1, y1 = box
    if is_upright(box):
        return x0, y1 - region.last, x1, y1 - region.first
    return x0 + region.first, y0, x0 + region.last, y1


def _returning_colour(classes: BarClasses) -> str | None:
    """Return the first colour that two classes have."""
    seen: set[str] = set()
    for colour in map(format_colour, classes.colours.tolist()):
        if colour in seen:
            return colour
        seen.add(colour)
    return None


def _as_csv(classes: BarClasses, box: Box) -> str:
    """Return the classes as the lines of a palette CSV, with their places in the picture."""
    x0, _, _, y1 = box
    lines = ["colour,dbz_min,pixels,from_px,to_px"]
    for colour, start, stop in zip(classes.colours.tolist(), classes.starts, classes.stops, strict=True):
        first, last = (y1 - stop, y1 - start) if is_upright(box) else (x0 + start, x0 + stop)
        lines.append(f"{format_colour(colour)},,{stop - start},{first},{last}")
    return "\n".join(lines)
