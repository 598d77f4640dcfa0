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
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.planes import (
    DEGREES,
    find_plane,
    full_turn,
    to_plane,
    unwrap,
)

Array = NDArray[np.float64]
Box = tuple[int, int, int, int]
WEB = "EPSG:3857"
MAX_RESIDUAL_PX = 2.0
MIN_SPREAD_PX = 10.0  # between the outermost control points, along both axes
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
    return fit_control_points(grid, frame).grid


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
    shown = list(bounds)
    turn = full_turn(crs)
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
    _check_units(grid, "bounds", shown)
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
        across, turn_down, turn_across, down, x, y = (float(line) for line in lines)
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
    world = full_turn(WEB)
    assert world is not None
    tile, half = world / count, world / 2
    bounds = (first * tile - half, half - (bottom + 1) * tile, (last + 1) * tile - half, half - top * tile)
    return _between(WEB, bounds, size, size)


@dataclass(frozen=True)
class ControlPoints:
    """A fit of control points: the grid, and the distance of each point from its place in it, in pixels."""

    grid: Grid
    residuals_px: Array


def fit_control_points(settings: PlotGrid, frame: Frame) -> ControlPoints:
    """Fit scale and offset of both axes to control points.

    Raises ConfigError for points that are too near each other, residuals above MAX_RESIDUAL_PX, and a picture that
    is turned in its plane.
    """
    crs, points = settings.crs or DEGREES, np.asarray(settings.control_points, np.float64)
    column, row = points[:, 0] - frame.box[0], points[:, 1] - frame.box[1]
    if min(np.ptp(column), np.ptp(row)) < MIN_SPREAD_PX:
        raise ConfigError(
            f"control_points: they are within {min(np.ptp(column), np.ptp(row)):g} px of one line; name points far"
            f" apart from west to east and from north to south, at least {MIN_SPREAD_PX:g} px"
        )
    if np.abs(points[:, 3]).max() > 90 or np.abs(points[:, 2]).max() > 360:
        raise ConfigError(
            "control_points: a latitude above 90 or a longitude above 360 is not on Earth; write"
            " [[x, y, longitude, latitude], ...]"
        )
    x, y = to_plane(crs, points[:, 2], points[:, 3])
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ConfigError(f"control_points: a point is outside {crs}; correct it, or name another crs")
    x = unwrap(crs, x, float(x[0]))
    (x_step, x_start), (y_step, y_start) = fit = np.polyfit(column, x, 1), np.polyfit(row, y, 1)
    away = _residuals(fit, column, row, x, y)
    if x_step <= 0 or y_step >= 0 or away.max() > MAX_RESIDUAL_PX:
        raise ConfigError(_misfit(crs, column, row, x, y))
    origin = (float(-x_start / x_step), float(-y_start / y_step))
    return ControlPoints(Grid(crs, float(x_step), float(-y_step), *frame.size, origin), away)


def _residuals(fit: tuple[Array, Array], column: Array, row: Array, x: Array, y: Array) -> Array:
    """Return the distance in pixels of points from their places in a fit of both axes."""
    (x_step, x_start), (y_step, y_start) = fit
    away = (x_start + x_step * column - x) / x_step, (y_start + y_step * row - y) / y_step
    return np.asarray(np.hypot(*away), np.float64)


def _misfit(crs: str, column: Array, row: Array, x: Array, y: Array) -> str:
    """Return why control points do not fit a grid with north up."""
    terms = np.stack([np.ones_like(column), column, row], axis=1)
    across, down = (np.linalg.lstsq(terms, values, rcond=None)[0] for values in (x, y))
    side = np.sqrt(abs(across[1] * down[2] - across[2] * down[1])) or 1.0
    turned = np.hypot(terms @ across - x, terms @ down - y) / side
    angle = np.degrees(np.arctan2(down[1], across[1]))
    if turned.max() <= MAX_RESIDUAL_PX and abs(angle) > 0.05:
        return (
            f"control_points: the picture is turned by {angle:.1f} degrees in {crs}; name the crs in which its"
            " north is up"
        )
    # The worst point is the one without which the others fit best.
    others = [np.arange(len(x)) != point for point in range(len(x))]
    fits = [(np.polyfit(column[kept], x[kept], 1), np.polyfit(row[kept], y[kept], 1)) for kept in others]
    away = [_residuals(fit, column, row, x, y) for fit in fits]
    worst = min(range(len(x)), key=lambda point: away[point][others[point]].max())
    return (
        f"control_points: point {worst + 1} is {away[worst][worst]:.1f} px off the fit of the others in {crs}, at"
        f" most {MAX_RESIDUAL_PX:g} are allowed; correct the points, or name the crs in which the picture is a"
        " regular grid"
    )


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
        raise ConfigError(
            f"{key}: {list(given)} exceed 90 degrees of latitude in {grid.crs}; write the crs of these numbers, or"
            " degrees in the order west, south, east, north"
        )
    if not np.isfinite(grid.middle).all():
        raise ConfigError(
            f"{key}: {list(given)} are not on Earth in {grid.crs}; correct them, or name another crs"
        )
    sides = grid.pixel_km
    if not PIXEL_KM[0] <= min(sides) <= max(sides) <= PIXEL_KM[1]:
        raise ConfigError(
            f"{key}: a pixel is {1000 * sides[0]:.3g} x {1000 * sides[1]:.3g} m in {grid.crs};"
            f" {_remedy(grid.crs, given)}"
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
