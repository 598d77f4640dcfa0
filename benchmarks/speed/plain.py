"""Turn frames into labels in a plain way, for comparison in `preparation`; no product uses it.

imageio decodes a picture and numpy converts its colours to hue, saturation and value. scipy opens and closes the
echo and removes small areas. Mask and intensity (float16, dBZ) are saved as one compressed file a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MIN_SATURATION, MIN_VALUE = 0.25, 0.25
WEAK_HUE, STRONG_HUE = 2 / 3, -1 / 6  # blue to magenta through green and red
WEAK_DBZ, STRONG_DBZ = 7.0, 70.0
MIN_AREA = 20
Pixels = NDArray[np.uint8]


def prepare(files: Sequence[Path], plot_box: tuple[int, int, int, int], folder: Path) -> None:
    """Decode, label and save each frame."""
    for file in files:
        mask, intensity = label(decode(file), plot_box)
        np.savez_compressed(folder / f"{file.stem}.npz", mask=mask, intensity=intensity)


def decode(file: Path) -> Pixels:
    """Return (y, x, 3) RGB of a picture."""
    return np.asarray(iio.imread(file, mode="RGB"), np.uint8)


def label(pixels: Pixels, plot_box: tuple[int, int, int, int]) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
    """Return mask and intensity (y, x) of the plot box."""
    x0, y0, x1, y1 = plot_box
    hue, saturation, value = hue_saturation_value(pixels[y0:y1, x0:x1])
    hue = np.where(hue > (WEAK_HUE + 1 + STRONG_HUE) / 2, hue - 1, hue)
    echo = (saturation >= MIN_SATURATION) & (value >= MIN_VALUE) & (hue <= WEAK_HUE) & (hue >= STRONG_HUE)
    share = (WEAK_HUE - hue) / (WEAK_HUE - STRONG_HUE)
    intensity = np.where(echo, WEAK_DBZ + share * (STRONG_DBZ - WEAK_DBZ), np.nan).astype(np.float16)
    disc5, disc3 = _disc(5), _disc(3)
    mask = ndimage.binary_closing(ndimage.binary_opening(echo, disc5), disc3)
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    areas = ndimage.sum_labels(mask, parts, np.arange(count + 1))
    return echo & (areas >= MIN_AREA)[parts] & mask, intensity


def hue_saturation_value(pixels: Pixels) -> tuple[NDArray[np.float64], ...]:
    """Return hue, saturation and value (y, x), 0 to 1, of (y, x, 3) colours."""
    red, green, blue = np.moveaxis(pixels / 255.0, -1, 0)
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = np.where(high > low, high - low, 1.0)
    sixths = np.where(
        high == red,
        (green - blue) / spread,
        np.where(high == green, 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    return (sixths / 6) % 1, (high - low) / np.where(high > 0, high, 1.0), high


def _disc(pixels: int) -> NDArray[np.bool_]:
    away = np.arange(pixels) - (pixels - 1) / 2
    return np.asarray(np.hypot(away[:, None], away[None]) <= pixels / 2)
