"""Common parts of the networks: convolutions with their norm, heads, cells, initial weights."""

from __future__ import annotations

import math
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

_GROUP_CHANNELS = 8

Norm = Literal["group", "pixel"]


def convolve(channels: int, width: int, stride: int = 1, dilation: int = 1, norm: Norm = "group") -> nn.Sequential:
    """Return a 3 x 3 convolution, its norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        normalize(width, norm),
        nn.ReLU(inplace=True),
    )


def convolve_apart(channels: int, width: int, stride: int = 1, norm: Norm = "group") -> nn.Sequential:
    """Return `convolve` with a separable convolution: for each channel, then across (Howard et al. 2017)."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, width, 1, bias=False),
        normalize(width, norm),
        nn.ReLU(inplace=True),
    )


class PixelNorm(nn.LayerNorm):
    """A LayerNorm (Ba et al. 2016) over the channels of each pixel of (B, C, H, W).

    No pixel changes another: the answer depends neither on the size of the frame nor on what is far away.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def normalize(width: int, norm: Norm) -> nn.Module:
    """Return a norm of `width` channels: by `group` over the frame, or by `pixel`; never across samples."""
    return PixelNorm(width) if norm == "pixel" else group_norm(width)


def group_norm(width: int) -> nn.GroupNorm:
    """Return a GroupNorm (Wu and He 2018) of groups of 8 channels, where 8 divides the width."""
    groups = max(1, width // _GROUP_CHANNELS)
    return nn.GroupNorm(math.gcd(groups, width), width)


class Network(nn.Module):
    """Base of the networks: heads, and levels that can be recomputed in the backward pass."""

    mask_head: nn.Module
    reflectivity_head: nn.Module
    standardized = False  # whether the channels have mean 0 and standard deviation 1, instead of 0..1

    def __init__(self, input_scale: int = 1) -> None:
        super().__init__()
        self.input_scale = input_scale
        # The axis, by the name of a weight, that belongs to the input channels or to the lead times.
        self.channel_axes: dict[str, int] = {}
        self.lead_axes: dict[str, int] = {}
        self.gradient_checkpointing = False

    def add_heads(self, width: int, leads: int) -> None:
        """Add two convolutions, each with an output for every lead time and every pixel of a cell."""
        self.mask_head = nn.Conv2d(width, leads * self.input_scale**2, 1)
        self.reflectivity_head = nn.Conv2d(width, leads * self.input_scale**2, 1)
        self.lead_axes = {
            f"{head}_head.{name}": 0 for head in ("mask", "reflectivity") for name in ("weight", "bias")
        }

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, width, h, w) to mask logit and scaled reflectivity, (B, leads, H, W) each (Shi et al. 2016)."""
        mask, reflectivity = self.mask_head(x), self.reflectivity_head(x)
        if self.input_scale > 1:
            mask, reflectivity = (
                functional.pixel_shuffle(head, self.input_scale) for head in (mask, reflectivity)
            )
        return mask, reflectivity

    def run(self, level: nn.Module, *inputs: Tensor) -> Tensor:
        """Apply a level, with gradient checkpointing where that is on."""
        if self.gradient_checkpointing and self.training:
            return cast(Tensor, checkpoint(level, *inputs, use_reentrant=False))
        return cast(Tensor, level(*inputs))


def to_cells(x: Tensor, scale: int) -> Tensor:
    """Map (B, C, H, W) to (B, C * scale^2, H / scale, W / scale): the pixels of a cell become channels."""
    return functional.pixel_unshuffle(x, scale) if scale > 1 else x


def checkpoint_gradients(model: nn.Module) -> None:
    """Let a network recompute its levels in the backward pass: less memory, more time."""
    for module in model.modules():
        if isinstance(module, Network):
            module.gradient_checkpointing = True


def draw_weights(model: nn.Module, seed: int) -> None:
    """Draw all weights from one explicit generator; biases become 0, norms the identity.

    Convolutions follow He et al. (2015); matrices have a standard deviation of 0.02. A module with a method
    `draw(generator)` draws all its weights itself.
    """
    draw_module(model, torch.Generator().manual_seed(seed))


@torch.no_grad()
def draw_module(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of a part of a network; see `draw_weights`."""
    if hasattr(module, "draw"):
        module.draw(generator)  # type: ignore[operator]
        return
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02, generator=generator)
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    for child in module.children():
        draw_module(child, generator)
