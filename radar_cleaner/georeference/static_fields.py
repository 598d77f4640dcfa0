"""Static fields: rasters of the user sampled at the pixels of a grid.

A raster has any format that rasterio opens, such as GeoTIFF, NetCDF or VRT, and any coordinate reference system.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import Grid

_TOLERANCE_PX = 1e-6  # the default of rasterio is an eighth of a pixel
_TURNS_DEGREES = (0, -360, 360)  # longitudes end at 180 or at 360, perhaps within a grid


def sample_raster(path: Path, grid: Grid) -> NDArray[np.float32]:
    """Return a raster at the pixel centres of a grid (y, x), in the unit of the raster, NaN without data.

    The interpolation is bilinear. Where the raster is finer than the grid, it is a weighted mean over the width of
    two pixels, so that values between two centres count (GDAL's warp). Nodata has no weight.

    Raises ConfigError, without the name of the key, if the file is missing, is not a raster, has more than one
    band or no coordinate reference system, or covers another area.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # refused below
            with rasterio.open(path) as raster:
                values = _warp(raster, grid)
    except (RasterioError, CRSError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ConfigError(f"{path}: not readable as a raster ({reason}); give one that gdalinfo reads") from error
    if not np.isfinite(values).any():
        longitude, latitude = grid.middle
        raise ConfigError(
            f"{path}: has no value within the box about latitude {latitude:.1f}, longitude"
            f" {longitude:.1f}; name a raster that covers it, or leave the field out"
        )
    return values


def _warp(raster: DatasetReader, grid: Grid) -> NDArray[np.float32]:
    if raster.count != 1:
        part = f"{raster.subdatasets[0]} " if raster.subdatasets else f"-b 1 {raster.name} "
        raise ConfigError(
            f"{raster.name}: has {raster.count} bands, expected one; write that to a file of its own, for example"
            f" by gdal_translate {part}FIELD.tif"
        )
    if raster.crs is None or not (raster.crs.is_geographic or raster.crs.is_projected):
        raise ConfigError(
            f"{raster.name}: has no coordinate reference system on Earth; add it, for example by"
            " gdal_edit.py -a_srs EPSG:4326 for longitude and latitude"
        )
    nodata = raster.nodata
    if nodata is None and np.dtype(raster.dtypes[0]).kind == "f":
        nodata = math.nan
    there = raster.transform
    across, down = grid.pixel_width, grid.pixel_height
    way = Transformer.from_crs(grid.plane, CRS.from_wkt(raster.crs.to_wkt()), always_xy=True)
    x, y = (np.where(np.isfinite(part), part, np.nan) for part in way.transform(*np.meshgrid(grid.x(), grid.y())))
    values = np.full(grid.shape, np.nan, np.float32)
    for turn in _TURNS_DEGREES if raster.crs.is_geographic else (0,):
        moved = Affine(there.a, there.b, there.c + turn, there.d, there.e, there.f)
        pixel = ~moved
        column, row = pixel.a * x + pixel.b * y + pixel.c, pixel.d * x + pixel.e * y + pixel.f
        inside = (column >= 0) & (column <= raster.width) & (row >= 0) & (row <= raster.height)
        wanted = inside & ~np.isfinite(values)
        # Only within the raster: elsewhere GDAL does not always return nodata.
        if not wanted.any():
            continue
        with WarpedVRT(
            raster,
            crs=grid.plane.to_wkt(),
            transform=from_origin(grid.x()[0] - across / 2, grid.y()[0] + down / 2, across, down),
            width=grid.width,
            height=grid.height,
            src_transform=moved,
            src_nodata=nodata,
            nodata=math.nan,
            dtype="float32",
            resampling=Resampling.bilinear,
            tolerance=_TOLERANCE_PX,
            XSCALE=1 / _width(column),
            YSCALE=1 / _width(row),
        ) as warped:
            values = np.where(wanted, warped.read(1), values)
    # Packed rasters (scale_factor and add_offset of CF) are still packed.
    values = values * np.float32(raster.scales[0]) + np.float32(raster.offsets[0])
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def _width(places: NDArray[np.float64]) -> int:
    """Return the width of a grid's pixel in columns (or rows) of a raster, at least 1.

    `places` (y, x) are the columns (or rows) of the grid's pixels. The width is a whole number, because with other
    widths GDAL's kernel shifts a slope by up to a fifth of a pixel.
    """
    steps = [np.abs(np.diff(places, axis=axis)) for axis in (0, 1)]
    # The median excludes the step at the end of the longitudes.
    width = math.hypot(*(float(np.nanmedian(step)) if np.isfinite(step).any() else 0.0 for step in steps))
    return max(1, round(width))
