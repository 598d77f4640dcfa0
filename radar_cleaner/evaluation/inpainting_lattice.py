"""Inpainting masks of several sizes in one frame: known data are hidden, to score how the network fills them.

A frame is divided into boxes of four times the largest mask. Each box has masks of one size, in a lattice with one
mask in four places each way: 1/16 is hidden for any size. The frame's time determines the size of a box and the
places of the masks. Equally spaced frames cover every place by each size over time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA

LATTICE = 4  # one place in 4 x 4 is masked
_GOLDEN = 2654435769  # 2^32 / golden ratio: spreads equally spaced times evenly over the lattice's shifts

Codes = NDArray[np.uint8]


def hole_lattice(codes: Codes, time: int, sizes_px: Sequence[int]) -> NDArray[np.uint8]:
    """Return (y, x) the number of the mask's size, from 1, at each pixel of a frame, 0 outside of masks.

    `time` is the frame's, in seconds since 1970; the sizes increase. Where four times a size does not divide
    the box, the rest has no masks, so that none is cut and none touches another. Nodata in (y, x) codes is not
    hidden.
    """
    count = len(sizes_px)
    if not count:
        return np.zeros(codes.shape, np.uint8)
    cell = (time // 60 * _GOLDEN % 2**32 * LATTICE**2 * count) >> 32
    shift, first = divmod(cell, count)
    box = LATTICE * sizes_px[-1]
    row, column = np.ogrid[: codes.shape[0], : codes.shape[1]]
    # Boxes side by side are one step of size apart, boxes above each other two: all sizes are near each other.
    down, right = first + row // box * (2 if count > 2 else 1), column // box
    size = ((down % count).astype(np.uint16) + (right % count).astype(np.uint16)) % np.uint16(count)
    known = codes != NODATA
    holes = np.zeros(codes.shape, np.uint8)
    for index, side in enumerate(sizes_px):
        at = _is_hole(row, shift // LATTICE, side, box) & _is_hole(column, shift % LATTICE, side, box)
        holes[at & known & (size == index)] = index + 1
    return holes


def _is_hole(place: NDArray[np.int64], turn: int, side: int, box: int) -> NDArray[np.bool_]:
    """Return whether rows or columns are in the masks of one size: every fourth place of a box, of whole fours."""
    number = place % box // side
    return np.asarray((number % LATTICE == turn) & (number < box // side // LATTICE * LATTICE))


def hide(codes: Codes, holes: NDArray[np.uint8]) -> Codes:
    """Codes (..., y, x) with the masks (y, x) of `hole_lattice` as nodata."""
    return np.where(holes > 0, NODATA, codes).astype(np.uint8)
