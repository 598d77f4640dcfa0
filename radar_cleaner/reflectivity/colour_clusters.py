"""Common colours of pictures: histograms of exact colours, and clusters of near ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.row_blocks import PIXELS, row_blocks

Colours = NDArray[np.uint8]
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Histogram:
    """Colours (n, 3) uint8 and how often each occurs (n,), the commonest first."""

    colours: Colours
    counts: Counts


@dataclass(frozen=True)
class Clusters:
    """Centres (n, 3) uint8, the number of pixels (n,) of each and their root mean square distance (n,) from it."""

    centres: Colours
    counts: Counts
    scatters: NDArray[np.float64]


def pack_colours(colours: Colours) -> NDArray[np.uint32]:
    """Return each colour (..., 3) as one number."""
    wide = colours.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])


def unpack_colours(packed: NDArray[np.uint32]) -> Colours:
    """Return the colours (..., 3) of numbers of `pack_colours`."""
    return np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=-1).astype(np.uint8)


def count_colours(colours: Colours) -> Histogram:
    """Count the colours of (n, 3) pixels."""
    return add_histograms(
        [_count_block(colours[start : start + PIXELS]) for start in range(0, max(len(colours), 1), PIXELS)]
    )


def _count_block(colours: Colours) -> Histogram:
    packed, counts = np.unique(pack_colours(colours), return_counts=True)
    return Histogram(unpack_colours(packed), counts)


def add_histograms(parts: Sequence[Histogram]) -> Histogram:
    """Add the counts of several histograms; of equally common colours the one with the least red is first."""
    if not parts:
        return Histogram(np.zeros((0, 3), np.uint8), np.zeros(0, np.int64))
    packed, where = np.unique(pack_colours(np.concatenate([part.colours for part in parts])), return_inverse=True)
    counts = np.bincount(where, np.concatenate([part.counts for part in parts]), len(packed)).astype(np.int64)
    order = np.argsort(-counts, kind="stable")
    return Histogram(unpack_colours(packed[order]), counts[order])


def within(colours: Colours, centres: Colours, distance: float) -> Mask:
    """Return where (y, x) colours (y, x, 3) are within an RGB distance of any of the centres (n, 3)."""

    def near(shades: Colours) -> Mask:
        wide, found = shades.astype(np.int32), np.zeros(len(shades), bool)
        for centre in centres.astype(np.int32):
            found |= np.square(wide - centre).sum(axis=1) <= distance**2
        return found

    return by_colour(colours, near) if len(centres) else np.zeros(colours.shape[:-1], bool)


def number_colours(colours: Colours, clusters: Clusters, distance: float) -> NDArray[np.int16]:
    """Return the number (y, x) of the nearest cluster of colours (y, x, 3), -1 where it is farther away."""

    def number(shades: Colours) -> NDArray[np.int16]:
        away = distances(shades, clusters.centres)
        nearest = away.argmin(axis=1)
        close = np.take_along_axis(away, nearest[:, None], 1)[:, 0] <= distance
        return np.where(close, nearest, -1).astype(np.int16)

    return by_colour(colours, number) if len(clusters.centres) else np.full(colours.shape[:2], -1, np.int16)


def by_colour(picture: Colours, function: Callable[[Colours], NDArray[Value]]) -> NDArray[Value]:
    """Return the value (y, x) of each pixel of a picture (y, x, 3), computed once for each of its colours."""
    seen = np.zeros(2**24, bool)
    for rows in row_blocks(picture.shape):
        seen[pack_colours(picture[rows])] = True
    packed = np.flatnonzero(seen).astype(np.uint32)
    values = function(unpack_colours(packed))
    table = np.zeros(2**24, values.dtype)
    table[packed] = values
    found = np.empty(picture.shape[:-1], values.dtype)
    for rows in row_blocks(picture.shape):
        found[rows] = table[pack_colours(picture[rows])]
    return found


def distances(colours: NDArray[np.generic], centres: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the RGB distances (n, m) of n colours from m centres."""
    first, second = colours.astype(np.float32), centres.astype(np.float32)
    square = (first**2).sum(1)[:, None] - 2 * first @ second.T + (second**2).sum(1)[None]
    return np.asarray(np.sqrt(np.maximum(square, 0)), dtype=np.float32)


def cluster_colours(histogram: Histogram, radius: float, most: int = 64) -> Clusters:
    """Group colours that are within `radius` of a common one; at most `most` groups, the commonest first.

    A colour belongs to the nearest centre within twice the radius; farther colours belong to no cluster.
    """
    colours, counts = histogram.colours, histogram.counts
    centres = np.zeros((0, 3), np.float32)
    left = np.ones(len(colours), bool)
    while len(centres) < most and left.any():
        # The heaviest cell of a grid of colours is the place of the next centre.
        cells = (colours[left] / max(radius, 1)).astype(np.int64)
        keys = cells[:, 0] << 40 | cells[:, 1] << 20 | cells[:, 2]
        unique, where = np.unique(keys, return_inverse=True)
        heaviest = np.bincount(where, counts[left], len(unique)).argmax()
        inside = where == heaviest
        centre = np.average(colours[left][inside], axis=0, weights=counts[left][inside]).astype(np.float32)
        near = distances(colours[left], centre[None])[:, 0] <= 2 * radius
        near |= inside
        centre = np.average(colours[left][near], axis=0, weights=counts[left][near]).astype(np.float32)
        centres = np.vstack([centres, centre])
        left[np.flatnonzero(left)[near]] = False
    if not len(centres):
        return Clusters(np.zeros((0, 3), np.uint8), np.zeros(0, np.int64), np.zeros(0))
    centres = np.rint(centres)
    away = distances(colours, centres)
    nearest = away.argmin(1)
    least = np.take_along_axis(away, nearest[:, None], 1)[:, 0]
    member = least <= 2 * max(radius, 0.5)
    totals = np.bincount(nearest[member], counts[member], len(centres))
    squares = np.bincount(nearest[member], (counts * least**2)[member], len(centres))
    order = np.argsort(-totals, kind="stable")
    return Clusters(
        centres[order].astype(np.uint8),
        totals[order].astype(np.int64),
        np.sqrt(squares[order] / np.maximum(totals[order], 1)),
    )
