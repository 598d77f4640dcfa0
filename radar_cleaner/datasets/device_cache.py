"""Frames in the memory of the training device, and crops that one operation cuts for many samples there.

Shapes: B crops, K input times, V variables, F fields, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class DeviceFrames:
    """The frames of a radar on a device.

    `variables` is (frame, V, y, x) uint8. `clutter` (y, x) bool, `echo_frequency` (y, x) uint8 and `fields`
    (F, y, x) float32 are None where they are not used.
    """

    variables: Tensor
    clutter: Tensor | None
    echo_frequency: Tensor | None
    fields: Tensor | None

    @classmethod
    def copied_to(
        cls,
        device: torch.device,
        variables: NDArray[np.uint8],
        clutter: NDArray[np.bool_] | None,
        echo_frequency: NDArray[np.uint8] | None,
        fields: NDArray[np.float32] | None,
    ) -> Self:
        """Copy a radar's arrays to a device, frame by frame: they may be larger than the free memory."""
        frames = torch.empty(variables.shape, dtype=torch.uint8, device=device)
        for target, frame in zip(frames, variables, strict=True):
            target.copy_(torch.from_numpy(np.array(frame)))

        def copied(values: NDArray[Any] | None) -> Tensor | None:
            return None if values is None else torch.from_numpy(np.array(values)).to(device)

        return cls(frames, copied(clutter), copied(echo_frequency), copied(fields))


@dataclass(frozen=True)
class Windows:
    """The windows of crops of one shape in the frames of a radar: `rows` (B, H) and `columns` (B, W).

    Where a crop reaches beyond the frame, they are those of the nearest pixel and `inside` (B, H, W) is false.
    """

    rows: Tensor
    columns: Tensor
    inside: Tensor

    @classmethod
    def of(
        cls, tops: Tensor, lefts: Tensor, strides: Tensor, shape: tuple[int, int], size: tuple[int, int]
    ) -> Self:
        """Return windows of `shape` with first rows, first columns and steps (B,), in frames of `size`."""
        rows = tops[:, None] + strides[:, None] * torch.arange(shape[0], device=tops.device)
        columns = lefts[:, None] + strides[:, None] * torch.arange(shape[1], device=tops.device)
        inside = (rows < size[0])[:, :, None] & (columns < size[1])[:, None, :]
        return cls(rows.clamp(max=size[0] - 1), columns.clamp(max=size[1] - 1), inside)

    def cut(self, frames_NVyx: Tensor, numbers_BK: Tensor, variable: int) -> Tensor:
        """Return (B, K, H, W) of one variable, K frames for each crop."""
        return frames_NVyx[
            numbers_BK[:, :, None, None],
            variable,
            self.rows[:, None, :, None],
            self.columns[:, None, None, :],
        ]

    def cut_grid(self, values_yx: Tensor) -> Tensor:
        """Return (..., B, H, W) of values (..., y, x) that all frames share."""
        return values_yx[..., self.rows[:, :, None], self.columns[:, None, :]]
