"""Find a legend bar within a box that may be too large, and its colours along it.

Pictures are turned so that the bar goes from weak row to strong row: (along, across, 3) uint8, `Along`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_clusters import pack_colours, unpack_colours

Along = NDArray[np.uint8]
Line = NDArray[np.float64]

AROUND = 4  # pixels beside the box that are looked at
# A side of the bar: a column across which the colour changes in this share of the rows, and in this share of the
# rows in which it changes at the clearest side. Numbers within the bar change fewer.
SIDE_STEP, SIDE_SHARE, RELATIVE_SHARE = 20, 0.2, 0.5
MIN_WIDTH = 3
SHORTEST = 3  # pixels of a class
CLEAR_STEP = 40.0  # change of colour along the bar that counts as one
SAME_STEP = 24  # of a channel: nearer colours count as one
FRAME_PX = 3  # thickest frame
SOFT_STEP = 24.0  # RGB distance of a bar from its surroundings in a lossy picture
TIP_STEP = 24.0
# Pixels of a row that are not near its colour are numbers. Of the others nearly all have a colour that is common,
# unless the picture is lossy.
NUMBER_STEP, COMMON_SHARE, ROW_SHARE = 60, 0.9, 0.8
STEPPED_SHARE = 0.4
# JPEG makes many steps of this RGB distance or less; resizing makes few.
NOISE_STEP, NOISE_SHARE = 4.0, 0.2


@dataclass(frozen=True)
class BarRegion:
    """The bar within a box, in pixels along the box.

    line: (length of the box, 3) colours along it. first, last: rows of the bar, and columns: its columns, the
    last excluded; before and after them is background. lossy: whether noise changes its colours.
    """

    line: Line
    first: int
    last: int
    columns: tuple[int, int]
    lossy: bool


def find_region(along: Along, left: int, right: int) -> BarRegion:
    """Return the bar within the columns `left` to `right` (excluded); those beside them are its surroundings."""
    left, right = _columns(along, left, right)
    inner = along[:, left:right]
    modes = _row_modes(inner)
    lossy = _is_lossy(inner, modes)
    line = _medians(inner) if lossy else modes.astype(np.float64)
    if lossy and _is_stepped(line):
        lossy = False
    limit = SOFT_STEP if lossy else 0.0
    sides = _side_rows(along, left, right, line, limit)
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], sides, [False]]).astype(int)))
    long = bounds[1::2] - bounds[::2] >= SHORTEST  # shorter ones at the ends are numbers
    if not long.any():
        return BarRegion(line, 0, len(line), (left, right), lossy)
    first, last = int(bounds[::2][long][0]), int(bounds[1::2][long][-1])
    first, last = _without_background(line, first, last, limit)
    middle = _medians(_middle(inner))
    first, last = _with_tips(line, middle, first, last)
    first, last = _without_frame(along, left, right, line, first, last)
    return BarRegion(line, first, last, (left, right), lossy)


def _columns(along: Along, left: int, right: int) -> tuple[int, int]:
    """Return the columns of the bar: between two sides, those with most colours along them."""
    steps = (np.abs(np.diff(along.astype(np.int16), axis=1)) > SIDE_STEP).any(axis=2).mean(axis=0)
    if not steps.size or steps.max() < SIDE_SHARE:
        return left, right
    sides = np.flatnonzero(steps >= max(SIDE_SHARE, RELATIVE_SHARE * steps.max())) + 1
    best, most = (left, right), (0, 0.0)
    for start, stop in zip([0, *sides.tolist()], [*sides.tolist(), along.shape[1]], strict=True):
        start, stop = max(start, left), min(stop, right)
        if stop - start < MIN_WIDTH:
            continue
        line = _medians(along[:, start:stop])
        changes = np.linalg.norm(np.diff(line, axis=0), axis=1)
        variety = (
            len(np.unique(np.rint(line / SAME_STEP), axis=0)),
            float(np.minimum(changes, CLEAR_STEP).sum()),
        )
        if variety > most:
            best, most = (start, stop), variety
    return best


def _row_modes(inner: Along) -> NDArray[np.uint8]:
    """Return the commonest colour (length, 3) of each row."""
    packed = pack_colours(inner)
    modes = np.empty(len(packed), np.uint32)
    for number, row in enumerate(packed):
        values, counts = np.unique(row, return_counts=True)
        modes[number] = values[int(np.argmax(counts))]
    return unpack_colours(modes)


def _medians(inner: Along) -> Line:
    return np.asarray(np.median(inner, axis=1), dtype=np.float64)


def _middle(inner: Along) -> Along:
    """Return the middle fifth of the columns, three or more."""
    across = inner.shape[1]
    half = max(across // 10, 1)
    return inner[:, max(across // 2 - half, 0) : across // 2 + half + 1]


def _is_lossy(inner: Along, modes: NDArray[np.uint8]) -> bool:
    """Return whether many pixels have rare colours, apart from numbers."""
    _, number, counts = np.unique(inner.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    common = (counts[number.reshape(-1)] >= ROW_SHARE * inner.shape[1]).reshape(inner.shape[:2])
    near = np.abs(inner.astype(np.int16) - modes[:, None]).max(axis=2) <= NUMBER_STEP
    return bool(common[near].mean() < COMMON_SHARE)


def _is_stepped(line: Line) -> bool:
    """Return whether a line was only resized: much of it is in runs of one colour, and few steps are small."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    equal, changes = steps == 0, steps[steps > 0]
    if len(equal) < 2 or not changes.size:
        return False
    in_runs, small = float(np.mean(equal[1:] & equal[:-1])), float(np.mean(changes <= NOISE_STEP))
    return in_runs >= STEPPED_SHARE and small <= NOISE_SHARE


