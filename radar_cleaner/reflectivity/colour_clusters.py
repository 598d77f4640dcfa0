"""Common colours of pictures: histograms of exact colours, and clusters of near ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.uint8]
Counts = NDArray[np.int64]


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
    packed, counts = np.unique(pack_colours(colours), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return Histogram(unpack_colours(packed[order]), counts[order])


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
