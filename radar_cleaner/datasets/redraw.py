"""Draw the echo of a crop again, with another palette.

A network that learned pictures of one palette takes its classes for the truth. Here the reflectivity is spread
over the width of its class, shifted, and drawn with classes of 1 to 16 dB from a first class of -10 to 20 dBZ.

Shapes: K input times, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from radar_cleaner.config.training import Redraw
from radar_cleaner.conventions import ADD_OFFSET, NODATA, SCALE_FACTOR, UNDETECT, encode_dbz

Codes = NDArray[np.uint8]

_FIRST_DBZ = (-10.0, 20.0)
_LAST_DBZ = 75.0
_STEPS_DB = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 5.0, 8.0, 10.0, 16.0)
_UNEVEN, _KEPT = 0.3, 0.6  # share of the palettes of uneven classes, and of the bounds that these keep
_GRAINS_PX = (2, 24)  # side of the areas in which echoes of one old class are alike
_PARTS = 16  # of an old class
_KEY = 2**40  # added to a crop's key, beyond the numbers that artefacts add


@dataclass(frozen=True)
class Drawing:
    """How a crop is drawn: the lower bounds of the classes in dBZ, the shift in dB, and the grain in pixels."""

    bounds_dbz: tuple[float, ...]
    shift_db: float
    grain_px: int

    @property
    def levels(self) -> Codes:
        """The code of each class: that of its middle. The last class is as wide as the one before."""
        bounds = np.array(self.bounds_dbz)
        return encode_dbz(bounds + np.diff(bounds, append=2 * bounds[-1] - bounds[-2]) / 2)


def sample_drawing(random: np.random.Generator, redraw: Redraw) -> Drawing | None:
    """Sample how a crop is drawn; None where it stays as it is."""
    if random.random() >= redraw.fraction:
        return None
    bounds = np.arange(random.uniform(*_FIRST_DBZ), _LAST_DBZ, random.choice(_STEPS_DB))
    if random.random() < _UNEVEN:
        bounds = bounds[(random.random(len(bounds)) < _KEPT) | (np.arange(len(bounds)) < 2)]
    grain = 2 ** random.uniform(*np.log2(_GRAINS_PX))
    return Drawing(tuple(bounds.tolist()), random.uniform(-redraw.shift_db, redraw.shift_db), round(grain))


def draw_again(codes_KHW: Tensor, drawing: Drawing, levels: Codes | None, key: int) -> Tensor:
    """Return the codes of a crop, (K, H, W) uint8, with the classes of a drawing.

    `levels` are the codes that occur in the pictures of the radar. Echo below the first class becomes undetect;
    undetect and nodata stay. `key` seeds the place of a pixel's echo within its old class, which is the same at
    all times.
    """
    device = codes_KHW.device
    low_dbz, width_db = _classes(b"" if levels is None else levels.tobytes())
    dbz = low_dbz[:, None] + width_db[:, None] * (np.arange(_PARTS) + 0.5) / _PARTS + drawing.shift_db
    table = np.insert(drawing.levels, 0, UNDETECT)[np.searchsorted(drawing.bounds_dbz, dbz, side="right")]
    table[UNDETECT], table[NODATA] = UNDETECT, NODATA
    parts_HW = _parts((codes_KHW.shape[-2], codes_KHW.shape[-1]), drawing.grain_px, key, device)
    return torch.from_numpy(table).to(device).view(-1)[codes_KHW.int() * _PARTS + parts_HW]


@lru_cache(maxsize=64)
def _classes(levels: bytes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (256,) twice: the lower bound in dBZ and the width in dB of the class of each code."""
    dbz = (np.arange(256) * SCALE_FACTOR + ADD_OFFSET).astype(np.float32)
    low, width = dbz - SCALE_FACTOR / 2, np.full(256, SCALE_FACTOR, np.float32)
    codes = np.unique(np.frombuffer(levels, np.uint8))
    codes = codes[(codes != UNDETECT) & (codes != NODATA)]
    if len(codes) > 1:
        middles = dbz[codes]
        between = (middles[1:] + middles[:-1]) / 2
        edges = np.concatenate([[2 * middles[0] - between[0]], between, [2 * middles[-1] - between[-1]]])
        low[codes], width[codes] = edges[:-1], np.diff(edges)
    return low, width


def _parts(shape: tuple[int, int], grain_px: int, key: int, device: torch.device) -> Tensor:
    """Return (H, W), a smooth random field of whole numbers from 0 to _PARTS - 1."""
    random = torch.Generator(device).manual_seed((key + _KEY) % 2**63)
    cells = [length // grain_px + 2 for length in shape]
    field = torch.rand(1, 1, *cells, generator=random, device=device)
    smooth = functional.interpolate(field, size=shape, mode="bilinear", align_corners=False)[0, 0]
    return (smooth * _PARTS).int().clamp(max=_PARTS - 1)
