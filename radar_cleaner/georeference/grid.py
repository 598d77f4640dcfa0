"""Grids: the place on Earth of the pixels of a plot box.

A grid is regular on a plane: any coordinate reference system, in metres or degrees, north up. Pixel centres are at
integers; (column, row) = (0, 0) is the upper left pixel. Pixels need not be square. A grid may continue over the
180th meridian. The usual plane of one radar is azimuthal equidistant about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.planes import GEOD, find_plane, plane_about, point_of, to_degrees, to_plane, unwrap

Array = NDArray[np.float64]
MAX_UNION_PIXELS = 2**25  # a union may be as large, or twice the largest of its boxes
BLOCK_PIXELS = 2**21
ALL_ROWS = slice(None)
GRID_ATTRS = ("crs", "pixel_size", "origin_px")


@dataclass(frozen=True)
class Grid:
    """A regular grid on a plane.

    `crs` is the name of the plane, `pixel_width` and `pixel_height` are in its units, and `origin_px` is the
    (column, row) of the plane's point (0, 0). It may be fractional and outside the grid. Raises ConfigError if a
    value is impossible.
    """

    crs: str
    pixel_width: float
    pixel_height: float
    width: int
    height: int
    origin_px: tuple[float, float]

    def __post_init__(self) -> None:
        if not (0 < self.pixel_width < np.inf and 0 < self.pixel_height < np.inf):
            raise ConfigError(
                f"a pixel of {self.pixel_width} x {self.pixel_height} is not possible; both must be above 0"
            )
        if self.width < 1 or self.height < 1:
            raise ConfigError(f"plot box {self.width} x {self.height} px is not possible; both must be above 0")
        if not np.isfinite(self.origin_px).all():
            raise ConfigError(f"origin_px {self.origin_px} is not a place on the plane of the plot box")

    @classmethod
    def about(
        cls,
        latitude: float,
        longitude: float,
        metres_per_pixel: float,
        width: int,
        height: int,
        origin_px: tuple[float, float],
    ) -> Grid:
        """Return a grid in the azimuthal equidistant plane about a point, which is at `origin_px`."""
        return cls(plane_about(latitude, longitude), metres_per_pixel, metres_per_pixel, width, height, origin_px)

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: Sequence[int], prefix: str = "") -> Grid:
        """Return the grid that `attrs` wrote as attributes; `shape` is (rows, columns) of its arrays."""
        pixel_width, pixel_height = attrs[f"{prefix}pixel_size"]
        column, row = attrs[f"{prefix}origin_px"]
        return cls(
            str(attrs[f"{prefix}crs"]),
            float(pixel_width),
            float(pixel_height),
            int(shape[1]),
            int(shape[0]),
            (float(column), float(row)),
        )

    def attrs(self, prefix: str = "") -> dict[str, object]:
        """Return the grid without its shape as attributes of a store, those of GRID_ATTRS."""
        return {
            f"{prefix}crs": self.crs,
            f"{prefix}pixel_size": [self.pixel_width, self.pixel_height],
            f"{prefix}origin_px": list(self.origin_px),
        }

    @property
    def plane(self) -> CRS:
        """The coordinate reference system of the plane."""
        return find_plane(self.crs)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.height, self.width

    @property
    def middle_px(self) -> tuple[float, float]:
        """(column, row) of the middle of the grid."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @cached_property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of the middle of the grid."""
        longitude, latitude = self.degrees_of(*(np.array([value]) for value in self.middle_px))
        return float(longitude[0]), float(latitude[0])

    @cached_property
    def pixel_km(self) -> tuple[float, float]:
        """Width and height in km, on the ground, of the pixel in the middle of the grid."""
        return self.pixel_km_at(*self.middle_px)

    @property
    def pixel_size_km(self) -> float:
        """Side in km of a square with the area, on the ground, of the pixel in the middle of the grid."""
        width, height = self.pixel_km
        return width if width == height else float(np.sqrt(width * height))

    @property
    def effective_width_km(self) -> float:
        """Width of the grid on the ground along its middle row, by the width of the pixel in the middle."""
        return self.width * self.pixel_width / 1000 if point_of(self.crs) else self.width * self.pixel_km[0]

    def x(self) -> Array:
        """Return the x coordinates of the pixel centres (width,) in the units of the plane, rising."""
        return (np.arange(self.width, dtype=np.float64) - self.origin_px[0]) * self.pixel_width

    def y(self) -> Array:
        """Return the y coordinates of the pixel centres (height,) in the units of the plane, falling."""
        return (self.origin_px[1] - np.arange(self.height, dtype=np.float64)) * self.pixel_height

    def plane_to_pixel(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return the fractional (column, row) of points of the plane (any shape)."""
        column, row = self.origin_px
        return column + x / self.pixel_width, row - y / self.pixel_height

    def longitude_latitude(self, rows: slice = ALL_ROWS) -> tuple[Array, Array]:
        """Return longitude and latitude of the pixel centres of rows in degrees, (rows, width) each."""
        return to_degrees(self.crs, *np.meshgrid(self.x(), self.y()[rows]))

    def row_blocks(self) -> Iterator[slice]:
        """Yield the rows in blocks of at most BLOCK_PIXELS: a continent's coordinates at once take gigabytes."""
        step = max(1, BLOCK_PIXELS // self.width)
        for first in range(0, self.height, step):
            yield slice(first, min(first + step, self.height))

    def degrees_of(self, column: Array, row: Array) -> tuple[Array, Array]:
        """Return longitude and latitude in degrees of fractional columns and rows (any shape)."""
        x = (np.asarray(column, np.float64) - self.origin_px[0]) * self.pixel_width
        y = (self.origin_px[1] - np.asarray(row, np.float64)) * self.pixel_height
        return to_degrees(self.crs, x, y)

    def pixel_of(self, longitude: Array, latitude: Array) -> tuple[Array, Array]:
        """Return the fractional (column, row) of points on Earth in degrees (any shape).

        They are infinite where the projection is undefined, for example near the antipode.
        """
        x, y = to_plane(self.crs, longitude, latitude)
        middle = (self.middle_px[0] - self.origin_px[0]) * self.pixel_width
        return self.plane_to_pixel(unwrap(self.crs, x, middle), y)

    def pixel_km_at(self, column: float, row: float) -> tuple[float, float]:
        """Return width and height in km, on the ground, of the pixel at a place."""
        if point_of(self.crs):  # its scale is true along the rays from the point
            return self.pixel_width / 1000, self.pixel_height / 1000
        columns, rows = (
            np.array([column - 0.5, column + 0.5, column, column]),
            np.array([row, row, row - 0.5, row + 0.5]),
        )
        longitude, latitude = self.degrees_of(columns, rows)
        _, _, metres = GEOD.inv(longitude[::2], latitude[::2], longitude[1::2], latitude[1::2])
        return float(metres[0]) / 1000, float(metres[1]) / 1000


@dataclass(frozen=True)
class RadarGeometry:
    """A radar and the grid of its plot box.

    A mosaic of many radars has no `latitude` and `longitude`. `max_range_km` is how far the radar sees; None is
    everywhere in its box. Raises ConfigError if a value is impossible.
    """

    radar: str
    grid: Grid
    latitude: float | None = None
    longitude: float | None = None
    max_range_km: float | None = None

    def __post_init__(self) -> None:
        place = (self.latitude, self.longitude)
        if place != (None, None) and not (
            self.latitude is not None
            and self.longitude is not None
            and -90 <= self.latitude <= 90
            and -180 <= self.longitude <= 180
        ):
            raise ConfigError(
                f"radar {self.radar}: latitude {self.latitude}, longitude {self.longitude} is not a place on"
                " Earth; write degrees, north and east positive"
            )
        if self.max_range_km is not None and not 0 < self.max_range_km < np.inf:
            raise ConfigError(f"radar {self.radar}: range {self.max_range_km} km is not above 0")

    @classmethod
    def about(
        cls,
        radar: str,
        latitude: float,
        longitude: float,
        range_km: float,
        width: int,
        height: int,
        center_px: tuple[float, float],
    ) -> RadarGeometry:
        """Return a radar on the plane about itself, whose range is half of the longer side of its box."""
        metres = range_km * 1000 / (max(width, height) / 2) if width > 0 and height > 0 else np.nan
        grid = Grid.about(latitude, longitude, metres, width, height, center_px)
        return cls(radar, grid, latitude, longitude, range_km)

    @property
    def position(self) -> tuple[float, float] | None:
        """Longitude and latitude of the radar, None of a mosaic."""
        return None if self.latitude is None or self.longitude is None else (self.longitude, self.latitude)

    @property
    def place(self) -> tuple[float, float]:
        """Longitude and latitude of the radar, of a mosaic those of the middle of its grid."""
        return self.position or self.grid.middle

    @property
    def on_own_plane(self) -> bool:
        """Whether the plane is azimuthal equidistant about the radar, with square pixels."""
        return (
            point_of(self.grid.crs) == (self.latitude, self.longitude)
            and self.grid.pixel_width == self.grid.pixel_height
        )

    @cached_property
    def center_px(self) -> tuple[float, float] | None:
        """(column, row) of the radar in the plot box, None of a mosaic."""
        if self.on_own_plane or self.position is None:
            return self.grid.origin_px if self.position else None
        column, row = self.grid.pixel_of(*(np.array([value]) for value in self.position))
        return float(column[0]), float(row[0])

    @cached_property
    def middle_px(self) -> tuple[float, float]:
        """(column, row) of the radar, of a mosaic that of the middle of its grid."""
        return self.center_px or self.grid.middle_px

    @cached_property
    def pixel_km(self) -> tuple[float, float]:
        """Width and height in km, on the ground, of a pixel at the radar, of a mosaic in the middle."""
        return self.grid.pixel_km_at(*self.middle_px)

    @property
    def mean_side_km(self) -> float:
        """Side in km of a square with the area of a pixel at the radar, of a mosaic in the middle."""
        width, height = self.pixel_km
        return width if width == height else float(np.sqrt(width * height))

    @cached_property
    def range_px(self) -> float:
        """The range in pixels of the mean side at the radar; without a range half of the longer side."""
        if self.max_range_km is None:
            return max(self.grid.width, self.grid.height) / 2
        if self.on_own_plane:
            return self.max_range_km * 1000 / self.grid.pixel_width
        return self.max_range_km / self.mean_side_km

    @cached_property
    def reach_px(self) -> float:
        """The range in pixels of the mean side; without a range the distance of the farthest corner of the box."""
        if self.max_range_km is not None:
            return self.range_px
        column, row = self.middle_px
        wide = max(column, self.grid.width - 1 - column) * self.pixel_km[0]
        high = max(row, self.grid.height - 1 - row) * self.pixel_km[1]
        return float(np.hypot(wide, high)) / self.mean_side_km + 1

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
            grid = values["grid"]
            column, row = grid["origin_px"]
            return cls(**values | {"grid": Grid(**grid | {"origin_px": (column, row)})})
        except (TypeError, ValueError, KeyError, IndexError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{text} is not the geometry of a radar ({error})") from None

    @classmethod
    def from_attrs(cls, attrs: Mapping[str, Any], shape: Sequence[int], prefix: str = "") -> RadarGeometry:
        """Return the geometry that `attrs` wrote as attributes; `shape` is (rows, columns) of its arrays."""
        numbers = [attrs.get(f"{prefix}{name}") for name in ("latitude", "longitude", "max_range_km")]
        grid = Grid.from_attrs(attrs, shape, prefix)
        return cls(str(attrs["radar"]), grid, *(None if value is None else float(value) for value in numbers))

    def attrs(self, prefix: str = "") -> dict[str, object]:
        """Return the geometry as attributes of a store; `prefix` is put in front of all names but `radar`.

        `center_px` follows from the others, and is there for people.
        """
        return {
            "radar": self.radar,
            **self.grid.attrs(prefix),
            f"{prefix}latitude": self.latitude,
            f"{prefix}longitude": self.longitude,
            f"{prefix}center_px": self.center_px and list(self.center_px),
            f"{prefix}max_range_km": self.max_range_km,
        }


def geometries_flag(radars: Iterable[RadarGeometry]) -> str:
    """Return geometries as a JSON list: one value on a command line."""
    return json.dumps([asdict(radar) for radar in radars])


def distance_km(first: RadarGeometry, second: RadarGeometry) -> float:
    """Return the geodesic distance of two radars in km; a mosaic counts by its middle."""
    _, _, metres = GEOD.inv(*first.place, *second.place)
    return float(metres) / 1000


def may_overlap(first: RadarGeometry, second: RadarGeometry) -> bool:
    """Whether two plot boxes are near enough that they can have a place in common, by circles around the boxes."""
    return distance_km(first, second) <= _outer_radius_km(first) + _outer_radius_km(second)


def _outer_radius_km(radar: RadarGeometry) -> float:
    """Return the distance in km from the place of a radar to the farthest pixel on the rim of its plot box."""
    longitude, latitude = radar.grid.degrees_of(*_rim(radar.grid))
    if not (
        np.isfinite(longitude) & np.isfinite(latitude)
    ).all():  # off the earth, as in a picture of a hemisphere
        return float("inf")
    x, y = (np.full(longitude.size, degrees) for degrees in radar.place)
    return float(np.max(GEOD.inv(x, y, longitude, latitude)[2])) / 1000


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
    largest = max(radar.grid.width * radar.grid.height for radar in radars)
    if not width * height <= max(MAX_UNION_PIXELS, 2 * largest):
        far = max(radars, key=lambda radar: distance_km(radars[0], radar))
        raise ConfigError(
            f"composite.grid: union of all radars is {width:.0f} x {height:.0f} px; {far.radar} is"
            f" {distance_km(radars[0], far):.0f} km from {radars[0].radar}: check its latitude and"
            " longitude, or set composite.grid: first"
        )
    column, row = first.origin_px
    origin = (column - float(left), row - float(top))
    return Grid(first.crs, first.pixel_width, first.pixel_height, int(width), int(height), origin)


def _box_in(plane: Grid, box: Grid) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the outermost pixel centres of a box, in pixels of a plane."""
    if plane == box:
        return 0.0, 0.0, box.width - 1.0, box.height - 1.0
    column, row = plane.pixel_of(*box.degrees_of(*_rim(box)))
    return float(column.min()), float(row.min()), float(column.max()), float(row.max())


def _rim(box: Grid) -> tuple[Array, Array]:
    """Return column and row of the outermost pixels of a box."""
    columns, rows = np.arange(box.width), np.arange(box.height)
    return (
        np.concatenate([columns, columns, np.repeat(columns[[0, -1]], box.height)]),
        np.concatenate([np.repeat(rows[[0, -1]], box.width), rows, rows]),
    )
