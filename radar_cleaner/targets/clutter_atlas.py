"""The clutter atlas: how often each pixel echoes when it should not.

Frames come one at a time and are forgotten; what is kept does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, is_echo
from radar_cleaner.reflectivity.colour_table import local_echo_fraction


class EchoCount:
    """How often each pixel of (y, x) was observed in quiet weather, and how often it echoed then."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.frames = 0  # that were counted, if only in part
        self._observed = np.zeros(shape, dtype=np.uint32)
        self._counted = np.zeros(shape, dtype=np.uint32)
        self._echoed = np.zeros(shape, dtype=np.uint32)

    def add(self, codes: NDArray[np.uint8], quiet: NDArray[np.bool_] | None = None) -> None:
        """Count one frame of packed reflectivity, only where it is quiet, if that is given."""
        observed = codes != NODATA
        counted = observed if quiet is None else observed & quiet
        self.frames += quiet is None or bool(counted.any())
        self._observed += observed
        self._counted += counted
        self._echoed += is_echo(codes) & counted

    def frequency(self, min_frames: int = 1) -> NDArray[np.float32]:
        """(y, x) share of the counted observations that echoed; NaN where there were fewer than so many."""
        share = np.full(self._counted.shape, np.nan)
        enough = self._counted >= max(1, min_frames)
        np.divide(self._echoed, self._counted, out=share, where=enough)
        return share.astype(np.float32)

    def known_share(self, min_frames: int) -> float:
        """The share of what was ever observed that was counted in at least so many frames; 0 of nothing."""
        observed = int(np.count_nonzero(self._observed))
        known = int(np.count_nonzero(self._counted >= max(1, min_frames)))
        return known / observed if observed else 0.0


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


def quiet_places(codes: NDArray[np.uint8], window_px: int, quiet_fraction: float) -> NDArray[np.bool_]:
    """(y, x): where at most `quiet_fraction` of the observed pixels in a window about a pixel echo."""
    return local_echo_fraction(codes, window_px) <= quiet_fraction


def spread_evenly(count: int, most: int) -> Sequence[int]:
    """At most `most` of the indices 0..count-1, evenly spread, the first and the last among them."""
    if count <= most:
        return range(count)
    return [round(position) for position in np.linspace(0, count - 1, most)]


def frequent(frequency: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Where a pixel echoes at least in this share of the frames; never where it was not observed."""
    return np.nan_to_num(frequency, nan=-1.0) >= threshold
