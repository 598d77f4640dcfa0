"""Crops cut from the bank as bytes: on the CPU one by one, or on the device that holds the frames all at once.

Shapes: B samples, K input times, L leads ahead, F fields, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.augmentation import Draw, turned_center
from radar_cleaner.datasets.device_cache import Windows
from radar_cleaner.datasets.frame_cache import (
    CONFIDENCE,
    ECHO_CLASS,
    OTHERS,
    OWN,
    PLANE_FILLS,
    Bank,
    RadarFrameBank,
    Sample,
)

AHEAD_PLANES = (OWN, ECHO_CLASS, CONFIDENCE)  # of a frame that is to be forecast; others see other places
_NO_FRAME = -1


@dataclass(frozen=True)
class RawBatch:
    """Samples as they are cut: `planes` (B, 2K + 4 [+ 1] + 3L, H, W) uint8 is own and others' codes at each input
    time, then own, others, class and confidence at the sample's time, then the echo frequency if it is used, then
    own, class and confidence at each lead ahead; of a frame that is not there nothing is known. `fields`
    (B, F, H, W) float32 are those of `Inputs.fields`, None where there are none. `center_px` (B, 2) is in the
    turned picture. `levels` are the codes of each sample's radar, None where not known."""

    planes: Tensor
    center_px: NDArray[np.float32]
    range_px: NDArray[np.float32]
    draws: Sequence[Draw]
    samples: Sequence[Sample]
    fields: Tensor | None = None
    levels: Sequence[NDArray[np.uint8] | None] = ()


def cut(bank: Bank, samples: Sequence[Sample], draws: Sequence[Draw], inputs: Inputs) -> RawBatch:
    """Cut samples from the bank; all draws are of one shape. Beyond a frame's edge nothing is known.

    The planes are where the bank's frames are: on a device that holds all of them, else in memory, from which a
    GPU can fetch them while something else goes on.
    """
    held = all(bank[sample.radar].held is not None for sample in samples)
    planes, fields = (_cut_held if held else _cut_mapped)(bank, samples, draws, inputs)
    centers = [
        turned_center(bank[sample.radar].grid.center_px, draw) for sample, draw in zip(samples, draws, strict=True)
    ]
    return RawBatch(
        planes,
        np.array(centers, np.float32),
        np.array([bank[sample.radar].grid.range_px for sample in samples], np.float32),
        list(draws),
        list(samples),
        fields if inputs.fields else None,
        [bank[sample.radar].grid.levels for sample in samples],
    )


def _fills(inputs: Inputs) -> list[int]:
    """What lies beyond a frame's edge in each plane of a `RawBatch`."""
    seen = [NODATA] * 2 * len(inputs.input_minutes) + [*PLANE_FILLS] + [0] * (inputs.atlas == "channel")
    return seen + [PLANE_FILLS[plane] for plane in AHEAD_PLANES] * len(inputs.ahead)


def _numbers(frames: RadarFrameBank, sample: Sample, inputs: Inputs) -> list[int]:
    """The frames of a sample: at the input times, then at its own, then ahead, where one may be missing."""
    seen = [frames.index[sample.time + 60 * minutes] for minutes in (*inputs.input_minutes, 0)]
    return seen + [frames.index.get(sample.time + 60 * minutes, _NO_FRAME) for minutes in inputs.ahead]


