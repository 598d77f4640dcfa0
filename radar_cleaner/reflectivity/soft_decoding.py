"""Decode pictures of mixed colours: JPEG, scaled, smoothed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_space import ColourSpace

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
        self._ground = [space.points(colours) for colours in ground]

    def distances(self, picture: NDArray[np.uint8]) -> Points:
        """Return the distances (y, x, 1 + n) of a picture's pixels from the ground and from each class."""
        points = self._space.picture_points(picture)
        square = np.empty((*points.shape[:2], 1 + len(self._classes)), np.float32)
        square[..., 0] = np.inf
        for colours in self._ground:
            np.minimum(square[..., 0], np.square(points - colours).sum(axis=2), out=square[..., 0])
        length = np.square(points).sum(axis=2)
        np.matmul(points, -2 * self._classes.T, out=square[..., 1:])
        square[..., 1:] += length[..., None] + np.square(self._classes).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(square, 0, out=square), out=square))

    def errors(self, picture: NDArray[np.uint8], away: Points) -> Points:
        """Return the difference (y, x, 3) of a picture's pixels from the nearest label, by their distances."""
        points = self._space.picture_points(picture)
        labels = away.argmin(axis=2)
        nearest = self._classes[np.maximum(labels - 1, 0)]
        return np.asarray(points - np.where((labels == 0)[..., None], self._ground[0], nearest))

    def __call__(self, picture: NDArray[np.uint8]) -> tuple[Labels, Points]:
        """Return the labels (y, x) of a picture and the distance (y, x) of each pixel from its label."""
        away = self.distances(picture)
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
