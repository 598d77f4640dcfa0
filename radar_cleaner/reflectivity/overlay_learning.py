"""Find what is drawn over the weather: names, borders, rings, boxes, and maps in the colour of a class."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import UNDETECT
from radar_cleaner.reflectivity.archive import (
    CELLS,
    DEFAULT_TOLERANCE,
    EXACT,
    LOOKED_AT,
    Archive,
    Mask,
    Pixels,
    commonest,
)
from radar_cleaner.reflectivity.boxes import find_boxes, find_clocks
from radar_cleaner.reflectivity.colour_clusters import (
    Clusters,
    cluster_colours,
    count_colours,
    distances,
    number_colours,
    within,
)
from radar_cleaner.reflectivity.colour_space import ColourSpace, remove_ground
from radar_cleaner.reflectivity.crossings import Crossings
from radar_cleaner.reflectivity.overlay_evidence import (
    Changes,
    Components,
    RainAround,
    Surroundings,
    find_components,
    find_thin,
    open_thin,
)
from radar_cleaner.reflectivity.overlay_shapes import fill_hatch, fill_holes, grow_rims
from radar_cleaner.reflectivity.pixel_colours import SlotMeans, alike
from radar_cleaner.reflectivity.row_blocks import row_blocks
from radar_cleaner.reflectivity.soft_decoding import SoftDecoder

STATIC, STATIC_CLASS = 0.9, 0.97  # share of the frames with one colour: of any, and of the colour of a class
MOST_OUTSIDE = 0.35  # share of the pixels beside a drawing in a class's colour that may show it: rain
MAPPED_CLASS, MIN_MAPPED = 0.5, 12  # share of the frames, and pixels, of a map in a class's colour below rain
FEWEST_MAPPED = 24  # frames from which rain that stays is not taken for a map
FEWEST_AROUND = 4  # different frames from which rain around a drawing in a class's colour shows that it stays
MIN_DRAWING = 4  # pixels of a drawing in the colour of a class that also occurs elsewhere
WIDE_PX = 17  # colours that cover squares of this size are of a map, not of blurred names


class OverlayFinder:
    """Finds the overlay of an archive, from the ground below it and the space of its colours."""

    def __init__(self, archive: Archive, space: ColourSpace) -> None:
        self.archive, self.space = archive, space

    def find(self, ground: Pixels) -> tuple[Mask, Mask, SlotMeans]:
        """Return overlay (y, x), ground in a class's colour (y, x), and the colours of the slots."""
        archive = self.archive
        means = SlotMeans(
            archive.colours,
            archive.filled,
            archive.same,
            archive.count,
            counts_only=not archive.soft,
        )
        static = archive.filled[0] & archive.look.observed & ~archive.like_nodata[0]
        blurred = np.flatnonzero(self._find_mixed() & static)
        static &= self._is_usual(blurred)
        # Where rain is the usual colour, the pixel counts as the ground below it.
        usual = archive.colours[0].copy()
        np.copyto(usual, ground, where=(archive.like_class[0] & ~static)[..., None])
        clusters = cluster_colours(
            commonest(count_colours(usual[archive.look.observed])), float(archive.same), CELLS
        )
        numbers = number_colours(usual, clusters, 2.0 * archive.same)
        components = find_components(numbers, static)
        of_class = np.zeros(len(components.size), bool)
        of_class[components.labels[archive.like_class[0] & static]] = True
        of_class[0] = False
        rain = RainAround(components, numbers, archive.look.observed)
        known = np.zeros(archive.shape, bool)
        for shade, filled in zip(archive.colours, archive.filled, strict=True):
            known |= alike(shade, usual, 0) & filled
        known &= ~archive.like_nodata[0]
        del usual
        crossings = Crossings(numbers, known)
        surroundings = Surroundings(components, of_class, archive.look.observed)
        echoes = np.zeros(archive.shape, np.uint16)
        colours = np.zeros((len(components.size), 3), np.int16)
        colours[1:] = clusters.centres[components.cluster[1:]] if len(components.size) > 1 else 0
        for frame, echo in self._echo(ground):
            slot = means.add(frame)
            raining = echo & (slot != 0) & archive.look.observed
            kept = slot == 0
            kept.ravel()[blurred] |= self._hides_class(frame, blurred)
            rain.add(raining, kept)
            crossings.add(raining)
            echoes += echo
            surroundings.add(frame, colours.astype(np.uint8), 2 * archive.same)
        hides, disguised = self._judge(
            components, rain, of_class, surroundings.shares(), clusters.centres, find_thin(numbers)
        )
        overlay = fill_hatch(hides[components.labels], echoes == 0) | fill_holes(crossings.closed())
        overlay |= find_boxes(numbers, known, echoes)
        if not archive.soft and archive.opacity == 1:
            plain = archive.filled & ~archive.like_class & ~archive.like_nodata
            overlay |= find_clocks(plain.sum(axis=0) >= 2, echoes)
        if archive.soft:
            overlay = cv2.dilate(overlay.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        else:
            overlay = grow_rims(overlay, self._find_mixed(overlay), numbers)
        overlay &= archive.look.find_overlay & archive.look.observed
        return np.asarray(overlay), disguised[components.labels] & ~overlay, means

    def _echo(self, ground: Pixels) -> Iterator[tuple[Pixels, Mask]]:
        """Yield the frames, and where (y, x) each shows the colour of a class."""
        archive = self.archive
        decoder = None
        if archive.soft and archive.classes is not None:
            decoder = SoftDecoder(archive.classes, [ground], self.space, DEFAULT_TOLERANCE * 2)
        for frame in archive.frames:
            picture = remove_ground(frame, ground, archive.opacity)
            if decoder is not None:
                yield frame, np.asarray(decoder(picture)[0] > 0)
            elif archive.opacity < 1:
                yield (
                    frame,
                    np.asarray(archive.table(picture) != UNDETECT) & ~archive.shows(frame, ground),
                )
            else:
                yield frame, np.asarray(archive.table(picture) != UNDETECT)

    def _find_mixed(self, overlay: Mask | None = None) -> Mask:
        """Return narrow parts (y, x) in a colour neither of the map nor of a class: blurred lines and rims.

        Pixels of the `overlay` do not count. Soft pictures have none: all their colours are mixed.
        """
        archive = self.archive
        if archive.soft or archive.opacity < 1:
            return np.zeros(archive.shape, bool)
        mixed = archive.filled[0] & ~archive.like_class[0] & ~archive.like_nodata[0]
        mixed &= ~within(archive.colours[0], archive.map, float(archive.same))
        if overlay is not None:
            mixed &= ~overlay
        return np.asarray(mixed & (open_thin(mixed.astype(np.uint8), WIDE_PX) == 0))

    def _hides_class(self, frame: Pixels, places: NDArray[np.intp]) -> Mask:
        """Return at which flat places a frame shows a colour that is neither of a class nor of the map."""
        archive = self.archive
        if not places.size:
            return np.zeros(0, bool)
        shown = frame.reshape(-1, 3)[places][None]
        hidden = (archive.table(shown) == UNDETECT) & ~within(shown, archive.map, float(archive.same))
        return np.asarray(hidden[0])

    def _is_usual(self, blurred: NDArray[np.intp]) -> Mask:
        """Return where (y, x) nearly all frames show the usual colour of the pixel.

        At flat places that are `blurred`, colours that are neither a class nor the map count, too: it rains below.
        """
        archive = self.archive
        counts = np.zeros(archive.shape, np.min_scalar_type(archive.count))
        for frame in archive.frames:
            shown = archive.shows(frame, archive.colours[0])
            shown.ravel()[blurred] |= self._hides_class(frame, blurred)
            counts += shown
        usual = np.zeros(archive.shape, bool)
        for rows in row_blocks(archive.shape):
            least = np.where(archive.like_class[0, rows], STATIC_CLASS, STATIC)
            usual[rows] = counts[rows] / max(archive.count, 1) >= least
        return usual | self._mapped_classes(counts)

    def _mapped_classes(self, counts: NDArray[np.integer]) -> Mask:
        """Return parts (y, x) of the map in the colour of a class over which it rains.

        `counts` (y, x) are the frames with the usual colours. Their edges never move, and their colour returns
        after the rain. The colour of a rain that stays is nearly as frequent beside it; that of slow rain does not
        return. Clutter comes and goes pixel by pixel, and shows the map behind it.
        """
        archive = self.archive
        often = archive.like_class[0] & (counts >= MAPPED_CLASS * archive.count) & archive.look.observed
        few = archive.count < FEWEST_MAPPED or not archive.enough
        if few or archive.classes is None or not (often & (counts < STATIC_CLASS * archive.count)).any():
            return np.zeros(archive.shape, bool)
        near = DEFAULT_TOLERANCE if archive.soft else EXACT
        numbers = number_colours(
            archive.colours[0],
            Clusters(archive.classes, *np.zeros((2, len(archive.classes)))),
            near,
        )
        components = find_components(numbers, often)
        large = components.size >= MIN_MAPPED
        large[0] = False
        surroundings = Surroundings(components, large, archive.look.observed)
        colours = archive.classes[np.maximum(components.cluster, 0)]
        if not large.any():
            return np.zeros(archive.shape, bool)
        changes = Changes(components, large, archive.colours[0], archive.same)
        for frame in archive.frames:
            surroundings.add(frame, colours, 2 * archive.same)
            changes.add(frame, within(frame, archive.map, float(archive.same)))
        large &= changes.are_of_rain(archive.count)
        inside = np.bincount(components.labels.ravel(), counts.ravel()) / np.maximum(components.size, 1)
        sharp = large & (surroundings.shares() <= MOST_OUTSIDE * inside / archive.count)
        return np.asarray(sharp[components.labels])

    def _judge(
        self,
        components: Components,
        rain: RainAround,
        of_class: Mask,
        outside: NDArray[np.float64],
        centres: Pixels,
        thin_colours: Mask,
    ) -> tuple[Mask, Mask]:
        """Return which components (n,) hide the echo, and which are ground in the colour of a class."""
        archive = self.archive
        thin = components.thin >= 0.8
        group = components.cluster * 2 + thin
        group[0] = 0
        raining = np.bincount(group[1:], rain.raining[1:], 2 * CELLS + 2)
        kept = np.bincount(group[1:], rain.kept[1:], 2 * CELLS + 2)
        size = np.bincount(group[1:], components.size[1:], 2 * CELLS + 2)
        # Of a colour that is mostly thin, pieces are names, borders and rings; of another one islands.
        drawn = thin & thin_colours[components.cluster]
        own, common = rain.raining >= 5, raining[group] >= 10
        ratio = np.where(own, rain.kept / np.maximum(rain.raining, 1), kept[group] / np.maximum(raining[group], 1))
        # An island of the map needs more than a few speckles around it.
        ratio[~drawn & ~of_class & (rain.raining < 30)] = 0
        known = own | common
        sharp = outside <= MOST_OUTSIDE
        # Clutter of a few pixels may always have one class: a drawing is larger, or most of its colour.
        seen = self._pixels_like(centres)
        large = (components.size >= MIN_DRAWING) | (size[::2] + size[1::2] >= 0.5 * seen)[components.cluster]
        sharp &= large
        # In soft pictures the edge of a lake is thin, too, and has a colour of its own.
        hides = np.where(known, ratio >= 0.7, (drawn & (not archive.soft)) | (of_class & thin))
        stays = own & (ratio >= 0.7) & (archive.different >= FEWEST_AROUND)
        hides &= ~of_class | (sharp & (archive.enough | stays))
        disguised = of_class & sharp & ~hides & archive.enough
        hides[0] = disguised[0] = False
        return np.asarray(hides), np.asarray(disguised)

    def _pixels_like(self, centres: Pixels) -> NDArray[np.float64]:
        """Return how many pixels of a frame, on average, have the colour of each cluster; the last is of none."""
        archive = self.archive
        found = np.zeros(CELLS + 1)
        frames = max(min(LOOKED_AT, archive.count), 1)
        for number, centre in enumerate(centres):
            near = distances(archive.histogram.colours, centre[None])[:, 0] <= 2 * archive.same
            found[number] = archive.histogram.counts[near].sum() / frames
        return found
