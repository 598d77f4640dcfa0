"""Frames in the memory of the device that trains, and crops of many of them cut by one operation there.

Shapes: B crops, K input times, P planes, F fields, H rows, W columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class HeldFrames:
    """What of a radar lies on a device: `planes` (frame, P, y, x) uint8, and of its grid what it has of `clutter`
    (y, x) bool, `echo_frequency` (y, x) uint8 and `fields` (F, y, x) float32."""

    planes: Tensor
    clutter: Tensor | None
    echo_frequency: Tensor | None
    fields: Tensor | None

    @classmethod
    def on(
        cls,
        device: torch.device,
        planes: NDArray[np.uint8],
        clutter: NDArray[np.bool_] | None,
        echo_frequency: NDArray[np.uint8] | None,
        fields: NDArray[np.float32] | None,
    ) -> Self:
        """Copy a radar's arrays to a device, frame by frame: they may be larger than what memory has left."""
        held = torch.empty(planes.shape, dtype=torch.uint8, device=device)
        for target, frame in zip(held, planes, strict=True):
            target.copy_(torch.from_numpy(np.array(frame)))

        def copied(values: NDArray[Any] | None) -> Tensor | None:
            return None if values is None else torch.from_numpy(np.array(values)).to(device)

        return cls(held, copied(clutter), copied(echo_frequency), copied(fields))


@dataclass(frozen=True)
class Windows:
    """Where crops of one shape lie in the frames of a radar: rows (B, H) and columns (B, W), which are of the
    nearest pixel where a crop reaches beyond, and there `inside` (B, H, W) is false."""

    rows: Tensor
    columns: Tensor
    inside: Tensor

    @classmethod
    def of(cls, tops: Tensor, lefts: Tensor, shape: tuple[int, int], size: tuple[int, int]) -> Self:
        """Windows of `shape` at first rows and columns (B,), in frames of a `size`."""
        rows = tops[:, None] + torch.arange(shape[0], device=tops.device)
        columns = lefts[:, None] + torch.arange(shape[1], device=tops.device)
        inside = (rows < size[0])[:, :, None] & (columns < size[1])[:, None, :]
        return cls(rows.clamp(max=size[0] - 1), columns.clamp(max=size[1] - 1), inside)

    def cut(self, frames_NPyx: Tensor, numbers_BK: Tensor, planes: slice) -> Tensor:
        """(B, K, P, H, W) of some planes of frames, K of them for each crop."""
        chosen = torch.arange(frames_NPyx.shape[1], device=frames_NPyx.device)[planes]
        return frames_NPyx[
            numbers_BK[:, :, None, None, None],
            chosen[:, None, None],
            self.rows[:, None, None, :, None],
            self.columns[:, None, None, None, :],
        ]

    def cut_grid(self, values_yx: Tensor) -> Tensor:
        """(..., B, H, W) of a field (..., y, x) that all frames share."""
        return values_yx[..., self.rows[:, :, None], self.columns[:, None, :]]
