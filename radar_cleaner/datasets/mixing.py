"""Add the clutter of one crop to another crop. Both are real, and the class of each pixel stays known.

Reflectivity adds in linear units, and the stronger of two echoes decides the class of a pixel. Where they are
nearly equal, the class counts little.

Shapes: B samples, K input times, H rows, W columns.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    SCALE_FACTOR,
    UNDETECT,
    decode_dbz,
    encode_dbz,
)
from radar_cleaner.datasets.channels import is_echo

NEAR_DB = 3.0  # echoes that differ by less are nearly equal
NEAR_WEIGHT = 0.2  # of a pixel where they are
_MOVES_PX = 3  # at other times the clutter may be this far from where it is at its own


class Mixed(NamedTuple):
    """Crops with the clutter of others: the codes (B, K, H, W), and what they are at the own time, (B, H, W).

    `added` is where the clutter is the stronger echo, `near` where both are nearly equal.
    """

    codes: Tensor
    added: Tensor
    near: Tensor


def mix(codes_BKHW: Tensor, clutter_BKHW: Tensor, echo_class_BHW: Tensor, own: int) -> Mixed:
    """Add the non-meteorological echo of the crops `clutter` to the crops `codes`.

    `echo_class` is that of `clutter` at its own time, the position `own`. A time without any data of the clutter
    becomes unavailable. Nodata stays.
    """
    is_clutter = echo_class_BHW == NON_METEOROLOGICAL
    there = (_grown(is_clutter) & (echo_class_BHW != METEOROLOGICAL))[:, None].repeat(1, codes_BKHW.shape[1], 1, 1)
    there[:, own] = is_clutter
    clutter = clutter_BKHW.masked_fill(~(there & is_echo(clutter_BKHW)), UNDETECT)
    missing = (clutter_BKHW == NODATA).flatten(2).all(dim=2)[:, :, None, None]
    sums = torch.from_numpy(_sums()).to(codes_BKHW.device)
    mixed = sums[codes_BKHW.int(), clutter.int()].masked_fill(missing, NODATA)
    real, other = codes_BKHW[:, own], clutter[:, own]
    known = is_echo(other) & (real != NODATA)
    stronger_db = (other.float() - real.float()) * SCALE_FACTOR
    near = known & (real != UNDETECT) & (stronger_db.abs() < NEAR_DB)
    return Mixed(mixed, known & (stronger_db > 0), near)


def _grown(area_BHW: Tensor) -> Tensor:
    """Grow an area by _MOVES_PX in each direction."""
    side = 2 * _MOVES_PX + 1
    return functional.max_pool2d(area_BHW[:, None].float(), side, stride=1, padding=_MOVES_PX)[:, 0] > 0


@cache
def _sums() -> NDArray[np.uint8]:
    """Return (256, 256), the code of the sum of two codes; nodata where the first is nodata."""
    power = 10 ** (decode_dbz(np.arange(256, dtype=np.uint8)).astype(np.float64) / 10)
    power[[UNDETECT, NODATA]] = 0
    total = power[:, None] + power
    with np.errstate(divide="ignore"):
        sums = np.where(total > 0, encode_dbz(10 * np.log10(total)), UNDETECT).astype(np.uint8)
    sums[NODATA] = NODATA
    return sums
