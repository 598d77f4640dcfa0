"""Evidence for areas that hide the echo: rain reaches their edge, and never crosses it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.overlay_evidence import THIN_PX, open_thin

cv2.setNumThreads(1)  # one core per job: idle threads of OpenCV would spin

Mask = NDArray[np.bool_]
Counts = NDArray[np.number]

MIN_EVENTS, MIN_FRAMES = 40, 3  # rain beside an edge that is needed: places and frames, and the frames with it
KEPT = 0.97  # share of them in which it did not rain on the other side
MOST_ECHO = 0.001  # share of an area's pixels and frames that may echo
_BESIDE = (3, 4, 5)  # pixels beyond the edge that must all rain; a frame or a blurred rim is nearer
_WITHIN = (1, 2)  # pixels on this side that must be dry
_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_MOST = 150_000  # pixels that are looked at: memory is bounded


class Crossings:
    """Count how often it rains just outside the edge of an area, and how often it is then dry just inside.

    An area is a connected part of one usual colour that is not thin. The usual colours do not depend on the rain.
    Rain crosses the edges of a map nearly always; it never crosses those of a box, a legend, a logo, or of an area
    without coverage.
    """

    def __init__(self, numbers: NDArray[np.int16], known: Mask) -> None:
        """`numbers` (y, x) are those of the usual colours, -1 for none; `known` (y, x) is false where guessed."""
        self._numbers = np.where(known, numbers, -2)
        self._areas, self._sizes, self._colours = _find_areas(self._numbers)
        areas, count = self._areas, len(self._sizes)
        kernel = np.ones((3, 3), np.uint8)
        wide = areas.astype(np.float64)  # exact, and a type that OpenCV dilates
        rows, columns = np.nonzero((areas > 0) & (cv2.dilate(wide, kernel) != cv2.erode(wide, kernel)))
        every = max(1, len(rows) // _MOST)
        rows, columns = rows[::every], columns[::every]
        places = []
        for down, right in _DIRECTIONS:
            steps = np.array((0, 1, *_BESIDE, *(-near for near in _WITHIN)))
            y, x = rows[:, None] + down * steps, columns[:, None] + right * steps
            fits = ((y >= 0) & (y < areas.shape[0]) & (x >= 0) & (x < areas.shape[1])).all(axis=1)
            place = (y * areas.shape[1] + x)[fits]
            area, number = areas.ravel()[place], self._numbers.ravel()[place]
            beyond = number[:, 2 : 2 + len(_BESIDE)]
            edge = (area[:, 1] != area[:, 0]) & (area[:, -len(_WITHIN) :] == area[:, :1]).all(axis=1)
            edge &= ((beyond != number[:, :1]) & (beyond > -2)).all(axis=1)
            places.append(place[edge])
        found = np.concatenate(places).T
        self._own = areas.ravel()[found[0]]
        self._outside, self._inside = found[2 : 2 + len(_BESIDE)], found[-len(_WITHIN) :]
        self._frames = 0
        self.raining, self.kept, self.raining_frames, self.echoes = np.zeros((4, count), np.int64)

    def add(self, rain: Mask) -> None:
        """Add a frame: the pixels (y, x) that show rain that is not their usual colour."""
        self._frames += 1
        count = len(self._sizes)
        self.echoes += np.bincount(self._areas[rain], minlength=count)
        flat = rain.ravel()
        event = flat[self._outside].all(axis=0)
        own = self._own[event]
        counts = np.bincount(own, minlength=count)
        self.raining += counts
        self.raining_frames += counts > 0
        dry = ~flat[self._inside[:, event]].any(axis=0)
        self.kept += np.bincount(own[dry], minlength=count)

    def closed(self) -> Mask:
        """Return the areas (y, x) that rain never enters, and the others of their colour if rain enters none."""
        found = self._are_closed(self.raining, self.kept, self.echoes, self._sizes)
        found &= (self.raining >= MIN_EVENTS) & (self.raining_frames >= MIN_FRAMES)
        found[0] = False
        whole = [
            np.bincount(self._colours, counts) for counts in (self.raining, self.kept, self.echoes, self._sizes)
        ]
        proven = np.bincount(self._colours[found], minlength=len(whole[0])) > 0
        found = (proven & self._are_closed(*whole))[self._colours] | found
        found[0] = False
        inner = found[self._areas]
        # Corners that the opening of the areas took away.
        grown = cv2.dilate(np.where(inner, self._numbers + 3, 0).astype(np.int16), np.ones((THIN_PX, THIN_PX)))
        return np.asarray(inner | ((grown == self._numbers + 3) & (self._areas == 0)))

    def _are_closed(self, raining: Counts, kept: Counts, echoes: Counts, sizes: Counts) -> NDArray[np.bool_]:
        """Return where (n,) nothing contradicts that rain never enters."""
        return np.asarray((kept >= KEPT * raining) & (echoes <= MOST_ECHO * sizes * self._frames))


def _find_areas(numbers: NDArray[np.int16]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the area (y, x) of each pixel, 0 for none; the pixels of each area; and its colour, from 1."""
    areas = np.zeros(numbers.shape, np.int32)
    total, colours = 1, [np.zeros(1, np.int64)]
    for number in np.unique(numbers[numbers >= 0]):
        count, found = cv2.connectedComponents(open_thin((numbers == number).astype(np.uint8)), connectivity=4)
        areas[found > 0] = found[found > 0] + (total - 1)
        total += count - 1
        colours.append(np.full(count - 1, number + 1))
    return areas, np.bincount(areas.ravel(), minlength=total), np.concatenate(colours).astype(np.int64)
