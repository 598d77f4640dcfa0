"""Find the legend bars of a picture: strips of many colours, each constant across the strip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.bar_classes import BarClasses
from radar_cleaner.reflectivity.bar_reading import BarReading, read_bar
from radar_cleaner.reflectivity.palette import hue_saturation_value
from radar_cleaner.reflectivity.plot_box import Box

Pixels = NDArray[np.uint8]

# Steps between neighbouring pixels that are an edge: of a clean picture, and of one with JPEG noise.
EDGES = ((12, 0), (40, 2))  # step of a channel, pixels by which the ends of a row may differ
MIN_WIDTH, MIN_LENGTH, SLENDERNESS = 4, 24, 2.0  # pixels across and along; length relative to the width
MAX_WIDTH_SHARE = 0.25  # of the picture
LONGEST_BREAK = 20  # pixels along the bar in which nothing is as wide as the bar (gaps, numbers in the swatches)
MIN_CLASSES, MIN_COVERAGE, SATURATED_SHARE = 4, 0.5, 0.6
MIN_SATURATION = 0.3
UNEVEN = 4.0  # length of a class relative to the median, from which the strip is not a legend
LENGTHENING = 1.5  # of a class: the length in which a bar is continued, and the longest class then
MANY_CLASSES = 10
MOST_STRIPS = 40  # the strips with the most rows are looked at
WARM, COLD = (0.95, 0.06), (0.22, 0.7)  # hues of strong and of weak echo on nearly all legends


@dataclass(frozen=True)
class FoundLegend:
    """A legend bar: its box x0, y0, x1, y1 in the picture, and its classes.

    The classes go from bottom to top or, if the bar is `lying`, from left to right. `strong_first` is whether
    their colours suggest that the strong end is at the bottom or at the left; None if they suggest nothing.
    """

    box: Box
    lying: bool
    classes: BarClasses
    strong_first: bool | None


def find_legends(picture: Pixels) -> list[FoundLegend]:
    """Return the legend bars of a picture (height, width, 3) uint8: long ones with many classes first."""
    found = []
    for lying in (False, True):
        turned = picture.transpose(1, 0, 2) if lying else picture
        for x0, y0, x1, y1 in _strips(turned):
            box = (y0, x0, y1, x1) if lying else (x0, y0, x1, y1)
            legend = _check_strip(picture, box, lying)
            if legend is not None:
                found.append(legend)
    found.sort(key=lambda legend: (-_weight(legend), legend.box))
    apart: list[FoundLegend] = []
    for legend in found:
        if not any(_overlap(legend.box, other.box) for other in apart):
            apart.append(legend)
    return apart


def _strips(picture: Pixels) -> Iterator[Box]:
    """Yield boxes whose rows have one colour each, with edges at the same left and right ends."""
    for step, slack in EDGES:
        rows, lefts, rights = _row_runs(picture, step)
        for number in range(MOST_STRIPS):
            if len(rows) < MIN_LENGTH:
                break
            pairs, counts = np.unique(np.stack([lefts, rights], axis=1), axis=0, return_counts=True)
            left, right = pairs[np.argmax(counts)]
            if number and counts.max() < MIN_LENGTH / (1 + slack) / 4:
                break
            member = (np.abs(lefts - left) <= slack) & (np.abs(rights - right) <= slack)
            for top, bottom, filled in _stretches(np.unique(rows[member])):
                length = bottom - top
                if length >= max(MIN_LENGTH, SLENDERNESS * (right - left)) and filled >= MIN_COVERAGE * length:
                    yield int(left), int(top), int(right), int(bottom)
            rows, lefts, rights = rows[~member], lefts[~member], rights[~member]


def _row_runs(picture: Pixels, step: int) -> tuple[NDArray[np.int64], ...]:
    """Return row, left and right end (excluded) of the runs of near colours that may be rows of a bar."""
    height, width = picture.shape[:2]
    edges = np.ones((height, width + 1), dtype=bool)
    edges[:, 1:-1] = (np.abs(np.diff(picture.astype(np.int16), axis=1)) > step).any(axis=2)
    rows, columns = np.nonzero(edges)
    lefts, rights = columns[:-1], columns[1:]
    widths = rights - lefts
    # A run from edge to edge of the picture is a background.
    keep = (rows[1:] == rows[:-1]) & (widths >= MIN_WIDTH) & (widths <= max(MIN_WIDTH, MAX_WIDTH_SHARE * width))
    return rows[:-1][keep], lefts[keep], rights[keep]


def _stretches(rows: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield first and last row (excluded) of groups of rows without a long break, and their number of rows."""
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > LONGEST_BREAK) + 1):
        yield int(group[0]), int(group[-1]) + 1, len(group)


