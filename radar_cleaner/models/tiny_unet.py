"""A small U-Net (Ronneberger et al. 2015) with GroupNorm (Wu and He 2018): no statistics between samples.

It halves by strided and doubles by transposed convolutions, which are deterministic on every device. At an
`input_scale` of n it works on a grid n times as coarse, whose channels are all pixels of its n x n cells (Shi et
al. 2016); with `depthwise` convolutions are separable (Howard et al. 2017).
"""

from __future__ import annotations

import itertools
import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from radar_cleaner.models.keyed_dropout import KeyedDropout2d

_GROUP_CHANNELS = 8


class TinyUNet(nn.Module):
    """(B, C, H, W) -> mask logit and scaled reflectivity, (B, H, W) each; H and W multiples of `multiple`."""

    def __init__(
        self,
        channels: int,
        base_width: int = 16,
        depth: int = 3,
        dropout: float = 0.0,
        input_scale: int = 1,
        depthwise: bool = False,
    ) -> None:
        super().__init__()
        convolve = _convolve_apart if depthwise else _convolve
        widths = [base_width * 2**level for level in range(depth + 1)]
        pixels = input_scale**2
        self.input_scale = input_scale
        self.multiple = input_scale * 2**depth
        self.gradient_checkpointing = False
        self.first = nn.Sequential(convolve(channels * pixels, widths[0]), convolve(widths[0], widths[0]))
        self.downs = nn.ModuleList(
            nn.Sequential(convolve(above, below, stride=2), convolve(below, below))
            for above, below in itertools.pairwise(widths)
        )
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 2, stride=2) for above, below in itertools.pairwise(widths)
        )
        self.joins = nn.ModuleList(
            nn.Sequential(convolve(2 * above, above), convolve(above, above)) for above in widths[:-1]
        )
        self.dropout = KeyedDropout2d(dropout)
        self.mask_head = nn.Conv2d(widths[0], pixels, 1)
        self.reflectivity_head = nn.Conv2d(widths[0], pixels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = self._run(self.first, functional.pixel_unshuffle(x, self.input_scale) if self.input_scale > 1 else x)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = self._run(down, x)
        x = self.dropout(x)
        for up, join, skip in zip(reversed(self.ups), reversed(self.joins), reversed(skips), strict=True):  # type: ignore[call-overload]
            x = self._run(join, torch.cat([up(x), skip], dim=1))
        mask, reflectivity = self.mask_head(x), self.reflectivity_head(x)
        if self.input_scale > 1:
            mask, reflectivity = (
                functional.pixel_shuffle(head, self.input_scale) for head in (mask, reflectivity)
            )
        return mask[:, 0], reflectivity[:, 0]

    def _run(self, level: nn.Module, x: Tensor) -> Tensor:
        if self.gradient_checkpointing and self.training:
            return cast(Tensor, checkpoint(level, x, use_reentrant=False))
        return cast(Tensor, level(x))


def _convolve(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False), *_activate(width))


def _convolve_apart(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, width, 1, bias=False),
        *_activate(width),
    )


def _activate(width: int) -> tuple[nn.Module, nn.Module]:
    groups = max(1, width // _GROUP_CHANNELS)
    return nn.GroupNorm(math.gcd(groups, width), width), nn.ReLU(inplace=True)
