"""Fit a grid to control points: pixels of a frame whose place on Earth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.planes import DEGREES, to_plane, unwrap

Array = NDArray[np.float64]
MAX_RESIDUAL_PX = 2.0
MIN_SPREAD_PX = 10.0  # between the outermost control points, along both axes
MIN_TURN_DEGREES = 0.05
COMMON_PLANES = (DEGREES, "EPSG:3857")


@dataclass(frozen=True)
class ControlPoints:
    """A fit of control points: the grid, and the distance of each point from its place in it, in pixels."""

    grid: Grid
    residuals_px: Array


@dataclass(frozen=True)
class _Points:
    """Points of one plane, (points,) each: column and row in the plot box, x and y on the plane."""

    column: Array
    row: Array
    x: Array
    y: Array

    def fit(self, used: NDArray[np.bool_] | None = None) -> tuple[float, float, float, float]:
        """Return start and step of x along columns, and of y along rows, by the points `used`, else by all."""
        used = np.ones(self.x.size, bool) if used is None else used
        numbers: list[float] = []
        for pixel, place in ((self.column[used], self.x[used]), (self.row[used], self.y[used])):
            terms = np.stack([np.ones_like(pixel), pixel], axis=1)
            numbers += np.linalg.lstsq(terms, place, rcond=None)[0].tolist()
        x_start, x_step, y_start, y_step = numbers
        return x_start, x_step, y_start, y_step

    def residuals(self, fit: tuple[float, float, float, float]) -> Array:
        """Return the distance of each point from its place in a fit, in pixels; infinite in a mirrored one."""
        x_start, x_step, y_start, y_step = fit
        if x_step <= 0 or y_step >= 0:
            return np.full(self.x.size, np.inf)
        across = (x_start + x_step * self.column - self.x) / x_step
        down = (y_start + y_step * self.row - self.y) / y_step
        return np.asarray(np.hypot(across, down), np.float64)

    def turn(self) -> float | None:
        """Return the angle in degrees by which a turned grid fits these points, None if none does."""
        terms = np.stack([np.ones_like(self.column), self.column, self.row], axis=1)
        across, down = (np.linalg.lstsq(terms, values, rcond=None)[0] for values in (self.x, self.y))
        side = np.sqrt(abs(across[1] * down[2] - across[2] * down[1]))
        away = np.hypot(terms @ across - self.x, terms @ down - self.y)
        angle = float(np.degrees(np.arctan2(down[1], across[1])))
        fits = away.max() <= MAX_RESIDUAL_PX * side
        return angle if fits and abs(angle) > MIN_TURN_DEGREES else None

    def worst(self) -> tuple[int, float]:
        """Return the point that is farthest from a fit, and by how many pixels.

        Of five points or more it is the one without which the others fit best.
        """
        numbers = np.arange(self.x.size)
        if numbers.size < 5:
            away = self.residuals(self.fit())
            return int(np.argmax(away)), float(away.max())
        without = [self.residuals(self.fit(numbers != point)) for point in numbers]
        point = min(numbers.tolist(), key=lambda point: without[point][numbers != point].max())
        return point, float(without[point][point])


def fit_control_points(
    crs: str | None, points: Sequence[Sequence[float]], box: tuple[int, int, int, int]
) -> ControlPoints:
    """Fit scale and offset of both axes of a plot box to points (x, y, longitude, latitude) in frame pixels.

    Raises ConfigError for points that are too near each other, residuals above MAX_RESIDUAL_PX, and a picture that
    is turned in its plane.
    """
    table, name = np.asarray(points, np.float64), crs or DEGREES
    column, row = table[:, 0] - box[0], table[:, 1] - box[1]
    spread = min(np.ptp(column), np.ptp(row))
    if spread < MIN_SPREAD_PX:
        raise ConfigError(
            f"control_points: they are within {spread:g} px of one line; name points far apart from west to east"
            f" and from north to south, at least {MIN_SPREAD_PX:g} px"
        )
    if np.abs(table[:, 3]).max() > 90 or np.abs(table[:, 2]).max() > 360:
        raise ConfigError(
            "control_points: a latitude above 90 or a longitude above 360 is not on Earth; write"
            " [[x, y, longitude, latitude], ...]"
        )
    placed = _on_plane(name, column, row, table)
    if placed is None:
        raise ConfigError(f"control_points: a point is outside {name}; correct it, or name another crs")
    fit = placed.fit()
    away = placed.residuals(fit)
    if away.max() > MAX_RESIDUAL_PX:
        others = {plane: _on_plane(plane, column, row, table) for plane in COMMON_PLANES if plane != name}
        raise ConfigError(f"control_points: {_misfit(name, placed, others)}")
    x_start, x_step, y_start, y_step = fit
    width, height = box[2] - box[0], box[3] - box[1]
    origin = (-x_start / x_step, -y_start / y_step)
    return ControlPoints(Grid(name, x_step, -y_step, width, height, origin), away)


def _on_plane(name: str, column: Array, row: Array, table: Array) -> _Points | None:
    """Return points on a plane, None if it does not reach one of them."""
    x, y = to_plane(name, table[:, 2], table[:, 3])
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    return _Points(column, row, unwrap(name, x, float(x[0])), y)


def _misfit(name: str, points: _Points, others: dict[str, _Points | None]) -> str:
    """Return why control points do not fit a grid with north up, and what to do."""
    angle = points.turn()
    if angle is not None:
        return f"the picture is turned by {angle:.1f} degrees in {name}; name the crs in which its north is up"
    _, x_step, _, y_step = points.fit()
    if x_step <= 0 or y_step >= 0:
        return (
            f"in {name} they run from east to west, or from south to north; write [x, y, longitude, latitude] with"
            " x from the left and y from the top of the frame"
        )
    point, away = points.worst()
    reason = (
        f"point {point + 1} is {away:.1f} px off the fit of the others in {name}, at most {MAX_RESIDUAL_PX:g} are"
        " allowed"
    )
    for plane, placed in others.items():
        rest = np.inf if placed is None else placed.residuals(placed.fit()).max()
        if rest <= MAX_RESIDUAL_PX:
            return f"{reason}; in {plane} all are within {rest:.1f} px: write crs: '{plane}'"
    return f"{reason}; correct the points, or name the crs in which the picture is a regular grid"
