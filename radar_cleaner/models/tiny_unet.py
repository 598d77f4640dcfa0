"""A small U-Net (Ronneberger et al. 2015). Its norms have no statistics across samples.

It halves by strided and doubles by transposed convolutions, which are deterministic on every device. With an
`input_scale` of n it works on a grid n times as coarse, whose channels are the pixels of n x n cells (Shi et al.
2016). With `depthwise` its convolutions are separable (Howard et al. 2017).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from radar_cleaner.config.section import Section
from radar_cleaner.models.blocks import Network, convolve, convolve_apart, to_cells
from radar_cleaner.models.dropout import KeyedDropout2d
from radar_cleaner.models.registry import register_model


class TinyUNetOptions(Section):
    """Options of `tiny_unet`."""

    base_width: int = Field(
        16, ge=1, le=256, description="Channels of the first level; each further level has twice as many."
    )
    depth: int = Field(3, ge=1, le=6, description="Number of times the network halves the frame.")
    dropout: float = Field(
        0.0, ge=0, le=0.99, description="Share of the deepest level's channels that a training step drops."
    )
    input_scale: int = Field(
        1,
        ge=1,
        le=8,
        description="Side in pixels of the cells that the network works on; the pixels of a cell become channels.",
    )
    depthwise: bool = Field(
        False, description="Use separable convolutions: one for each channel, then one across channels."
    )
    norm: Literal["group", "pixel"] = Field(
        "group",
        description="`group` normalizes groups of channels over the whole frame, `pixel` all channels at each"
        " pixel. With `pixel` the answer at a pixel depends on its surroundings only.",
    )

    @property
    def multiple(self) -> int:
        """Return the number that divides the sides of a padded frame."""
        return int(self.input_scale * 2**self.depth)


@register_model("tiny_unet", TinyUNetOptions)
class TinyUNet(Network):
    """The default: a small U-Net, for CPUs too."""

    def __init__(self, inputs: Sequence[str], leads: int, options: TinyUNetOptions) -> None:
        super().__init__(options.input_scale)
        make = partial(convolve_apart if options.depthwise else convolve, norm=options.norm)
        widths = [options.base_width * 2**level for level in range(options.depth + 1)]
        self.multiple = options.multiple
        self.first = nn.Sequential(
            make(len(inputs) * options.input_scale**2, widths[0]), make(widths[0], widths[0])
        )
        self.channel_axes = {"first.0.0.weight": 1}
        if options.depthwise:
            self.channel_axes = {"first.0.0.weight": 0, "first.0.1.weight": 1}
        self.downs = nn.ModuleList(
            nn.Sequential(make(above, below, stride=2), make(below, below))
            for above, below in itertools.pairwise(widths)
        )
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(below, above, 2, stride=2) for above, below in itertools.pairwise(widths)
        )
        self.joins = nn.ModuleList(
            nn.Sequential(make(2 * above, above), make(above, above)) for above in widths[:-1]
        )
        self.dropout = KeyedDropout2d(options.dropout)
        self.add_heads(widths[0], leads)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, C, H, W) to mask logit and scaled reflectivity, (B, leads, H, W) each."""
        x = self.run(self.first, to_cells(x, self.input_scale))
        skips = []
        for down in self.downs:
            skips.append(x)
            x = self.run(down, x)
        x = self.dropout(x)
        for up, join, skip in zip(reversed(self.ups), reversed(self.joins), reversed(skips), strict=True):  # type: ignore[call-overload]
            x = self.run(join, torch.cat([up(x), skip], dim=1))
        return self.answer(x)
