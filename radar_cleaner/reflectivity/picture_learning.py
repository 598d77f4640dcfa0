"""Learn from frames what the pictures of a radar show apart from the weather."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.archive import (
    DEFAULT_TOLERANCE,
    EXACT,
    LOOKED_AT,
    MIN_FRAMES,
    Archive,
    Look,
    Mask,
    Pixels,
    commonest,
)
from radar_cleaner.reflectivity.colour_clusters import (
    Histogram,
    add_histograms,
    cluster_colours,
    count_colours,
    distances,
    within,
)
from radar_cleaner.reflectivity.colour_space import ColourSpace, remove_ground
from radar_cleaner.reflectivity.mixing import Mixing, find_mixing
from radar_cleaner.reflectivity.opacity import find_opacity
from radar_cleaner.reflectivity.overlay_evidence import open_thin
from radar_cleaner.reflectivity.overlay_learning import STATIC_CLASS, WIDE_PX, OverlayFinder
from radar_cleaner.reflectivity.picture import SLOTS, ArchiveColour, Picture
from radar_cleaner.reflectivity.pixel_colours import SlotMeans, alike, fill_nearest, flat
from radar_cleaner.reflectivity.row_blocks import row_blocks, widen
from radar_cleaner.reflectivity.soft_decoding import PURE, SoftDecoder

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

MIN_SHARE = 0.05  # of the frames: a rarer colour of a pixel is not its ground
USUAL = 0.75  # of the frames: the colour of these is ground in mixed colours, too; clutter is rarer
_MIXED_PURE, _MIXED_SOFT = 3.0, 12.0  # RGB distance of half-transparent echo from what is computed
_LIKELY, _CERTAIN = 0.4, 0.6  # share of the unknown pixels that an opacity explains: at first, and then
_PAIRS = 500  # pixels of a frame that are looked at for an opacity
_SHARPENINGS = (0.0, 0.5, 1.0, 1.5, 2.0)
_SOFT_TOLERANCE = (40.0, 100.0)  # least and most, in the space of soft colours


def learn(frames: Sequence[Pixels], look: Look) -> Picture:
    """Learn the picture of a radar from frames of its plot box, each (y, x, 3) uint8; they are read four times.

    Without any frame nothing is known: no ground, no overlay.
    """
    return _Learner(frames, look).learn()


class _Learner(Archive):
    def learn(self) -> Picture:
        look, histogram, lower = self.look, self.histogram, self.lower
        self.opacity = self._find_opacity(lower) if look.opacity is None else look.opacity
        if self.opacity < 1:
            self.map = self._map_behind(self.opacity)
        ground = self._first_ground(lower) if self.opacity == 1 else self._without_echo(lower)
        del lower, self.lower
        self.space = self._find_space(ground)
        tolerance, mixing = self._find_tolerance(ground), self._find_mixing(ground)
        overlay, disguised, means = OverlayFinder(self, self.space).find(ground)
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
            hiding=tuple(self.hiding),
        )

    def _first_ground(self, counts: NDArray[np.unsignedinteger], strictly: bool = False) -> Pixels:
        """Return the commonest ground (y, x, 3) of each pixel, the nearest one's where a pixel shows none.

        `counts` (slot, y, x) are those of the frames that show the colours of the slots, at least. With `strictly`
        a pixel does not have its ground in a colour that is only near one of the map's, however often it shows it.
        """
        ground, known = np.zeros((*self.shape, 3), np.uint8), np.zeros(self.shape, bool)
        sure = known.copy()
        least = np.inf if strictly else USUAL if self._map_alone else 0.25
        for rows in row_blocks(self.shape):
            for colours, filled, banned, count in zip(
                self.colours[:, rows],
                self.filled[:, rows],
                self.like_class[:, rows] | self.like_nodata[:, rows],
                counts[:, rows],
                strict=True,
            ):
                fits = filled & ~banned & ~known[rows]
                mapped = within(colours, self.map, 2.0 * self.same) if strictly else self.is_mapped(colours, fits)
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

    def _find_opacity(self, lower: NDArray[np.unsignedinteger]) -> float:
        """Return the opacity of the echo; 1 if it is not certain.

        Where it often rains, common colours of the map may be echo over it. They are left out for a second look.
        """
        certain, likely = self._explain_opacity(self._first_ground(lower))
        if certain == 1:
            certain, strictly = self._explain_opacity(self._first_ground(lower, strictly=True))
            likely = min(likely, strictly)
        if certain < 1 or likely == 1:
            return certain
        whole, self.map = self.map, self._map_behind(likely)
        certain, _ = self._explain_opacity(self._first_ground(lower, strictly=True))
        self.map = whole
        return certain

    def _explain_opacity(self, ground: Pixels) -> tuple[float, float]:
        """Return the opacity that explains most of the pixels that are neither class nor ground.

        The first is 1 if it does not explain enough of them to be certain, the second if it is not even likely.
        """
        if self.look.palette is None or not len(self.map):
            return 1.0, 1.0
        palette = self.look.palette.colours
        pairs: list[Pixels] = []
        explained = unexplained = 0
        for frame in self.sampled(LOOKED_AT):
            known = within(frame, palette, DEFAULT_TOLERANCE if self.soft else EXACT)
            explained += int((known & self.look.observed).sum())
            left = self.look.observed & ~known & ~self.is_nodata(frame)
            left &= ~within(frame, self.map, 2.0 * self.same)
            left &= ~alike(frame, ground, self.same)
            unexplained += int(left.sum())
            rows = np.flatnonzero(left & flat(frame, self.same) if self.soft else left)
            rows = rows[:: max(1, len(rows) // _PAIRS)]
            pairs.append(np.hstack([frame.reshape(-1, 3)[rows], ground.reshape(-1, 3)[rows]]))
        if unexplained <= explained:
            return 1.0, 1.0
        unique, counts = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
        near = _MIXED_SOFT if self.soft else _MIXED_PURE
        opacity, share = find_opacity(unique[:, :3], unique[:, 3:], counts, palette, near)
        return (opacity if share >= _CERTAIN else 1.0), (opacity if share >= _LIKELY else 1.0)

    def _map_behind(self, opacity: float) -> Pixels:
        """Return the colours (n, 3) of the map that are not those of echo of an opacity over the others."""
        assert self.look.palette is not None, "only a palette has an opacity"
        kept = list(range(len(self.map)))
        for number in reversed(range(len(self.map))):
            behind = self.map[[other for other in kept if other != number]]
            own = remove_ground(np.broadcast_to(self.map[number], behind.shape), behind, opacity)
            if len(own) and distances(own, self.look.palette.colours).min() <= DEFAULT_TOLERANCE:
                kept.remove(number)
        return self.map[kept]

    def _without_echo(self, lower: NDArray[np.unsignedinteger]) -> Pixels:
        """Return the commonest ground (y, x, 3) of each pixel, and note which of its colours are echo over it."""
        assert self.look.palette is not None, "only a palette has an opacity"
        self.classes = self.look.palette.colours
        ground = self._first_ground(lower, strictly=True)  # where it always rains a pixel shows no ground
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
            decoder = SoftDecoder(self.classes, [ground], tried, np.inf)
            far, errors = 0.0, _MeanError()
            for frame in self.sampled(4):
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
        for frame in self.sampled(4):
            echo = self.look.observed & ~self.shows(frame, ground) & ~self.is_nodata(frame)
            echo &= ~within(frame, self.map, 2.0 * self.same)
            parts.append(count_colours(remove_ground(frame, ground, self.opacity)[echo]))
        return find_mixing(commonest(add_histograms(parts)), self.classes)

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
        mapped = np.stack([self.is_mapped(slot, fit) for slot, fit in zip(colours, fits, strict=True)])
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
        clusters = cluster_colours(commonest(histogram), float(self.same), 32)
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
        decoder = SoftDecoder(self.classes, [ground], self.space, np.inf)
        pixels = int(self.look.observed.sum())
        away, end = np.empty(len(self.sampled_numbers(4)) * pixels, np.float32), 0
        for frame in self.sampled(4):
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
