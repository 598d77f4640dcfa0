"""What the networks have in common: convolutions with their norm, heads, cells, weights."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

_GROUP_CHANNELS = 8


def convolve(channels: int, width: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution, GroupNorm (Wu and He 2018: no statistics between samples) and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        group_norm(width),
        nn.ReLU(inplace=True),
    )


def convolve_apart(channels: int, width: int, stride: int = 1) -> nn.Sequential:
    """`convolve` with a separable convolution (Howard et al. 2017): one of each channel, then one over them."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, width, 1, bias=False),
        group_norm(width),
        nn.ReLU(inplace=True),
    )


def group_norm(width: int) -> nn.GroupNorm:
    """Of groups of 8 channels, where the width can be parted so."""
    groups = max(1, width // _GROUP_CHANNELS)
    return nn.GroupNorm(math.gcd(groups, width), width)


class Network(nn.Module):
    """What a network has beside its body: heads, and levels that can be computed again rather than kept."""

    mask_head: nn.Module
    reflectivity_head: nn.Module
    standardized = False  # whether its channels come with mean 0 and standard deviation 1, not as 0..1

    def __init__(self, input_scale: int = 1) -> None:
        super().__init__()
        self.input_scale = input_scale
        # Of which weights an axis belongs to the input's channels or to the leads.
        self.channel_axes: dict[str, int] = {}
        self.lead_axes: dict[str, int] = {}
        self.gradient_checkpointing = False

    def add_heads(self, width: int, leads: int) -> None:
        """Two convolutions of features, each with an answer for every lead and every pixel of a cell."""
        self.mask_head = nn.Conv2d(width, leads * self.input_scale**2, 1)
        self.reflectivity_head = nn.Conv2d(width, leads * self.input_scale**2, 1)
        self.lead_axes = {
            f"{head}_head.{name}": 0 for head in ("mask", "reflectivity") for name in ("weight", "bias")
        }

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, width, h, w) -> mask logit and scaled reflectivity, (B, leads, H, W) each (Shi et al. 2016)."""
        mask, reflectivity = self.mask_head(x), self.reflectivity_head(x)
        if self.input_scale > 1:
            mask, reflectivity = (
                functional.pixel_shuffle(head, self.input_scale) for head in (mask, reflectivity)
            )
        return mask, reflectivity

    def run(self, level: nn.Module, *inputs: Tensor) -> Tensor:
        """What a level makes of its inputs."""
        if self.gradient_checkpointing and self.training:
            return cast(Tensor, checkpoint(level, *inputs, use_reentrant=False))
        return cast(Tensor, level(*inputs))


def to_cells(x: Tensor, scale: int) -> Tensor:
    """(B, C, H, W) -> (B, C * scale^2, H / scale, W / scale): all pixels of a cell are channels of one place."""
    return functional.pixel_unshuffle(x, scale) if scale > 1 else x


def checkpoint_gradients(model: nn.Module) -> None:
    """Let a network compute its levels again in the backward pass rather than keep them: slower, smaller."""
    for module in model.modules():
        if isinstance(module, Network):
            module.gradient_checkpointing = True


def draw_weights(model: nn.Module, seed: int) -> None:
    """Draw all weights anew from one explicit generator; biases 0, norms the identity.

    Convolutions as in He et al. (2015), matrices with a deviation of 0.02. A module with a method
    `draw(generator)` draws all that is in it by itself.
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
