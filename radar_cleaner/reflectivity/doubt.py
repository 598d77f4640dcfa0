"""Estimate how much of the echo of mixed or noisy pictures is read wrong, from their colours alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import MIN_ECHO_DBZ
from radar_cleaner.reflectivity.archive import DEFAULT_TOLERANCE, Look
from radar_cleaner.reflectivity.colour_clusters import distances
from radar_cleaner.reflectivity.frame_decoder import FrameDecoder
from radar_cleaner.reflectivity.palette import Palette
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.pixel_colours import alike
from radar_cleaner.reflectivity.soft_decoding import ABSENT, PURE

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Pixels = NDArray[np.uint8]

WARN_ABOVE = 0.003  # of the echo; the estimate is lower than the errors at the edges of echo
MIN_ECHO = 200  # pixels of echo without which nothing is estimated
_FRAMES, _WINDOW = 6, 512  # that are looked at: frames, and the side of the busiest square in them
_AROUND = (5, 5)  # pixels: the noise of a pixel is that of these around it
_LEAST = 1.0  # variance of the noise, by the rounding of colours
_CHANGED = 24  # difference of a band from the map of a pixel that may echo


@dataclass(frozen=True)
class Doubt:
    """Expected numbers of pixels: echo that is read, lost and invented echo, and classes more than one off."""

    echo: float = 0
    lost: float = 0
    invented: float = 0
    off: float = 0

    def __add__(self, other: Doubt) -> Doubt:
        return Doubt(
            self.echo + other.echo,
            self.lost + other.lost,
            self.invented + other.invented,
            self.off + other.off,
        )

    @property
    def share(self) -> float:
        """The largest of the three expected errors, as a share of the echo."""
        return max(self.lost, self.invented, self.off) / max(self.echo, 1)


def measure_doubt(frames: Sequence[Pixels], picture: Picture, look: Look) -> Doubt:
    """Decode a part of some frames (y, x, 3), and estimate the errors.

    There are none without a palette, and none where all colours of the echo are exactly those of classes.
    """
    exact = not picture.soft and picture.opacity == 1
    if look.palette is None or exact or not len(frames):
        return Doubt()
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).astype(int))
    rows, columns = _busiest((frames[int(number)] for number in chosen), picture, look)
    part = replace(
        picture,
        ground=picture.ground[:, rows, columns],
        ground_share=picture.ground_share[:, rows, columns],
        overlay=picture.overlay[rows, columns],
        nodata=picture.nodata[rows, columns],
    )
    tolerance = DEFAULT_TOLERANCE if look.tolerance is None else look.tolerance
    others = np.concatenate([look.ground, look.nodata])
    decoder = FrameDecoder(
        look.palette.scale(tolerance, others),
        look.palette,
        part,
        look.observed[rows, columns],
        MIN_ECHO_DBZ,
        look.nodata,
    )
    total = Doubt()
    for number in chosen:
        frame = np.ascontiguousarray(frames[int(number)][rows, columns])
        total += _estimate(decoder, frame, look.palette)
    return total


def _busiest(frames: Iterable[Pixels], picture: Picture, look: Look) -> tuple[slice, slice]:
    """Return the rows and columns of the square that differs most often from the map."""
    changed, background = np.zeros(picture.shape, np.float32), picture.background
    for frame in frames:
        changed += ~alike(frame, background, _CHANGED) & look.observed
    best, found = -1.0, (slice(0, _WINDOW), slice(0, _WINDOW))
    for top in range(0, picture.shape[0], _WINDOW // 2):
        for left in range(0, picture.shape[1], _WINDOW // 2):
            part = slice(top, top + _WINDOW), slice(left, left + _WINDOW)
            count = float(changed[part].sum())
            if count > best:
                best, found = count, part
    return found


def _estimate(decoder: FrameDecoder, frame: Pixels, palette: Palette) -> Doubt:
    """Estimate the errors of a frame (y, x, 3).

    The noise of a pixel is the distance of the pixels around it from the colours that they were read as. A
    label is as likely as noise of this size makes the pixel's colour from the label's, less so if it is not
    around.
    """
    decoded = decoder(frame)
    labels = decoder.labels(decoded)
    if not (labels > 0).any():
        return Doubt()
    away = np.square(decoder.distances(frame))
    known = labels >= 0
    own = np.take_along_axis(away, np.maximum(labels, 0)[..., None], axis=2)[..., 0]
    total = cv2.blur(np.where(known, own, 0), _AROUND)
    noise = np.maximum(total / np.maximum(cv2.blur(known.astype(np.float32), _AROUND), 0.01) / 2, _LEAST)
    pure = own <= PURE**2
    number = np.arange(1 + len(palette.colours))
    for label in number:
        present = cv2.dilate(((labels == label) & pure).view(np.uint8), np.ones(_AROUND, np.uint8))
        away[..., label] += ABSENT**2 * (present == 0)
    least = away.min(axis=2)
    chance = np.exp((least[..., None] - away) / (2 * noise[..., None]))
    chance /= chance.sum(axis=2, keepdims=True)
    echo = labels > 0
    far = np.abs(number - labels[..., None]) > 1
    far[..., 0] = False
    return Doubt(
        float(echo.sum()),
        float((1 - chance[..., 0])[labels == 0].sum()),
        float(chance[..., 0][echo].sum()),
        float((chance * far)[echo].sum()),
    )


def describe_doubt(radar: str, doubt: Doubt, palette: Palette | None) -> str:
    """Return a warning if much of the echo may be read wrong, else an empty text."""
    if palette is None or doubt.echo < MIN_ECHO or doubt.share <= WARN_ABOVE:
        return ""
    apart = distances(palette.colours, palette.colours)
    np.fill_diagonal(apart, np.inf)
    parts = {
        "more than one class off": doubt.off,
        "lost as no echo": doubt.lost,
        "invented from the map": doubt.invented,
    }
    shown = ", ".join(
        f"{100 * pixels / doubt.echo:.1f} % {name}"
        for name, pixels in parts.items()
        if pixels > WARN_ABOVE / 2 * doubt.echo
    )
    return (
        f"{radar}: the colours of its pictures are mixed or noisy, and its nearest classes are {apart.min():.0f}"
        f" apart (RGB): of the echo perhaps {shown}, and more at its edges; use PNG or GIF pictures that are"
        " not scaled, join near classes in labels.palette, or set labels.ground_colours or labels.opacity"
    )
