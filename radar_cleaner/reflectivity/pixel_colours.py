"""Count the commonest colours of each pixel over frames, in one pass and little memory."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def alike(first: Pixels, second: Pixels, tolerance: int) -> Mask:
    """Return (y, x): true where no band of two pictures (y, x, 3) differs by more than `tolerance`."""
    difference = cv2.absdiff(first, second)
    return np.asarray(cv2.inRange(difference, (0, 0, 0), (tolerance,) * 3) != 0)


def fill_nearest(colours: Pixels, known: Mask) -> Pixels:
    """Return colours (y, x, 3) with those of the nearest known pixel where they are not known."""
    if known.all() or not known.any():
        return colours
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels, there = nearest.ravel(), known.ravel()
    source = np.zeros(int(labels.max()) + 1, np.int64)
    at, gaps = np.flatnonzero(there), np.flatnonzero(~there)
    source[labels[at]] = at
    filled = colours.copy()
    flat = filled.reshape(-1, 3)
    flat[gaps] = flat[source[labels[gaps]]]
    return filled


class PixelColours:
    """The commonest colours of each pixel: a few slots, filled by the algorithm of Misra and Gries.

    A colour that a pixel shows in more than 1 / (slots + 1) of the frames is in a slot. Its count is a lower
    bound. Colours that differ by at most `tolerance` in each band are one.
    """

    def __init__(self, shape: tuple[int, int], slots: int, tolerance: int) -> None:
        self.colours = np.zeros((slots, *shape, 3), np.uint8)
        self.counts = np.zeros((slots, *shape), np.uint16)
        self._tolerance = tolerance

    def add(self, frame: Pixels) -> None:
        """Count the colours of a frame (y, x, 3)."""
        free = np.ones(frame.shape[:2], bool)
        for colours, counts in zip(self.colours, self.counts, strict=True):
            found = alike(colours, frame, self._tolerance) & free & (counts > 0)
            counts += found
            free &= ~found
        for colours, counts in zip(self.colours, self.counts, strict=True):
            empty = free & (counts == 0)
            colours[empty] = frame[empty]
            counts[empty] = 1
            free &= ~empty
        self.counts -= (free & (self.counts > 0)).astype(np.uint16)

    def ordered(self) -> None:
        """Sort the slots of each pixel by their counts, the commonest first."""
        order = np.argsort(-self.counts.astype(np.int32), axis=0, kind="stable")
        self.counts = np.take_along_axis(self.counts, order, axis=0)
        self.colours = np.take_along_axis(self.colours, order[..., None], axis=0)


class SlotMeans:
    """Exact counts and mean colours of slots, in a second pass over the frames."""

    def __init__(self, colours: Pixels, filled: Mask, tolerance: int) -> None:
        """`colours` (slot, y, x, 3) are those of the slots, `filled` (slot, y, x) is true for those that exist."""
        self._colours, self._filled, self._tolerance = colours, filled, tolerance
        self._sums = np.zeros(colours.shape, np.uint32)
        self.counts = np.zeros(filled.shape, np.uint16)

    def add(self, frame: Pixels) -> NDArray[np.int8]:
        """Count a frame; return the slot (y, x) of each pixel, -1 where it shows another colour."""
        slot = np.full(frame.shape[:2], -1, np.int8)
        for number, (colours, filled) in enumerate(zip(self._colours, self._filled, strict=True)):
            found = alike(colours, frame, self._tolerance) & filled & (slot < 0)
            slot[found] = number
            self.counts[number] += found
            self._sums[number] += frame * found[..., None]
        return slot

    def means(self) -> Pixels:
        """Return the mean colours (slot, y, x, 3)."""
        return np.asarray(np.rint(self._sums / np.maximum(self.counts, 1)[..., None]), dtype=np.uint8)
