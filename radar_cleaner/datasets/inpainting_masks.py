"""Inpainting masks: parts of this radar's data that training hides, so that the network learns to fill gaps.

There are three shapes. Blocks look like an overlay, single pixels like speckle. Sectors of azimuth look like a
blocked beam (from an obstacle outwards) or a lost packet (a whole ray). All masks of a sample have one shape.
They are sampled as a few numbers on the CPU, in the flipped and rotated crop, and rasterized on the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from radar_cleaner.config.training import Holes
from radar_cleaner.datasets.polar import polar_grid

_MAX_BLOCKS, _MAX_SECTORS = 4, 2  # of a sample; one sector hides about a fifth of a crop
_SMALLEST = 0.25  # of the largest size
_KEY = 1  # added to a sample's key, because input noise uses the key itself


@dataclass(frozen=True)
class Block:
    """A rectangle of pixels, half open; it may reach beyond the frame."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sector:
    """The pixels within half a `width` of an `azimuth`, and `near_px` to `far_px` from the radar.

    Azimuth and width are in degrees, clockwise from up.
    """

    azimuth: float
    width: float
    near_px: float
    far_px: float


@dataclass(frozen=True)
class Pixels:
    """A share of all pixels, each independently; the device draws which."""

    share: float


Mask = Block | Sector | Pixels


def sample_masks(
    random: np.random.Generator,
    holes: Holes,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
    blocks: int = 0,
) -> tuple[Mask, ...]:
    """Sample masks of one shape for a frame of `shape` (rows, columns), its radar at `center_px` (column, row).

    There are 1 to 4 blocks (`blocks` of them if that is not 0), or 1 or 2 sectors. Each is placed on a random
    pixel.
    """
    chosen = holes.shapes[int(random.integers(len(holes.shapes)))]
    if chosen == "pixels":
        return (Pixels(_size(random, holes.pixels)),)
    largest = _MAX_BLOCKS if chosen == "blocks" else _MAX_SECTORS
    count = int(random.integers(1, largest + 1))
    if chosen == "blocks":
        return tuple(_sample_block(random, holes.size_px, shape) for _ in range(blocks or count))
    return tuple(_sample_sector(random, holes.sector_degrees, shape, center_px, range_px) for _ in range(count))


def rasterize_masks(
    masks: Sequence[Sequence[Mask]], center_B2: Tensor, keys: Sequence[int], shape: tuple[int, int]
) -> Tensor:
    """Return (B, H, W) bool on the device of `center_B2`: the masked pixels of each sample.

    `center_B2` is (column, row) of the radar in each frame. The random numbers of a sample depend on its key
    alone.
    """
    device = center_B2.device
    masked_BHW = torch.zeros((len(masks), *shape), dtype=torch.bool, device=device)
    for masked_HW, center_2, key, of_sample in zip(masked_BHW, center_B2, keys, masks, strict=True):
        sectors = []
        for mask in of_sample:
            if isinstance(mask, Block):
                masked_HW[max(0, mask.top) : max(0, mask.bottom), max(0, mask.left) : max(0, mask.right)] = True
            elif isinstance(mask, Pixels):
                random = torch.Generator(device).manual_seed(key + _KEY)
                masked_HW |= torch.rand(shape, generator=random, device=device) < mask.share
            else:
                sectors.append(mask)
        if sectors:
            masked_HW |= _rasterize_sectors(sectors, center_2, shape)
    return masked_BHW


def _size(random: np.random.Generator, largest: float) -> float:
    return float(random.uniform(_SMALLEST * largest, largest))


def _sample_block(random: np.random.Generator, largest: int, shape: tuple[int, int]) -> Block:
    smallest = max(1, int(_SMALLEST * largest))
    height, width = (int(size) for size in random.integers(smallest, largest + 1, 2))
    row, column = (int(middle) for middle in random.integers(0, shape))
    top, left = row - height // 2, column - width // 2
    return Block(top, left, top + height, left + width)


def _sample_sector(
    random: np.random.Generator,
    widest: float,
    shape: tuple[int, int],
    center_px: tuple[float, float],
    range_px: float,
) -> Sector:
    """Sample a sector through a random pixel: a lost ray, or a beam that is blocked in front of the pixel."""
    row, column = (int(place) for place in random.integers(0, shape))
    width, blocked, start = _size(random, widest), bool(random.integers(2)), float(random.random())
    right, up = column - center_px[0], center_px[1] - row
    near_px = start * min(math.hypot(right, up), range_px) if blocked else 0.0
    return Sector(math.degrees(math.atan2(right, up)) % 360, width, near_px, range_px)


def _rasterize_sectors(sectors: Sequence[Sector], center_2: Tensor, shape: tuple[int, int]) -> Tensor:
    """(H, W) bool: the pixels inside any of the sectors."""
    distance_HW, azimuth_HW = polar_grid(center_2, shape)
    masked_HW = torch.zeros(shape, dtype=torch.bool, device=center_2.device)
    for sector in sectors:
        off_HW = torch.remainder(azimuth_HW - sector.azimuth + 180, 360) - 180
        masked_HW |= (
            (off_HW.abs() <= sector.width / 2) & (distance_HW >= sector.near_px) & (distance_HW <= sector.far_px)
        )
    return masked_HW
