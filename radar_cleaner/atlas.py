"""The clutter atlas: how often each pixel echoes when it should not.

Frames come one at a time and are forgotten; what is kept does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.vocabulary import NODATA, is_echo


class EchoCount:
    """How often each pixel of (y, x) was observed, and how often it echoed then."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.frames = 0
        self._observed = np.zeros(shape, dtype=np.uint32)
        self._echoed = np.zeros(shape, dtype=np.uint32)

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Count one frame of packed reflectivity."""
        self.frames += 1
        self._observed += codes != NODATA
        self._echoed += is_echo(codes)

    def frequency(self) -> NDArray[np.float32]:
        """(y, x) share of the observations that echoed; NaN where there was none."""
        share = np.full(self._observed.shape, np.nan)
        np.divide(self._echoed, self._observed, out=share, where=self._observed > 0)
        return share.astype(np.float32)


class ColourDeviation:
    """Standard deviation of each pixel's colour, by Welford's recurrence (1962), which does not cancel."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._frames = 0
        self._mean = np.zeros((*shape, 3))
        self._squares = np.zeros((*shape, 3))  # sum of squared distances from the mean

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Take in one frame of (y, x, 3) colours."""
        self._frames += 1
        step = pixels - self._mean
        self._mean += step / self._frames
        self._squares += step * (pixels - self._mean)

    def deviation(self) -> NDArray[np.float32]:
        """(y, x) population standard deviation of the band that changes most; 0 before any frame."""
        variance = self._squares.max(axis=2) / max(1, self._frames)
        return np.asarray(np.sqrt(variance), dtype=np.float32)


def quiet_frames(echo_fractions: NDArray[np.float32], quiet_fraction: float) -> NDArray[np.int64]:
    """Indices of the frames of which at most `quiet_fraction` of the observed pixels echo."""
    return np.flatnonzero(echo_fractions <= quiet_fraction)


def spread_evenly(count: int, most: int) -> Sequence[int]:
    """At most `most` of the indices 0..count-1, evenly spread, the first and the last among them."""
    if count <= most:
        return range(count)
    return [round(position) for position in np.linspace(0, count - 1, most)]


def frequent(frequency: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Where a pixel echoes at least in this share of the frames; never where it was not observed."""
    return np.nan_to_num(frequency, nan=-1.0) >= threshold
