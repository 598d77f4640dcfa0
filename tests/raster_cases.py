"""Write small rasters for the tests of static fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from rasterio.transform import from_origin

Plane = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def write_raster(
    path: Path,
    values: ArrayLike,
    west: float,
    north: float,
    step: float,
    crs: str | None = "EPSG:4326",
    nodata: float | None = None,
    scale: tuple[float, float] = (1.0, 0.0),
) -> Path:
    """Write a GeoTIFF of (y, x) or (band, y, x) values whose upper left corner is at (west, north)."""
    bands = np.asarray(values)
    bands = bands if bands.ndim == 3 else bands[None]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands.shape[0],
        height=bands.shape[1],
        width=bands.shape[2],
        dtype=bands.dtype,
        crs=crs,
        transform=from_origin(west, north, step, step),
        nodata=nodata,
    ) as raster:
        raster.write(bands)
        raster.scales, raster.offsets = [scale[0]] * len(bands), [scale[1]] * len(bands)
    return path


def pixel_centres(
    west: float, north: float, step: float, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(y, x) each: x and y of the pixel centres of a raster, in its own coordinates."""
    rows, columns = np.indices(shape)
    return west + step * (columns + 0.5), north - step * (rows + 0.5)


def raster_around(
    path: Path,
    longitude: float,
    latitude: float,
    plane: Plane,
    crs: str = "EPSG:4326",
    step: float = 0.02,
    half: float = 4.0,
    **more: object,
) -> Path:
    """A raster of a function of its own x and y, `half` units to all sides of a place on Earth."""
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
    size = round(2 * half / step)
    values = plane(*pixel_centres(x - half, y + half, step, (size, size))).astype(np.float32)
    return write_raster(path, values, x - half, y + half, step, crs, **more)  # type: ignore[arg-type]
