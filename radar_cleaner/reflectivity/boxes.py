"""Find boxes that are laid over a map: upright rectangles that differ from what is around them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.overlay_evidence import open_thin

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
MIN_HIGH = 5  # pixels of the text of a clock
MIN_ECHO_AROUND = 0.3  # share of the pixels around a clock that ever have an echo
_LINE_PX, _DIGITS_PX = 3, 15  # gaps within a digit, and between two, that belong to a text
_GROWTH = 5  # heights of a text that its box may reach beyond it
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


def find_clocks(changing: Mask, echo: NDArray[np.integer]) -> Mask:
    """Return boxes (y, x) in the colour of the map, around thin text that changes, as a clock.

    `changing` (y, x) are the pixels that show two or more colours that are of no class. `echo` (y, x) is how many
    frames show an echo. A box grows as far as it never has an echo, and has some around.
    """
    found = np.zeros(changing.shape, bool)
    dry = echo == 0
    thin = (changing & dry).astype(np.uint8)
    thin &= ~open_thin(thin) & 1
    joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((_LINE_PX, _DIGITS_PX), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for left, top, wide, high, _ in stats[1:]:
        if wide < MIN_SIDE or high < MIN_HIGH or high > wide:
            continue
        text = (slice(int(top), int(top + high)), slice(int(left), int(left + wide)))
        if dry[text].all():
            box = _grow(dry, text, _GROWTH * int(high))
            around = _ring(box, dry.shape)
            if (echo[around] > 0).mean() >= MIN_ECHO_AROUND:
                found[box] = True
    return found


def _grow(dry: Mask, box: tuple[slice, slice], most: int) -> tuple[slice, slice]:
    """Return a box with the rows and columns beside it, at most `most` on each side, that are all dry."""
    (top, bottom), (left, right) = ((part.start, part.stop) for part in box)
    height, width = dry.shape
    for _ in range(most):
        up = top > 0 and dry[top - 1, left:right].all()
        down = bottom < height and dry[bottom, left:right].all()
        top, bottom = top - up, bottom + down
        before = left > 0 and dry[top:bottom, left - 1].all()
        after = right < width and dry[top:bottom, right].all()
        left, right = left - before, right + after
    return slice(top, bottom), slice(left, right)


def _ring(box: tuple[slice, slice], shape: tuple[int, ...]) -> Mask:
    """Return the pixels (y, x) around a box."""
    inside = np.zeros(shape, np.uint8)
    inside[box] = 1
    return np.asarray((cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0) & (inside == 0))
