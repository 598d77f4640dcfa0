"""Grids: the place on Earth of the pixels of a plot box.

The map of a radar is a plane in azimuthal equidistant projection about the radar (WGS84), north up. Pixel
centres are at integers; (column, row) = (0, 0) is the upper left pixel. The range covers half of the longer
side of the box: metres per pixel = range / (longer side / 2).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer

from radar_cleaner.errors import ConfigError

Array = NDArray[np.float64]
GEOD = Geod(ellps="WGS84")
MAX_UNION_PIXELS = 2**25  # enough for a continent at 1 km


@dataclass(frozen=True)
class Grid:
    """A regular grid in the azimuthal-equidistant plane about a point.

    `origin_px` is the (column, row) of that point. It may be fractional and outside the grid.
    """

    latitude: float
    longitude: float
    metres_per_pixel: float
    width: int
    height: int
    origin_px: tuple[float, float]

    @property
    def crs(self) -> CRS:
        """The plane: azimuthal equidistant about the point of the grid on WGS84, in metres."""
        return CRS.from_proj4(
            f"+proj=aeqd +lat_0={self.latitude!r} +lon_0={self.longitude!r} +datum=WGS84 +units=m +no_defs"
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.height, self.width

    @property
    def effective_width_km(self) -> float:
        """Width of the grid on the ground."""
        return self.width * self.metres_per_pixel / 1000

    def x(self) -> Array:
        """Return the x coordinates of the pixel centres (width,): metres east of the point."""
        return (np.arange(self.width, dtype=np.float64) - self.origin_px[0]) * self.metres_per_pixel

    def y(self) -> Array:
        """Return the y coordinates of the pixel centres (height,): metres north of the point, falling."""
        return (self.origin_px[1] - np.arange(self.height, dtype=np.float64)) * self.metres_per_pixel

    def plane_to_pixel(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the fractional (column, row) of points given in metres east and north (any shape)."""
        column, row = self.origin_px
        return column + x / self.metres_per_pixel, row - y / self.metres_per_pixel

    def longitude_latitude(self) -> tuple[Array, Array]:
        """Return longitude and latitude of the pixel centres in degrees, (height, width) each."""
        x, y = np.meshgrid(self.x(), self.y())
        longitude, latitude = _to_degrees(self.crs).transform(x, y, direction="INVERSE")
        return np.asarray(longitude), np.asarray(latitude)

    def pixel_of(self, longitude: Array, latitude: Array) -> tuple[Array, Array]:
        """Return the fractional (column, row) of points on Earth in degrees (any shape).

        They are infinite where the projection is undefined, near the antipode.
        """
        x, y = _to_degrees(self.crs).transform(longitude, latitude)
        return self.plane_to_pixel(np.asarray(x), np.asarray(y))


@dataclass(frozen=True)
class RadarGeometry:
    """A radar and its plot box, in degrees, kilometres and pixels of the plot box.

    Raises ConfigError if a value is impossible.
    """

    radar: str
    latitude: float
    longitude: float
    range_km: float
    width: int
    height: int
    center_px: tuple[float, float]

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ConfigError(
                f"radar {self.radar}: latitude {self.latitude}, longitude {self.longitude} is not a place on"
                " Earth; write degrees, north and east positive"
            )
        if not (0 < self.range_km < np.inf and self.width > 0 and self.height > 0):
            raise ConfigError(
                f"radar {self.radar}: range {self.range_km} km, plot box {self.width} x {self.height} px;"
                " all must be above 0"
            )
        if not np.isfinite(self.center_px).all():
            raise ConfigError(f"radar {self.radar}: center_px {self.center_px} is not a place in the plot box")

    @property
    def metres_per_pixel(self) -> float:
        """The range divided by half of the longer side of the box."""
        return self.range_km * 1000 / (max(self.width, self.height) / 2)

    @property
    def effective_width_km(self) -> float:
        """Width of the box on the ground."""
        return self.width * self.metres_per_pixel / 1000

    @property
    def grid(self) -> Grid:
        """The grid of the plot box."""
        return Grid(
            self.latitude,
            self.longitude,
            self.metres_per_pixel,
            self.width,
            self.height,
            self.center_px,
        )

    def to_flag(self) -> str:
        """Return the geometry as JSON text: a value on a command line.

        A stage with a parameter `geometry: RadarGeometry` accepts it as `--geometry`.
        """
        return json.dumps(asdict(self))

    @classmethod
    def from_flag(cls, text: str) -> RadarGeometry:
        """Read what `to_flag` wrote. Raises ConfigError."""
        try:
            values = json.loads(text)
            return cls(**values | {"center_px": (values["center_px"][0], values["center_px"][1])})
        except (TypeError, ValueError, KeyError, IndexError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{text} is not the geometry of a radar ({error})") from None

    def attrs(self, prefix: str = "radar_") -> dict[str, object]:
        """Return the geometry as attributes of a store; `prefix` is put in front of all names but `radar`."""
        return {
            "radar": self.radar,
            f"{prefix}latitude": self.latitude,
            f"{prefix}longitude": self.longitude,
            f"{prefix}metres_per_pixel": self.metres_per_pixel,
            f"{prefix}effective_width_km": self.effective_width_km,
            f"{prefix}center_px": list(self.center_px),
            f"{prefix}range_km": self.range_km,
        }


def geometries_flag(radars: Iterable[RadarGeometry]) -> str:
    """Return geometries as a JSON list: one value on a command line."""
    return json.dumps([asdict(radar) for radar in radars])


def distance_km(first: RadarGeometry | Grid, second: RadarGeometry | Grid) -> float:
    """Return the geodesic distance of two radars, or of the points of two grids, in km."""
    _, _, metres = GEOD.inv(first.longitude, first.latitude, second.longitude, second.latitude)
    return float(metres) / 1000


def union_grid(radars: Sequence[RadarGeometry]) -> Grid:
    """Return the smallest grid on the plane of the first radar that contains the boxes of all radars.

    Raises ConfigError if it would be too large, because a radar is on another continent.
    """
    first = radars[0].grid
    corners = np.array([_box_in(first, radar.grid) for radar in radars])
    # Slightly inwards, so that rounding of the first radar's box adds no empty row.
    left, top = np.floor(corners[:, :2].min(axis=0) + 1e-3)
    right, bottom = np.ceil(corners[:, 2:].max(axis=0) - 1e-3)
    width, height = right - left + 1, bottom - top + 1
    if not width * height <= MAX_UNION_PIXELS:
        far = max(radars, key=lambda radar: distance_km(radars[0], radar))
        raise ConfigError(
            f"composite.grid: union of all radars is {width:.0f} x {height:.0f} px; {far.radar} is"
            f" {distance_km(radars[0], far):.0f} km from {radars[0].radar}: check its latitude and"
            " longitude, or set composite.grid: first"
        )
    column, row = first.origin_px
    return Grid(
        first.latitude,
        first.longitude,
        first.metres_per_pixel,
        int(width),
        int(height),
        (column - float(left), row - float(top)),
    )


def _box_in(plane: Grid, box: Grid) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the outermost pixel centres of a box, in pixels of a plane."""
    longitude, latitude = (_rim(values) for values in box.longitude_latitude())
    column, row = plane.pixel_of(longitude, latitude)
    return float(column.min()), float(row.min()), float(column.max()), float(row.max())


def _rim(values: Array) -> Array:
    """Return the outermost pixels of a (height, width) array as one row."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


@lru_cache(maxsize=64)
def _to_degrees(crs: CRS) -> Transformer:
    # WGS84 degrees, longitude first.
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)
