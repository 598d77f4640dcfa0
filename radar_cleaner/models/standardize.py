"""A network behind channels of mean 0 and standard deviation 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardized(nn.Module):
    """A network behind channels that are brought to mean 0 and standard deviation 1.

    The statistics are buffers, (C, 1, 1): they travel with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        body.standardized = True  # type: ignore[assignment]  # a network of the user's may look for it too
        self.multiple = body.multiple
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def set_statistics(self, mean_C: Tensor, std_C: Tensor) -> None:
        """Take the statistics of the channels as they are made."""
        self.mean.copy_(mean_C[:, None, None])
        self.std.copy_(std_C[:, None, None])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the body."""
        logit, reflectivity = self.body((x - self.mean) / self.std)
        return logit, reflectivity
