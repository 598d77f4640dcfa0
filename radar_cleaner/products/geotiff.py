"""A product as GeoTIFFs, for whoever reads no Zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine

from radar_cleaner.conventions import FLAG_NODATA, decode_dbz
from radar_cleaner.products.cf import NO_PROBABILITY, PROBABILITY_STEPS
from radar_cleaner.storage.atomic import replacing
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.shards import format_time

_BANDS = ("reflectivity", "quality_flag", "meteorological_probability")


def write_geotiff(path: Path, product: Store, index: int, time: int) -> None:
    """Write one frame of a product, of a time in seconds since 1970, as a GeoTIFF, atomically.

    Three float32 bands: reflectivity in dBZ (-32 is undetect), quality flag, probability; NaN is nodata.
    """
    codes, flags, packed = (product.frame(name, index) for name in _BANDS)
    bands = (
        decode_dbz(codes),
        np.where(flags == FLAG_NODATA, np.nan, flags),
        np.where(packed == NO_PROBABILITY, np.nan, packed / PROBABILITY_STEPS),
    )
    (column, row), step = product.attrs["center_px"], float(product.attrs["metres_per_pixel"])
    place = {
        "height": codes.shape[0],
        "width": codes.shape[1],
        "crs": product.group["crs"].attrs["spatial_ref"],
        "transform": Affine(step, 0, -(column + 0.5) * step, 0, -step, (row + 0.5) * step),
    }
    with (
        replacing(path) as temporary,
        rasterio.open(
            temporary,
            "w",
            driver="GTiff",
            compress="deflate",
            dtype="float32",
            count=len(_BANDS),
            nodata=np.nan,
            **place,
        ) as picture,
    ):
        picture.write(np.stack(bands).astype(np.float32))
        picture.descriptions = _BANDS
        picture.update_tags(time=format_time(time))
