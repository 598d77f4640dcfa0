"""Polar coordinates of pixels: range and azimuth from a radar.

On the plane about the radar, ranges and azimuths in the plane are geodesic. On any other plane they are computed
on the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.planes import GEOD

Array = NDArray[np.floating]
EARTH_KM = 20100.0  # no point is farther away
OUTSIDE = -1e6
ROUNDING = 1e-9  # relative; a pixel exactly at the range is within it


def polar_coordinates(
    shape: tuple[int, int], center_px: Sequence[float], metres_per_pixel: float
) -> tuple[Array, Array]:
    """Return range in km and azimuth in radians (-pi to pi, clockwise from north) of the pixels of a frame.

    Both have `shape`. `center_px` is the (column, row) of the radar, on the plane about it.
    """
    columns, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    east, north = columns - center_px[0], center_px[1] - rows
    return np.hypot(east, north) * metres_per_pixel / 1000, np.arctan2(east, north)


def polar_of_radar(radar: RadarGeometry) -> tuple[Array, Array] | None:
    """Return range in km and azimuth in radians of all pixels of a radar's box, (y, x) each; None of a mosaic."""
    if radar.position is None or radar.center_px is None:
        return None
    if radar.on_own_plane:
        return polar_coordinates(radar.grid.shape, radar.center_px, radar.grid.pixel_width)
    longitude, latitude = radar.grid.longitude_latitude()
    return geodesic(radar.position, longitude, latitude)


def geodesic(position: tuple[float, float], longitude: Array, latitude: Array) -> tuple[Array, Array]:
    """Return range in km and azimuth in radians, from a position (longitude, latitude), of points in degrees.

    Points that are not finite, outside the plane of a grid, are infinitely far.
    """
    known = np.isfinite(longitude) & np.isfinite(latitude)
    east, north = (np.full(longitude.shape, value) for value in position)
    azimuth, _, metres = GEOD.inv(east, north, np.where(known, longitude, 0.0), np.where(known, latitude, 0.0))
    return np.where(known, metres, np.inf) / 1000, np.radians(azimuth)


def range_of_pixels(radar: RadarGeometry) -> NDArray[np.float32] | None:
    """Return the range in km of all pixels of a radar's box (y, x), in single precision; None of a mosaic."""
    if radar.on_own_plane and radar.center_px is not None:
        row, column = np.ogrid[: radar.grid.height, : radar.grid.width]
        away = np.hypot(column - radar.center_px[0], row - radar.center_px[1])
        return np.asarray(away * (radar.grid.pixel_width / 1000), dtype=np.float32)
    polar = polar_of_radar(radar)
    return None if polar is None else polar[0].astype(np.float32)


def range_mask(shape: tuple[int, int], center_px: tuple[float, float], radius_px: float) -> NDArray[np.bool_]:
    """Return (rows, columns): true within a radius; centre and radius in plot-box pixels."""
    east, south = np.arange(shape[1]) - center_px[0], np.arange(shape[0]) - center_px[1]
    return np.asarray(np.square(east)[None] + np.square(south)[:, None] <= radius_px**2 * (1 + ROUNDING))


def in_range(radar: RadarGeometry) -> NDArray[np.bool_]:
    """Return (y, x): the pixels of a radar's box within its range; all of them without a range."""
    if radar.max_range_km is None or radar.center_px is None:
        return np.ones(radar.grid.shape, bool)
    if radar.on_own_plane:
        return range_mask(radar.grid.shape, radar.center_px, radar.range_px)
    polar = polar_of_radar(radar)
    assert polar is not None, "the radar has a position"
    return np.asarray(polar[0] <= radar.max_range_km * (1 + ROUNDING))


def offsets_px(radar: RadarGeometry) -> tuple[Array, Array]:
    """Return how far east and north of a radar its pixels are, in pixels of the mean side at the radar; finite.

    On the plane about the radar the shapes are (1, x) and (y, 1), else (y, x). A mosaic counts from its middle,
    along columns and rows.
    """
    if radar.on_own_plane or radar.position is None:
        column, row = radar.middle_px
        east, north = np.arange(radar.grid.width) - column, row - np.arange(radar.grid.height)
        return east[None], north[:, None]
    polar = polar_of_radar(radar)
    assert polar is not None, "the radar has a position"
    distance = np.minimum(polar[0], EARTH_KM) / radar.mean_side_km  # finite beyond the edge of a plane, too
    return distance * np.sin(polar[1]), distance * np.cos(polar[1])


def pixels_at(radar: RadarGeometry, azimuth: Array, distance_px: Array) -> tuple[Array, Array]:
    """Return column and row of points by azimuth in radians and distance in pixels of the mean side.

    The two are broadcast against each other. Places that the plane does not reach are OUTSIDE.
    """
    if radar.on_own_plane or radar.position is None:
        column, row = radar.middle_px
        return column + distance_px * np.sin(azimuth), row - distance_px * np.cos(azimuth)
    azimuth, metres = np.broadcast_arrays(np.degrees(azimuth), 1000 * radar.mean_side_km * distance_px)
    east, north = (np.full(azimuth.shape, value) for value in radar.position)
    longitude, latitude, _ = GEOD.fwd(east, north, azimuth, metres)
    columns, rows = radar.grid.pixel_of(np.asarray(longitude), np.asarray(latitude))
    seen = np.isfinite(columns) & np.isfinite(rows)
    return np.where(seen, columns, OUTSIDE), np.where(seen, rows, OUTSIDE)
