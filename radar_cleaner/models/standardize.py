"""Standardization of the input channels in front of a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardized(nn.Module):
    """A network whose input channels are scaled to mean 0 and standard deviation 1.

    The statistics are buffers, (C, 1, 1), and are saved with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        body.standardized = True  # type: ignore[assignment]  # a network may read it
        self.multiple = body.multiple
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def set_statistics(self, mean_C: Tensor, std_C: Tensor) -> None:
        """Set mean and standard deviation of the channels."""
        self.mean.copy_(mean_C[:, None, None])
        self.std.copy_(std_C[:, None, None])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scale the channels and run the network."""
        logit, reflectivity = self.body((x - self.mean) / self.std)
        return logit, reflectivity
