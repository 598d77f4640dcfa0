"""Write the frames of a product as GeoTIFFs, for programs that read no Zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine

from radar_cleaner.products.cf import PRODUCT_VARIABLES
from radar_cleaner.storage.atomic import replacing
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.shards import format_time


def write_geotiff(path: Path, product: Store, index: int, time: int) -> None:
    """Write one frame of a product, of a time in seconds since 1970, as a GeoTIFF, atomically.

    Each variable of the product is a float32 band in the order of `PRODUCT_VARIABLES`, NaN where it has no
    value: reflectivity in dBZ (-32 is undetect), quality flag, probability, and of an ensemble its spread.
    """
    names = [name for name in PRODUCT_VARIABLES if name in product.group]
    bands = np.stack([PRODUCT_VARIABLES[name].unpack(product.frame(name, index)) for name in names])
    (column, row), step = product.attrs["center_px"], float(product.attrs["metres_per_pixel"])
    with (
        replacing(path) as temporary,
        rasterio.open(
            temporary,
            "w",
            driver="GTiff",
            compress="deflate",
            dtype="float32",
            nodata=np.nan,
            count=len(names),
            height=bands.shape[1],
            width=bands.shape[2],
            crs=product.group["crs"].attrs["spatial_ref"],
            transform=Affine(step, 0, -(column + 0.5) * step, 0, -step, (row + 0.5) * step),
        ) as raster,
    ):
        raster.write(bands)
        raster.descriptions = tuple(names)
        raster.update_tags(time=format_time(time))
