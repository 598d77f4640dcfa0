"""The colours of soft pictures: brightness and colour differences, sharpened, without the map behind the echo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.row_blocks import row_blocks

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Points = NDArray[np.float32]

# Brightness and colour differences of JPEG (ITU-R BT.601), as rows over red, green, blue.
_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_BLUR = np.array([0.25, 0.5, 0.25], np.float32)


@dataclass(frozen=True)
class ColourSpace:
    """How colours of soft pictures are compared.

    `chroma_weight` is that of a colour difference against one of brightness. `sharpening` is how much of the
    difference from the blurred picture is added, to the brightness and to the colour differences.
    """

    chroma_weight: float = 1.0
    sharpening: tuple[float, float] = (0.0, 0.0)

    def points(self, colours: NDArray[np.generic]) -> Points:
        """Return colours (..., 3) RGB as points whose distance counts."""
        weights = np.array([1, self.chroma_weight, self.chroma_weight], np.float32)
        return np.asarray(colours.astype(np.float32) @ (_TO_YCC.T * weights), dtype=np.float32)

    def picture_points(self, picture: NDArray[np.generic]) -> Points:
        """Return the points of a picture (y, x, 3) RGB, sharpened."""
        points = self.points(picture)
        if not any(self.sharpening):
            return points
        blurred = cv2.sepFilter2D(points, -1, _BLUR, _BLUR, borderType=cv2.BORDER_REPLICATE)
        bright, chroma = self.sharpening
        return np.asarray(points + np.array([bright, chroma, chroma], np.float32) * (points - blurred))


def remove_ground(picture: NDArray[np.uint8], ground: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Return the picture (..., 3) as if its echo covered the ground: half-transparent echo gets its own colour."""
    if opacity >= 1:
        return picture
    own = np.empty(picture.shape, np.uint8)
    for rows in row_blocks(picture.shape):
        seen, behind = picture[rows].astype(np.float32), ground[rows].astype(np.float32)
        own[rows] = np.clip(np.rint((seen - (1 - opacity) * behind) / opacity), 0, 255)
    return own
