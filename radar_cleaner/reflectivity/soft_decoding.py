"""Decode pictures of mixed colours: JPEG, scaled, smoothed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_space import ColourSpace
from radar_cleaner.reflectivity.row_blocks import PIXELS, row_blocks, widen

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Labels = NDArray[np.int16]
Points = NDArray[np.float32]

PURE = 16.0  # distance up to which a colour is taken as unmixed
ABSENT = 15.0  # a label that no unmixed pixel beside has counts as this much farther away
NO_LABEL = -1


class SoftDecoder:
    """Label each pixel as ground (0), a class (1..n) or neither (-1).

    A pixel takes the nearest colour, in a space in which JPEG and scaling cost little. A mixed pixel takes rather
    a label that an unmixed pixel beside it has. `ground` (y, x, 3, 0 or more of them) are colours of the map at
    each pixel.
    """

    def __init__(
        self,
        classes: NDArray[np.uint8],
        ground: list[NDArray[np.uint8]],
        space: ColourSpace,
        tolerance: float,
    ) -> None:
        self._space, self._tolerance = space, tolerance
        self._classes = space.points(classes)
        self._grounds = ground
        self._points = [space.points(colours) for colours in ground] if _is_small(ground) else []

    def distances(self, picture: NDArray[np.uint8], rows: slice | None = None) -> Points:
        """Return the distances (y, x, 1 + n) of the pixels of some rows, or all, from ground and classes."""
        rows = rows or slice(0, len(picture))
        points = self._picture_points(picture, rows)
        square = np.empty((*points.shape[:2], 1 + len(self._classes)), np.float32)
        square[..., 0] = np.inf
        for number in range(len(self._grounds)):
            away = np.square(points - self._ground_points(number, rows)).sum(axis=2)
            np.minimum(square[..., 0], away, out=square[..., 0])
        length = np.square(points).sum(axis=2)
        np.matmul(points, -2 * self._classes.T, out=square[..., 1:])
        square[..., 1:] += length[..., None] + np.square(self._classes).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(square, 0, out=square), out=square))

    def errors(self, picture: NDArray[np.uint8], away: Points, rows: slice) -> Points:
        """Return the difference (y, x, 3) of some rows' pixels from the nearest label, by their distances."""
        labels = away.argmin(axis=2)
        nearest = self._classes[np.maximum(labels - 1, 0)]
        own = np.where((labels == 0)[..., None], self._ground_points(0, rows), nearest)
        return np.asarray(self._picture_points(picture, rows) - own)

    def __call__(self, picture: NDArray[np.uint8]) -> tuple[Labels, Points]:
        """Return the labels (y, x) of a picture and the distance (y, x) of each pixel from its label."""
        labels, least = np.empty(picture.shape[:2], np.int16), np.empty(picture.shape[:2], np.float32)
        for rows in row_blocks(picture.shape):
            around, inside = widen(rows, len(picture), 1)
            found, away = self._label(self.distances(picture, around))
            labels[rows], least[rows] = found[inside], away[inside]
        return labels, least

    def _label(self, away: Points) -> tuple[Labels, Points]:
        labels = away.argmin(axis=2).astype(np.int16)
        least = np.take_along_axis(away, labels[..., None], axis=2)[..., 0]
        pure = least <= PURE
        rest = np.nonzero(~pure)
        mixed = np.square(away[rest])
        for label in range(away.shape[2]):
            present = cv2.dilate(((labels == label) & pure).view(np.uint8), np.ones((3, 3), np.uint8))
            mixed[:, label] += ABSENT**2 * (present[rest] == 0)
        chosen = mixed.argmin(axis=1)
        least[rest] = away[(*rest, chosen)]
        labels[rest] = chosen
        labels[least > self._tolerance] = NO_LABEL
        return labels, least

    def _picture_points(self, picture: NDArray[np.uint8], rows: slice) -> Points:
        around, inside = widen(rows, len(picture), 1)
        return self._space.picture_points(picture[around])[inside]

    def _ground_points(self, number: int, rows: slice) -> Points:
        if self._points:
            return self._points[number][rows]
        return self._space.points(self._grounds[number][rows])


def _is_small(grounds: list[NDArray[np.uint8]]) -> bool:
    """Whether the points of the map may be kept: they need four times its memory."""
    return bool(grounds) and grounds[0].shape[0] * grounds[0].shape[1] <= PIXELS