def _side_rows(along: Along, left: int, right: int, line: Line, limit: float) -> NDArray[np.bool_]:
    """Return the rows (length,) that differ from what is beside them, on one side at least.

    A bar that fills its picture has nothing beside it: all rows are the bar's.
    """
    least = FRAME_PX if limit else 1
    sides = [
        along[:, start:stop]
        for start, stop in ((max(left - FRAME_PX, 0), left), (right, min(right + FRAME_PX, along.shape[1])))
        if stop - start >= least
    ]
    away = [(np.linalg.norm(side - line[:, None], axis=2) > limit).any(axis=1) for side in sides]
    return np.all(away, axis=0) if away else np.ones(len(along), dtype=bool)


def _without_background(line: Line, first: int, last: int, limit: float) -> tuple[int, int]:
    """Leave out rows at both ends that have the colour of what is beyond them: only text is there."""
    low, high = 0, 0
    if first > 0:
        low = int(np.argmax(np.linalg.norm(line[first:last] - line[first - 1], axis=1) > limit))
    if last < len(line):
        high = int(np.argmax(np.linalg.norm(line[first:last][::-1] - line[last], axis=1) > limit))
    return (first + low, last - high) if first + low < last - high else (first, last)


def _with_tips(line: Line, middle: Line, first: int, last: int) -> tuple[int, int]:
    """Lengthen the bar by rows whose middle has the colour of its end: an arrow. `line` gets their colour."""
    arrow = np.linalg.norm(middle - line, axis=1) > TIP_STEP
    while first > 0 and arrow[first - 1] and np.linalg.norm(middle[first - 1] - line[first]) <= TIP_STEP:
        first -= 1
        line[first] = line[first + 1]
    while last < len(line) and arrow[last] and np.linalg.norm(middle[last] - line[last - 1]) <= TIP_STEP:
        line[last] = line[last - 1]
        last += 1
    return first, last


def _without_frame(along: Along, left: int, right: int, line: Line, first: int, last: int) -> tuple[int, int]:
    """Leave out rows at both ends that have the colour of the columns beside the bar: its frame."""
    beside = [column for column in (left - 1, right) if 0 <= column < along.shape[1]]
    if not beside or last - first <= 2 * FRAME_PX + 2:
        return first, last
    frame = np.median(along[first:last, beside].reshape(-1, 3), axis=0)
    other = np.linalg.norm(line[first:last] - frame, axis=1) > SOFT_STEP
    low, high = int(np.argmax(other)), int(np.argmax(other[::-1]))
    return first + (low if low <= FRAME_PX else 0), last - (high if high <= FRAME_PX else 0)
