"""Holes: where training hides the radar's own data, so that the network learns to fill what a radar did not see.

Three shapes: blocks, single pixels, and sectors of azimuth, which is what a blocked beam (from an obstacle
outwards) or a lost packet (a whole ray) looks like. A holed sample has holes of one shape. They are drawn as a
few numbers on the CPU, in the picture as it lies after flips and turns, and made into a mask on the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from radar_cleaner.datasets.polar import polar_grid
from radar_cleaner.errors import ConfigError, require

HoleShape = Literal["blocks", "pixels", "sectors"]

_MAX_BLOCKS, _MAX_SECTORS = 4, 2  # a sample; one sector hides about a fifth of a crop
_SMALLEST = 0.25  # of the largest size


@dataclass(frozen=True)
class HoleOptions:
    """Which parts of its own data a radar does not see in training.

    Attributes
    ----------
    hole_fraction
        Share of the crops that get holes.
    hole_shapes
        Shapes of holes, `blocks`, `pixels`, `sectors`; a crop gets one of them, each as likely.
    hole_size
        Largest side of a block in pixels.
    hole_pixels
        Largest share of a crop's pixels that are hidden one by one.
    hole_sector
        Largest width of a sector in degrees.
    """

    hole_fraction: float
    hole_shapes: tuple[HoleShape, ...]
    hole_size: int
    hole_pixels: float
    hole_sector: float

    def __post_init__(self) -> None:
        require("hole_fraction", self.hole_fraction, 0, 1)
        require("hole_size", self.hole_size, 1)
        require("hole_pixels", self.hole_pixels, 0, 1, above=True)
        require("hole_sector", self.hole_sector, 0, 360, above=True)
        known = get_args(HoleShape)
        unknown = [shape for shape in self.hole_shapes if shape not in known]
        if unknown or not self.hole_shapes:
            raise ConfigError(f"hole_shapes is {list(self.hole_shapes)}, allowed is one or more of {list(known)}")


@dataclass(frozen=True)
class Block:
    """A rectangle of pixels, half open; it may reach beyond the picture."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sector:
    """What lies within half a `width` of an `azimuth` (degrees, clockwise from up) and `near_px` to `far_px`
    from the radar."""

    azimuth: float
    width: float
    near_px: float
    far_px: float


@dataclass(frozen=True)
class Pixels:
    """A share of all pixels, each by itself; which ones is drawn on the device."""

    share: float


Hole = Block | Sector | Pixels


def draw_holes(
    random: np.random.Generator,
    how: HoleOptions,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
    blocks: int = 0,
) -> tuple[Hole, ...]:
    """Holes of one shape for a picture of `shape` (rows, columns) whose radar is at `center_px` (column, row).

    1 to 4 blocks (`blocks` of them if that is not 0), or 1 or 2 sectors, each laid over a pixel, as likely one as
    another.
    """
    chosen = how.hole_shapes[int(random.integers(len(how.hole_shapes)))]
    if chosen == "pixels":
        return (Pixels(_size(random, how.hole_pixels)),)
    most = _MAX_BLOCKS if chosen == "blocks" else _MAX_SECTORS
    count = int(random.integers(1, most + 1))
    if chosen == "blocks":
        return tuple(_draw_block(random, how.hole_size, shape) for _ in range(blocks or count))
    return tuple(_draw_sector(random, how.hole_sector, shape, center_px, range_px) for _ in range(count))


def hole_mask(
    holes: Sequence[Sequence[Hole]],
    center_B2: Tensor,
    keys: Sequence[int],
    shape: tuple[int, int],
    device: torch.device,
) -> Tensor:
    """(B, H, W) bool on the device: where each sample has its holes.

    `center_B2` is (column, row) of the radar in each picture. What is random in a sample hangs on its key alone.
    """
    mask_BHW = torch.zeros((len(holes), *shape), dtype=torch.bool, device=device)
    for mask_HW, center_2, key, found in zip(mask_BHW, center_B2, keys, holes, strict=True):
        sectors = []
        for hole in found:
            if isinstance(hole, Block):
                mask_HW[max(0, hole.top) : max(0, hole.bottom), max(0, hole.left) : max(0, hole.right)] = True
            elif isinstance(hole, Pixels):
                # Not the key itself: from that the input noise is drawn, and holes must not hang on it.
                random = torch.Generator(device).manual_seed(key + 1)
                mask_HW |= torch.rand(shape, generator=random, device=device) < hole.share
            else:
                sectors.append(hole)
        if sectors:
            mask_HW |= _sector_mask(sectors, center_2, shape)
    return mask_BHW


def _size(random: np.random.Generator, largest: float) -> float:
    return float(random.uniform(_SMALLEST * largest, largest))


def _draw_block(random: np.random.Generator, largest: int, shape: tuple[int, int]) -> Block:
    smallest = max(1, int(_SMALLEST * largest))
    height, width = (int(size) for size in random.integers(smallest, largest + 1, 2))
    row, column = (int(middle) for middle in random.integers(0, shape))
    top, left = row - height // 2, column - width // 2
    return Block(top, left, top + height, left + width)


def _draw_sector(
    random: np.random.Generator,
    widest: float,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
) -> Sector:
    """A sector whose middle goes through a pixel: a lost ray, or a beam that is blocked before the pixel."""
    row, column = (int(place) for place in random.integers(0, shape))
    width, blocked, start = _size(random, widest), bool(random.integers(2)), float(random.random())
    right, up = column - center_px[0], center_px[1] - row
    near_px = start * min(math.hypot(right, up), range_px) if blocked else 0.0
    return Sector(math.degrees(math.atan2(right, up)) % 360, width, near_px, range_px)


def _sector_mask(sectors: Sequence[Sector], center_2: Tensor, shape: tuple[int, int]) -> Tensor:
    """(H, W) bool: what lies in any of the sectors."""
    distance_HW, azimuth_HW = polar_grid(center_2, shape)
    mask_HW = torch.zeros(shape, dtype=torch.bool, device=center_2.device)
    for sector in sectors:
        off_HW = torch.remainder(azimuth_HW - sector.azimuth + 180, 360) - 180
        mask_HW |= (
            (off_HW.abs() <= sector.width / 2) & (distance_HW >= sector.near_px) & (distance_HW <= sector.far_px)
        )
    return mask_HW
