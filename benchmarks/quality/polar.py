"""Pictures in the radar's own frame, azimuth by range, for filters that were made for it.

A bin holds the highest value of the pixels whose centres lie in it, or, where none does, that of the nearest
pixel: near the radar bins are smaller than pixels. So each pixel has a bin, and the bin of an echo is an echo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.georeference.polar import polar_coordinates

Values = NDArray[np.float32]


@dataclass(frozen=True)
class PolarGrid:
    """Bins of a radar (azimuth clockwise from north, range), each way of equal width, and its picture's pixels.

    `bin_of_pixel` (y, x) is the number of a pixel's bin, azimuth by azimuth, -1 beyond the range; `nearest_pixel`
    (bins,) is the number of the pixel nearest to a bin's middle, -1 outside the picture; `full` (bins,) is where a
    pixel lies in a bin.
    """

    azimuths: int
    ranges: int
    bin_of_pixel: NDArray[np.int64]
    nearest_pixel: NDArray[np.int64]
    full: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """(azimuths, ranges)."""
        return self.azimuths, self.ranges

    def from_picture(self, values: Values, outside: float) -> Values:
        """(azimuths, ranges) of a picture (y, x) without NaN; `outside` where the picture has ended."""
        flat = values.reshape(-1).astype(np.float32)
        bins = np.where(self.nearest_pixel >= 0, flat[self.nearest_pixel], np.float32(outside))
        bins[self.full] = -np.inf
        within = self.bin_of_pixel >= 0
        np.maximum.at(bins, self.bin_of_pixel[within], values[within].astype(np.float32))
        return bins.reshape(self.shape)

    def to_picture(self, bins: Values, outside: float) -> Values:
        """(y, x) of (azimuths, ranges): each pixel has the value of its bin, `outside` beyond the range."""
        within = self.bin_of_pixel >= 0
        flat = bins.reshape(-1)[np.where(within, self.bin_of_pixel, 0)]
        return np.where(within, flat, outside).astype(np.float32)


@lru_cache(maxsize=16)
def polar_grid(
    shape: tuple[int, int], center_px: tuple[float, float], range_px: float, azimuths: int
) -> PolarGrid:
    """The bins of a picture of `shape`: so many azimuths, a pixel in range."""
    ranges = int(np.ceil(range_px))
    distance, azimuth = polar_coordinates(shape, center_px, metres_per_pixel=1000.0)  # in pixels
    ray = np.floor(azimuth % (2 * np.pi) / (2 * np.pi) * azimuths).astype(np.int64) % azimuths
    gate = np.floor(distance).astype(np.int64)
    bin_of_pixel = np.where(gate < ranges, ray * ranges + gate, -1)
    angle = (np.arange(azimuths) + 0.5)[:, None] * (2 * np.pi / azimuths)
    middle = np.arange(ranges)[None] + 0.5
    column = np.rint(center_px[0] + middle * np.sin(angle)).astype(np.int64)
    row = np.rint(center_px[1] - middle * np.cos(angle)).astype(np.int64)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    full = np.zeros(azimuths * ranges, bool)
    full[bin_of_pixel[bin_of_pixel >= 0]] = True
    nearest = np.where(inside, row * shape[1] + column, -1).reshape(-1)
    return PolarGrid(azimuths, ranges, bin_of_pixel, nearest, full)
