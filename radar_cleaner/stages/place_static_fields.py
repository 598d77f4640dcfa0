"""Sample terrain and other rasters at the pixels of a radar."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.static_fields import sample_raster
from radar_cleaner.storage.writer import Static, StoreWriter

logger = logging.getLogger(__name__)


def place_static_fields(
    *,
    geometry: str,
    names: tuple[str, ...] = (),
    files: tuple[Path, ...] = (),
    output: Path,
) -> None:
    """Write what does not change with time at each pixel of a radar: longitude, latitude, a user's fields.

    Parameters
    ----------
    geometry
        RADAR,LATITUDE,LONGITUDE,RANGE_KM,WIDTH,HEIGHT,CENTER_X,CENTER_Y of the radar.
    names
        Names of the fields.
    files
        The raster of each field: one band, any coordinate reference system, whatever rasterio opens.
    output
        Store to write: `latitude`, `longitude`, and `field`, whose `names` are an attribute of the store.
    """
    if len(names) != len(files) or len(set(names)) != len(names):
        raise ConfigError(
            f"--names {list(names)} and --files {[str(file) for file in files]}: give as many files as names,"
            " and each name once"
        )
    radar = RadarGeometry.from_flag(geometry)
    longitude, latitude = radar.grid.longitude_latitude()
    fields = np.empty((len(names), *radar.grid.shape), np.float32)
    for field, name, file in zip(fields, names, files, strict=True):
        field[:] = _sample(radar, name, file)
    with StoreWriter(
        output,
        static={
            "latitude": _coordinate(latitude, "latitude", "degrees_north"),
            "longitude": _coordinate(longitude, "longitude", "degrees_east"),
            "field": Static(fields, ("field", "y", "x"), {"long_name": "fields by name, NaN where unknown"}),
        },
        attrs={
            "radar": radar.radar,
            "names": list(names),
            "radar_latitude": radar.latitude,
            "radar_longitude": radar.longitude,
            "metres_per_pixel": radar.metres_per_pixel,
            "center_px": list(radar.center_px),
        },
        provenance={
            "stage": "place_static_fields",
            "parameters": {"geometry": geometry, "names": list(names), "files": [str(file) for file in files]},
            "inputs": {str(file): _digest(file) for file in files if file.is_file()},
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


def _coordinate(degrees: NDArray[np.float64], name: str, units: str) -> Static:
    return Static(degrees.astype(np.float32), ("y", "x"), {"standard_name": name, "units": units})


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
