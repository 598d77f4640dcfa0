"""Find boxes that are laid over a map: upright rectangles that differ from what is around them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int16]

MIN_SIDE, MIN_AREA = 10, 200  # pixels of a box: smaller rectangles are also islands and rain of coarse pixels
MIN_SIDE_IN_RAIN = 24  # where rain hides the map around it
MOST_AREA = 0.15  # of the picture
SOLID = 0.95  # share of its rectangle that a box with its content fills: corners may be round
MOST_ALIKE = 0.2  # share of the pixels around that may look like its inside
MIN_KNOWN = 0.5  # share of the pixels around whose map is known
MOST_ECHO = 0.1  # echo along the inside of its edges, against that around
_FAR = 6  # pixels around it that are looked at; the nearest may belong to a frame


def find_boxes(numbers: Numbers, known: Mask, echo: NDArray[np.integer]) -> Mask:
    """Return boxes (y, x) with their content.

    `numbers` (y, x) are those of the usual colours, -1 for none. `known` (y, x) is false where rain hides the map.
    `echo` (y, x) is how many frames show an echo. A box has no echo along its edges where there is some around.
    One that looks like its surroundings, such as the cell of a graticule, is part of the map.
    """
    found = np.zeros(numbers.shape, bool)
    for number in np.unique(numbers[known & (numbers >= 0)]):
        mask = ((numbers == number) & known).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        left, top, wide, high, area = stats.T
        may = (np.minimum(wide, high) >= MIN_SIDE) & (wide * high >= MIN_AREA)
        may &= (wide * high <= MOST_AREA * numbers.size) & (area >= wide + high)
        may[0] = False
        for at in np.flatnonzero(may):
            box = (slice(top[at], top[at] + high[at]), slice(left[at], left[at] + wide[at]))
            filled = _fill((labels[box] == at).astype(np.uint8))
            if filled.mean() >= SOLID and _differs(numbers, known, echo, box):
                found[box] |= filled
    return found


def _fill(mask: NDArray[np.uint8]) -> Mask:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED) > 0)


def _differs(numbers: Numbers, known: Mask, echo: NDArray[np.integer], box: tuple[slice, slice]) -> bool:
    """Return whether a rectangle differs from what is around it."""
    rows, columns = box
    wide = (
        slice(max(rows.start - _FAR, 0), rows.stop + _FAR),
        slice(max(columns.start - _FAR, 0), columns.stop + _FAR),
    )
    around = np.ones(numbers[wide].shape, bool)
    y, x = rows.start - wide[0].start, columns.start - wide[1].start
    high, broad = rows.stop - rows.start, columns.stop - columns.start
    around[max(y - 1, 0) : y + high + 1, max(x - 1, 0) : x + broad + 1] = False
    edge = np.ones((high, broad), bool)
    edge[3:-3, 3:-3] = False
    inside, counts = np.unique(numbers[box], return_counts=True)
    usual = inside[counts.argmax()]
    seen = around & known[wide]
    if seen.sum() < MIN_KNOWN * max(int(around.sum()), 1):  # within rain: a box, or a hole in coarse pixels
        return bool(min(high, broad) >= MIN_SIDE_IN_RAIN)
    alike = (numbers[wide][seen] == usual).mean()
    return bool(alike <= MOST_ALIKE and echo[box][edge].mean() <= MOST_ECHO * echo[wide][around].mean())
