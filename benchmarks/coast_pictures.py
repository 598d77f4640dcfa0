"""Imitated pictures of the ground at random places of the world, and textures that show no coast.

The coast is that of the check itself, bent by about a pixel and drawn in random colours: flat, as a relief, as a
satellite sees it, or as a line only. Some have names, rings, rain or a dark surrounding over it, or are JPEG.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radar_cleaner.georeference.coast import land_fraction
from radar_cleaner.georeference.grid import Grid

Picture = NDArray[np.uint8]  # (y, x, 3)
Field = NDArray[np.float32]  # (y, x)

GROUNDS = ("flat", "relief", "satellite", "line", "flat with line")
TEXTURES = ("plain", "blobs", "terrain", "half", "circle", "lines", "other coast")
_LAND = (0.05, 0.95)  # share of land in the picture of a place


def find_place(rng: np.random.Generator, size: tuple[int, int] | None = None) -> Grid:
    """Return a grid about a random point of the world with land and water; `size` is (width, height)."""
    while True:
        latitude = float(np.degrees(np.arcsin(rng.uniform(-0.85, 0.95))))
        km = float(np.exp(rng.uniform(np.log(0.4), np.log(3))))
        width, height = size or (int(side) for side in rng.integers(260, 520, 2))
        middle = ((width - 1) / 2, (height - 1) / 2)
        grid = Grid.about(latitude, float(rng.uniform(-180, 180)), km * 1000, width, height, middle)
        if _LAND[0] < land_fraction(grid).mean() < _LAND[1]:
            return grid


def draw_ground(
    rng: np.random.Generator,
    grid: Grid,
    kind: str,
    offset: tuple[float, float] = (0, 0),
    size: float = 1,
    plain: bool = False,
) -> Picture:
    """Draw the ground too far east and south by `offset` px and `size` times as large; if `plain` nothing else."""
    land = _moved(rng, grid, offset, size)
    picture = _paint(rng, land, kind)
    return picture.astype(np.uint8) if plain else _draw_over(rng, picture)


def draw_texture(rng: np.random.Generator, grid: Grid, kind: str) -> Picture:
    """Draw a picture that does not show the coast of a grid."""
    shape = grid.shape
    if kind == "other coast":
        return draw_ground(rng, find_place(rng, shape[::-1]), str(rng.choice(GROUNDS)))
    first, second = _two_colours(rng)
    row, column = np.indices(shape)
    if kind == "terrain":
        levels = np.digitize(_noise(rng, shape, np.exp(rng.uniform(1.6, 4.6))), np.linspace(-1.5, 1.5, 8))
        return _draw_over(rng, rng.integers(0, 256, (9, 3))[levels])
    where = np.zeros(shape, bool)
    if kind == "blobs":
        where = _noise(rng, shape, np.exp(rng.uniform(1.6, 5))) > rng.uniform(-0.5, 0.5)
    elif kind == "half":
        turn = rng.uniform(0, 2 * np.pi)
        across, down = column - shape[1] * rng.random(), row - shape[0] * rng.random()
        where = across * np.cos(turn) + down * np.sin(turn) > 0
    elif kind == "circle":
        radius = min(shape) * rng.uniform(0.25, 0.5)
        where = np.hypot(column - shape[1] / 2, row - shape[0] / 2) < radius
    elif kind == "lines":
        drawn = np.zeros(shape, np.uint8)
        for _ in range(rng.integers(2, 12)):
            steps = np.cumsum(rng.normal(size=(200, 2)) * rng.uniform(2, 6), axis=0)
            cv2.polylines(drawn, [(steps + rng.random(2) * shape[::-1]).astype(np.int32)], False, 1)
        where = drawn > 0
    return _draw_over(rng, np.where(where[..., None], first, second))


def _moved(rng: np.random.Generator, grid: Grid, offset: tuple[float, float], size: float) -> Field:
    """Return the land of a grid, moved, scaled about its middle and bent by about a pixel."""
    margin = 40 + max(grid.shape) // 4
    row, column = np.indices(grid.shape, dtype=np.float32)
    middle = np.array([grid.width // 2, grid.height // 2])
    there = [(at - move - mid) / size + mid for at, move, mid in zip((column, row), offset, middle, strict=True)]
    places = [(at + 0.7 * _noise(rng, grid.shape, 15) + margin).astype(np.float32) for at in there]
    return cv2.remap(land_fraction(grid, margin), *places, cv2.INTER_LINEAR)


def _paint(rng: np.random.Generator, land: Field, kind: str) -> NDArray[np.float64]:
    on_land, on_water = _two_colours(rng)
    dry = (land > 0.5)[..., None]
    edge = cv2.morphologyEx(dry[..., 0].astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    if kind == "line":
        return np.where(edge[..., None], on_land, on_water)
    share = land[..., None] if rng.random() < 0.5 else dry
    picture = on_land * share + on_water * (1 - share)
    if kind == "relief":
        hills = _noise(rng, land.shape, rng.uniform(3, 30)) * rng.uniform(5, 25)
        picture += np.where(dry, hills[..., None], 0)
    elif kind == "satellite":
        ground = np.stack([15 * _noise(rng, land.shape, rng.uniform(5, 40)) for _ in range(3)], axis=-1)
        depth = np.stack([8 * _noise(rng, land.shape, 60) for _ in range(3)], axis=-1)
        picture += np.where(dry, ground, depth)
    elif kind == "flat with line":
        picture[edge] = rng.integers(0, 256, 3)
    return np.clip(picture, 0, 255)


def _draw_over(rng: np.random.Generator, picture: NDArray[np.floating] | NDArray[np.integer]) -> Picture:
    """Draw names, rings and rain over a picture, a dark surrounding, and save it as JPEG: each sometimes."""
    drawn = np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8))
    height, width = drawn.shape[:2]

    def colour() -> tuple[int, ...]:
        return tuple(int(value) for value in rng.integers(0, 256, 3))

    for _ in range(rng.integers(0, 25) if rng.random() < 0.5 else 0):
        place = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        name = "".join(rng.choice(list("abcdeghiklmnorstu"), rng.integers(3, 9)))
        cv2.putText(drawn, name, place, cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.3, 0.6), colour(), 1, cv2.LINE_AA)
    for ring in range(1, 4) if rng.random() < 0.3 else ():
        cv2.circle(drawn, (width // 2, height // 2), ring * min(width, height) // 6, colour(), 1)
    if rng.random() < 0.3:
        drawn[_noise(rng, (height, width), 12) > 1.3] = colour()
    if rng.random() < 0.2:
        row, column = np.indices((height, width))
        drawn[np.hypot(column - width / 2, row - height / 2) > 0.49 * max(width, height)] = colour()
    if rng.random() < 0.4:
        file = io.BytesIO()
        Image.fromarray(drawn).save(file, "JPEG", quality=int(rng.integers(75, 96)), subsampling=2)
        drawn = np.array(Image.open(file))
    return drawn


def _two_colours(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two colours, often near each other but at least 12 apart in a channel."""
    first = rng.integers(0, 256, 3).astype(float)
    while True:
        near = np.clip(first + rng.integers(-40, 41, 3), 0, 255)
        second = rng.integers(0, 256, 3).astype(float) if rng.random() < 0.6 else near
        if np.abs(first - second).max() >= 12:
            return first, second


def _noise(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Field:
    """Return smooth noise (y, x) of standard deviation about 0.8 that changes over `scale` px."""
    height, width = shape[:2]
    grid = rng.normal(size=(int(height / scale) + 3, int(width / scale) + 3)).astype(np.float32)
    size = (int(grid.shape[1] * scale), int(grid.shape[0] * scale))
    return cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)[:height, :width]
