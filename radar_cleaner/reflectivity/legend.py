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
from radar_cleaner.reflectivity.bar_classes import MISSED, BarClasses, find_classes
from radar_cleaner.reflectivity.palette import Palette, format_colour, make_palette
from radar_cleaner.reflectivity.units import conversion_attrs, to_dbz

Bar = NDArray[np.uint8]

# A frame or a margin around the bar: nearly all pixels of its outermost ring have one colour.
RING_SHARE, NEXT_RING_SHARE, RING_DISTANCE = 0.95, 0.5, 24.0
# In a lossless picture nearly all pixels of a bar have a colour that covers most of a row or more.
COMMON_SHARE, ROW_SHARE = 0.9, 0.8
STEPPED_SHARE = 0.4
# JPEG makes many steps of this RGB distance or less; resizing makes few.
NOISE_STEP, NOISE_SHARE = 4.0, 0.2
# Two readings of one legend differ by noise: mean and largest RGB distance of its colours.
SAME_MEAN, SAME_MAX = 16.0, 75.0
UNEVEN_PX = 4
DEFAULT_ZR = ZR()
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LegendPalette:
    """The palette of a legend bar.

    rows: (n,) the middles of its classes, in pixels along the bar from the bottom or from the left.
    """

    palette: Palette
    rows: NDArray[np.int64]

    def matches(self, bar: Bar) -> bool:
        """Return whether the bar of another frame, (height, width, 3) of the same size, has the same colours."""
        seen = _middle_line(_from_weak_side(bar))[self.rows]
        distance = np.linalg.norm(seen - self.palette.colours, axis=1)
        return bool(distance.mean() <= SAME_MEAN and distance.max() <= SAME_MAX)


def read_legend(
    bar: Bar,
    numbers: Sequence[float],
    scale: Literal["ends", "bounds"],
    name: str,
    unit: str = DBZ,
    zr: ZR = DEFAULT_ZR,
    corner: tuple[int, int] = (0, 0),
) -> LegendPalette:
    """Read the palette of a legend bar, cropped to it: (height, width, 3) uint8.

    `numbers` go from bottom to top or from left to right, in `unit`. They are either the two ends of the bar and
    evenly spaced places between them, if there are more (the value of a colour then follows from its place), or
    the lower bounds of the classes. They fall where the strong
    end is at the bottom or at the left. A frame around the bar, gaps and soft edges between the classes do not
    matter. `name` is the place of the legend and `corner` its left and upper pixel in the picture, for errors.
    Raises ConfigError.
    """
    values = np.asarray(numbers, dtype=np.float64)
    steps = np.diff(values)
    if len(values) < 2 or not (np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all())):
        raise ConfigError(f"{name}: legend.dbz {list(numbers)} must rise or fall, and have two numbers or more")
    classes = read_classes(bar, len(values) if scale == "bounds" else None)
    if scale == "ends":
        classes = classes.joined()
    found = f"{name}: its bar shows {len(classes.colours)} classes of colour"
    if len(classes.colours) < 2:
        raise ConfigError(f"{found}; set legend.box_px to the bar, without its numbers")
    twice = _returning_colour(classes)
    if twice is not None:
        raise ConfigError(
            f"{found}, and {twice} occurs at two places; set legend.box_px to exactly the bar, or complete this"
            f" list as a CSV for the method palette:\n{_as_csv(bar, classes, corner)}"
        )
    lengths = np.diff(classes.edges)
    if scale == "ends" and lengths.max() > max(MISSED * np.median(lengths), UNEVEN_PX):
        log.warning(
            "%s: the %d classes found in its bar are not equally long; a colour has the value of its place"
            " along the bar. If the numbers beside the bar are not evenly spaced, or if it has other classes"
            " (show-frame lists them), set legend.scale to bounds",
            name,
            len(lengths),
        )
    if scale == "bounds" and (len(values) != len(classes.colours) or not classes.clear):
        unclear = "" if classes.clear else " (its classes are not clear)"
        raise ConfigError(
            f"{found}{unclear}, but legend.dbz gives {len(values)} lower bounds; give one for each class and none"
            " for the end of the last, or set legend.box_px to exactly the bar, or complete this list as a CSV for"
            f" the method palette:\n{_as_csv(bar, classes, corner)}"
        )
    if scale == "bounds":
        lower, last = values, None
    else:
        edges = classes.edges
        place = (edges - edges[0]) / (edges[-1] - edges[0])
        bounds = np.interp(place, np.linspace(0, 1, len(values)), values)
        lower, last = bounds[:-1], float(bounds[-1])
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
    return LegendPalette(replace(palette, attrs=conversion_attrs(unit, zr)), rows)


