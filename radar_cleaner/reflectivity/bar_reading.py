"""Read the classes of a legend bar in a box of a picture, and judge whether they are certain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.bar_classes import BarClasses, find_classes
from radar_cleaner.reflectivity.bar_region import AROUND, BarRegion, find_region
from radar_cleaner.reflectivity.plot_box import Box

Pixels = NDArray[np.uint8]

# A stretch in the background's colour at an end of a bar may be a class if it is as long, relative to the others.
ONE_CLASS = (0.6, 1.5)
# In a lossy picture noise may exchange two classes that are nearer than this (RGB distance), in small swatches
# (px) sooner.
NEAR, NEAR_IN_SMALL, SMALL_SWATCH, SHORTEST_SWATCH = 6.0, 24.0, 10, 4
# Of the length of a bar: the values there are as good as equal. Of a continuous one, whose rows are alike:
SAME_PLACE, SAME_PLACE_CONTINUOUS, NEAR_CONTINUOUS = 0.04, 0.12, 12.0
# A map that shows through a pure picture: colours of this share, which soft edges do not have, have together this
# share of a class, and differ from it by an RGB distance that is less than that of numbers. More than a few
# classes have them.
FLAT_SHARE, OTHER_SHARE, OTHER_STEP, MOST_OTHER, FEW_CLASSES = 0.08, 0.1, 2.0, 80.0, 0.05
# In a lossy picture: this quantile of the RGB distance between both sides of the bar is larger.
SIDES_QUANTILE, OTHER_SIDE = 0.8, 18.0


@dataclass(frozen=True)
class BarReading:
    """The classes of a bar, in pixels along its box from the bottom or from the left, and its place in the box."""

    classes: BarClasses
    region: BarRegion

    def usual_length(self) -> float:
        """Return the usual length of a class in pixels, with its gap."""
        return float(np.median(np.diff(self.classes.edges))) if len(self.classes.colours) else 0.0

    def uncertain_ends(self) -> tuple[bool, bool]:
        """Return of both ends whether a class in the background's colour may have been left out."""
        usual, left_out = self.usual_length(), (self.region.first, len(self.region.line) - self.region.last)
        if usual < SHORTEST_SWATCH:  # rows of a continuous bar
            return False, False
        low, high = (bool(ONE_CLASS[0] * usual <= pixels <= ONE_CLASS[1] * usual) for pixels in left_out)
        return low, high

    def has_wide_gap(self) -> bool:
        """Return whether a gap is longer than the usual one by a class or more."""
        starts, stops = self.classes.starts, self.classes.stops
        gaps, usual = starts[1:] - stops[:-1], float(np.median(stops - starts)) if len(starts) else 0.0
        return usual >= SHORTEST_SWATCH and bool(gaps.max(initial=0) >= np.median(gaps) + ONE_CLASS[0] * usual)


def read_bar(picture: Pixels, box: Box, count: int | None = None) -> BarReading:
    """Read the bar in a box of a picture (height, width, 3) uint8.

    `count` is the number of its classes if it is known.
    """
    return _read_region(_region(picture, box), count)


def _read_region(region: BarRegion, count: int | None) -> BarReading:
    line = region.line[region.first : region.last]
    classes = find_classes(line, region.lossy, count)
    if not classes.clear and not region.lossy:
        region = replace(region, lossy=True)
        classes = find_classes(line, True, count)
    clear = classes.clear and not (region.lossy and _is_mixed(classes, region, 0 if count else SAME_PLACE))
    return BarReading(replace(classes, clear=clear).shifted(region.first), region)


def _is_mixed(classes: BarClasses, region: BarRegion, apart: float) -> bool:
    """Return whether noise may exchange classes: their colours are too near for the size of their swatches.

    Classes that are not more than `apart` of the bar from each other may be exchanged.
    """
    lengths = classes.stops - classes.starts
    if len(lengths) < 2:
        return False
    is_continuous = np.median(lengths) < SHORTEST_SWATCH
    if is_continuous:
        apart = SAME_PLACE_CONTINUOUS
    colours = classes.colours.astype(np.float64)
    middles = (classes.starts + classes.stops) / 2
    same = np.abs(middles[:, None] - middles) <= apart * (classes.stops[-1] - classes.starts[0])
    distance = np.where(same, np.inf, np.linalg.norm(colours[:, None] - colours, axis=2))
    small = min(float(np.median(lengths)), region.columns[1] - region.columns[0]) < SMALL_SWATCH
    near = NEAR_CONTINUOUS if is_continuous else NEAR_IN_SMALL if small else NEAR
    return bool(distance.min() < near)


def shows_through(reading: BarReading, picture: Pixels, box: Box) -> bool:
    """Return whether several classes contain other colours that are not numbers."""
    along = turned(picture, box)
    classes, (left, right) = reading.classes, reading.region.columns
    if reading.region.lossy:
        third = max((right - left) // 3, 1)
        inner = along[reading.region.first : reading.region.last, left:right].astype(np.float64)
        sides = [np.median(side, axis=1) for side in (inner[:, :third], inner[:, -third:])]
        return bool(np.quantile(np.linalg.norm(sides[1] - sides[0], axis=1), SIDES_QUANTILE) > OTHER_SIDE)
    side, found = (right - left) // 4, 0
    for start, stop, colour in zip(classes.starts, classes.stops, classes.colours, strict=True):
        edge = (stop - start) // 4
        core = along[start + edge : stop - edge, left + side : right - side].reshape(-1, 3)
        others, counts = np.unique(core, axis=0, return_counts=True)
        away = np.linalg.norm(others.astype(np.float64) - colour, axis=1)
        flat = (counts >= FLAT_SHARE * counts.sum()) & (away > OTHER_STEP) & (away < MOST_OTHER)
        found += bool(counts[flat].sum() > OTHER_SHARE * counts.sum())
    return found > max(1, FEW_CLASSES * len(classes.colours))


def is_upright(box: Box) -> bool:
    """Return whether the classes of a bar are above one another."""
    x0, y0, x1, y1 = box
    return y1 - y0 >= x1 - x0


def _region(picture: Pixels, box: Box) -> BarRegion:
    x0, y0, x1, y1 = box
    left, right = (x0, x1) if is_upright(box) else (y0, y1)
    start = max(left - AROUND, 0)
    region = find_region(turned(picture, box)[:, start : right + AROUND], left - start, right - start)
    return replace(region, columns=(region.columns[0] + start, region.columns[1] + start))


def turned(picture: Pixels, box: Box) -> Pixels:
    """Return the picture between the ends of a box as (along, across, 3), from the bottom or from the left."""
    x0, y0, x1, y1 = box
    return picture[y0:y1][::-1] if is_upright(box) else picture[:, x0:x1].transpose(1, 0, 2)
