"""The part of a reference whose classes are certain.

A reference by pixel errs most where weather and other echo meet: two products at two heights, edges, mixed gates.
No cleaner can remove what the reference calls other echo and what is a part of an echo of weather. Certain are

- other echo of a connected echo without weather, more than MARGIN_PX from all weather;
- weather of a connected echo whose pixels with a class are weather to at least MOSTLY.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN

WHOLE, CERTAIN = PARTS = ("whole", "certain")  # of a reference
MARGIN_PX = 3.0
MOSTLY = 0.95


def reference_parts(echo: NDArray[np.bool_], classes: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Return the classes (y, x) of each of PARTS of a reference."""
    return {WHOLE: classes, CERTAIN: certain_classes(echo, classes)}


def certain_classes(echo: NDArray[np.bool_], classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the classes (y, x) of a reference where they are certain, unknown elsewhere.

    `echo` (y, x) are the pixels with an echo, also without a class; they join others over sides and corners. Any
    pixel with a class counts as echo, so that an overlay does not cut an echo in two.
    """
    met, other = classes == METEOROLOGICAL, classes == NON_METEOROLOGICAL
    _, parts = cv2.connectedComponents((echo | met | other).view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    count = int(parts.max(initial=0)) + 1
    met_px, other_px = (np.bincount(parts[mask], minlength=count) for mask in (met, other))
    mostly = met_px >= MOSTLY * (met_px + other_px)
    far = cv2.distanceTransform((~met).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > MARGIN_PX
    certain = (met & mostly[parts]) | (other & (met_px == 0)[parts] & far)
    return np.where(certain, classes, UNKNOWN).astype(np.uint8)
