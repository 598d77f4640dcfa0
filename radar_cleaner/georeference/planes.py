"""Planes: coordinate reference systems by name, as pyproj knows them, and their points in degrees.

A name is an EPSG code (`EPSG:3857`), a PROJ string, or other text that pyproj reads. Coordinates are in the units
of the plane, x to the east first, whatever order its authority has.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError

from radar_cleaner.errors import ConfigError

Array = NDArray[np.float64]
GEOD = Geod(ellps="WGS84")
DEGREES = "EPSG:4326"
_ABOUT = re.compile(r"\+proj=aeqd \+lat_0=(\S+) \+lon_0=(\S+) \+datum=WGS84 \+units=m \+no_defs")


def plane_about(latitude: float, longitude: float) -> str:
    """Return the plane in azimuthal equidistant projection about a point, on WGS84, in metres."""
    return f"+proj=aeqd +lat_0={float(latitude)!r} +lon_0={float(longitude)!r} +datum=WGS84 +units=m +no_defs"


def point_of(name: str) -> tuple[float, float] | None:
    """Return (latitude, longitude) of a plane of `plane_about`, None of any other."""
    found = _ABOUT.fullmatch(name)
    return None if found is None else (float(found[1]), float(found[2]))


@lru_cache(maxsize=64)
def find_plane(name: str) -> CRS:
    """Return the coordinate reference system of a name. Raises ConfigError unless it maps the Earth's surface."""
    try:
        plane = CRS.from_user_input(name)
    except CRSError:
        raise ConfigError(
            f"crs: '{name}' is not a coordinate reference system that pyproj knows; write a code such as"
            " EPSG:3857, or a PROJ string such as '+proj=merc +lon_0=100'"
        ) from None
    if not (plane.is_geographic or plane.is_projected) or len(plane.axis_info) != 2:
        raise ConfigError(
            f"crs: '{name}' ({plane.name}) has no two axes along the Earth's surface; write a projected or"
            " geographic one, such as EPSG:3857 or EPSG:4326"
        )
    return plane


def to_plane(name: str, longitude: Array, latitude: Array) -> tuple[Array, Array]:
    """Return x and y on a plane of points in degrees (any shape); infinite where the plane does not reach."""
    x, y = _transformer(name).transform(longitude, latitude)
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def to_degrees(name: str, x: Array, y: Array) -> tuple[Array, Array]:
    """Return longitude (-180 to 180) and latitude of points of a plane (any shape)."""
    longitude, latitude = _transformer(name).transform(x, y, direction="INVERSE")
    longitude, latitude = np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
    beyond = np.isfinite(longitude) & (np.abs(longitude) > 180)
    if beyond.any():
        longitude = np.where(beyond, (longitude + 180) % 360 - 180, longitude)
    return longitude, latitude


@lru_cache(maxsize=64)
def full_turn(name: str) -> float | None:
    """Return the width of 360 degrees of longitude on a plane whose x is proportional to longitude, else None.

    These planes have degrees, or are cylinders (Mercator, Plate Carree): a picture may continue over their edge.
    """
    plane = find_plane(name)
    if plane.is_geographic:
        # An angle of 360 degrees in the unit of the axes.
        return float(2 * np.pi / plane.axis_info[0].unit_conversion_factor)
    middle = float(to_degrees(name, np.zeros(1), np.zeros(1))[0][0])
    if not np.isfinite(middle):
        return None
    longitude, latitude = np.meshgrid(middle + np.array([0.0, 30, 60, 90]), [0.0, 40])
    x, _ = to_plane(name, longitude, latitude)
    step = float(x[0, 1] - x[0, 0])
    even = np.isfinite(x).all() and step > 0 and np.allclose(np.diff(x, axis=1), step, rtol=1e-6)
    same = np.allclose(x[0], x[1], rtol=0, atol=1e-6 * abs(step)) if even else False
    return 12 * step if same else None


def unwrap(name: str, x: Array, middle: float) -> Array:
    """Return x (any shape) moved by full turns to within half a turn of `middle`."""
    turn = full_turn(name)
    if turn is None:
        return x
    away = np.abs(x - middle) > turn / 2
    if not (away & np.isfinite(x)).any():
        return x
    return np.where(away & np.isfinite(x), (x - middle + turn / 2) % turn + middle - turn / 2, x)


@lru_cache(maxsize=64)
def _transformer(name: str) -> Transformer:
    # Longitude first, and x to the east first.
    return Transformer.from_crs(DEGREES, find_plane(name), always_xy=True)


@lru_cache(maxsize=64)
def fits_geotiff(name: str) -> bool:
    """Return whether a GeoTIFF can contain a plane; a rotated pole, for example, is not in its format."""
    import rasterio  # only for planes of users, as it takes time to load
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    wkt = find_plane(name).to_wkt()
    with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED="NO"), MemoryFile() as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with file.open(driver="GTiff", width=1, height=1, count=1, dtype="uint8", crs=wkt):
            pass
        with file.open() as raster:
            return raster.crs is not None
