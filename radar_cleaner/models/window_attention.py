"""A U-shaped transformer of windowed attention (Liu et al. 2021; Cao et al. 2021).

Attention to a cell has a bias that depends on its position in the radar's field, because clutter and blockage
depend on the position and not on the window. The position is read from the channels of range and azimuth, so that
it is valid for frames of any size. Windows are shifted by padding instead of rolling, so that opposite edges
never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, cast

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from radar_cleaner.config.section import Section
from radar_cleaner.models.blocks import Network, convolve, to_cells
from radar_cleaner.models.dropout import KeyedDropPath
from radar_cleaner.models.registry import register_model

_PLACE = ("range", "azimuth_cos", "azimuth_sin")
_PLACE_WIDTH = 32  # of the layer that computes the bias of a position
_FAR = -1e4  # the bias outside the frame


class WindowAttentionOptions(Section):
    """Options of `window_attention`."""

    base_width: int = Field(
        32,
        ge=2,
        le=512,
        description="Channels of the first level, a multiple of head_width; each further level has twice as many.",
    )
    depth: int = Field(2, ge=1, le=5, description="Number of times the network halves the frame.")
    blocks: int = Field(
        1, ge=1, le=16, description="Pairs of blocks a level: one with plain windows, one with shifted windows."
    )
    window: int = Field(8, ge=2, le=32, description="Side of a window, in cells.")
    head_width: int = Field(16, ge=1, le=256, description="Channels of an attention head.")
    input_scale: int = Field(
        4,
        ge=1,
        le=8,
        description="Side in pixels of the cells that the network works on; the pixels of a cell become channels.",
    )
    drop_path: float = Field(
        0.1,
        ge=0,
        le=0.99,
        description=(
            "Share of the samples for which a training step drops the output of a block of the deepest level; it"
            " falls evenly to 0 at the first level."
        ),
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.base_width % self.head_width:
            raise ValueError(f"base_width {self.base_width} is not a multiple of head_width {self.head_width}")
        return self

    @property
    def multiple(self) -> int:
        """Return the number that divides the sides of a padded frame."""
        return int(self.input_scale * 2**self.depth * self.window)


@register_model("window_attention", WindowAttentionOptions)
class WindowAttention(Network):
    """A U-shaped transformer of windowed attention with a bias for the position in the radar's field."""

    def __init__(self, inputs: Sequence[str], leads: int, options: WindowAttentionOptions) -> None:
        super().__init__()
        width, levels = options.base_width, options.depth + 1
        widths = [width * 2**level for level in range(levels)]
        rates = torch.linspace(0, options.drop_path, levels).tolist()
        self.multiple, self.cell = options.multiple, options.input_scale
        self.register_buffer("place", torch.tensor([inputs.index(name) for name in _PLACE]), persistent=False)
        self.fine = convolve(len(inputs), width // 2)
        self.embed = nn.Conv2d(len(inputs) * self.cell**2, width, 1)
        self.channel_axes = {"fine.0.weight": 1, "embed.weight": 1}
        self.downs = nn.ModuleList(nn.Conv2d(above, 2 * above, 2, stride=2) for above in widths[:-1])
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * above, above, 2, stride=2) for above in widths[:-1])
        self.joins = nn.ModuleList(nn.Conv2d(2 * above, above, 1) for above in widths[:-1])
        self.before = nn.ModuleList(
            Stage(of_level, options, rate) for of_level, rate in zip(widths, rates, strict=True)
        )
        self.after = nn.ModuleList(
            Stage(of_level, options, rate) for of_level, rate in zip(widths[:-1], rates[:-1], strict=True)
        )
        self.norm = nn.LayerNorm(width)
        self.spread = nn.Conv2d(width, width // 2 * self.cell**2, 1)
        self.join = convolve(width // 2 * 2, width)
        self.add_heads(width, leads)

    place: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, C, H, W) to mask logit and scaled reflectivity, (B, leads, H, W) each."""
        fine = self.run(self.fine, x)
        place = functional.avg_pool2d(x.index_select(1, self.place), self.cell)
        places, skips = [place], []
        x = self.run(self.before[0], self.embed(to_cells(x, self.cell)), place)
        for down, stage in zip(self.downs, self.before[1:], strict=True):  # type: ignore[arg-type]
            skips.append(x)
            places.append(functional.avg_pool2d(places[-1], 2))
            x = self.run(stage, down(x), places[-1])
        for level in reversed(range(len(skips))):
            x = self.joins[level](torch.cat([self.ups[level](x), skips[level]], dim=1))
            x = self.run(self.after[level], x, places[level])
        x = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        x = functional.pixel_shuffle(self.spread(x), self.cell) if self.cell > 1 else self.spread(x)
        return self.answer(self.run(self.join, torch.cat([x, fine], dim=1)))


class Stage(nn.Module):
    """Pairs of blocks, the second of each with windows shifted by half."""

    def __init__(self, width: int, options: WindowAttentionOptions, drop_path: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(width, options, shift, drop_path)
            for _ in range(options.blocks)
            for shift in (0, options.window // 2)
        )

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        """Map (B, width, H, W) to the same shape; `place` (B, 3, H, W) is the position of the cells."""
        x = x.movedim(1, -1)
        for block in self.blocks:
            x = block(x, place.movedim(1, -1))
        return x.movedim(-1, 1)


class Block(nn.Module):
    """Attention within windows, then a perceptron for each cell, both with a skip connection."""

    def __init__(self, width: int, options: WindowAttentionOptions, shift: int, drop_path: float) -> None:
        super().__init__()
        self.window, self.shift, self.heads = options.window, shift, width // options.head_width
        self.norm = nn.LayerNorm(width)
        self.queries = nn.Linear(width, 3 * width)
        self.answers = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.of_place = nn.Sequential(
            nn.Linear(3, _PLACE_WIDTH), nn.GELU(), nn.Linear(_PLACE_WIDTH, self.heads, bias=False)
        )
        self.of_distance = nn.Parameter(torch.zeros((2 * self.window - 1) ** 2, self.heads))
        self.drop_path = KeyedDropPath(drop_path)
        rows, columns = torch.meshgrid(torch.arange(self.window), torch.arange(self.window), indexing="ij")
        rows, columns = rows.reshape(-1), columns.reshape(-1)
        down, right = rows[:, None] - rows + self.window - 1, columns[:, None] - columns + self.window - 1
        self.register_buffer("distance", down * (2 * self.window - 1) + right, persistent=False)

    distance: Tensor

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        """Map (B, H, W, width) to the same shape."""
        x = x + self.drop_path(self._attend(self.norm(x), place))
        return cast(Tensor, x + self.drop_path(self.perceptron(x)))

    def _attend(self, x: Tensor, place: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        bias = self.of_place(place)  # (B, H, W, heads), of the cell that receives attention
        if self.shift:
            # Padding of one window in all: the sides stay multiples of the window.
            before, behind = self.shift, self.window - self.shift
            x = functional.pad(x, (0, 0, before, behind, before, behind))
            bias = functional.pad(bias, (0, 0, before, behind, before, behind), value=_FAR)
        tokens, bias = self._part(x), self._part(bias)
        queries, keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.queries(tokens).chunk(3, dim=-1)
        )
        weights = (queries @ keys.transpose(-2, -1)) * keys.shape[-1] ** -0.5
        weights = weights + self.of_distance[self.distance].permute(2, 0, 1) + bias.transpose(1, 2)[:, :, None]
        tokens = self.answers((weights.softmax(dim=-1) @ values).transpose(1, 2).flatten(2))
        x = self._join(tokens, x.shape[1] // self.window, x.shape[2] // self.window)
        return x[:, self.shift : self.shift + height, self.shift : self.shift + width]

    def _part(self, x: Tensor) -> Tensor:
        """Split (B, H, W, C) into windows: (B * windows, cells of a window, C)."""
        rows, columns = x.shape[1] // self.window, x.shape[2] // self.window
        x = x.reshape(-1, rows, self.window, columns, self.window, x.shape[-1])
        return x.transpose(2, 3).reshape(-1, self.window**2, x.shape[-1])

    def _join(self, tokens: Tensor, rows: int, columns: int) -> Tensor:
        """Join the rows * columns windows of `_part`."""
        x = tokens.reshape(-1, rows, columns, self.window, self.window, tokens.shape[-1])
        return x.transpose(2, 3).reshape(-1, rows * self.window, columns * self.window, tokens.shape[-1])
