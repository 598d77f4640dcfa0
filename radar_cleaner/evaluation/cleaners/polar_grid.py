"""A frame in polar coordinates, azimuth by range, for filters that were made for sweeps.

A bin has the highest value of the pixels with their centre in it. Near the radar bins are smaller than pixels: a
bin without a centre takes the nearest pixel. Every pixel has a bin, and the bin of an echo is an echo.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, decode_dbz
from radar_cleaner.evaluation.cleaners.scene import Codes, Scene, Values
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import offsets_px, pixels_at


@dataclass(frozen=True)
class PolarGrid:
    """Bins of a radar (azimuth clockwise from north, range) of equal width, and the pixels of its frame.

    `bin_of_pixel` (y, x) is the number of a pixel's bin, azimuth by azimuth, -1 beyond the range. `nearest_pixel`
    (bins,) is the number of the pixel nearest to a bin's middle, -1 outside the frame. `full` (bins,) marks bins
    with a pixel's centre.
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

    def from_frame(self, values: Values, outside: float) -> Values:
        """Return (azimuths, ranges) of a frame (y, x) without NaN; `outside` beyond the frame."""
        flat = values.reshape(-1).astype(np.float32)
        bins = np.where(self.nearest_pixel >= 0, flat[self.nearest_pixel], np.float32(outside))
        bins[self.full] = -np.inf
        within = self.bin_of_pixel >= 0
        np.maximum.at(bins, self.bin_of_pixel[within], values[within].astype(np.float32))
        return bins.reshape(self.shape)

    def to_frame(self, bins: Values, outside: float) -> Values:
        """Return (y, x) of (azimuths, ranges): the value of each pixel's bin, `outside` beyond the range."""
        within = self.bin_of_pixel >= 0
        flat = bins.reshape(-1)[np.where(within, self.bin_of_pixel, 0)]
        return np.where(within, flat, outside).astype(np.float32)


@lru_cache(maxsize=16)
def polar_grid(radar: RadarGeometry, azimuths: int) -> PolarGrid:
    """Return the bins of a radar's frame: `azimuths` rays, bins of one pixel in range."""
    shape, ranges = radar.grid.shape, int(np.ceil(round(radar.reach_px, 6)))
    east, north = offsets_px(radar)
    distance, azimuth = np.hypot(east, north), np.arctan2(east, north)
    ray = np.floor(azimuth % (2 * np.pi) / (2 * np.pi) * azimuths).astype(np.int64) % azimuths
    gate = np.floor(distance).astype(np.int64)
    bin_of_pixel = np.where(gate < ranges, ray * ranges + gate, -1)
    angle = (np.arange(azimuths) + 0.5)[:, None] * (2 * np.pi / azimuths)
    middle = np.arange(ranges)[None] + 0.5
    column, row = (np.rint(place).astype(np.int64) for place in pixels_at(radar, angle, middle))
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    full = np.zeros(azimuths * ranges, bool)
    full[bin_of_pixel[bin_of_pixel >= 0]] = True
    nearest = np.where(inside, row * shape[1] + column, -1).reshape(-1)
    return PolarGrid(azimuths, ranges, bin_of_pixel, nearest, full)


def grid_name(azimuths: int) -> str:
    """Name a grid by the width of its rays; no azimuths are the pixels themselves."""
    return f"{360 / azimuths:g} degree" if azimuths else "pixels"


def scene_grid(scene: Scene, azimuths: int) -> PolarGrid:
    """Return the polar grid of a scene."""
    return polar_grid(scene.site.geometry, azimuths)


def scene_dbz(scene: Scene, azimuths: int) -> Values:
    """Return dBZ (azimuths, ranges) of a scene, (y, x) for no azimuths; no echo is -32, no data NaN."""
    if not azimuths:
        return decode_dbz(scene.codes)
    dbz: Values = scene.once(("dbz", azimuths), lambda: polar_dbz(scene.codes, scene_grid(scene, azimuths)))
    return dbz


def to_scene(scene: Scene, azimuths: int, values: Values) -> Values:
    """Return values of `scene_dbz`'s shape on the scene's pixels; infinite (kept) beyond the range."""
    return scene_grid(scene, azimuths).to_frame(values, outside=np.inf) if azimuths else values


def polar_dbz(codes: Codes, grid: PolarGrid) -> Values:
    """Return (azimuths, ranges) dBZ of codes (y, x): -32 without echo, NaN without data in all of a bin."""
    # No data is below everything, so that a bin with data in a part has data.
    rank = np.where(codes == NODATA, -1, codes.astype(np.float32))
    bins = grid.from_frame(rank.astype(np.float32), outside=-1)
    return decode_dbz(np.where(bins < 0, NODATA, bins).astype(np.uint8))
