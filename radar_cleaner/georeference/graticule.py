"""Meridians and parallels of a grid, at round degrees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.georeference.coast import lattice
from radar_cleaner.georeference.grid import Grid

Line = NDArray[np.float64]  # (points, 2)
_STEPS_DEGREES = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)
_LINES = 5  # about as many in each direction
_POINTS = 181  # of a line


def graticule(grid: Grid) -> list[tuple[str, Line]]:
    """Return the label of each meridian and parallel, and its (column, row) in pixels of a grid.

    A point outside the grid is NaN, so that a line that leaves the grid is drawn in parts. Lines with less than
    two points inside are left out.
    """
    longitude, latitude = (part[np.isfinite(part)] for part in lattice(grid))
    turned = np.radians(longitude)
    middle = math.degrees(math.atan2(np.sin(turned).mean(), np.cos(turned).mean()))
    longitude = (longitude - middle + 180) % 360 - 180 + middle
    (west, south), (east, north) = ((float(end(longitude)), float(end(latitude))) for end in (np.min, np.max))
    step_x, step_y = _step(east - west), _step(north - south)
    meridians = np.arange(math.ceil(west / step_x), math.floor(east / step_x) + 1) * step_x
    parallels = np.arange(math.ceil(south / step_y), math.floor(north / step_y) + 1) * step_y
    along_x, along_y = np.linspace(west, east, _POINTS), np.linspace(south, north, _POINTS)
    named = [(_meridian(x), np.full(_POINTS, x), along_y) for x in meridians]
    named += [(_parallel(y), along_x, np.full(_POINTS, y)) for y in parallels]
    lines = [(label, _place(grid, x, y)) for label, x, y in named]
    return [(label, line) for label, line in lines if np.isfinite(line).all(axis=1).sum() > 1]


def _step(span: float) -> float:
    return min(_STEPS_DEGREES, key=lambda step: abs(math.log(max(span, 1e-9) / step / _LINES)))


def _place(grid: Grid, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Line:
    column, row = grid.pixel_of(longitude, latitude)
    with np.errstate(invalid="ignore"):
        inside = (column >= -0.5) & (column <= grid.width - 0.5) & (row >= -0.5) & (row <= grid.height - 0.5)
    return np.where(inside[:, None], np.stack([column, row], axis=-1), np.nan)


def _meridian(degrees: float) -> str:
    degrees = (degrees + 180) % 360 - 180
    return f"{abs(degrees):.4g}°{'W' if degrees < 0 else 'E' if degrees > 0 else ''}"


def _parallel(degrees: float) -> str:
    return f"{abs(degrees):.4g}°{'S' if degrees < 0 else 'N' if degrees > 0 else ''}"
