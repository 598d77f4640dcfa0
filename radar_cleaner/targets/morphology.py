"""Classify the echoes of a single frame by their shape: opening, closing, and area."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.labels import Morphology
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNKNOWN, is_echo

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def classify_echoes(codes: Codes, morphology: Morphology) -> NDArray[np.uint8]:
    """Return the class (y, x) of each pixel by the shape of its echo.

    Opening, closing and the removal of small areas keep meteorological pixels. An echo is a set of pixels that
    touch, also at corners. If no pixel of an echo is kept, all are non-meteorological. If some are kept, the other
    pixels of the echo are unknown. Pixels that are not observed are unknown.
    """
    echo = is_echo(codes)
    kept = echo & _survivors(echo, morphology)
    pixels, components = _components(echo)
    stays = kept.reshape(-1).take(pixels)
    class_of_component = np.full(pixels.size + 1, NON_METEOROLOGICAL, np.uint8)
    class_of_component[components[stays]] = UNKNOWN
    classes: Codes = (codes == NODATA) * np.uint8(UNKNOWN)  # `none` is 0
    classes.reshape(-1)[pixels] = np.where(stays, np.uint8(METEOROLOGICAL), class_of_component.take(components))
    return classes


def _components(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Return the flat index of each pixel of a mask, and the number (from 1) of the connected part it is in."""
    pixels = np.flatnonzero(mask)
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return pixels, np.asarray(parts, np.int32).reshape(-1).take(pixels)


def _survivors(echo: Mask, morphology: Morphology) -> Mask:
    mask = echo.astype(np.uint8)
    opening, closing = (cv2.erode, cv2.dilate), (cv2.dilate, cv2.erode)
    for size, (first, second) in ((morphology.opening_px, opening), (morphology.closing_px, closing)):
        if size > 1:
            # The second step uses the mirrored disc: else a disc of even size would shift the mask by a pixel.
            disc, anchor = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), size // 2
            mask = np.asarray(first(mask, disc, anchor=(anchor, anchor)), dtype=np.uint8)
            disc, anchor = np.ascontiguousarray(disc[::-1, ::-1]), size - 1 - anchor
            mask = np.asarray(second(mask, disc, anchor=(anchor, anchor)), dtype=np.uint8)
    kept = mask.view(np.bool_)
    if morphology.min_area_px > 1:
        pixels, components = _components(kept)
        small = np.bincount(components) < morphology.min_area_px
        kept.reshape(-1)[pixels[small.take(components)]] = False
    return kept
