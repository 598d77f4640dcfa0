"""The eight ways to lay a picture: as it is or flipped left to right, then up to three quarter turns.

Training draws among them, test-time augmentation takes the mean over them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Turn(NamedTuple):
    """A flip of left and right, if any, then quarter turns counter-clockwise (0 to 3)."""

    flip: bool
    quarters: int


ALL_TURNS = tuple(Turn(flip, quarters) for flip in (False, True) for quarters in range(4))


def turn_picture(picture: Tensor, turn: Turn) -> Tensor:
    """(..., H, W) turned; (..., W, H) after an odd number of quarters."""
    flipped = picture.flip(-1) if turn.flip else picture
    return torch.rot90(flipped, turn.quarters, (-2, -1)) if turn.quarters else flipped


def turn_back(picture: Tensor, turn: Turn) -> Tensor:
    """The picture that was turned so."""
    upright = torch.rot90(picture, -turn.quarters, (-2, -1)) if turn.quarters else picture
    return upright.flip(-1) if turn.flip else upright


def turn_point(point: tuple[float, float], shape: tuple[int, int], turn: Turn) -> tuple[float, float]:
    """(column, row) in the turned picture of a point in a picture of `shape` (rows, columns), or beside it."""
    (column, row), (height, width) = point, shape
    if turn.flip:
        column = width - 1 - column
    for _ in range(turn.quarters):
        column, row, height, width = row, width - 1 - column, width, height
    return column, row
