"""Learn from frames what the pictures of a radar show apart from the weather."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from radar_cleaner.conventions import UNDETECT
from radar_cleaner.reflectivity.blends import match_blends
from radar_cleaner.reflectivity.boxes import find_boxes
from radar_cleaner.reflectivity.colour_clusters import (
    Clusters,
    Histogram,
    add_histograms,
    cluster_colours,
    count_colours,
    distances,
    number_colours,
    within,
)
from radar_cleaner.reflectivity.colour_space import ColourSpace, remove_ground
from radar_cleaner.reflectivity.colour_table import ColourTable
from radar_cleaner.reflectivity.crossings import Crossings
from radar_cleaner.reflectivity.mixing import Mixing, find_mixing
from radar_cleaner.reflectivity.opacity import find_opacity
from radar_cleaner.reflectivity.overlay_evidence import (
    Components,
    RainAround,
    Surroundings,
    find_components,
    find_thin,
    open_thin,
)
from radar_cleaner.reflectivity.overlay_shapes import fill_hatch, fill_holes, grow_rims
from radar_cleaner.reflectivity.palette import ColourScale, Palette
from radar_cleaner.reflectivity.picture import SLOTS, SOFT, ArchiveColour, Picture
from radar_cleaner.reflectivity.pixel_colours import PixelColours, SlotMeans, alike, fill_nearest
from radar_cleaner.reflectivity.row_blocks import row_blocks, widen
from radar_cleaner.reflectivity.soft_decoding import PURE, SoftDecoder

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

DEFAULT_TOLERANCE = 20.0  # RGB distance from a class in pictures of pure colours
SAME_PURE, SAME_SOFT = 2, 16  # largest difference of a band, of colours that count as one
MIN_FRAMES = 6  # different frames without which no class's colour is taken for an overlay
STATIC, STATIC_CLASS = 0.9, 0.97  # share of the frames with one colour: of any, and of the colour of a class
MOST_OUTSIDE = 0.35  # share of the pixels beside a drawing in a class's colour that may show it: rain
MIN_RETURNS = 0.8  # times that its colour returns, on average of its pixels
MAPPED_CLASS, MIN_MAPPED = 0.5, 12  # share of the frames, and pixels, of a map in a class's colour below rain
FEWEST_MAPPED = 24  # frames from which rain that stays is not taken for a map
MIN_DRAWING = 4  # pixels of a drawing in the colour of a class that also occurs elsewhere
GROUND_SHARE = 0.002  # of the pixels: a commoner colour is one of the map
USUAL = 0.75  # of the frames: the colour of these is ground in mixed colours, too; clutter is rarer
MIN_SHARE = 0.05  # of the frames: a rarer colour of a pixel is not its ground
_MOSTLY_MAP, _BESIDE_MAP = 45.0, 16.0  # distances of a mixed colour from one of the map, and from two
WIDE_PX = 17  # colours that cover squares of this size are of a map, not of blurred names
_LOOKED_AT = 16  # frames that are enough for counts of colours
_EXACT, _NEAR = 3.0, 40.0  # RGB distances from a class of pure colours, and of mixed ones
_MIXED_PURE, _MIXED_SOFT = 3.0, 12.0  # RGB distance of half-transparent echo from what is computed
_MOST_COLOURS = 20_000  # of a histogram that is clustered
_CELLS = 64  # clusters of the map's colours
_SHARPENINGS = (0.0, 0.5, 1.0, 1.5, 2.0)
_SOFT_TOLERANCE = (40.0, 100.0)  # least and most, in the space of soft colours


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


def learn(frames: Sequence[Pixels], look: Look) -> Picture:
    """Learn the picture of a radar from frames of its plot box, each (y, x, 3) uint8; they are read four times.

    Without any frame nothing is known: no ground, no overlay.
    """
    return _Learner(frames, look).learn()


def measure_softness(histogram: Histogram, palette: Palette | None) -> float:
    """Return the share (0..1) of the pixels near a class's colour that do not have it exactly.

    Without a palette, or if none of its colours occurs, it is the share of the pixels outside the 64 commonest
    colours.
    """
    total = max(int(histogram.counts.sum()), 1)
    rare = 1 - histogram.counts[:_CELLS].sum() / total
    if palette is None or rare < 0.01:
        return float(rare)
    away = distances(histogram.colours[:_MOST_COLOURS], own_classes(histogram, palette)).min(axis=1)
    counts = histogram.counts[:_MOST_COLOURS]
    near = counts[away <= _NEAR].sum()
    return float(1 - counts[away <= _EXACT].sum() / near) if near > 0.001 * total else float(rare)


def own_classes(histogram: Histogram, palette: Palette) -> Pixels:
    """Return the colours (n, 3) that an archive has for each class: the commonest within the default tolerance.

    Where the palette's own colour occurs it is taken.
    """
    colours = histogram.colours[:_MOST_COLOURS]
    away = distances(colours, palette.colours)
    own = palette.colours.copy()
    for number in range(len(own)):
        if (away[:, number] <= _EXACT).any():
            continue
        near = (away[:, number] <= DEFAULT_TOLERANCE) & (away.argmin(axis=1) == number)
        if near.any():
            own[number] = colours[near][0]  # the histogram is sorted
    return own


class _Learner:
    def __init__(self, frames: Sequence[Pixels], look: Look) -> None:
        self.frames, self.look = frames, look
        self.shape = look.observed.shape
        self.count = len(frames)

    def learn(self) -> Picture:
        look = self.look
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
        self.enough = len(seen) >= MIN_FRAMES
        self.colours, lower = slots.colours, slots.counts
        self.filled = lower > 0
        self.like_class, self.like_nodata = np.zeros_like(self.filled), np.zeros_like(self.filled)
        for number, colours in enumerate(self.colours):
            np.logical_and(self._is_class(colours), self.filled[number], out=self.like_class[number])
            if len(look.nodata):
                np.logical_and(self._is_nodata(colours), self.filled[number], out=self.like_nodata[number])
        if len(look.ground):  # a colour of the map may also be that of a class: it is the usual one there
            self.like_class[0] &= ~within(self.colours[0], look.ground, float(self.same))
        self.map, self.opacity = self._find_map(), 1.0
        ground = self._first_ground(lower)
        self.opacity = self._find_opacity(ground) if look.opacity is None else look.opacity
        if self.opacity < 1:
            ground = self._without_echo(ground, lower)
        del lower, slots
        self.space = self._find_space(ground)
        tolerance, mixing = self._find_tolerance(ground), self._find_mixing(ground)
        overlay, disguised, means = self._find_overlay(ground)
        del ground
        kept, shares = self._settle_ground(means, overlay, disguised)
        nodata = self.like_nodata[0] & (means.counts[0] >= STATIC_CLASS * max(self.count, 1))
        return Picture(
            ground=kept,
            ground_share=shares,
            overlay=overlay,
            nodata=nodata,
            ground_colours=tuple((int(r), int(g), int(b)) for r, g, b in self.map),
            colours=self._archive_colours(histogram),
            tolerance=tolerance,
            opacity=self.opacity,
            softness=round(self.softness, 4),
            space=self.space,
            frames=self.count,
            enough=self.enough,
            mixing=mixing,
        )

    def _sampled(self, most: int) -> Iterator[Pixels]:
        for index in self._sampled_numbers(most):
            yield self.frames[index]

    def _sampled_numbers(self, most: int) -> list[int]:
        return [int(n) for n in np.unique(np.linspace(0, self.count - 1, min(most, self.count)).astype(int))]

    def _histogram(self) -> Histogram:
        return add_histograms([count_colours(frame[self.look.observed]) for frame in self._sampled(_LOOKED_AT)])

    def _is_class(self, colours: Pixels) -> Mask:
        """Return where (y, x) colours (y, x, 3) are those of a class."""
        if self.classes is None:
            return np.asarray(self.table(colours) != UNDETECT)
        return within(colours, self.classes, DEFAULT_TOLERANCE if self.soft else _EXACT)

    def _is_nodata(self, colours: Pixels) -> Mask:
        return within(colours, self.look.nodata, float(self.same))

    def _find_map(self) -> Pixels:
        """Return the common colours (n, 3) of the map: of many pixels beside each other, and no class."""
        usable = self.filled[0] & ~self.like_class[0] & ~self.like_nodata[0] & self.look.observed
        histogram = count_colours(self.colours[0][usable])
        clusters = cluster_colours(_head(histogram), float(self.same), _CELLS)
        least = GROUND_SHARE * max(int(self.look.observed.sum()), 1)
        found = [self.look.ground]
        for centre, count in zip(clusters.centres, clusters.counts, strict=True):
            if count < least:
                continue
            mask = (within(self.colours[0], centre[None], 2.0 * self.same) & usable).astype(np.uint8)
            if 2 * open_thin(mask).sum() >= mask.sum():
                found.append(centre[None])
        return np.concatenate(found)

    def _first_ground(self, counts: NDArray[np.unsignedinteger]) -> Pixels:
        """Return the commonest ground (y, x, 3) of each pixel, the nearest one's where a pixel shows none.

        `counts` (slot, y, x) are those of the frames that show the colours of the slots, at least.
        """
        ground, known = np.zeros((*self.shape, 3), np.uint8), np.zeros(self.shape, bool)
        sure = known.copy()
        least = USUAL if self._map_alone else 0.25
        for rows in row_blocks(self.shape):
            for colours, filled, banned, count in zip(
                self.colours[:, rows],
                self.filled[:, rows],
                self.like_class[:, rows] | self.like_nodata[:, rows],
                counts[:, rows],
                strict=True,
            ):
                fits = filled & ~banned & ~known[rows]
                mapped = self._is_mapped(colours, fits)
                fits &= mapped | (count / max(self.count, 1) >= least) & self._many
                ground[rows][fits] = colours[fits]
                known[rows] |= fits
                sure[rows] |= fits & mapped  # a line's colour does not spread
        filled_in = fill_nearest(ground, sure)
        np.copyto(ground, filled_in, where=~known[..., None])
        return ground

    @property
    def _many(self) -> bool:
        """Whether a colour that a pixel often shows is its ground, as in many frames."""
        return self.count >= MIN_FRAMES

    @property
    def _map_alone(self) -> bool:
        """Whether a rare colour of a pixel is not its ground: it may be mixed with echo."""
        return self.soft or self.opacity < 1

    def _is_mapped(self, colours: Pixels, asked: Mask) -> Mask:
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

    def _find_opacity(self, ground: Pixels) -> float:
        """Return the opacity of the echo, from pixels that are neither class nor ground."""
        if self.look.palette is None or not len(self.map):
            return 1.0
        palette = self.look.palette.colours
        pairs: list[Pixels] = []
        explained = unexplained = 0
        for frame in self._sampled(_LOOKED_AT):
            known = within(frame, palette, DEFAULT_TOLERANCE if self.soft else _EXACT)
            explained += int((known & self.look.observed).sum())
            left = self.look.observed & ~known & ~self._is_nodata(frame)
            left &= ~within(frame, self.map, 2.0 * self.same)
            left &= ~alike(frame, ground, self.same)
            unexplained += int(left.sum())
            rows = np.flatnonzero(left)
            rows = rows[:: max(1, len(rows) // 20_000)]
            pairs.append(np.hstack([frame.reshape(-1, 3)[rows], ground.reshape(-1, 3)[rows]]))
        if unexplained <= explained:
            return 1.0
        unique, counts = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
        order = np.argsort(-counts)[:2000]
        near = _MIXED_SOFT if self.soft else _MIXED_PURE
        return find_opacity(unique[order, :3], unique[order, 3:], counts[order], palette, near)

    def _without_echo(self, ground: Pixels, lower: NDArray[np.unsignedinteger]) -> Pixels:
        """Take colours that are half-transparent echo from the map; return the ground again."""
        assert self.look.palette is not None, "only a palette has an opacity"
        self.classes = self.look.palette.colours
        kept = list(range(len(self.map)))
        for number in reversed(range(len(self.map))):
            behind = self.map[[other for other in kept if other != number]]
            own = remove_ground(np.broadcast_to(self.map[number], behind.shape), behind, self.opacity)
            if len(own) and distances(own, self.classes).min() <= DEFAULT_TOLERANCE:
                kept.remove(number)
        self.map = self.map[kept]
        ground = self._first_ground(lower)
        for rows in row_blocks(self.shape):
            for number, colours in enumerate(self.colours[:, rows]):
                own = remove_ground(colours, ground[rows], self.opacity)
                echo = within(own, self.classes, DEFAULT_TOLERANCE) & ~within(colours, self.map, 2.0 * self.same)
                self.like_class[number, rows] |= echo & self.filled[number, rows]
        return self._first_ground(lower)

    def _find_space(self, ground: Pixels) -> ColourSpace:
        """Return the space in which mixed colours are nearest to those that they come from."""
        if not self.soft or self.classes is None or not self.count:
            return ColourSpace()
        best, space, ratio = np.inf, ColourSpace(), 2.0
        for number, amount in enumerate(_SHARPENINGS):
            tried = ColourSpace(1.0, (amount, amount))
            decoder = SoftDecoder(self.classes, self._grounds(ground), tried, np.inf)
            far, errors = 0.0, _MeanError()
            for frame in self._sampled(4):
                picture, beyond = remove_ground(frame, ground, self.opacity), 0
                for rows in row_blocks(self.shape):
                    away = decoder.distances(picture, rows)
                    least, observed = away.min(axis=2), self.look.observed[rows]
                    beyond += int((least[observed] > 2 * PURE).sum())
                    if number == 0:
                        chosen = observed & (least > 4) & (least < 40)
                        errors.add(decoder.errors(picture, away, rows)[chosen])
                far += beyond / max(int(self.look.observed.sum()), 1)
            if errors.count:
                bright, *chroma = errors.mean().tolist()
                ratio = bright / max(sum(chroma) / 2, 0.1)
            if far < best:
                best, space = far, tried
        # JPEG keeps brightness better than colour; scaling mixes both alike.
        return ColourSpace(round(min(max(ratio - 0.5, 0.4), 1.0), 2), space.sharpening)

    def _find_mixing(self, ground: Pixels) -> Mixing:
        """Return how the colours of echo are mixed: those that are not the map's."""
        if self.classes is None or not self.count:
            return Mixing.NOISY
        parts = []
        for frame in self._sampled(4):
            echo = self.look.observed & ~self._shows(frame, ground) & ~self._is_nodata(frame)
            echo &= ~within(frame, self.map, 2.0 * self.same)
            parts.append(count_colours(remove_ground(frame, ground, self.opacity)[echo]))
        return find_mixing(_head(add_histograms(parts)), self.classes)

    def _grounds(self, ground: Pixels) -> list[Pixels]:
        return [ground]

    def _echo(self, ground: Pixels) -> Iterator[tuple[Pixels, Mask]]:
        """Yield the frames, and where (y, x) each shows the colour of a class."""
        decoder = None
        if self.soft and self.classes is not None:
            decoder = SoftDecoder(self.classes, self._grounds(ground), self.space, DEFAULT_TOLERANCE * 2)
        for frame in self.frames:
            picture = remove_ground(frame, ground, self.opacity)
            if decoder is not None:
                yield frame, np.asarray(decoder(picture)[0] > 0)
            elif self.opacity < 1:
                yield frame, np.asarray(self.table(picture) != UNDETECT) & ~self._shows(frame, ground)
            else:
                yield frame, np.asarray(self.table(picture) != UNDETECT)

    def _shows(self, frame: Pixels, ground: Pixels) -> Mask:
        return alike(frame, ground, self.same)

    def _find_overlay(self, ground: Pixels) -> tuple[Mask, Mask, SlotMeans]:
        """Return overlay (y, x), ground in a class's colour (y, x), and the colours of the slots."""
        means = SlotMeans(self.colours, self.filled, self.same, self.count, counts_only=not self.soft)
        static = self.filled[0] & self.look.observed & ~self.like_nodata[0]
        blurred = np.flatnonzero(self._find_mixed() & static)
        static &= self._is_usual(blurred)
        # Where rain is the usual colour, the pixel counts as the ground below it.
        usual = self.colours[0].copy()
        np.copyto(usual, ground, where=(self.like_class[0] & ~static)[..., None])
        clusters = cluster_colours(_head(count_colours(usual[self.look.observed])), float(self.same), _CELLS)
        numbers = number_colours(usual, clusters, 2.0 * self.same)
        components = find_components(numbers, static)
        of_class = np.zeros(len(components.size), bool)
        of_class[components.labels[self.like_class[0] & static]] = True
        of_class[0] = False
        rain = RainAround(components, numbers, self.look.observed)
        known = np.zeros(self.shape, bool)
        for shade, filled in zip(self.colours, self.filled, strict=True):
            known |= alike(shade, usual, 0) & filled
        known &= ~self.like_nodata[0]
        del usual
        crossings = Crossings(numbers, known)
        surroundings = Surroundings(components, of_class, self.look.observed)
        echoes = np.zeros(self.shape, np.uint16)
        colours = np.zeros((len(components.size), 3), np.int16)
        colours[1:] = clusters.centres[components.cluster[1:]] if len(components.size) > 1 else 0
        for frame, echo in self._echo(ground):
            slot = means.add(frame)
            raining = echo & (slot != 0) & self.look.observed
            kept = slot == 0
            kept.ravel()[blurred] |= self._hides_class(frame, blurred)
            rain.add(raining, kept)
            crossings.add(raining)
            echoes += echo
            surroundings.add(frame, colours.astype(np.uint8), 2 * self.same)
        hides, disguised = self._judge(
            components, rain, of_class, surroundings.shares(), clusters.centres, find_thin(numbers)
        )
        overlay = fill_hatch(hides[components.labels], echoes == 0) | fill_holes(crossings.closed())
        overlay |= find_boxes(numbers, known, echoes)
        if self.soft:
            overlay = cv2.dilate(overlay.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        else:
            overlay = grow_rims(overlay, self._find_mixed(overlay), numbers)
        overlay &= self.look.find_overlay & self.look.observed
        return np.asarray(overlay), disguised[components.labels] & ~overlay, means

    def _find_mixed(self, overlay: Mask | None = None) -> Mask:
        """Return narrow parts (y, x) in a colour neither of the map nor of a class: blurred lines and rims.

        Pixels of the `overlay` do not count. Soft pictures have none: all their colours are mixed.
        """
        if self.soft or self.opacity < 1:
            return np.zeros(self.shape, bool)
        mixed = self.filled[0] & ~self.like_class[0] & ~self.like_nodata[0]
        mixed &= ~within(self.colours[0], self.map, float(self.same))
        if overlay is not None:
            mixed &= ~overlay
        return np.asarray(mixed & (open_thin(mixed.astype(np.uint8), WIDE_PX) == 0))

    def _hides_class(self, frame: Pixels, places: NDArray[np.intp]) -> Mask:
        """Return at which flat places a frame shows a colour that is neither of a class nor of the map."""
        if not places.size:
            return np.zeros(0, bool)
        shown = frame.reshape(-1, 3)[places][None]
        hidden = (self.table(shown) == UNDETECT) & ~within(shown, self.map, float(self.same))
        return np.asarray(hidden[0])

    def _is_usual(self, blurred: NDArray[np.intp]) -> Mask:
        """Return where (y, x) nearly all frames show the usual colour of the pixel.

        At flat places that are `blurred`, colours that are neither a class nor the map count, too: it rains below.
        """
        counts = np.zeros(self.shape, np.min_scalar_type(self.count))
        for frame in self.frames:
            shown = self._shows(frame, self.colours[0])
            shown.ravel()[blurred] |= self._hides_class(frame, blurred)
            counts += shown
        usual = np.zeros(self.shape, bool)
        for rows in row_blocks(self.shape):
            least = np.where(self.like_class[0, rows], STATIC_CLASS, STATIC)
            usual[rows] = counts[rows] / max(self.count, 1) >= least
        return usual | self._mapped_classes(counts)

    def _mapped_classes(self, counts: NDArray[np.integer]) -> Mask:
        """Return parts (y, x) of the map in the colour of a class over which it rains.

        `counts` (y, x) are the frames with the usual colours. Their edges never move, and their colour returns
        after the rain. The colour of a rain that stays is nearly as frequent beside it; that of slow rain does not
        return.
        """
        often = self.like_class[0] & (counts >= MAPPED_CLASS * self.count) & self.look.observed
        few = self.count < FEWEST_MAPPED or not self.enough
        if few or self.classes is None or not (often & (counts < STATIC_CLASS * self.count)).any():
            return np.zeros(self.shape, bool)
        near = DEFAULT_TOLERANCE if self.soft else _EXACT
        numbers = number_colours(self.colours[0], Clusters(self.classes, *np.zeros((2, len(self.classes)))), near)
        components = find_components(numbers, often)
        large = components.size >= MIN_MAPPED
        large[0] = False
        surroundings = Surroundings(components, large, self.look.observed)
        colours = self.classes[np.maximum(components.cluster, 0)]
        if not large.any():
            return np.zeros(self.shape, bool)
        places = np.flatnonzero(large[components.labels])
        usual, own = self.colours[0].reshape(-1, 3)[places], components.labels.ravel()[places]
        returns, before = np.zeros(len(large)), np.ones(len(places), bool)
        for frame in self.frames:
            surroundings.add(frame, colours, 2 * self.same)
            shown = alike(frame.reshape(-1, 3)[places][None], usual[None], self.same)[0]
            returns += np.bincount(own[shown & ~before], minlength=len(large))
            before = shown
        large &= returns >= MIN_RETURNS * components.size
        inside = np.bincount(components.labels.ravel(), counts.ravel()) / np.maximum(components.size, 1)
        sharp = large & (surroundings.shares() <= MOST_OUTSIDE * inside / self.count)
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
        thin = components.thin >= 0.8
        group = components.cluster * 2 + thin
        group[0] = 0
        raining = np.bincount(group[1:], rain.raining[1:], 2 * _CELLS + 2)
        kept = np.bincount(group[1:], rain.kept[1:], 2 * _CELLS + 2)
        size = np.bincount(group[1:], components.size[1:], 2 * _CELLS + 2)
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
        hides = np.where(known, ratio >= 0.7, (drawn & (not self.soft)) | (of_class & thin))
        hides &= ~of_class | (sharp & (self.enough | (own & (ratio >= 0.7))))
        disguised = of_class & sharp & ~hides & self.enough
        hides[0] = disguised[0] = False
        return np.asarray(hides), np.asarray(disguised)

    def _pixels_like(self, centres: Pixels) -> NDArray[np.float64]:
        """Return how many pixels of a frame, on average, have the colour of each cluster; the last is of none."""
        found = np.zeros(_CELLS + 1)
        frames = max(min(_LOOKED_AT, self.count), 1)
        for number, centre in enumerate(centres):
            near = distances(self.histogram.colours, centre[None])[:, 0] <= 2 * self.same
            found[number] = self.histogram.counts[near].sum() / frames
        return found

    def _settle_ground(
        self, means: SlotMeans, overlay: Mask, disguised: Mask
    ) -> tuple[Pixels, NDArray[np.float32]]:
        """Return the ground of each pixel and its shares, without colours of classes, nodata and overlay."""
        ground = np.empty((SLOTS, *self.shape, 3), np.uint8)
        shares = np.empty((SLOTS, *self.shape), np.float32)
        for rows in row_blocks(self.shape):
            around, inside = widen(rows, self.shape[0], WIDE_PX)
            found = self._settle_rows(around, means, overlay[around], disguised[around])
            ground[:, rows], shares[:, rows] = (part[:, inside] for part in found)
        return ground, shares

    def _settle_rows(
        self, rows: slice, means: SlotMeans, overlay: Mask, disguised: Mask
    ) -> tuple[Pixels, NDArray[np.float32]]:
        counts = means.counts[:, rows]
        shares = (counts / max(self.count, 1)).astype(np.float32)
        colours = means.means(rows)
        first = (np.arange(len(colours)) == 0)[:, None, None]
        fits = self.filled[:, rows] & ~self.like_nodata[:, rows] & ~overlay
        fits &= ~self.like_class[:, rows] | (disguised & first)
        mapped = np.stack([self._is_mapped(slot, fit) for slot, fit in zip(colours, fits, strict=True)])
        often = fits & ~mapped & (shares >= MIN_SHARE) & (counts >= 2)
        leading = np.cumsum(fits & (mapped | often), axis=0) == 1
        # Of a pixel that shows the map, another colour is a thing that comes and goes, unless it is another map.
        wide = open_thin(np.asarray(often.any(axis=0), np.uint8), WIDE_PX) > 0
        often &= wide | (leading & ~(fits & mapped).any(axis=0))
        fits &= mapped | self._many & ((shares >= USUAL) if self._map_alone else often)
        fits |= disguised & first
        shares = np.where(fits, np.maximum(shares, 1 / 255), 0).astype(np.float32)
        order = np.argsort(-shares, axis=0, kind="stable")[:SLOTS]
        return (
            np.take_along_axis(colours, order[..., None], axis=0),
            np.take_along_axis(shares, order, axis=0),
        )

    def _archive_colours(self, histogram: Histogram) -> tuple[ArchiveColour, ...]:
        clusters = cluster_colours(_head(histogram), float(self.same), 32)
        total = max(int(histogram.counts.sum()), 1)
        return tuple(
            ArchiveColour((int(r), int(g), int(b)), round(int(count) / total, 6), round(float(scatter), 2))
            for (r, g, b), count, scatter in zip(clusters.centres, clusters.counts, clusters.scatters, strict=True)
        )

    def _find_tolerance(self, ground: Pixels) -> float:
        """Return the largest distance of a colour from its class."""
        if self.look.tolerance is not None:
            return self.look.tolerance
        if not self.soft or self.classes is None or not self.count:
            return DEFAULT_TOLERANCE
        decoder = SoftDecoder(self.classes, self._grounds(ground), self.space, np.inf)
        pixels = int(self.look.observed.sum())
        away, end = np.empty(len(self._sampled_numbers(4)) * pixels, np.float32), 0
        for frame in self._sampled(4):
            picture = remove_ground(frame, ground, self.opacity)
            for rows in row_blocks(self.shape):
                part = decoder.distances(picture, rows).min(axis=2)[self.look.observed[rows]]
                away[end : end + len(part)] = part
                end += len(part)
        least, most = _SOFT_TOLERANCE
        return float(np.clip(np.ceil(1.2 * np.quantile(away, 0.999, overwrite_input=True)), least, most))


class _MeanError:
    """The mean absolute difference of each band, over blocks of pixels."""

    def __init__(self) -> None:
        self._sum = np.zeros((1, 3), np.float32)
        self.count = 0

    def add(self, errors: NDArray[np.float32]) -> None:
        """Add the differences (n, 3) of some pixels."""
        self._sum = np.concatenate([self._sum, np.abs(errors)]).sum(axis=0, keepdims=True)
        self.count += len(errors)

    def mean(self) -> NDArray[np.float32]:
        """Return the mean (3,)."""
        return np.asarray(self._sum[0] / np.float32(self.count))


def _head(histogram: Histogram) -> Histogram:
    return Histogram(histogram.colours[:_MOST_COLOURS], histogram.counts[:_MOST_COLOURS])
