"""Counts and shares of echo in a frame and in windows around its pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, is_echo

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def echo_fraction(codes: Codes) -> float:
    """Return the share of the observed pixels of a frame that echo; 0 if none is observed."""
    observed, echoes = count_echoes(codes)
    return echoes / observed if observed else 0.0


def count_echoes(codes: Codes) -> tuple[int, int]:
    """Return how many pixels of a frame are observed, and how many of them echo."""
    nodata = int(np.count_nonzero(codes == NODATA))
    return codes.size - nodata, int(np.count_nonzero(codes)) - nodata  # `undetect` is 0


def local_echo_fraction(codes: Codes, window_px: int) -> NDArray[np.float32]:
    """Return (y, x): the share of the observed pixels that echo in a square window around each pixel.

    The share is 0 in a window without an observed pixel. Pixels outside the frame are not observed. A window of
    even width extends one pixel further up and left.
    """
    observed = count_in_window(codes != NODATA, (window_px, window_px))
    echoing = count_in_window(is_echo(codes), (window_px, window_px))
    return np.divide(echoing, observed, out=np.zeros_like(echoing), where=observed > 0)


def count_in_window(mask: Mask, window: tuple[int, int]) -> NDArray[np.float32]:
    """Count the mask's pixels in a window (rows, columns) around each pixel. Counts are exact."""
    return np.asarray(
        cv2.boxFilter(
            mask.view(np.uint8), cv2.CV_32F, window[::-1], normalize=False, borderType=cv2.BORDER_CONSTANT
        )
    )
