"""Find where a picture of the ground fits the coast.

Around the coast are three zones: land, the coast itself, and water. If a picture is in its place, its colours
depend on the zone, whatever the colours are: two flat ones, a relief, or only a drawn line. The fit of a place is
the mutual information of colour and zone, as a share of the entropy of the zones (0 to 1).

Places are found by Fourier transforms, all offsets at once. An offset is sure only if it fits much better than all
offsets elsewhere: the ground of many pictures is plain, and other textures fit everywhere alike. Along a straight
coast a picture fits at many offsets: only its place across that coast is found.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radar_cleaner.georeference.coast import land_fraction_at

Labels = NDArray[np.int16]  # (y, x): number of the colour, -1 where the ground is not known
Array = NDArray[np.float64]

_NEAR_PX = 6  # width of the zones of land and water
_LINE_PX = 1  # half of the width of the zone of the coast
# Least fit, and its ratio to the best one elsewhere; either suffices. More sizes are tried than planes.
_SURE = ((0.08, 1.7), (0.25, 1.3))
_SURE_OF_SIZE = ((0.1, 2.5), (0.3, 1.5))
_SURE_ACROSS = (0.25, 1.7)  # of a straight coast, compared with all offsets beside it
_ELSEWHERE_PX = 8
_RIDGE = 0.6  # share of the best fit that the offsets along a straight coast have
_RIDGE_PX = (6.0, 2.5)  # standard deviation of these offsets, along at least and across at most
_SAME_COLOUR = 8  # largest difference of a channel: JPEG makes several colours of one
_WIDEST_STEP_PX, _FINEST_STEP_PX = 2.0, 0.1
_MAX_POINTS = 20_000  # of the zones that the refinement compares
_SIZES = np.exp(np.arange(-14, 15) * 0.05)  # of the ground in the picture: 0.5 to 2


@dataclass(frozen=True)
class Place:
    """The place of a picture: its middle is too far east and south (px), its ground too large (factors)."""

    east: float = 0.0
    south: float = 0.0
    wide: float = 1.0
    high: float = 1.0


@dataclass(frozen=True)
class Match:
    """A place, its fit, and the best fit of a different place.

    `along` is the direction (east, south) of a straight coast, of length 1: the place is only known across it.
    """

    place: Place
    fit: float
    elsewhere: float
    along: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """Ratio of the fit to that of the different place."""
        return self.fit / max(self.elsewhere, 1e-6)

    @property
    def sure(self) -> bool:
        """Whether the place is believed."""
        if self.along is not None:
            return self.fit >= _SURE_ACROSS[0] and self.ratio >= _SURE_ACROSS[1]
        limits = _SURE if self.place.wide == self.place.high == 1 else _SURE_OF_SIZE
        likely = all(_SIZES[0] / 1.1 <= size <= _SIZES[-1] * 1.1 for size in (self.place.wide, self.place.high))
        return likely and any(self.fit >= least and self.ratio >= ratio for least, ratio in limits)


@dataclass(frozen=True)
class Zones:
    """Land 0, coast 1 and water 2 near the coast, -1 elsewhere; with a margin about the picture."""

    zones: NDArray[np.int8]  # (y + 2 margin, x + 2 margin)
    margin: int

    @classmethod
    def about(cls, longitude: Array, latitude: Array, margin: int) -> Zones:
        """Return the zones of pixels, whose centres are in degrees."""
        land = (land_fraction_at(longitude, latitude) > 0.5).astype(np.uint8)
        within, without = (cv2.distanceTransform(side, cv2.DIST_L2, 5) for side in (land, 1 - land))
        distance = np.where(land, within - 0.5, 0.5 - without)
        zones = np.where(distance > 0, 0, 2).astype(np.int8)
        zones[np.abs(distance) <= _LINE_PX] = 1
        zones[np.abs(distance) > _NEAR_PX] = -1
        return cls(zones, margin)

    @property
    def coast_px(self) -> int:
        """Length of the coast within the picture."""
        inner = self.zones[self.margin : -self.margin, self.margin : -self.margin]
        return int((inner == 1).sum() / (2 * _LINE_PX))


def label_colours(ground: NDArray[np.uint8], known: NDArray[np.bool_], colours: int) -> Labels:
    """Return the number of each pixel's colour (y, x, 3) among some that represent all; -1 if not known."""
    if not known.any():
        return np.full(known.shape, -1, np.int16)
    shown = np.where(known[..., None], ground, ground[known][0])
    picture = Image.fromarray(shown).quantize(colours, method=Image.Quantize.MEDIANCUT)
    numbers = np.asarray(picture)
    means = np.array(picture.getpalette()).reshape(-1, 3)
    return np.where(known, _join_near(means, np.bincount(numbers.ravel()))[numbers], -1).astype(np.int16)


