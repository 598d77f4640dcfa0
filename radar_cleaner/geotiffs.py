"""A product as GeoTIFFs, for whoever reads no Zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rioxarray  # noqa: F401  (gives datasets their .rio)
import xarray as xr

from radar_cleaner.tables import replacing
from radar_cleaner.vocabulary import FLAG_NODATA


def open_product(path: Path) -> xr.Dataset:
    """Open a product as its users do: decoded, located, read when needed."""
    dataset: xr.Dataset = xr.open_zarr(path, consolidated=True)
    return dataset


def write_geotiff(path: Path, frame: xr.Dataset) -> None:
    """Write one time of a decoded product as a GeoTIFF, atomically.

    Three float32 bands: reflectivity in dBZ (-32 is undetect), quality flag, probability; NaN is nodata.
    """
    flag = frame["quality_flag"]
    bands = {
        "reflectivity": frame["reflectivity"],
        "quality_flag": flag.where(flag != FLAG_NODATA),
        "meteorological_probability": frame["meteorological_probability"],
    }
    picture = xr.DataArray(
        np.stack([band.to_numpy().astype(np.float32) for band in bands.values()]),
        dims=("band", "y", "x"),
        coords={"y": frame["y"].to_numpy(), "x": frame["x"].to_numpy()},
        attrs={"long_name": tuple(bands), "time": _iso(frame)},
    )
    picture = picture.rio.write_crs(frame.rio.crs).rio.write_nodata(np.nan)
    with replacing(path) as temporary:
        picture.rio.to_raster(temporary, driver="GTiff", compress="deflate")


def _iso(frame: xr.Dataset) -> str:
    return f"{np.datetime_as_string(frame['time'].to_numpy(), unit='s')}Z"