def _cut_mapped(
    bank: Bank, samples: Sequence[Sample], draws: Sequence[Draw], inputs: Inputs
) -> tuple[Tensor, Tensor]:
    times, fills, shape = len(inputs.input_minutes), _fills(inputs), draws[0].shape
    pinned = torch.cuda.is_available()
    planes = torch.empty(len(samples), len(fills), *shape, dtype=torch.uint8, pin_memory=pinned)
    fields = torch.empty(len(samples), len(inputs.fields), *shape, pin_memory=pinned)
    for target, field, sample, draw in zip(planes.numpy(), fields.numpy(), samples, draws, strict=True):
        frames, grid = bank[sample.radar], bank[sample.radar].grid
        window = np.s_[draw.top : draw.top + shape[0], draw.left : draw.left + shape[1]]
        height, width = (min(size, length) for size, length in zip(shape, grid.shape, strict=True))
        if (height, width) != shape:
            target[:] = np.array(fills, np.uint8)[:, None, None]
        inside = target[:, :height, :width]
        numbers = _numbers(frames, sample, inputs)
        now, ahead = numbers[times], numbers[times + 1 :]
        for position, number in enumerate(numbers[:times]):
            inside[position] = frames.planes[number, OWN][window]
            inside[times + position] = frames.planes[number, OTHERS][window]
        if grid.clutter is not None:
            inside[:times, grid.clutter[window]] = NODATA
        for plane in range(len(PLANE_FILLS)):
            inside[2 * times + plane] = frames.planes[now, plane][window]
        if inputs.atlas == "channel":
            assert grid.echo_frequency is not None, "the atlas is a channel"
            inside[2 * times + len(PLANE_FILLS)] = grid.echo_frequency[window]
        first = len(fills) - len(AHEAD_PLANES) * len(ahead)
        for position, (number, plane) in enumerate(product(ahead, AHEAD_PLANES), first):
            missing = number == _NO_FRAME
            inside[position] = PLANE_FILLS[plane] if missing else frames.planes[number, plane][window]
        if inputs.fields:
            assert grid.fields is not None and len(grid.fields) == len(inputs.fields)
            # A coordinate has no "unknown": beyond the edge it is that of the nearest pixel.
            beyond = ((0, 0), (0, shape[0] - height), (0, shape[1] - width))
            field[:] = np.pad(grid.fields[:, *window], beyond, mode="edge")
    return planes, fields


def _cut_held(
    bank: Bank, samples: Sequence[Sample], draws: Sequence[Draw], inputs: Inputs
) -> tuple[Tensor, Tensor]:
    times, fills, shape = len(inputs.input_minutes), _fills(inputs), draws[0].shape
    some = bank[samples[0].radar].held
    assert some is not None
    device = some.planes.device
    planes = torch.empty(len(samples), len(fills), *shape, dtype=torch.uint8, device=device)
    fields = torch.empty(len(samples), len(inputs.fields), *shape, device=device)
    for radar in dict.fromkeys(sample.radar for sample in samples):
        frames, held = bank[radar], bank[radar].held
        assert held is not None
        rows = [row for row, sample in enumerate(samples) if sample.radar == radar]
        # In one copy, as each to a GPU waits for the one before.
        told = torch.tensor(
            [[row, draws[row].top, draws[row].left, *_numbers(frames, samples[row], inputs)] for row in rows]
        ).to(device, non_blocking=True)
        windows = Windows.of(told[:, 1], told[:, 2], shape, frames.grid.shape)
        numbers = told[:, 3:]
        found = windows.cut(held.planes, numbers[:, :times], slice(OWN, OTHERS + 1)).transpose(1, 2)
        now = windows.cut(held.planes, numbers[:, times : times + 1], slice(None))[:, 0]
        parts = [found[:, 0], found[:, 1], now]
        if held.clutter is not None:
            parts[0] = parts[0].masked_fill(windows.cut_grid(held.clutter)[:, None], NODATA)
        if inputs.atlas == "channel":
            assert held.echo_frequency is not None, "the atlas is a channel"
            parts.append(windows.cut_grid(held.echo_frequency)[:, None])
        filled = torch.tensor(fills, dtype=torch.uint8, device=device)[:, None, None]
        if inputs.ahead:
            ahead = windows.cut(held.planes, numbers[:, times + 1 :].clamp(min=0), slice(None))
            known = (numbers[:, times + 1 :] != _NO_FRAME)[:, :, None, None, None]
            chosen = ahead[:, :, list(AHEAD_PLANES)]
            parts.append(torch.where(known, chosen, filled[-len(AHEAD_PLANES) :]).flatten(1, 2))
        planes[told[:, 0]] = torch.where(windows.inside[:, None], torch.cat(parts, dim=1), filled)
        if inputs.fields:
            assert held.fields is not None and len(held.fields) == len(inputs.fields)
            fields[told[:, 0]] = windows.cut_grid(held.fields).transpose(0, 1)
    return planes, fields