def _join_near(colours: NDArray[np.int64], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a new number for each colour (n, 3) with `pixels` (n,): that of a commoner one which is near it."""
    numbers = np.zeros(len(pixels), np.int64)
    kept: list[int] = []
    for colour in np.argsort(-pixels, kind="stable").tolist():
        near = [one for one in kept if np.abs(colours[one] - colours[colour]).max() <= _SAME_COLOUR]
        kept += [] if near else [colour]
        numbers[colour] = kept.index(near[0] if near else colour)
    return numbers


def middle_of(pixels: NDArray[np.generic]) -> tuple[int, int]:
    """Return (column, row) of the middle of a picture."""
    return pixels.shape[1] // 2, pixels.shape[0] // 2


def search_size(labels: Labels, zones: Zones, stretch: float) -> Match:
    """Return offset and size that fit best, of half to double sizes. `stretch` is the ratio of wide to high."""
    searcher, matches = _Searcher(zones), []
    for size in _SIZES:
        wide, high = float(size * np.sqrt(stretch)), float(size / np.sqrt(stretch))
        matches.append(searcher.search(labels, wide, high))
    return max(matches, key=lambda match: match.fit)


def search(labels: Labels, zones: Zones, wide: float = 1, high: float = 1) -> Match:
    """Return the offset that fits best, of all within the margin, of a picture too wide and high by factors."""
    return _Searcher(zones).search(labels, wide, high)


def search_across(labels: Labels, zones: Zones) -> Match:
    """Return the offset that fits best, of a straight coast only the one across it."""
    return _Searcher(zones).search_across(labels)


def refine_across(labels: Labels, zones: Zones, place: Place, along: tuple[float, float]) -> tuple[float, Place]:
    """Return the best fit near a place, and where that is, moved only across a direction (east, south)."""
    points = _Points.of(labels, zones)
    across = np.array([along[1], -along[0], 0, 0])
    start = points.values(place)
    steps = np.arange(-3 * _WIDEST_STEP_PX, 3 * _WIDEST_STEP_PX + _FINEST_STEP_PX, 0.25)
    fits = np.array([points.fit(start + step * across) for step in steps])
    best = int(fits.argmax())
    return float(fits[best]), points.place(start + steps[best] * across)


def refine(labels: Labels, zones: Zones, place: Place, scaled: bool) -> tuple[float, Place]:
    """Return the best fit near a place, and where that is: a pattern search over the offset, or also the scale."""
    points = _Points.of(labels, zones)
    best = points.values(place)
    most, step = points.fit(best), _WIDEST_STEP_PX
    while step >= _FINEST_STEP_PX:
        moves = step * np.eye(4)[: 4 if scaled else 2]
        tried = [(points.fit(best + move), best + move) for move in (*moves, *-moves)]
        value, there = max(tried, key=lambda one: one[0])
        if value > most:
            most, best = value, there
        else:
            step /= 2
    for move in np.eye(4)[:2]:
        before, after = points.fit(best - move), points.fit(best + move)
        curve = before - 2 * most + after
        if curve < 0:  # the vertex of the parabola, because colours are those of whole pixels
            best = best + move * (before - after) / (2 * curve)
    return most, points.place(best)


def fit_at(labels: Labels, zones: Zones, place: Place) -> float:
    """Return the fit of a place."""
    points = _Points.of(labels, zones)
    return points.fit(points.values(place))


@dataclass(frozen=True)
class _Points:
    """Points of the zones; a place as four values: the offset, and in pixels at the edge the scale."""

    labels: Labels
    points: Array  # (point, 2): column, row
    zones: NDArray[np.int64]
    middle: Array

    @classmethod
    def of(cls, labels: Labels, zones: Zones) -> _Points:
        row, column = np.nonzero(zones.zones >= 0)
        thin = slice(None, None, -(-len(row) // _MAX_POINTS))
        points = np.stack([column[thin], row[thin]], axis=-1).astype(np.float64) - zones.margin
        kinds = zones.zones[row[thin], column[thin]].astype(np.int64)
        return cls(labels, points, kinds, np.array(middle_of(labels), float))

    def values(self, place: Place) -> Array:
        return np.array([place.east, place.south, *((place.wide - 1, place.high - 1) * self.middle)])

    def place(self, values: Array) -> Place:
        east, south, wide, high = (float(value) for value in (*values[:2], *(1 + values[2:] / self.middle)))
        return Place(east, south, wide, high)

    def fit(self, values: Array) -> float:
        there = self.middle + (self.points - self.middle) * (1 + values[2:] / self.middle) + values[:2]
        column, row = np.round(there).astype(np.int64).T
        height, width = self.labels.shape
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        label = self.labels[row[inside], column[inside]].astype(np.int64)
        colours = int(self.labels.max()) + 1
        counts = np.bincount((3 * label + self.zones[inside])[label >= 0], minlength=3 * colours)
        return float(_fit(counts.reshape(colours, 3).astype(np.float64)))


class _Searcher:
    """The transformed zones, for several pictures."""

    def __init__(self, zones: Zones) -> None:
        self.margin = zones.margin
        self.shape = [cv2.getOptimalDFTSize(side) for side in zones.zones.shape]
        inner = zones.zones[self.margin : -self.margin, self.margin : -self.margin]
        self.pixels = int((inner >= 0).sum())
        self.zones = [self._transform(zones.zones == zone) for zone in range(3)]

    def _transform(self, where: NDArray[np.bool_]) -> NDArray[np.complexfloating]:
        return np.fft.rfft2(where.astype(np.float32), self.shape)

    def search(self, labels: Labels, wide: float, high: float) -> Match:
        return self._best(self._fits(_shrunk(labels, wide, high)), wide, high)

    def search_across(self, labels: Labels) -> Match:
        fits = self._fits(labels)
        match = self._best(fits, 1, 1)
        return match if match.sure else self._across(fits) or match

    def _best(self, fits: Array, wide: float, high: float) -> Match:
        row, column = np.unravel_index(fits.argmax(), fits.shape)
        others = fits.copy()
        near = [slice(max(0, at - _ELSEWHERE_PX), at + _ELSEWHERE_PX + 1) for at in (int(row), int(column))]
        others[near[0], near[1]] = 0
        place = Place(float(self.margin - column) * wide, float(self.margin - row) * high, wide, high)
        return Match(place, float(fits[row, column]), float(others.max()))

    def _fits(self, labels: Labels) -> Array:
        """Return the fit of each offset (i, j): margin - i px too far south, margin - j too far east."""
        offsets = slice(0, 2 * self.margin + 1)
        counts = []
        for label in range(labels.max() + 1):
            there = np.conj(self._transform(labels == label))
            both = [np.fft.irfft2(zone * there, self.shape)[offsets, offsets] for zone in self.zones]
            counts.append(np.maximum(np.round(both), 0))
        # A place that compares a small part of the coast fits easily.
        compared = np.minimum(1, np.sum(counts, axis=(0, 1)) / max(self.pixels, 1))
        return np.asarray(_fit(np.array(counts)) * compared)

    def _across(self, fits: Array) -> Match | None:
        """Return the place across a straight coast, if the best of the fits (row, column) are along a line."""
        best = float(fits.max())
        strong = np.stack(np.nonzero(fits >= _RIDGE * best), axis=-1)
        middle = strong.mean(axis=0)
        spread, axes = np.linalg.eigh(np.cov((strong - middle).T)) if len(strong) > 2 else (np.zeros(2), np.eye(2))
        across, along = np.sqrt(np.maximum(spread, 0))
        if along < _RIDGE_PX[0] or across > _RIDGE_PX[1]:
            return None
        normal = axes[:, 0]  # (south, east)
        row, column = np.indices(fits.shape)
        distance = (row - middle[0]) * normal[0] + (column - middle[1]) * normal[1]
        elsewhere = float(np.max(fits, where=np.abs(distance) > _ELSEWHERE_PX, initial=0))
        south, east = normal * float((self.margin - middle) @ normal)
        direction = (float(axes[1, 1]), float(axes[0, 1]))
        return Match(Place(float(east), float(south)), best, elsewhere, direction)


def _shrunk(labels: Labels, wide: float, high: float) -> Labels:
    """Return a picture without a scale about its middle."""
    if (wide, high) == (1, 1):
        return labels
    column, row = middle_of(labels)
    way = np.array([[wide, 0, column * (1 - wide)], [0, high, row * (1 - high)]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(labels, way, labels.shape[::-1], flags=flags, borderValue=-1), np.int16)


def _fit(counts: Array) -> Array:
    """Return the mutual information of (label, zone, ...) counts as a share of the entropy of the zones."""
    shares = counts / np.maximum(counts.sum(axis=(0, 1)), 1)
    zones = _entropy(shares.sum(axis=0))
    joint = _entropy(shares.reshape(-1, *shares.shape[2:]))
    return np.asarray((zones + _entropy(shares.sum(axis=1)) - joint) / np.maximum(zones, 1e-9))


def _entropy(shares: Array) -> Array:
    return np.asarray(-np.sum(shares * np.log(np.maximum(shares, 1e-12)), axis=0))
