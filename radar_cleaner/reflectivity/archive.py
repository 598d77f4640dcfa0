"""The frames of a radar, and what the colours of each pixel are: of a class, of no coverage, of the map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from radar_cleaner.conventions import UNDETECT
from radar_cleaner.reflectivity.blends import match_blends
from radar_cleaner.reflectivity.colour_clusters import (
    Histogram,
    add_histograms,
    cluster_colours,
    count_colours,
    distances,
    within,
)
from radar_cleaner.reflectivity.colour_space import ColourSpace
from radar_cleaner.reflectivity.colour_table import ColourTable
from radar_cleaner.reflectivity.hidden_map import Hiding, find_hiding
from radar_cleaner.reflectivity.overlay_evidence import open_thin
from radar_cleaner.reflectivity.palette import ColourScale, Palette
from radar_cleaner.reflectivity.picture import SLOTS, SOFT
from radar_cleaner.reflectivity.pixel_colours import PixelColours, alike

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

DEFAULT_TOLERANCE = 20.0  # RGB distance from a class in pictures of pure colours
SAME_PURE, SAME_SOFT = 2, 16  # largest difference of a band, of colours that count as one
MIN_FRAMES = 6  # different frames without which no class's colour is taken for an overlay
GROUND_SHARE = 0.002  # of the pixels: a commoner colour is one of the map
_MOSTLY_MAP, _BESIDE_MAP = 45.0, 16.0  # distances of a mixed colour from one of the map, and from two
LOOKED_AT = 16  # frames that are enough for counts of colours
EXACT, NEAR = 3.0, 40.0  # RGB distances from a class of pure colours, and of mixed ones
MOST_COLOURS = 20_000  # of a histogram that is clustered
CELLS = 64  # clusters of the map's colours


@dataclass(frozen=True)
class Look:
    """The facts about the pictures of a radar that are known beforehand.

    `scale` and `palette` are those of the colours (no palette for the HSV methods), `nodata` (n, 3) colours
    without coverage, `ground` (n, 3) colours of the map, `observed` (y, x) the pixels that no known overlay hides.
    A `tolerance` or an `opacity` of None is learned; `find_overlay` looks for more overlay.
    """

    scale: ColourScale
    palette: Palette | None
    nodata: Pixels
    ground: Pixels
    observed: Mask
    tolerance: float | None = None
    opacity: float | None = None
    find_overlay: bool = True


def measure_softness(histogram: Histogram, palette: Palette | None) -> float:
    """Return the share (0..1) of the pixels near a class's colour that do not have it exactly.

    Without a palette, or if none of its colours occurs, it is the share of the pixels outside the 64 commonest
    colours.
    """
    total = max(int(histogram.counts.sum()), 1)
    rare = 1 - histogram.counts[:CELLS].sum() / total
    if palette is None or rare < 0.01:
        return float(rare)
    away = distances(histogram.colours[:MOST_COLOURS], own_classes(histogram, palette)).min(axis=1)
    counts = histogram.counts[:MOST_COLOURS]
    near = counts[away <= NEAR].sum()
    return float(1 - counts[away <= EXACT].sum() / near) if near > 0.001 * total else float(rare)


def own_classes(histogram: Histogram, palette: Palette) -> Pixels:
    """Return the colours (n, 3) that an archive has for each class: the commonest within the default tolerance.

    Where the palette's own colour occurs it is taken.
    """
    colours = histogram.colours[:MOST_COLOURS]
    away = distances(colours, palette.colours)
    own = palette.colours.copy()
    for number in range(len(own)):
        if (away[:, number] <= EXACT).any():
            continue
        near = (away[:, number] <= DEFAULT_TOLERANCE) & (away.argmin(axis=1) == number)
        if near.any():
            own[number] = colours[near][0]  # the histogram is sorted
    return own


class Archive:
    """The frames of a radar, each (y, x, 3) uint8, and the commonest colours of each of their pixels.

    `colours` (slot, y, x, 3) are those of a pixel from the commonest on, `lower` (slot, y, x) the frames that show
    them, at least. `different` is the number of frames that differ, `map` (n, 3) the common colours of the map.
    `soft` archives have mixed colours: two count as one up to a difference of `same`. Without any frame nothing is
    known.
    """

    def __init__(self, frames: Sequence[Pixels], look: Look) -> None:
        self.frames, self.look = frames, look
        self.shape = look.observed.shape
        self.count = len(frames)
        histogram = self.histogram = self._histogram()
        self.softness = measure_softness(histogram, look.palette)
        self.soft = self.softness > SOFT
        self.same = SAME_SOFT if self.soft else SAME_PURE
        self.classes = None if look.palette is None else own_classes(histogram, look.palette)
        self.table = ColourTable(look.scale)
        slots = PixelColours((self.shape[0], self.shape[1]), SLOTS + 1, self.same, self.count)
        seen: set[bytes] = set()
        for frame in self.frames:
            slots.add(frame)
            seen.add(xxhash.xxh3_128_digest(np.ascontiguousarray(frame).data))
        slots.ordered()
        self.different = len(seen)
        self.enough = self.different >= MIN_FRAMES
        self.colours, self.lower = slots.colours, slots.counts
        self.filled = self.lower > 0
        self.like_class, self.like_nodata = np.zeros_like(self.filled), np.zeros_like(self.filled)
        self.nodata = look.nodata
        for number, colours in enumerate(self.colours):
            np.logical_and(self.is_class(colours), self.filled[number], out=self.like_class[number])
        self._mark_nodata()
        if len(look.ground):  # a colour of the map may also be that of a class: it is the usual one there
            self.like_class[0] &= ~within(self.colours[0], look.ground, float(self.same))
        self.hiding = self._find_hiding()
        self.nodata = np.concatenate([look.nodata, *(np.array([one.colour], np.uint8) for one in self.hiding)])
        self._mark_nodata()
        self.map, self.opacity = self._find_map(), 1.0

    def sampled(self, most: int) -> Iterator[Pixels]:
        for index in self.sampled_numbers(most):
            yield self.frames[index]

    def sampled_numbers(self, most: int) -> list[int]:
        return [int(n) for n in np.unique(np.linspace(0, self.count - 1, min(most, self.count)).astype(int))]

    def _histogram(self) -> Histogram:
        return add_histograms([count_colours(frame[self.look.observed]) for frame in self.sampled(LOOKED_AT)])

    def is_class(self, colours: Pixels) -> Mask:
        """Return where (y, x) colours (y, x, 3) are those of a class."""
        if self.classes is None:
            return np.asarray(self.table(colours) != UNDETECT)
        return within(colours, self.classes, DEFAULT_TOLERANCE if self.soft else EXACT)

    def is_nodata(self, colours: Pixels) -> Mask:
        return within(colours, self.nodata, float(self.same))

    def is_mapped(self, colours: Pixels, asked: Mask) -> Mask:
        """Return where (y, x) colours (y, x, 3) are of the map; in soft pictures also those that are mostly."""
        found = within(colours, self.map, 2.0 * self.same)
        if self.soft and len(self.map):
            rows = np.flatnonzero(asked & ~found)
            space = ColourSpace(0.5)  # JPEG keeps brightness better than colour
            left = space.points(colours.reshape(-1, 3)[rows])
            colours_of_map = space.points(self.map)
            away = distances(left, colours_of_map).min(axis=1)
            near = away <= _MOSTLY_MAP
            if self.classes is not None:
                near &= away <= 0.7 * distances(left, space.points(self.classes)).min(axis=1)
            any_of_map = np.pad(np.ones((len(left), len(self.map)), bool), ((0, 0), (1, 0)))
            near |= match_blends(left, left, colours_of_map, any_of_map).distance <= _BESIDE_MAP
            found.ravel()[rows[near]] = True
        return found

    def shows(self, frame: Pixels, ground: Pixels) -> Mask:
        return alike(frame, ground, self.same)

    def _mark_nodata(self) -> None:
        for number, colours in enumerate(self.colours):
            if len(self.nodata):
                np.logical_and(self.is_nodata(colours), self.filled[number], out=self.like_nodata[number])

    def _find_hiding(self) -> list[Hiding]:
        """Return the colours that hide the map in some frames."""
        candidates = self.filled & ~self.like_class & ~self.like_nodata & self.look.observed
        return find_hiding(self.frames, self.colours, candidates, self.same, self.look.ground, self.is_class)

    def _find_map(self) -> Pixels:
        """Return the common colours (n, 3) of the map: of many pixels beside each other, and no class."""
        usable = self.filled[0] & ~self.like_class[0] & ~self.like_nodata[0] & self.look.observed
        histogram = count_colours(self.colours[0][usable])
        clusters = cluster_colours(commonest(histogram), float(self.same), CELLS)
        least = GROUND_SHARE * max(int(self.look.observed.sum()), 1)
        found = [self.look.ground]
        for centre, count in zip(clusters.centres, clusters.counts, strict=True):
            if count < least:
                continue
            mask = (within(self.colours[0], centre[None], 2.0 * self.same) & usable).astype(np.uint8)
            if 2 * open_thin(mask).sum() >= mask.sum():
                found.append(centre[None])
        return np.concatenate(found)


def commonest(histogram: Histogram) -> Histogram:
    """Return the commonest colours of a histogram: as many as are clustered in a short time."""
    return Histogram(histogram.colours[:MOST_COLOURS], histogram.counts[:MOST_COLOURS])