def read_classes(bar: Bar, count: int | None = None) -> BarClasses:
    """Return the classes of a bar, (height, width, 3) uint8, from bottom to top or from left to right.

    `count` is their number if it is known.
    """
    oriented = _from_weak_side(bar)
    first, last, inner = _without_frame(oriented)
    line = _middle_line(inner)[first:last]
    return find_classes(line, _is_lossy(oriented) and not _is_stepped(line), count).shifted(first)


def is_upright(bar: Bar) -> bool:
    """Return whether the classes of a bar are above one another."""
    height, width = bar.shape[:2]
    return bool(height >= width)


def _from_weak_side(bar: Bar) -> Bar:
    """Return the bar as (along, across, 3), from the bottom or from the left."""
    return bar[::-1] if is_upright(bar) else bar.transpose(1, 0, 2)


def _middle_line(along: Bar) -> NDArray[np.float64]:
    """(length, 3) colours along the bar: medians over the middle fifth across it, three pixels or more."""
    across = along.shape[1]
    half = max(across // 10, 1)
    return np.asarray(np.median(along[:, max(across // 2 - half, 0) : across // 2 + half + 1], axis=1))


def _without_frame(along: Bar) -> tuple[int, int, Bar]:
    """Return first and last row within the frame and margins, and the columns within them at full length."""
    margin = 0
    while width := _frame_width(along, margin):
        margin += width
    return margin, len(along) - margin, along[:, margin : along.shape[1] - margin]


def _frame_width(along: Bar, margin: int) -> int:
    """Return for how many pixels within a margin the rings have one colour, which the next ring does not have."""
    outer = _ring(along, margin)
    colour, inside = np.median(outer, axis=0), margin
    while min(along.shape[:2]) - 2 * inside > 2:
        near = np.linalg.norm(_ring(along, inside) - colour, axis=1) <= RING_DISTANCE
        if near.mean() < RING_SHARE:
            return inside - margin if near.mean() < NEXT_RING_SHARE else 0
        inside += 1
    return 0


def _ring(along: Bar, margin: int) -> NDArray[np.float64]:
    """(n, 3) the outermost pixels of the bar within a margin."""
    inner = along[margin : len(along) - margin, margin : along.shape[1] - margin].astype(np.float64)
    return np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])


def _is_lossy(along: Bar) -> bool:
    _, number, counts = np.unique(along.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    return float(np.mean(counts[number.reshape(-1)] >= ROW_SHARE * along.shape[1])) < COMMON_SHARE


def _is_stepped(line: NDArray[np.float64]) -> bool:
    """Return whether a line was only resized: much of it is in runs of one colour, and few steps are small."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    equal, changes = steps == 0, steps[steps > 0]
    if len(equal) < 2 or not changes.size:
        return False
    in_runs, small = float(np.mean(equal[1:] & equal[:-1])), float(np.mean(changes <= NOISE_STEP))
    return in_runs >= STEPPED_SHARE and small <= NOISE_SHARE


def _returning_colour(classes: BarClasses) -> str | None:
    """Return the first colour that two classes have."""
    seen: set[str] = set()
    for colour in map(format_colour, classes.colours.tolist()):
        if colour in seen:
            return colour
        seen.add(colour)
    return None


def _as_csv(bar: Bar, classes: BarClasses, corner: tuple[int, int]) -> str:
    """Return the classes as the lines of a palette CSV, with their places in the picture."""
    length = max(bar.shape[:2])
    lines = ["colour,dbz_min,pixels,from_px,to_px"]
    for colour, start, stop in zip(classes.colours.tolist(), classes.starts, classes.stops, strict=True):
        if is_upright(bar):
            first, last = corner[1] + length - stop, corner[1] + length - start
        else:
            first, last = corner[0] + start, corner[0] + stop
        lines.append(f"{format_colour(colour)},,{stop - start},{first},{last}")
    return "\n".join(lines)
