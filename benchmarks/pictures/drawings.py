"""Draw frames of random echo over a random map in a random palette, with the truth of each pixel."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator

SIZE = 160  # pixels of a side
FINE = 4  # a side of a pixel is drawn by this many when edges are anti-aliased
PALETTES = ("hues", "near", "many", "grays", "pastel", "repeats the map")
MAPS = ("flat", "hillshade", "satellite", "dark")


@dataclass(frozen=True)
class Truth:
    """The echo in each pixel (y, x): the share of it that echoes, and its least and largest class from 1.

    The classes are 0 where nothing echoes. In smoothed frames a class is any number.
    """

    share: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Drawing:
    """A world to draw: palette (n, 3), map (y, x, 3), and a field of rain that is cut into frames."""

    colours: Floats
    map: Floats
    field: Floats
    speckle: float
    seed: int

    def values(self, step: int, fine: int = 1) -> Floats:
        """Return the class (y, x) of a frame as a number from 0 to n; nothing echoes at 0 and below."""
        shift = 7 * step % (self.field.shape[1] - SIZE)
        part = self.field[:, shift : shift + SIZE]
        if fine > 1:
            part = cv2.resize(part, (fine * SIZE, fine * SIZE), interpolation=cv2.INTER_CUBIC)
        part = np.minimum(part * len(self.colours), len(self.colours) - 1e-6)
        rng = np.random.default_rng([self.seed, step])
        spots = rng.random((SIZE, SIZE)) < self.speckle
        strong = np.where(spots, rng.uniform(0, len(self.colours), (SIZE, SIZE)), -np.inf)
        return np.maximum(part, np.kron(strong, np.ones((fine, fine))))


def draw_frame(
    drawing: Drawing, step: int, smooth: bool = False, fine_edges: bool = False, opacity: float = 1.0
) -> tuple[Floats, Truth]:
    """Draw a frame (y, x, 3): in classes or smoothed between their colours, with sharp or anti-aliased edges."""
    fine = FINE if fine_edges else 1
    value = drawing.values(step, fine)
    echo, count = value > 0, len(drawing.colours)
    if smooth:  # the colour of a class is the one of its middle
        number = np.where(echo, np.clip(value + 0.5, 1, count), 0)
        below = np.clip(np.floor(number).astype(int), 1, count)
        part = np.clip(number - below, 0, 1)[..., None]
        above = np.minimum(below + 1, count)
        colour = (1 - part) * drawing.colours[below - 1] + part * drawing.colours[above - 1]
    else:
        number = np.where(echo, np.floor(value) + 1, 0)
        colour = drawing.colours[np.clip(number.astype(int), 1, count) - 1]
    behind = drawing.map.repeat(fine, axis=0).repeat(fine, axis=1)
    picture = np.where(echo[..., None], opacity * colour + (1 - opacity) * behind, behind)
    blocks = (SIZE, fine, SIZE, fine)
    low = np.where(echo, number, np.inf).reshape(blocks).min(axis=(1, 3))
    return picture.reshape(*blocks, 3).mean(axis=(1, 3)), Truth(
        echo.reshape(blocks).mean(axis=(1, 3)),
        np.where(np.isfinite(low), low, 0),
        number.reshape(blocks).max(axis=(1, 3)),
    )


def draw_world(seed: int, palette: str, kind: str) -> Drawing:
    """Draw a world with a kind of PALETTES and one of MAPS."""
    rng = np.random.default_rng(seed)
    for _ in range(200):
        colours = np.rint(_palette(rng, "hues" if palette == "repeats the map" else palette))
        background = np.rint(_map(rng, kind, colours[rng.integers(len(colours))] if "map" in palette else None))
        away = np.linalg.norm(background.reshape(-1, 1, 3)[::7] - colours, axis=2).min(axis=1)
        if "map" in palette or (away < 24).mean() < 0.002:
            break
    else:
        raise AssertionError(f"no map of the kind {kind} differs from a palette of the kind {palette}")
    rain = _noise(rng, (SIZE, 5 * SIZE), rng.uniform(8, 16)) + 0.3 * _noise(rng, (SIZE, 5 * SIZE), 3)
    rain /= rain.std()
    dry = rng.uniform(0.2, 1.2)
    return Drawing(colours, background, (rain - dry) / (2.6 - dry), float(rng.choice([0, 0.001])), seed)


def _palette(rng: Rng, kind: str) -> Floats:
    if kind == "hues":
        count = int(rng.integers(6, 15))
        hues = np.linspace(rng.uniform(0.5, 0.62), rng.uniform(-0.2, 0.0), count)
        bright = rng.uniform(0.7, 1, count)
        return (
            np.array(
                [
                    colorsys.hsv_to_rgb(hue % 1, rng.uniform(0.7, 1), value)
                    for hue, value in zip(hues, bright, strict=True)
                ]
            )
            * 255
        )
    if kind == "grays":
        count, step = int(rng.integers(6, 11)), rng.uniform(12, 22)
        start = rng.uniform(20, 235 - step * (count - 1))
        gray = start + step * np.arange(count)
        return np.repeat((gray if rng.random() < 0.5 else gray[::-1])[:, None], 3, axis=1)
    count = int(rng.integers(30, 67)) if kind == "many" else int(rng.integers(8, 20))
    low = 150 if kind == "pastel" else 0
    return _path(rng, count, rng.uniform(10, 24), low)


def _path(rng: Rng, count: int, step: float, low: float) -> Floats:
    """Return colours `step` apart along a broken line; those farther along are never nearer."""
    while True:
        corners = rng.uniform(low, 255, (2 + count, 3))
        points, at = [corners[0]], corners[0]
        for corner in corners[1:]:
            while np.linalg.norm(corner - at) > step and len(points) < count:
                at = at + step * (corner - at) / np.linalg.norm(corner - at)
                points.append(at)
        colours = np.array(points)
        away = np.linalg.norm(colours[:, None] - colours, axis=2)
        apart = np.abs(np.subtract.outer(np.arange(len(colours)), np.arange(len(colours))))
        if len(colours) == count and (away[apart > 1] > 1.2 * step).all():
            return colours


def _map(rng: Rng, kind: str, repeated: Floats | None) -> Floats:
    shape = (SIZE, SIZE)
    place = _noise(rng, shape, SIZE / 8)
    if kind == "satellite":
        first, second, third = rng.uniform(20, 140, (3, 3))
        wood, cloud = _share(_noise(rng, shape, 6)), _share(_noise(rng, shape, 2.5))
        picture = first + wood[..., None] * (second - first) + 0.5 * cloud[..., None] * (third - first)
        picture += rng.normal(0, 5, (*shape, 1))
        picture[place < -0.6] = rng.uniform(5, 60, 3)
    elif kind == "hillshade":
        height = _noise(rng, shape, 5)
        shade = 1 + 0.35 * (np.gradient(height, axis=0) + np.gradient(height, axis=1)) / 0.3
        land = rng.uniform(120, 220) + rng.uniform(-20, 20, 3)
        picture = land * np.clip(shade, 0.6, 1.2)[..., None]
        picture[place < -0.6] = rng.uniform(60, 220, 3)
    else:
        least, most = (0, 70) if kind == "dark" else (60, 256)
        picture = np.where((place > -0.3)[..., None], *rng.uniform(least, most, (2, 3)))
        picture[place > 1.0] = rng.uniform(least, most, 3)
        edges = cv2.Canny(((place > -0.3) * 255).astype(np.uint8), 50, 100) > 0
        picture[edges] = rng.uniform(0, 255, 3)
    if repeated is not None:
        picture[place > 0.8] = repeated
    return np.clip(picture, 0, 255)


def _noise(rng: Rng, shape: tuple[int, int], scale: float) -> Floats:
    noise = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), scale)
    return np.asarray((noise - noise.mean()) / noise.std())


def _share(noise: Floats) -> Floats:
    return np.clip(0.5 + 0.3 * noise, 0, 1)
