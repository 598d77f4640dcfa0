"""Count the commonest colours of each pixel over frames, in one pass and little memory."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.row_blocks import row_blocks

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def alike(first: Pixels, second: Pixels, tolerance: int) -> Mask:
    """Return (y, x): true where no band of two pictures (y, x, 3) differs by more than `tolerance`."""
    difference = cv2.absdiff(first, second)
    return np.asarray(cv2.inRange(difference, (0, 0, 0), (tolerance,) * 3) != 0)


def flat(picture: Pixels, tolerance: int) -> Mask:
    """Return (y, x): true where no band of a picture (y, x, 3) differs by more than `tolerance` within 3 x 3."""
    change = cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.inRange(change, (0, 0, 0), (tolerance,) * 3) != 0)


def fill_nearest(colours: Pixels, known: Mask) -> Pixels:
    """Return colours (y, x, 3) with those of the nearest known pixel where they are not known."""
    if known.all() or not known.any():
        return colours
    nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    width = known.shape[1]
    source = np.zeros(known.size + 1, np.int32)  # the known pixel of each label
    for rows in row_blocks(known.shape):
        source[nearest[rows][known[rows]]] = np.flatnonzero(known[rows]) + rows.start * width
    filled = colours.copy()
    for rows in row_blocks(known.shape):
        gaps = ~known[rows]
        filled[rows][gaps] = colours.reshape(-1, 3)[source[nearest[rows][gaps]]]
    return filled


class PixelColours:
    """The commonest colours of each pixel: a few slots, filled by the algorithm of Misra and Gries.

    A colour that a pixel shows in more than 1 / (slots + 1) of the frames is in a slot. Its count is a lower
    bound. Colours that differ by at most `tolerance` in each band are one.
    """

    def __init__(self, shape: tuple[int, int], slots: int, tolerance: int, frames: int) -> None:
        """`frames` is how many are added at most."""
        self.colours = np.zeros((slots, *shape, 3), np.uint8)
        self.counts = np.zeros((slots, *shape), np.min_scalar_type(frames))
        self._tolerance = tolerance

    def add(self, frame: Pixels) -> None:
        """Count the colours of a frame (y, x, 3)."""
        for rows in row_blocks(frame.shape):
            self._add(self.colours[:, rows], self.counts[:, rows], frame[rows])

    def _add(self, slots: Pixels, numbers: NDArray[np.unsignedinteger], frame: Pixels) -> None:
        free = np.ones(frame.shape[:2], bool)
        for colours, counts in zip(slots, numbers, strict=True):
            found = alike(colours, frame, self._tolerance) & free & (counts > 0)
            counts += found
            free &= ~found
        for colours, counts in zip(slots, numbers, strict=True):
            empty = free & (counts == 0)
            colours[empty] = frame[empty]
            counts[empty] = 1
            free &= ~empty
        numbers -= free & (numbers > 0)

    def ordered(self) -> None:
        """Sort the slots of each pixel by their counts, the commonest first."""
        for rows in row_blocks(self.colours.shape[1:]):
            counts, colours = self.counts[:, rows], self.colours[:, rows]
            order = np.argsort(-counts.astype(np.int32), axis=0, kind="stable")
            self.counts[:, rows] = np.take_along_axis(counts, order, axis=0)
            self.colours[:, rows] = np.take_along_axis(colours, order[..., None], axis=0)


class SlotMeans:
    """Exact counts and mean colours of slots, in a second pass over the frames."""

    def __init__(self, colours: Pixels, filled: Mask, tolerance: int, frames: int, counts_only: bool) -> None:
        """`colours` (slot, y, x, 3) are those of the slots, `filled` (slot, y, x) is true for those that exist.

        `frames` is how many are added at most. With `counts_only` the means are not needed: colours are the same.
        """
        self._colours, self._filled, self._tolerance = colours, filled, tolerance
        self._sums = None if counts_only else np.zeros(colours.shape, np.min_scalar_type(255 * frames))
        self.counts = np.zeros(filled.shape, np.min_scalar_type(frames))

    def add(self, frame: Pixels) -> NDArray[np.int8]:
        """Count a frame; return the slot (y, x) of each pixel, -1 where it shows another colour."""
        slot = np.full(frame.shape[:2], -1, np.int8)
        for rows in row_blocks(frame.shape):
            for number in range(len(self._colours)):
                found = alike(self._colours[number, rows], frame[rows], self._tolerance)
                found &= self._filled[number, rows] & (slot[rows] < 0)
                slot[rows][found] = number
                self.counts[number, rows] += found
                if self._sums is not None:
                    self._sums[number, rows] += frame[rows] * found[..., None]
        return slot

    def means(self, rows: slice) -> Pixels:
        """Return the mean colours (slot, y, x, 3) of some rows."""
        if self._sums is None:
            return self._colours[:, rows]
        counts = np.maximum(self.counts[:, rows], 1)[..., None]
        return np.asarray(np.rint(self._sums[:, rows] / counts), dtype=np.uint8)
