"""Complete an overlay by its shape: blurred rims, the content of boxes, the gaps of a hatch."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Mask = NDArray[np.bool_]

RIM_PX = 2  # width of a blurred rim
MOST_HOLE = 0.05  # of the pixels of a picture: larger than the content of a clock, a logo or a legend
_HATCH_GAP, _HATCH_SIZE = 9, 41  # widest gap of a hatch, and its least size, in pixels: names are lower
MOST_IN_HATCH = 0.02  # share of the pixels between its lines that ever echo


def grow_rims(overlay: Mask, mixed: Mask, numbers: NDArray[np.int16]) -> Mask:
    """Return an overlay (y, x) with the pixels around it that are `mixed` of it and of what is behind.

    `numbers` (y, x) are those of the usual colours, -1 for rare ones. A colour that is found mostly elsewhere is
    not mixed.
    """
    size = 2 * RIM_PX + 1
    around = cv2.dilate(overlay.view(np.uint8), np.ones((size, size), np.uint8)) > 0
    everywhere = np.bincount(numbers.ravel() + 1)
    own = 2 * np.bincount(numbers[around] + 1, minlength=len(everywhere)) >= everywhere
    own[0] = True
    return np.asarray(overlay | (around & mixed & own[numbers + 1]))


def fill_holes(boxes: Mask) -> Mask:
    """Return boxes (y, x) with their content: holes in them that are smaller than the box."""
    _, around = cv2.connectedComponents(boxes.astype(np.uint8), connectivity=8)
    size = np.bincount(around.ravel())
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~boxes).astype(np.uint8), connectivity=4)
    left, top, wide, high, area = stats.T
    inner = (left > 0) & (top > 0) & (left + wide < boxes.shape[1]) & (top + high < boxes.shape[0])
    inner &= area <= MOST_HOLE * boxes.size
    inner[0] = False
    for number in np.flatnonzero(inner):
        row = top[number] + int(
            np.argmax(labels[top[number] : top[number] + high[number], left[number]] == number)
        )
        inner[number] = area[number] <= size[around[row, left[number] - 1]]
    return np.asarray(boxes | inner[labels])


def fill_hatch(lines: Mask, dry: Mask) -> Mask:
    """Return lines (y, x) with the gaps between them where they are dense over a wide area.

    `dry` (y, x) are the pixels that never showed an echo: an area with echo in its gaps is not hatched.
    """
    gap, size = (np.ones((px, px), np.uint8) for px in (_HATCH_GAP, _HATCH_SIZE))
    border = cv2.BORDER_REPLICATE
    dense = cv2.morphologyEx(lines.view(np.uint8), cv2.MORPH_CLOSE, gap, borderType=border)
    dense = cv2.morphologyEx(dense, cv2.MORPH_OPEN, size, borderType=border)
    count, areas = cv2.connectedComponents(dense, connectivity=4)
    echoes = np.bincount(areas[~lines & ~dry], minlength=count)
    hatched = echoes <= MOST_IN_HATCH * np.bincount(areas[~lines], minlength=count)
    hatched[0] = False
    return np.asarray(lines | (hatched[areas] & dry))
