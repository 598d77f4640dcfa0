"""Draw folders of frames in the manner of public services: a map with names and rings, rain, legends, titles.

Nothing is copied from a service. What a picture should be read as is in `Imitation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
START = datetime(2025, 6, 3, 23, 30, tzinfo=UTC)
FRAMES = 20
FONT = ImageFont.load_default_imagefont()
NWS = [
    "#04e9e7",
    "#019ff4",
    "#0300f4",
    "#02fd02",
    "#01c501",
    "#008e00",
    "#fdf802",
    "#e5bc00",
    "#fd9500",
    "#fd0000",
]
HKO_LIKE = [
    "#00d8ff",
    "#0096ff",
    "#0050dc",
    "#00e600",
    "#00b400",
    "#007800",
    "#ffff00",
    "#ffb400",
    "#ff5000",
    "#dc00b4",
]
BLUES = [
    "#f5f5ff",
    "#b4b4ff",
    "#7878ff",
    "#1414ff",
    "#00d8c3",
    "#009690",
    "#006666",
    "#ffff00",
    "#ffc800",
    "#ff9600",
]
SPECTRUM = [
    tuple(int(value) for value in cv2.cvtColor(np.uint8([[[hue, 230, 230]]]), cv2.COLOR_HSV2RGB)[0, 0])
    for hue in range(60, -1, -5)
]


@dataclass(frozen=True)
class Imitation:
    """Frames of a service: how they are drawn, and what is right."""

    name: str
    file_names: tuple[str, ...]  # formats of strftime; several for several radars
    cadence_minutes: int
    size: tuple[int, int]
    plot_box: Box
    colours: Sequence[object]
    draw: Callable[[Pixels, int], Pixels]  # the map with its rain, and the number of the frame -> the picture
    suffix: str
    ground: tuple[str, str]
    rings: bool = False
    uncovered: str | None = None


def write_frames(imitation: Imitation, folder: Path) -> None:
    """Write the frames of an imitation below a folder."""
    x0, y0, x1, y1 = imitation.plot_box
    for radar, form in enumerate(imitation.file_names):
        random = np.random.default_rng(len(imitation.name) + radar)
        plain = _map(random, (y1 - y0, x1 - x0), imitation)
        for index in range(FRAMES):
            time = START + timedelta(minutes=imitation.cadence_minutes * index)
            frame = _rain(plain, index, imitation.colours, radar)
            _cover(frame, index, imitation)
            if imitation.rings:
                _rings(frame)
            _names(frame)
            picture = Image.fromarray(imitation.draw(frame, index))
            path = folder / time.strftime(form)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".jpg":
                picture.save(path, quality=85)
            elif path.suffix == ".gif":
                picture.quantize(128, dither=Image.Dither.NONE).save(path)
            else:
                picture.save(path)


def _rgb(colour: object) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.lstrip("#"))) if isinstance(colour, str) else tuple(colour)  # type: ignore[arg-type]


def _map(random: np.random.Generator, shape: tuple[int, int], imitation: Imitation) -> Pixels:
    field = cv2.GaussianBlur(random.standard_normal(shape), (0, 0), shape[0] / 14)
    land = (field > np.quantile(field, 0.45))[..., None]
    frame = np.where(land, _rgb(imitation.ground[0]), _rgb(imitation.ground[1])).astype(np.uint8)
    coast = cv2.morphologyEx(land[..., 0].astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    if imitation.ground[0] != imitation.ground[1]:
        frame[coast] = (90, 90, 90)
    return frame


def _rain(plain: Pixels, index: int, colours: Sequence[object], seed: int) -> Pixels:
    random = np.random.default_rng(99 + seed)
    height, width = plain.shape[:2]
    wide = cv2.GaussianBlur(random.standard_normal((height, 2 * width)), (0, 0), height / 22)
    wide /= wide.std()
    part = wide[:, width // 2 - 5 * index : width // 2 - 5 * index + width]
    level = np.clip(((part - 0.6) / 2.2 * len(colours)).astype(int), -1, len(colours) - 1)
    level[part < 0.6] = -1
    table = np.array([_rgb(colour) for colour in colours], np.uint8)
    return np.where(level[..., None] >= 0, table[np.maximum(level, 0)], plain)


def _cover(frame: Pixels, index: int, imitation: Imitation) -> None:
    """Paint what no radar of a mosaic observes; one radar is off in the first frames."""
    if imitation.uncovered is None:
        return
    height, width = frame.shape[:2]
    seen = np.zeros((height, width), np.uint8)
    for x, y in [(0.35, 0.4), (0.6, 0.55)] + [(0.45, 0.75)] * (index > FRAMES // 3):
        cv2.circle(seen, (int(x * width), int(y * height)), int(0.27 * height), 1, cv2.FILLED)
    frame[seen == 0] = _rgb(imitation.uncovered)


def _rings(frame: Pixels) -> None:
    height, width = frame.shape[:2]
    for share in (0.25, 0.5):
        cv2.circle(frame, (width // 2, height // 2), int(share * height) - 1, (200, 200, 200))
    cv2.line(frame, (0, height // 2), (width, height // 2), (200, 200, 200))
    cv2.line(frame, (width // 2, 0), (width // 2, height), (200, 200, 200))


def _names(frame: Pixels) -> None:
    height, width = frame.shape[:2]
    for number, (x, y) in enumerate([(0.2, 0.3), (0.6, 0.2), (0.5, 0.7), (0.75, 0.6)]):
        _write(frame, f"Town {number}", int(x * width), int(y * height), (255, 255, 255))


def _write(frame: Pixels, text: str, x: int, y: int, colour: tuple[int, ...]) -> None:
    picture = Image.fromarray(frame)
    ImageDraw.Draw(picture).text((x, y), text, fill=colour, font=FONT)
    frame[...] = np.asarray(picture)


def _strip(size: tuple[int, int], ground: str) -> Pixels:
    return np.full((size[1], size[0], 3), _rgb(ground), np.uint8)


def _legend(strip: Pixels, colours: Sequence[object], box: Box, ink: tuple[int, ...], gap: int = 0) -> None:
    """Draw an upright bar, strong at the top, with numbers right of it."""
    x0, y0, x1, y1 = box
    edges = np.linspace(y1, y0, len(colours) + 1).round().astype(int)
    for number, colour in enumerate(colours):
        strip[edges[number + 1] + gap : edges[number], x0:x1] = _rgb(colour)
        _write(strip, f"{5 + 5 * number}", x1 + 3, edges[number] - 8, ink)


def _clock(index: int, minutes: int) -> str:
    return f"{START + timedelta(minutes=minutes * index):%d %b %Y %H:%M}"


def _bom_like(frame: Pixels, index: int) -> Pixels:
    head, foot = _strip((512, 16), "#c0c0c0"), _strip((512, 12), "#c0c0c0")
    _write(head, "Rain radar 128 km", 6, 2, (0, 0, 0))
    _write(foot, f"Station {_clock(index, 5)} UTC", 6, 0, (0, 0, 0))
    return np.concatenate([head, frame, foot])


def _ridge_like(frame: Pixels, index: int) -> Pixels:
    strip = _strip((50, 550), "#000000")
    _legend(strip, NWS, (4, 60, 18, 360), (255, 255, 255))
    _write(strip, _clock(index, 6)[-5:], 4, 20, (255, 255, 255))
    return np.concatenate([frame, strip], axis=1)


def _hko_like(frame: Pixels, index: int) -> Pixels:
    strip = _strip((80, 400), "#ffffff")
    _legend(strip, HKO_LIKE, (8, 80, 24, 320), (0, 0, 0))
    _write(strip, "mm/h", 28, 60, (0, 0, 0))
    _write(strip, _clock(index, 6)[-5:], 8, 20, (0, 0, 0))
    return np.concatenate([frame, strip], axis=1)


def _mosaic_like(frame: Pixels, index: int) -> Pixels:
    head = _strip((560, 24), "#303030")
    _write(head, f"Composite {_clock(index, 10)}", 8, 6, (255, 255, 255))
    return np.concatenate([head, frame])


def _left_strip(frame: Pixels, index: int) -> Pixels:
    strip = _strip((80, 400), "#000000")
    _legend(strip, SPECTRUM, (10, 60, 26, 340), (255, 255, 255), gap=1)
    _write(strip, _clock(index, 15)[-5:], 8, 20, (255, 255, 255))
    return np.concatenate([strip, frame], axis=1)


IMITATIONS = (
    Imitation(
        "bom_like",
        ("IDR713.T.%Y%m%d%H%M.png",),
        5,
        (512, 512),
        (0, 16, 512, 500),
        BLUES,
        _bom_like,
        "png",
        ("#c8c8a0", "#a0c8e6"),
    ),
    Imitation(
        "ridge_like",
        ("KTLX_%Y%m%d_%H%M_N0R.gif",),
        6,
        (600, 550),
        (0, 0, 550, 550),
        NWS,
        _ridge_like,
        "gif",
        ("#705848", "#705848"),
        rings=True,
    ),
    Imitation(
        "hko_like",
        ("%Y/%m/%d/rad_%H%M.jpg",),
        6,
        (480, 400),
        (0, 0, 400, 400),
        HKO_LIKE,
        _hko_like,
        "jpg",
        ("#b4b48c", "#46a0c8"),
        rings=True,
    ),
    Imitation(
        "mosaic_like",
        ("comp_%y%m%d%H%M.png",),
        10,
        (560, 504),
        (0, 24, 560, 504),
        NWS,
        _mosaic_like,
        "png",
        ("#fafafa", "#fafafa"),
        uncovered="#b2b2b2",
    ),
    Imitation(
        "bangkok_like",
        ("nkm/nkm_%Y%m%d%H%M.png", "njk/njk_%Y%m%d%H%M.png"),
        15,
        (480, 400),
        (80, 0, 480, 400),
        SPECTRUM,
        _left_strip,
        "png",
        ("#787878", "#505a78"),
    ),
)
