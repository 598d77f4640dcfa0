"""The eight flips and rotations of a frame (the dihedral group D4).

Training samples one of them for each crop. Test-time augmentation averages over all.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class FlipRotation(NamedTuple):
    """A flip of left and right where `flip` is true, then 0 to 3 quarter turns counter-clockwise."""

    flip: bool
    quarter_turns: int


FLIP_ROTATIONS = tuple(FlipRotation(flip, turns) for flip in (False, True) for turns in range(4))
UNCHANGED = FLIP_ROTATIONS[0]


def flip_rotate(frame: Tensor, how: FlipRotation) -> Tensor:
    """Flip and rotate (..., H, W); the result is (..., W, H) after an odd number of quarter turns."""
    flipped = frame.flip(-1) if how.flip else frame
    return torch.rot90(flipped, how.quarter_turns, (-2, -1)) if how.quarter_turns else flipped


def undo_flip_rotate(frame: Tensor, how: FlipRotation) -> Tensor:
    """Return the frame from which `flip_rotate` made this one."""
    upright = torch.rot90(frame, -how.quarter_turns, (-2, -1)) if how.quarter_turns else frame
    return upright.flip(-1) if how.flip else upright


def flip_rotate_sides(sides: tuple[float, float], how: FlipRotation) -> tuple[float, float]:
    """Return (width, height) of a pixel after its frame is flipped and rotated."""
    return sides if how.quarter_turns % 2 == 0 else (sides[1], sides[0])


def flip_rotate_point(
    point: tuple[float, float], shape: tuple[int, int], how: FlipRotation
) -> tuple[float, float]:
    """Return the (column, row) of a point after a frame of `shape` (rows, columns) is flipped and rotated.

    The point may be outside the frame.
    """
    (column, row), (height, width) = point, shape
    if how.flip:
        column = width - 1 - column
    for _ in range(how.quarter_turns):
        column, row, height, width = row, width - 1 - column, width, height
    return column, row
