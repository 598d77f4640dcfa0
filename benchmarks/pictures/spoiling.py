"""Spoil frames as archives do: JPEG, WebP, scaled, few colours, dithered, blended with the map, smoothed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .drawings import Drawing, Truth, draw_frame

Pixels = NDArray[np.uint8]

SCALINGS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "Lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Spoiling:
    """How the frames of an archive are spoiled; `text` names it."""

    kind: str
    smooth: bool = False
    fine_edges: bool = False
    opacity: float = 1.0
    scale: float = 1.0
    back: bool = False
    sampling: str = "nearest"
    colours: int = 0
    dither: bool = False
    codec: str = ""
    quality: int = 100

    @property
    def text(self) -> str:
        """The parameters in words."""
        parts = ["smoothed"] * self.smooth + ["anti-aliased"] * self.fine_edges
        parts += [f"opacity {self.opacity:.2f}"] * (self.opacity < 1)
        parts += [f"{self.sampling} {self.scale:.2f}{' and back' * self.back}"] * (self.scale != 1)
        parts += [f"{self.colours} colours{', dithered' * self.dither}"] * (self.colours > 0)
        parts += [f"{self.codec} {self.quality}"] * bool(self.codec)
        return ", ".join(parts) or "pure"

    def draw(self, drawing: Drawing, step: int) -> tuple[Pixels, Truth]:
        """Draw a frame and spoil it; return it with its truth."""
        values, truth = draw_frame(drawing, step, self.smooth, self.fine_edges, self.opacity)
        frame = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
        if self.scale != 1:
            frame, truth = self._scale(frame, truth)
        if self.colours:
            frame = _few_colours(frame, self.colours, self.dither)
        if self.codec:
            frame = _compress(frame, self.codec, self.quality)
        return np.ascontiguousarray(frame), truth

    def _scale(self, frame: Pixels, truth: Truth) -> tuple[Pixels, Truth]:
        height, width = frame.shape[:2]
        sizes = [(round(self.scale * width), round(self.scale * height))]
        sizes += [(width, height)] * self.back
        share, low, high = (part.astype(np.float32) for part in (truth.share, truth.low, truth.high))
        picture, kind = Image.fromarray(frame), SCALINGS[self.sampling]
        for size in sizes:
            picture = picture.resize(size, kind)
            share = np.asarray(Image.fromarray(share).resize(size, kind))
            if self.sampling != "nearest":
                near = np.ones((5, 5) if self.sampling != "bilinear" else (3, 3), np.uint8)
                high = cv2.dilate(high, near)
                low = cv2.erode(np.where(low > 0, low, 1000), near)
                low = np.where(low < 1000, low, 0).astype(np.float32)
            low, high = (
                np.asarray(Image.fromarray(part).resize(size, Image.Resampling.NEAREST)) for part in (low, high)
            )
        return np.asarray(picture), Truth(*(part.astype(np.float64) for part in (share, low, high)))


def _few_colours(frame: Pixels, colours: int, dither: bool) -> Pixels:
    method = Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE
    picture = Image.fromarray(frame)
    palette = picture.quantize(colours, Image.Quantize.MEDIANCUT)
    file = io.BytesIO()
    picture.quantize(palette=palette, dither=method).save(file, "GIF")
    return np.asarray(Image.open(file).convert("RGB"))


def _compress(frame: Pixels, codec: str, quality: int) -> Pixels:
    file = io.BytesIO()
    picture = Image.fromarray(frame)
    if codec == "WebP":
        picture.save(file, "WEBP", quality=quality)
    else:
        picture.save(file, "JPEG", quality=quality, subsampling=codec.removeprefix("JPEG "))
    return np.asarray(Image.open(file).convert("RGB"))


def _draw_scaling(rng: np.random.Generator, back: bool) -> Spoiling:
    up = rng.random() < 0.5
    return Spoiling(
        "scaled and back" if back else "scaled",
        scale=float(rng.uniform(1.1, 2) if up else rng.uniform(0.5, 0.95)),
        back=back,
        sampling=str(rng.choice(list(SCALINGS))),
    )


def _draw_combination(rng: np.random.Generator) -> Spoiling:
    scale = float(rng.choice([1, 1, rng.uniform(0.6, 1.6)]))
    last = int(rng.integers(4))
    codecs = ("JPEG 4:2:0", "JPEG 4:4:4", "WebP")
    return Spoiling(
        "combined",
        smooth=rng.random() < 0.3,
        fine_edges=rng.random() < 0.4,
        opacity=float(rng.choice([1, rng.uniform(0.4, 0.9)])),
        scale=scale,
        sampling=str(rng.choice(list(SCALINGS))),
        colours=128 if last == 3 else 0,
        dither=last == 3 and rng.random() < 0.5,
        codec=codecs[last] if last < 3 else "",
        quality=int(rng.integers(75, 96)),
    )


def _quality(rng: np.random.Generator) -> int:
    return int(rng.integers(60, 96))


SPOILINGS: dict[str, Callable[[np.random.Generator], Spoiling]] = {
    "pure": lambda _: Spoiling("pure"),
    "JPEG 4:2:0": lambda rng: Spoiling("JPEG 4:2:0", codec="JPEG 4:2:0", quality=_quality(rng)),
    "JPEG 4:4:4": lambda rng: Spoiling("JPEG 4:4:4", codec="JPEG 4:4:4", quality=_quality(rng)),
    "WebP": lambda rng: Spoiling("WebP", codec="WebP", quality=_quality(rng)),
    "scaled": lambda rng: _draw_scaling(rng, False),
    "scaled and back": lambda rng: _draw_scaling(rng, True),
    "few colours": lambda rng: Spoiling("few colours", colours=int(rng.choice([32, 64, 128, 256]))),
    "dithered": lambda rng: Spoiling("dithered", colours=int(rng.choice([32, 64, 128, 256])), dither=True),
    "half-transparent": lambda rng: Spoiling("half-transparent", opacity=float(rng.uniform(0.4, 0.9))),
    "anti-aliased": lambda _: Spoiling("anti-aliased", fine_edges=True),
    "smoothed": lambda rng: Spoiling("smoothed", smooth=True, fine_edges=rng.random() < 0.5),
    "combined": _draw_combination,
}
