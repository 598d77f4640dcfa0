"""A product as GeoTIFFs, for whoever reads no Zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine

from radar_cleaner.products import NO_PROBABILITY, PROBABILITY_STEPS
from radar_cleaner.shards import format_time
from radar_cleaner.stores import Store
from radar_cleaner.tables import replacing
from radar_cleaner.vocabulary import FLAG_NODATA, decode_dbz

_BANDS = ("reflectivity", "quality_flag", "meteorological_probability")


def write_geotiff(path: Path, product: Store, index: int) -> None:
    """Write one time of a product as a GeoTIFF, atomically.

    Three float32 bands: reflectivity in dBZ (-32 is undetect), quality flag, probability; NaN is nodata.
    """
    codes, flags, packed = (product.frame(name, index) for name in _BANDS)
    bands = (
        decode_dbz(codes),
        np.where(flags == FLAG_NODATA, np.nan, flags),
        np.where(packed == NO_PROBABILITY, np.nan, packed / PROBABILITY_STEPS),
    )
    x, y = product.read("x"), product.read("y")
    step = float(product.attrs["metres_per_pixel"])
    place = {
        "height": len(y),
        "width": len(x),
        "crs": product.group["crs"].attrs["spatial_ref"],
        "transform": Affine(step, 0, x[0] - step / 2, 0, -step, y[0] + step / 2),
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
        picture.update_tags(time=format_time(int(product.times[index])))
