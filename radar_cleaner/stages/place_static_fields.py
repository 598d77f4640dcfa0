"""Sample terrain and other rasters at the pixels of a radar."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.static_fields import sample_raster
from radar_cleaner.storage.specs import STATIC
from radar_cleaner.storage.writer import StoreWriter

logger = logging.getLogger(__name__)


def place_static_fields(
    *,
    geometry: RadarGeometry,
    rasters: dict[str, Path] | None = None,
    output: Path,
) -> None:
    """Write the fields that do not change with time at each pixel of a radar: longitude, latitude, rasters.

    Parameters
    ----------
    geometry
        The radar and its plot box.
    rasters
        The raster of each field, by the name of the field: one band, any coordinate reference system, any format
        that rasterio opens.
    output
        Store to write: `latitude`, `longitude`, and `field`, whose `names` are an attribute of the store.
    """
    files = rasters or {}
    longitude, latitude = geometry.grid.longitude_latitude()
    fields = np.empty((len(files), *geometry.grid.shape), np.float32)
    for field, (name, file) in zip(fields, files.items(), strict=True):
        field[:] = _sample(geometry, name, file)
    with StoreWriter(
        output,
        static={
            "latitude": STATIC.static("latitude", latitude),
            "longitude": STATIC.static("longitude", longitude),
            "field": STATIC.static("field", fields),
        },
        attrs={
            **geometry.attrs(),
            "names": list(files),
        },
        provenance={
            "stage": "place_static_fields",
            "parameters": {
                "geometry": asdict(geometry),
                "rasters": {name: str(file) for name, file in files.items()},
            },
            "inputs": {str(file): _digest(file) for file in files.values() if file.is_file()},
        },
    ):
        pass


def _sample(radar: RadarGeometry, name: str, file: Path) -> NDArray[np.float32]:
    try:
        values = sample_raster(file, radar.grid)
    except ConfigError as error:
        raise ConfigError(f"samples.static {name}, radar {radar.radar}: {error}") from error
    known = np.isfinite(values)
    logger.info(
        "%s: %s is %g to %g, known at %.1f %% of the pixels",
        radar.radar,
        name,
        values[known].min(),
        values[known].max(),
        100 * known.mean(),
    )
    return values


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
