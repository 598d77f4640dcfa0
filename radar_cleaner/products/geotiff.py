"""Write the frames of a product as GeoTIFFs, for programs that read no Zarr."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio import Affine

from radar_cleaner.georeference.grid import Grid
from radar_cleaner.products.cf import PRODUCT_VARIABLES
from radar_cleaner.products.credit import CREDIT_ATTRS
from radar_cleaner.storage.atomic import replacing
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.shards import format_time


def write_geotiff(path: Path, product: Store, index: int, time: int) -> None:
    """Write one frame of a product, of a time in seconds since 1970, as a GeoTIFF, atomically.

    Each variable of the product is a float32 band in the order of `PRODUCT_VARIABLES`, NaN where it has no
    value: reflectivity in dBZ (-32 is undetect), quality flag, probability, of an ensemble its spread, and the
    uncertainty of the reflectivity in dB.
    """
    names = [name for name in PRODUCT_VARIABLES if name in product.group]
    bands = np.stack([PRODUCT_VARIABLES[name].unpack(product.frame(name, index)) for name in names])
    grid = Grid.from_attrs(product.attrs, bands.shape[1:])
    (column, row), across, down = grid.origin_px, grid.pixel_width, grid.pixel_height
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
            transform=Affine(across, 0, -(column + 0.5) * across, 0, -down, (row + 0.5) * down),
        ) as raster,
    ):
        raster.write(bands)
        raster.descriptions = tuple(names)
        credit = {name: str(product.attrs[name]) for name in CREDIT_ATTRS if name in product.attrs}
        raster.update_tags(time=format_time(time), **credit)