def _check_strip(picture: Pixels, box: Box, lying: bool) -> FoundLegend | None:
    """Return the strip as a legend if it has enough classes of saturated, different colours and even lengths."""
    reading = read_bar(picture, box)
    if len(reading.classes.colours) < MIN_CLASSES:
        return None
    box, reading = _lengthened(picture, box, lying, reading)
    classes = reading.classes
    colours = classes.colours
    hue, saturation, value = hue_saturation_value(colours)
    coloured = (saturation >= MIN_SATURATION) & (value >= MIN_SATURATION)
    lengths = classes.stops - classes.starts
    if coloured.mean() < SATURATED_SHARE or lengths.max() > UNEVEN * np.median(lengths):
        return None
    if len(np.unique(colours, axis=0)) < len(colours):
        return None
    return FoundLegend(box, lying, classes, _strong_first(hue, coloured))


def _lengthened(picture: Pixels, box: Box, lying: bool, reading: BarReading) -> tuple[Box, BarReading]:
    """Return the box of a bar and its reading with what is beyond its ends: tips of arrows, further classes."""
    size = picture.shape[1 if lying else 0]
    for _ in range(len(reading.classes.colours)):
        more = round(LENGTHENING * reading.usual_length()) + 1
        x0, y0, x1, y1 = box
        low, high = (x0, x1) if lying else (y0, y1)
        start, stop = max(low - more, 0), min(high + more, size)
        longer = (start, y0, stop, y1) if lying else (x0, start, x1, stop)
        new = read_bar(picture, longer)
        first, last = new.region.first, new.region.last
        ends = (start + first, start + last) if lying else (stop - last, stop - first)
        if ends[0] > low or ends[1] < high or ends == (low, high) or not _continues(reading, new):
            break
        box = (ends[0], y0, ends[1], y1) if lying else (x0, ends[0], x1, ends[1])
        reading = read_bar(picture, box)
    return box, reading


def _continues(reading: BarReading, longer: BarReading) -> bool:
    """Return whether a longer bar has the classes of a bar, and others neither longer nor farther apart."""
    old, new = reading.classes, longer.classes
    shown = {tuple(colour) for colour in new.colours.tolist()}
    if not new.clear or not all(tuple(colour) in shown for colour in old.colours.tolist()):
        return False
    lengths = new.stops - new.starts
    gap, usual_gap = ((one.starts[1:] - one.stops[:-1]).max(initial=0) for one in (new, old))
    return bool(lengths.max() <= LENGTHENING * np.median(lengths) and gap <= usual_gap + 1)


def _strong_first(hue: NDArray[np.float64], coloured: NDArray[np.bool_]) -> bool | None:
    place = np.arange(len(hue))
    warm = place[coloured & ((hue >= WARM[0]) | (hue <= WARM[1]))]
    cold = place[coloured & (hue >= COLD[0]) & (hue <= COLD[1])]
    return bool(warm.mean() < cold.mean()) if warm.size and cold.size else None


def _weight(legend: FoundLegend) -> float:
    """Return the length of a bar in pixels, less if it has few classes."""
    lengths = legend.classes.stops - legend.classes.starts
    return float(lengths.sum()) * min(len(lengths), MANY_CLASSES)


def _overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]
