"""Decode the colours of a frame to packed reflectivity."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, encode_dbz
from radar_cleaner.reflectivity.palette import ColourScale
from radar_cleaner.reflectivity.row_blocks import row_blocks

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Codes = NDArray[np.uint8]


def colour_index(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return colours (y, x, 3) as one number (y, x): red, green, blue, and 255 as the highest byte."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).view("<i4")[..., 0])


class ColourTable:
    """A colour scale tabulated over all 2^24 colours. Each is computed when it first occurs.

    The table gives the values of the scale with one gather per pixel. The scale is slow; frames have few colours.
    """

    def __init__(self, scale: ColourScale) -> None:
        self._scale = scale
        # No colour is decoded to `nodata`, so this code marks colours that are not computed yet.
        self._codes = np.full(2**24, NODATA, dtype=np.uint8)

    def __call__(self, pixels: NDArray[np.uint8]) -> Codes:
        """Codes (y, x) of colours (y, x, 3) uint8."""
        return self.codes_of(colour_index(pixels))

    def codes_of(self, colours: NDArray[np.int32]) -> Codes:
        """Codes (y, x) of colours (y, x) as `colour_index` gives them."""
        codes = np.empty(colours.shape, np.uint8)
        for rows in row_blocks(colours.shape):
            self._look_up(colours[rows], codes[rows])
        return codes

    def _look_up(self, colours: NDArray[np.int32], codes: Codes) -> None:
        index = colours.astype(np.intp)  # negative, it counts from the table's end
        self._codes.take(index, mode="wrap", out=codes)
        missing = codes == NODATA
        if missing.any():
            new = np.unique(index[missing])
            self._codes[new] = self._scale(
                np.stack([new & 255, new >> 8 & 255, new >> 16 & 255], 1).astype(np.uint8)
            )
            self._codes.take(index, mode="wrap", out=codes)


def pack_echoes(codes: Codes, observed: NDArray[np.bool_], min_dbz: float) -> Codes:
    """Return the codes of a frame: `nodata` where not observed, `undetect` where an echo is below `min_dbz`."""
    strong = codes * (codes >= encode_dbz(min_dbz))  # `undetect` is 0
    return strong | ~observed * np.uint8(NODATA)  # all bits of nodata are set; four times as fast as `np.where`
