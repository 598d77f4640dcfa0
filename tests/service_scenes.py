"""Imitated frames of known services with all that their pictures show: map, moving rain, names, legend, clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from service_cases import SIZE, frame_name, radar_of

from radar_cleaner.config.services import find_service
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.reflectivity.palette import Palette
from radar_cleaner.reflectivity.palette_source import read_palette

START = datetime(2025, 5, 1, 12)
WITH_MAP = ("eccc_cappi", "hko_64km", "hko_128km", "hko_256km")  # opaque, in two colours; others are layers
LAND, SEA, NAMES = (214, 206, 178), (176, 188, 202), (40, 40, 40)
PAPER, INK = (250, 250, 250), (0, 0, 0)
LEAST_STRIP = 60  # px beside the map that a legend needs
STEP_PX = 9  # how far the rain moves from frame to frame
Frames = NDArray[np.uint8]  # (time, y, x, 4)


class Scene:
    """Frames of a service, and the class of each of their pixels: `classes` (time, y, x), -1 without echo.

    `seen` (y, x) are pixels that show the echo: in range, and neither under the overlay nor under a name.
    """

    def __init__(self, name: str, count: int = 8, seed: int = 0) -> None:
        self.name, self.radar = name, radar_of(name)
        self.size = self.radar.size_px or SIZE
        self.box = self.radar.box(self.size)
        self.palette: Palette = read_palette(self.radar.labels)
        x0, y0, x1, y1 = self.box
        random = np.random.default_rng([seed, len(name), *map(ord, name)])
        ground = self._ground(random, (y1 - y0, x1 - x0))
        named = _draw_names(ground) if self.name in WITH_MAP else np.zeros(ground.shape[:2], bool)
        self.seen = in_range(self.radar.geometry(self.size)) & ~named
        for left, top, right, bottom in self.radar.overlay.boxes_px:
            self.seen[max(top - y0, 0) : max(bottom - y0, 0), max(left - x0, 0) : max(right - x0, 0)] = False
        border = self.radar.overlay.border_px
        inside = np.zeros_like(self.seen)
        inside[border : y1 - y0 - border, border : x1 - x0 - border] = True
        self.seen &= inside
        self.classes = self._rain(random, count)
        self.frames: Frames = np.stack([self._frame(ground, named, index) for index in range(count)])

    def write(self, folder: Path, form: str | None = None) -> None:
        """Write the frames with the names of the service, or with those of a `form` of strftime."""
        folder.mkdir(parents=True, exist_ok=True)
        minutes = find_service(self.name).cadence_minutes or 5
        for index, frame in enumerate(self.frames):
            time = START + timedelta(minutes=minutes * index)
            described = frame_name(self.name, time)
            name = described if form is None and described else time.strftime(form or "%Y%m%d%H%M.png")
            picture = Image.fromarray(frame)
            if name.endswith(".jpg"):
                picture.convert("RGB").save(folder / name, quality=90)
            else:
                picture.save(folder / f"{name.removesuffix('.png').removesuffix('.gif')}.png")

    def _ground(self, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the map (y, x, 4): of the service's colour, of land and sea, or transparent."""
        ground = np.zeros((*shape, 4), np.uint8)
        colours = self.radar.labels.rgb("ground_colours")
        if self.name in WITH_MAP:
            field = cv2.GaussianBlur(random.standard_normal(shape), (0, 0), shape[0] / 14)
            ground[:] = np.where((field > 0)[..., None], (*LAND, 255), (*SEA, 255))
        elif len(colours):
            ground[:] = (*colours[-1], 255)
        return ground

    def _rain(self, random: np.random.Generator, count: int) -> NDArray[np.int16]:
        """Return (time, y, x): classes in nested areas that move to the east."""
        x0, y0, x1, y1 = self.box
        height, width = y1 - y0, x1 - x0 + STEP_PX * count
        field = cv2.GaussianBlur(random.standard_normal((height, width)), (0, 0), height / 18)
        lowest = int(np.searchsorted(self.palette.lower_dbz, max(self.radar.labels.min_dbz, 12)))
        number = len(self.palette.colours) - lowest
        rank = (np.argsort(np.argsort(field.ravel())) / field.size).reshape(field.shape)
        level = np.where(rank > 0.8, lowest + ((rank - 0.8) / 0.2 * number).astype(int), -1).astype(np.int16)
        starts = [STEP_PX * (count - 1 - index) for index in range(count)]
        return np.stack([level[:, start : start + x1 - x0] for start in starts])

    def _frame(self, ground: NDArray[np.uint8], named: NDArray[np.bool_], index: int) -> NDArray[np.uint8]:
        x0, y0, x1, y1 = self.box
        frame = np.zeros((self.size[1], self.size[0], 4), np.uint8)
        frame[:] = (*PAPER, 255) if (x0, y0, x1, y1) != (0, 0, *self.size) else (0, 0, 0, 0)
        colours = np.concatenate([self.palette.colours, np.full((len(self.palette.colours), 1), 255)], axis=1)
        echo = (self.classes[index] >= 0) & ~named
        within = in_range(self.radar.geometry(self.size))
        frame[y0:y1, x0:x1] = ground
        frame[y0:y1, x0:x1][echo & within] = colours[self.classes[index][echo & within]]
        for left, top, right, bottom in self.radar.overlay.boxes_px:
            frame[top:bottom, left:right] = (*PAPER, 255)
        if self.size[0] - x1 >= LEAST_STRIP:
            draw_legend(frame, (x1 + 8, y0 + 40, x1 + 24, y1 - 40), self.palette)
            _write(frame, f"{START + timedelta(minutes=5 * index):%H:%M}", (x1 + 6, y0 + 10), INK)
        return frame


def _draw_names(ground: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Write names into a map (y, x, 4); return their pixels, which hide the rain."""
    before, (height, width) = ground.copy(), ground.shape[:2]
    for number, (x, y) in enumerate([(0.2, 0.3), (0.6, 0.2), (0.5, 0.7), (0.75, 0.6)]):
        _write(ground, f"Town {number}", (int(x * width), int(y * height)), NAMES)
    return np.asarray((ground != before).any(axis=-1))


def _write(frame: NDArray[np.uint8], text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    picture = Image.fromarray(frame)
    ImageDraw.Draw(picture).text(place, text, fill=(*colour, 255))
    frame[...] = np.asarray(picture)


def draw_legend(frame: NDArray[np.uint8], box: tuple[int, int, int, int], palette: Palette) -> None:
    """Draw an upright bar, strong at the top, with the lower bounds in dBZ beside it."""
    x0, y0, x1, y1 = box
    edges = np.linspace(y1, y0, len(palette.colours) + 1).round().astype(int)
    for number, colour in enumerate(palette.colours):
        frame[edges[number + 1] : edges[number], x0:x1] = (*colour, 255)
        if edges[number] - edges[number + 1] > 12:
            _write(frame, f"{palette.lower_dbz[number]:.0f}", (x1 + 4, edges[number] - 10), INK)
