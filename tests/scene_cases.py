"""Draw random pictures of rain over a map, with their truth: for tests of what is learned of pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radar_cleaner.reflectivity.archive import Look
from radar_cleaner.reflectivity.frame_decoder import DecodedFrame, FrameDecoder, Unknown
from radar_cleaner.reflectivity.palette import Palette, make_palette
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.picture_learning import learn

Pixels = NDArray[np.uint8]
Classes = NDArray[np.int64]
Mask = NDArray[np.bool_]

NO_COLOURS = np.zeros((0, 3), np.uint8)


def distant_colours(rng: np.random.Generator, count: int, apart: float) -> Pixels:
    """Draw colours whose RGB distances are all above `apart`."""
    chosen: list[NDArray[np.float64]] = []
    for colour in rng.integers(0, 256, (5000, 3)).astype(float):
        if all(np.linalg.norm(colour - other) > apart for other in chosen):
            chosen.append(colour)
        if len(chosen) == count:
            return np.array(chosen, np.uint8)
    raise AssertionError(f"no {count} colours {apart} apart")


@dataclass
class Scene:
    """Rain that moves over a map of two colours; `classes` classes, from 0 for none, with random colours."""

    seed: int
    size: int = 96
    classes: int = 5
    apart: float = 60
    dry: float = 0.3  # standard deviations of the noise below which it does not rain
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        colours = distant_colours(self.rng, self.classes + 5, self.apart)
        self.palette: Palette = make_palette(colours[: self.classes], 5.0 + 7 * np.arange(self.classes), "random")
        self.land, self.sea, self.line, self.other, self.none = colours[self.classes :]
        noise = cv2.GaussianBlur(self.rng.normal(size=(self.size, self.size)), (0, 0), self.size / 8)
        self.is_land = noise > np.median(noise)
        self.map = np.where(self.is_land[..., None], self.land, self.sea)
        self._rain = cv2.GaussianBlur(self.rng.normal(size=(self.size, 4 * self.size)), (0, 0), self.size / 12)
        self._rain /= self._rain.std()

    def rain(self, step: int, pixels: int = 9) -> Classes:
        """Return the class (y, x) of each pixel, 0 for none; it moves `pixels` a step."""
        shift = step * pixels % (3 * self.size)
        part = self._rain[:, shift : shift + self.size]
        bounds = np.linspace(self.dry, 2.2, self.classes)
        return np.searchsorted(bounds, part).astype(np.int64)

    def draw(self, classes: Classes, overlay: Mask | None = None, colour: Pixels | None = None) -> Pixels:
        """Draw a frame: rain over the map, and an overlay over both."""
        colours = np.vstack([np.zeros((1, 3), np.uint8), self.palette.colours])
        frame = np.where((classes > 0)[..., None], colours[classes], self.map)
        if overlay is not None:
            frame[overlay] = self.line if colour is None else colour
        return np.ascontiguousarray(frame, dtype=np.uint8)

    def lines(self) -> Mask:
        """Return a ring, a cross and a name (y, x)."""
        canvas = np.zeros((self.size, self.size), np.uint8)
        middle = self.size // 2
        cv2.circle(canvas, (middle, middle), int(self.rng.integers(self.size // 5, self.size // 2)), 1)
        cv2.line(canvas, (0, middle), (self.size - 1, middle), 1)
        cv2.line(canvas, (middle, 0), (middle, self.size - 1), 1)
        canvas[:] |= self.name()
        return canvas > 0

    def name(self) -> Pixels:
        """Return the mask (y, x) of a name somewhere in the picture."""
        canvas = np.zeros((self.size, self.size), np.uint8)
        place = (int(self.rng.integers(2, self.size // 3)), int(self.rng.integers(14, self.size - 4)))
        cv2.putText(canvas, "Rabat", place, cv2.FONT_HERSHEY_PLAIN, 0.9, 1)
        return canvas

    def learn(
        self, frames: Sequence[Pixels], nodata: Pixels = NO_COLOURS, observed: Mask | None = None
    ) -> Picture:
        """Learn the picture of frames."""
        shape = frames[0].shape[:2]
        seen = np.ones(shape, bool) if observed is None else observed
        return learn(frames, Look(self.palette.scale(20), self.palette, nodata, NO_COLOURS, seen))

    def decode(self, picture: Picture, frame: Pixels, nodata: Pixels = NO_COLOURS) -> DecodedFrame:
        """Decode a frame by a learned picture."""
        seen = np.ones(frame.shape[:2], bool)
        decoder = FrameDecoder(self.palette.scale(20), self.palette, picture, seen, -30, nodata, Unknown())
        return decoder(frame)

    def classes_of(self, codes: NDArray[np.uint8]) -> Classes:
        """Return the class of codes: 0 for undetect, -1 for nodata."""
        values = 2 * (self.palette.value_dbz + 32)
        nearest = np.abs(codes[..., None] - values).argmin(axis=-1) + 1
        return np.select([codes == 0, codes == 255], [0, -1], nearest)


def jpeg(frame: Pixels, quality: int) -> Pixels:
    """Return a frame after JPEG with colour at half the resolution."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(file).convert("RGB"))


def rescaled(frame: Pixels, kind: Image.Resampling) -> Pixels:
    """Return a frame scaled by 0.9 and back."""
    height, width = frame.shape[:2]
    small = Image.fromarray(frame).resize((round(0.9 * width), round(0.9 * height)), kind)
    return np.asarray(small.resize((width, height), kind))
