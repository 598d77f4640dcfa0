"""Find colours that hide the map now and then, as where a radar of a mosaic is off: no coverage, not ground."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_clusters import (
    Clusters,
    Histogram,
    cluster_colours,
    count_colours,
    number_colours,
    within,
)
from radar_cleaner.reflectivity.overlay_evidence import open_thin
from radar_cleaner.reflectivity.pixel_colours import alike, fill_nearest
from radar_cleaner.reflectivity.rain_shapes import RainShapes

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LARGE = 0.005  # of the pixels: the least area of a colour that is looked at
WIDE_PX = 17  # squares of this size fit into it
MOST_ALIKE = 0.9  # share of one colour below an area: more is a map in other colours
CROSSES = 0.2  # share of the pixels around an area that continue the map below it
GAP_PX = 31  # of an area: pixels whose commonest colours do not include it
MOST_FRAMES = 32  # are compared; each is a bit of a number
LEAST_GROUP, GROUPED = 0.2, 0.7  # shares of an area: of a part that changes as one, and of all these parts
FEWEST_FRAMES = 12  # rain of fewer frames changes in as few parts
SHOWN = 0.2  # share of an area from which a frame shows it: rims of rain may have its colour
_MOST_COLOURS, _MOST_CLUSTERS = 20_000, 64


@dataclass(frozen=True)
class Hiding:
    """A colour that hides the map at some pixels in some frames: their share of the pixels, and of the frames."""

    colour: tuple[int, int, int]
    area: float
    frames: float


def find_hiding(
    frames: Sequence[Pixels],
    colours: Pixels,
    candidates: Mask,
    same: int,
    ground: Pixels,
    is_class: Callable[[Pixels], Mask],
) -> list[Hiding]:
    """Return the colours that hide the map.

    `colours` (slot, y, x, 3) are those of each pixel, `candidates` (slot, y, x) is true for those that are of
    no class, so that they may be ground. `ground` (n, 3) is known to be the map.

    A colour hides the map if its area is wide, changes as a whole, and either covers various colours or ends where
    the map goes on. It is a map of its own if it rains within it, or if it replaces one colour by another.
    """
    both = candidates.sum(axis=0) >= 2
    if len(frames) < FEWEST_FRAMES or not (candidates & both).any():
        return []
    histogram = count_colours(colours[candidates & both])
    most = Histogram(histogram.colours[:_MOST_COLOURS], histogram.counts[:_MOST_COLOURS])
    clusters = cluster_colours(most, float(same), _MOST_CLUSTERS)
    common = clusters.centres[clusters.counts >= LARGE * both.size]
    common = common[~within(common[None], ground, 2.0 * same)[0]]
    left, found = candidates.copy(), list[Hiding]()
    areas = {number: _Area(colour, colours, left, clusters, same) for number, colour in enumerate(common)}
    for number in sorted(areas, key=lambda number: areas[number].usual):
        # The map below a colour that hides it would seem to hide that colour.
        area = _Area(common[number], colours, left, clusters, same) if found else areas[number]
        hiding = _judge(frames, area, same, is_class) if area.hides else None
        if hiding is not None:
            found.append(hiding)
            left &= ~np.array([within(slot, area.colour[None], 2.0 * same) for slot in colours])
    return found


class _Area:
    """The area (y, x) in which pixels show a colour (3,) and another one."""

    def __init__(self, colour: Pixels, colours: Pixels, candidates: Mask, clusters: Clusters, same: int) -> None:
        self.colour = colour
        shows = np.array([within(slot, colour[None], 2.0 * same) for slot in colours]) & candidates
        others = candidates & ~shows
        known: Mask = np.asarray(others.any(axis=0), bool)
        changing: Mask = np.asarray(shows.any(axis=0), bool)
        both = (changing & known).astype(np.uint8)
        joined = cv2.morphologyEx(both, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        self.mask: Mask = open_thin(np.asarray(joined, np.uint8), WIDE_PX) > 0  # thin lines do not divide it
        below = np.take_along_axis(colours, others.argmax(axis=0)[None, ..., None], axis=0)[0]
        numbers = number_colours(below, clusters, 2.0 * same)[self.mask & known & changing]
        self.usual = float(np.bincount(numbers[numbers >= 0], minlength=1).max() / max(len(numbers), 1))
        self.hides = bool(self.mask.mean() >= LARGE) and (
            self.usual <= MOST_ALIKE or _crosses(self.mask & known & changing, below, known & ~changing, same)
        )


def _crosses(area: Mask, below: Pixels, known: Mask, same: int) -> bool:
    """Return whether the map (y, x, 3) below an area goes on around it."""
    near, far = (cv2.dilate(area.view(np.uint8), np.ones((px, px), np.uint8)) > 0 for px in (5, 11))
    ring = far & ~near & known
    if not ring.any():
        return False
    inside = fill_nearest(below, area)
    return bool(alike(inside, below, 2 * same)[ring].mean() >= CROSSES)


def _judge(frames: Sequence[Pixels], area: _Area, same: int, is_class: Callable[[Pixels], Mask]) -> Hiding | None:
    """Return the colour of an area if it changes as a whole, and it does not rain within its colour."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(MOST_FRAMES, len(frames))).astype(int))
    bits, shapes = np.zeros(int(area.mask.sum()), np.uint32), RainShapes()
    region = cv2.morphologyEx(area.mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((GAP_PX, GAP_PX), np.uint8)) > 0
    for place, number in enumerate(chosen):
        frame = frames[int(number)]
        shown = within(frame, area.colour[None], 2.0 * same) & region
        bits |= shown[area.mask].astype(np.uint32) << np.uint32(place)
        if shown[area.mask].mean() >= SHOWN:
            shapes.add(shown, is_class(frame))
    groups, counts = np.unique(bits, return_counts=True)
    counts[groups == 0] = 0
    times = np.array([int(group).bit_count() for group in groups])
    large = (counts >= LEAST_GROUP * counts.sum()) & (times >= 2) & (times < len(chosen))
    if counts[large].sum() < GROUPED * max(counts.sum(), 1) or shapes.enter:
        return None
    red, green, blue = (int(value) for value in area.colour)
    share = float((counts * times).sum() / max(counts.sum(), 1) / len(chosen))
    return Hiding((red, green, blue), round(float(area.mask.mean()), 6), round(share, 6))
