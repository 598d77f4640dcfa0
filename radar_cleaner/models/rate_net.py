"""Dilated blocks with attention: a network that never halves the frame, so that edges stay sharp.

There are five residual blocks, dilated by 1, 1, 2, 3 and 4 (Yu and Koltun 2016). The last three weight their
channels and pixels (CBAM, Woo et al. 2018). The features of the first and the last block are joined before the
heads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from radar_cleaner.config.section import Section
from radar_cleaner.models.blocks import Network, convolve, group_norm, to_cells
from radar_cleaner.models.dropout import KeyedDropout2d
from radar_cleaner.models.registry import register_model

_DILATIONS = (1, 1, 2, 3, 4)
_DEEP = 3  # number of last blocks with attention
_REDUCTION = 4  # of the channels within the attention to them


class RateNetOptions(Section):
    """Options of `rate_net`."""

    base_width: int = Field(32, ge=1, le=512, description="Channels of every block.")
    input_scale: int = Field(
        2,
        ge=1,
        le=8,
        description="Side in pixels of the cells that the network works on; the pixels of a cell become channels.",
    )
    dropout: float = Field(
        0.0, ge=0, le=0.99, description="Share of the last block's channels that a training step drops."
    )

    @property
    def multiple(self) -> int:
        """Return the number that divides the sides of a padded frame."""
        return self.input_scale


@register_model("rate_net", RateNetOptions)
class RateNet(Network):
    """Dilated blocks at one scale with channel and spatial attention: fine edges, no pooling."""

    def __init__(self, inputs: Sequence[str], leads: int, options: RateNetOptions) -> None:
        super().__init__(options.input_scale)
        width = options.base_width
        self.multiple = options.multiple
        self.first = convolve(len(inputs) * options.input_scale**2, width)
        self.channel_axes = {"first.0.weight": 1}
        self.blocks = nn.ModuleList(
            Block(width, dilation, attentive=number >= len(_DILATIONS) - _DEEP)
            for number, dilation in enumerate(_DILATIONS)
        )
        self.dropout = KeyedDropout2d(options.dropout)
        self.join = convolve(2 * width, width)
        self.add_heads(width, leads)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, C, H, W) to mask logit and scaled reflectivity, (B, leads, H, W) each."""
        x = self.run(self.first, to_cells(x, self.input_scale))
        x = early = self.run(self.blocks[0], x)
        for block in self.blocks[1:]:
            x = self.run(block, x)
        return self.answer(self.run(self.join, torch.cat([early, self.dropout(x)], dim=1)))


class Block(nn.Module):
    """Two dilated convolutions with a skip connection, and optional attention."""

    def __init__(self, width: int, dilation: int, attentive: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolve(width, width, dilation=dilation),
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            group_norm(width),
        )
        self.attention = Attention(width) if attentive else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        return functional.relu(x + self.attention(self.body(x)))


class Attention(nn.Module):
    """Weights channels by their mean and maximum over the frame, then pixels by the same over channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(1, width // _REDUCTION)
        self.channels = nn.Sequential(
            nn.Conv2d(width, inner, 1), nn.ReLU(inplace=True), nn.Conv2d(inner, width, 1)
        )
        self.places = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape."""
        mean, highest = x.mean((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
        x = x * torch.sigmoid(self.channels(mean) + self.channels(highest))
        pooled = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.places(pooled))
