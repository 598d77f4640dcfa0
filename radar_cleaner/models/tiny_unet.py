"""A small U-Net (Ronneberger et al. 2015) with GroupNorm (Wu and He 2018): no statistics between samples.

It halves by strided and doubles by transposed convolutions, which are deterministic on every device.
"""

from __future__ import annotations

import itertools
import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from radar_cleaner.models.keyed_dropout import KeyedDropout2d

_GROUP_CHANNELS = 8


class TinyUNet(nn.Module):
    """(B, C, H, W) -> mask logit and scaled reflectivity, (B, H, W) each; H and W multiples of `multiple`."""

    def __init__(self, channels: int, base_width: int = 16, depth: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        widths = [base_width * 2**level for level in range(depth + 1)]
        self.multiple = 2**depth
        self.gradient_checkpointing = False
        self.first = nn.Sequential(_convolve(channels, widths[0]), _convolve(widths[0], widths[0]))
        self.downs = nn.ModuleList(
            nn.Sequential(_convolve(above, below, stride=2), _convolve(below, below))
            for above, below in itertools.pairwise(widths)
        )
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 2, stride=2) for above, below in itertools.pairwise(widths)
        )
        self.joins = nn.ModuleList(
            nn.Sequential(_convolve(2 * above, above), _convolve(above, above)) for above in widths[:-1]
        )
        self.dropout = KeyedDropout2d(dropout)
        self.mask_head = nn.Conv2d(widths[0], 1, 1)
        self.reflectivity_head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = self._run(self.first, x)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = self._run(down, x)
        x = self.dropout(x)
        for up, join, skip in zip(reversed(self.ups), reversed(self.joins), reversed(skips), strict=True):  # type: ignore[call-overload]
            x = self._run(join, torch.cat([up(x), skip], dim=1))
        return self.mask_head(x)[:, 0], self.reflectivity_head(x)[:, 0]

    def _run(self, level: nn.Module, x: Tensor) -> Tensor:
        if self.gradient_checkpointing and self.training:
            return cast(Tensor, checkpoint(level, x, use_reentrant=False))
        return cast(Tensor, level(x))


def _convolve(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    groups = max(1, width // _GROUP_CHANNELS)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
        nn.GroupNorm(math.gcd(groups, width), width),
        nn.ReLU(inplace=True),
    )
