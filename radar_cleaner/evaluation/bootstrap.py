"""Intervals of scores by a bootstrap over blocks of time.

Neighbouring pixels and frames are not independent, so whole blocks of time are drawn with replacement. A draw
counts how often each block is in it. The sums of all draws are one matrix product, and scores of all draws are
computed at once. All cleaners use the same draws, so that the draws do not blur their differences.

Davison and Hinkley, Bootstrap Methods and their Application, 1997: percentiles (chapter 5), blocks (chapter 8).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]

RESAMPLES = 500
MIN_BLOCKS = 5  # blocks with the data of a score; fewer give no interval
ENDS = (0.05, 0.95)  # of a 90 % interval


def draw_blocks(blocks: int, generator: np.random.Generator, resamples: int = RESAMPLES) -> Sums:
    """Return (resamples, blocks): how often each block is drawn."""
    drawn = generator.integers(blocks, size=(resamples, blocks)) + blocks * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * blocks).reshape(resamples, blocks).astype(np.float64)


def resample(draws: Sums, sums: NDArray[np.number]) -> Sums:
    """Return (resamples, ...) sums over the blocks of each draw, from (blocks, ...) sums of each block."""
    blocks, *rest = sums.shape
    return np.asarray((draws @ sums.reshape(blocks, -1).astype(np.float64)).reshape(len(draws), *rest))


def count_holding(amounts: NDArray[np.number]) -> Counts:
    """Return (...,) the number of blocks with any amount, from (blocks, ...) amounts."""
    return np.asarray((amounts > 0).sum(axis=0), dtype=np.int64)


def interval(values: Sums, holding: Counts) -> Sums:
    """Return (2, ...): ends of the 90 % interval of (resamples, ...) values of a score.

    NaN where fewer than `MIN_BLOCKS` blocks have the data of the score (`holding`). Draws with an undefined score
    (NaN) are left out.
    """
    rising = np.sort(values, axis=0)  # NaN last
    known = np.sum(~np.isnan(values), axis=0)
    ends = np.stack([_quantile(rising, known, share) for share in ENDS])
    return np.where(holding >= MIN_BLOCKS, ends, np.nan)


def _quantile(rising: Sums, known: Counts, share: float) -> Sums:
    """Return (...,) a quantile of the first `known` of (resamples, ...) rising values, interpolated linearly."""
    place = share * np.maximum(known - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    low, high = (np.take_along_axis(rising, index[None], axis=0)[0] for index in (below, above))
    return np.asarray(low + (place - below) * (high - low))
