"""Polar coordinates of pixels: range and azimuth from a radar.

The plane of a radar is azimuthal equidistant about it. So ranges and azimuths in the plane are geodesic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def polar_of_pixels(
    column: NDArray[np.integer], row: NDArray[np.integer], center_px: Sequence[float], metres_per_pixel: float
) -> tuple[Array, Array]:
    """Return range in km and azimuth in radians (-pi to pi, clockwise from north) of pixels (any shape).

    `center_px` is the (column, row) of the radar.
    """
    east, north = column - center_px[0], center_px[1] - row
    return np.hypot(east, north) * metres_per_pixel / 1000, np.arctan2(east, north)


def polar_coordinates(
    shape: tuple[int, int], center_px: Sequence[float], metres_per_pixel: float
) -> tuple[Array, Array]:
    """Return range in km and azimuth in radians of all pixels of a frame: two arrays of `shape`."""
    columns, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    return polar_of_pixels(columns, rows, center_px, metres_per_pixel)


def range_of_pixels(
    shape: tuple[int, int], center_px: Sequence[float], metres_per_pixel: float
) -> NDArray[np.float32]:
    """Return the range in km of all pixels of a frame (y, x), in single precision."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    distance = np.hypot(column - center_px[0], row - center_px[1]) * (metres_per_pixel / 1000)
    return np.asarray(distance, dtype=np.float32)
