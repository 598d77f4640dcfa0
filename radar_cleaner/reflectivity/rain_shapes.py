"""Distinguish ground from areas without coverage by the shapes of rain beside them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Mask = NDArray[np.bool_]

BAY_PX = 41  # rain in bays of an area that are narrower than this is rain within it; radars see farther
ENTERS = 0.02  # pixels of rain in bays for each pixel of rain beside the area, where it is ground
FEWEST = 20  # pixels of rain beside an area without which nothing is known


class RainShapes:
    """Count rain beside an area, and rain in its bays, over frames.

    Rain on ground has outlines of its own, which reach into the ground. Rain at an area without coverage ends at
    the edge of that area, which is a straight line or a wide arc.
    """

    def __init__(self) -> None:
        self.beside = self.within = 0

    def add(self, area: Mask, rain: Mask) -> None:
        """Add a frame: where (y, x) it shows the area, and where it rains."""
        if not area.any() or not rain.any():
            return
        shown = area.view(np.uint8)
        near = cv2.dilate(shown, np.ones((3, 3), np.uint8)) > 0
        self.beside += int((rain & near).sum())
        filled = rain & ~near  # an edge of pixels has steps
        padded = np.pad(shown, BAY_PX)  # rain between the area and the frame's edge is not in a bay
        inner = (slice(BAY_PX, -BAY_PX), slice(BAY_PX, -BAY_PX))
        for shape in (cv2.MORPH_RECT, cv2.MORPH_ELLIPSE):  # corners are bays for a disc, arcs for a square
            kernel = cv2.getStructuringElement(shape, (BAY_PX, BAY_PX))
            filled &= cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[inner] > 0
        self.within += int(filled.sum())

    @property
    def known(self) -> bool:
        """Whether it rained beside the area."""
        return self.beside + self.within >= FEWEST

    @property
    def enter(self) -> bool:
        """Whether it rained within the area."""
        return self.within >= max(FEWEST, ENTERS * self.beside)
