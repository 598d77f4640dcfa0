"""Place a plot box on Earth: the grid that follows from the keys of a radar's section `grid`.

Each function returns a Grid. Raises ConfigError in one line that begins with the key below `grid`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.grid import ABOUT_RADAR, PlotGrid, Tiles
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.control_points import fit_control_points
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.planes import (
    DEGREES,
    find_plane,
    full_turn,
    to_plane,
)

Array = NDArray[np.float64]
Box = tuple[int, int, int, int]
WEB = "EPSG:3857"
_TILE_SLACK_PX = 2.0  # of the plot box: a scaled picture is rounded to whole pixels
PIXEL_KM = (0.001, 500.0)  # pictures outside are in other units than their crs


@dataclass(frozen=True)
class Frame:
    """The plot box of a frame, and the radar in it.

    `box` is the plot box in the frame, `center` the radar's (column, row) in the frame, `position` its longitude
    and latitude, None of a mosaic.
    """

    box: Box
    center: tuple[float, float]
    position: tuple[float, float] | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the plot box."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]


def place_box(grid: PlotGrid, frame: Frame) -> Grid:
    """Return the grid of the plot box of a frame. Raises ConfigError."""
    kind = grid.kinds[0]
    if grid.crs is not None:
        find_plane(grid.crs)
    if kind in ABOUT_RADAR:
        return _about_radar(grid, frame)
    if kind == "bounds":
        return _within_bounds(grid.crs or DEGREES, grid.bounds or (), grid.bounds_of, frame.size)
    if kind == "world_file":
        return _by_world_file(grid.crs or DEGREES, Path(grid.world_file or ""), frame)
    if kind == "tiles":
        assert grid.tiles is not None
        return _of_tiles(grid.tiles, frame.size)
    return fit_control_points(grid.crs, grid.control_points or (), frame.box).grid


def _about_radar(settings: PlotGrid, frame: Frame) -> Grid:
    """Place the radar at its pixel, with the scale that the keys give on the ground."""
    assert frame.position is not None, "a grid about the radar has a position"
    (width, height), (longitude, latitude) = frame.size, frame.position
    column, row = frame.center[0] - frame.box[0], frame.center[1] - frame.box[1]
    if settings.range_km is not None:
        metres = settings.range_km * 1000 / (max(width, height) / 2)
    elif settings.km_per_px is not None:
        metres = settings.km_per_px * 1000
    else:
        assert settings.circle is not None
        metres = settings.circle.km * 1000 / settings.circle.px
    if settings.crs is None:
        return Grid.about(latitude, longitude, metres, width, height, (column, row))
    plane = find_plane(settings.crs)
    if plane.is_geographic:
        raise ConfigError(
            f"crs: {settings.crs} is in degrees, and {settings.kinds[0]} in km; write bounds, or a crs in metres"
        )
    x, y = _point(settings.crs, longitude, latitude)
    unit = Grid(settings.crs, 1.0, 1.0, 1, 1, (-x, y))  # one unit of the plane at the radar
    wide, high = (1000 * side for side in unit.pixel_km_at(0, 0))
    pixel_width, pixel_height = metres / wide, metres / high
    origin = (column - x / pixel_width, row + y / pixel_height)
    return Grid(settings.crs, pixel_width, pixel_height, width, height, origin)


def _within_bounds(crs: str, bounds: Sequence[float], of: str, size: tuple[int, int]) -> Grid:
    west, south, east, north = bounds
    shown, turn = _shown(bounds), full_turn(crs)
    if find_plane(crs).is_geographic and turn is not None and max(abs(south), abs(north)) > turn / 4:
        raise ConfigError(f"bounds: {shown} {_beyond_the_poles(crs)}")
    if east <= west and turn is not None and east + turn - west <= turn / 2:
        east += turn  # across the 180th meridian
    if not (west < east and south < north):
        raise ConfigError(
            f"bounds: {shown} are the wrong way round; write [west, south, east, north], west below east and south"
            " below north"
        )
    if turn is not None and east - west > turn * (1 + 1e-9):
        raise ConfigError(f"bounds: {shown} are wider than the Earth; write [west, south, east, north]")
    steps = [side - (of == "centres") for side in size]
    if min(steps) < 1:
        raise ConfigError(f"bounds_of: centres needs a plot box above one pixel, this one is {size}; write edges")
    grid = _between(crs, (west, south, east, north), steps, size)
    _check_units(grid, "bounds", bounds)
    return grid


def _between(crs: str, bounds: Sequence[float], steps: Sequence[int], size: tuple[int, int]) -> Grid:
    """Return the grid of `size` pixels with `steps` pixels between the bounds, the rest outside on both sides."""
    west, south, east, north = bounds
    pixel_width, pixel_height = (east - west) / steps[0], (north - south) / steps[1]
    outside = (size[0] - steps[0]) / 2, (size[1] - steps[1]) / 2  # 0 between edges, half a pixel between centres
    column = -west / pixel_width - 0.5 + outside[0]
    row = north / pixel_height - 0.5 + outside[1]
    return Grid(crs, pixel_width, pixel_height, *size, (column, row))


def _by_world_file(crs: str, path: Path, frame: Frame) -> Grid:
    try:
        lines = path.read_text(encoding="utf-8-sig").replace(",", ".").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"world_file: {path} is not readable ({error}); name a .pgw or .wld file") from None
    try:
        across, turn_down, turn_across, down, x, y = numbers = [float(line) for line in lines]
        if not np.isfinite(numbers).all():
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"world_file: {path} does not have six numbers; see docs/how-to/place_a_picture.md"
        ) from None
    if abs(turn_down) > 1e-6 * abs(across) or abs(turn_across) > 1e-6 * abs(down):
        angle = np.degrees(np.arctan2(turn_down, across))
        raise ConfigError(
            f"world_file: {path} has a rotation of {angle:.3g} degrees (its second and third number are"
            f" {turn_down:g} and {turn_across:g}); name a picture with north up, or the crs in which it is up"
        )
    if across <= 0 or down >= 0:
        raise ConfigError(
            f"world_file: {path} mirrors the picture (its first number is {across:g}, its fourth {down:g}); the"
            " first must be above 0 and the fourth below"
        )
    left, top = frame.box[:2]
    grid = Grid(crs, across, -down, *frame.size, (-x / across - left, -y / down - top))
    _check_units(grid, "world_file", [x, y])
    return grid


def _of_tiles(tiles: Tiles, size: tuple[int, int]) -> Grid:
    count, (first, last), (top, bottom) = 2**tiles.zoom, tiles.x, tiles.y
    if not (first <= last < first + count and first < count and top <= bottom < count):
        raise ConfigError(
            f"tiles: x {list(tiles.x)}, y {list(tiles.y)} are not tiles of zoom {tiles.zoom}; write [first, last],"
            f" each from 0 to {count - 1} (x may go on across the 180th meridian)"
        )
    columns, rows = last - first + 1, bottom - top + 1
    across, down = size[0] / columns, size[1] / rows
    if abs(across - down) * max(columns, rows) > _TILE_SLACK_PX:
        raise ConfigError(
            f"tiles: {columns} x {rows} tiles in a plot box of {size[0]} x {size[1]} px would be {across:.4g} x"
            f" {down:.4g} px each, and tiles are square; correct x, y, or plot_box_px"
        )
    world = full_turn(WEB)
    assert world is not None
    tile, half = world / count, world / 2
    bounds = (first * tile - half, half - (bottom + 1) * tile, (last + 1) * tile - half, half - top * tile)
    return _between(WEB, bounds, size, size)


def _point(crs: str, longitude: float, latitude: float) -> tuple[float, float]:
    x, y = to_plane(crs, np.array([longitude]), np.array([latitude]))
    if not (np.isfinite(x[0]) and np.isfinite(y[0])):
        raise ConfigError(
            f"crs: {crs} does not reach longitude {longitude:g}, latitude {latitude:g}; name another one"
        )
    return float(x[0]), float(y[0])


def _check_units(grid: Grid, key: str, given: Sequence[float]) -> None:
    """Raise ConfigError for a grid that is not on Earth, or whose pixels have no possible size."""
    plane, turn = find_plane(grid.crs), full_turn(grid.crs)
    if plane.is_geographic and turn and np.abs(grid.y()[[0, -1]]).max() > turn / 4:
        raise ConfigError(f"{key}: {_shown(given)} {_beyond_the_poles(grid.crs)}")
    if not np.isfinite(grid.middle).all():
        raise ConfigError(
            f"{key}: {_shown(given)} are not on Earth in {grid.crs}; correct them, or name another crs"
        )
    sides = grid.pixel_km
    if not PIXEL_KM[0] <= min(sides) <= max(sides) <= PIXEL_KM[1]:
        raise ConfigError(
            f"{key}: a pixel is {1000 * sides[0]:.3g} x {1000 * sides[1]:.3g} m in {grid.crs};"
            f" {_remedy(grid.crs, given)}"
        )


def _shown(numbers: Sequence[float]) -> str:
    return f"[{', '.join(f'{number:.10g}' for number in numbers)}]"


def _beyond_the_poles(crs: str) -> str:
    return (
        f"exceed 90 degrees of latitude in {crs}; write the crs of these numbers, or degrees in the order west,"
        " south, east, north"
    )


def _remedy(crs: str, given: Sequence[float]) -> str:
    """Return the bounds on the plane if those that were given are degrees."""
    plane = find_plane(crs)
    in_degrees = len(given) == 4 and np.abs(given[1::2]).max() <= 90 and np.abs(given[::2]).max() <= 360
    if plane.is_projected and in_degrees:
        x, y = to_plane(crs, np.array([given[0], given[2]]), np.array([given[1], given[3]]))
        if np.isfinite(x).all() and np.isfinite(y).all():
            return (
                f"its numbers are in {plane.axis_info[0].unit_name}s; if these are degrees, write"
                f" [{x[0]:.0f}, {y[0]:.0f}, {x[1]:.0f}, {y[1]:.0f}]"
            )
    return "correct them, or name the crs of these numbers"
