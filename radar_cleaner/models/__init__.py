"""The networks, by name: channels (B, C, H, W) -> mask logit and scaled reflectivity, each (B, H, W)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from radar_cleaner.channels import Inputs
from radar_cleaner.errors import ConfigError, require
from radar_cleaner.models.keyed_dropout import set_keys as set_keys
from radar_cleaner.models.tiny_unet import TinyUNet

MODELS: dict[str, Callable[..., nn.Module]] = {"tiny_unet": TinyUNet}


@dataclass(frozen=True)
class ModelConfig:
    """All that is needed, beside the weights, to use a model.

    Attributes
    ----------
    model
        Name of the network.
    base_width
        Channels of its first level.
    depth
        How often it halves.
    dropout
        Share of the deepest level's channels that a training step leaves out.
    input_scale
        Side in pixels of the cells that it works on: each is one place, all of its pixels are channels there.
    depthwise
        Whether its convolutions are separable: one of each channel, then one over them.
    input_minutes
        Minutes from a sample's time to the frames that the model sees.
    lead_minutes
        Minutes from a sample's time to the frame that is its target; only 0 for now.
    atlas
        What the clutter atlas does: `mask` makes clutter pixels unavailable, `channel` gives the echo
        frequency to the model, `none` neither.
    reflectivity_target
        Target over the radars that see an echo: `max` or `mean` of their dBZ.
    pad_mode
        How frames are padded to what the model can halve.
    time_of_day
        Whether the model is told the solar time.
    day_of_year
        Whether the model is told the season.
    coordinates
        Whether the model is told latitude, longitude and the size of a pixel.
    static
        Names of the static fields that the model is told.
    normalize
        Whether channels are brought to mean 0 and standard deviation 1 of the training samples.
    """

    model: str
    base_width: int
    depth: int
    dropout: float
    input_minutes: tuple[int, ...]
    lead_minutes: tuple[int, ...]
    atlas: Literal["mask", "channel", "none"]
    reflectivity_target: Literal["max", "mean"]
    pad_mode: Literal["reflect", "replicate", "constant"]
    time_of_day: bool = False
    day_of_year: bool = False
    coordinates: bool = False
    static: tuple[str, ...] = ()
    normalize: bool = False
    input_scale: int = 1
    depthwise: bool = False

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ConfigError(f"model '{self.model}' is not known; there is {', '.join(sorted(MODELS))}")
        require("base_width", self.base_width, 1)
        require("depth", self.depth, 1)
        require("dropout", self.dropout, 0, 0.99)
        require("input_scale", self.input_scale, 1)
        if not self.input_minutes:
            raise ConfigError("samples.input_minutes is empty; name at least one, as in [-6, 0, 6]")
        if self.lead_minutes != (0,):
            raise ConfigError(
                f"samples.lead_minutes {list(self.lead_minutes)}: other than 0 needs a model that forecasts, "
                "which there is not yet; set it to [0]"
            )

    @property
    def inputs(self) -> Inputs:
        """Which frames and helpers a sample reads."""
        return Inputs(
            self.input_minutes,
            self.atlas,
            self.reflectivity_target,
            self.time_of_day,
            self.day_of_year,
            self.coordinates,
            self.static,
        )

    @property
    def channels(self) -> int:
        """Channels of the network's input."""
        return len(self.inputs.names)

    def build(self) -> nn.Module:
        """A network with weights not yet drawn."""
        model = MODELS[self.model](
            self.channels, self.base_width, self.depth, self.dropout, self.input_scale, self.depthwise
        )
        if self.normalize:
            model = Standardized(model, self.channels)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on CPUs
        return model


class Standardized(nn.Module):
    """A network behind channels that are brought to mean 0 and standard deviation 1.

    The statistics are buffers, (C, 1, 1): they travel with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
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


def checkpoint_gradients(model: nn.Module) -> None:
    """Let a network compute its levels again in the backward pass rather than keep them: slower, smaller."""
    for module in model.modules():
        if hasattr(module, "gradient_checkpointing"):
            module.gradient_checkpointing = True  # type: ignore[assignment]


def draw_weights(model: nn.Module, seed: int) -> None:
    """Draw all weights anew from one explicit generator (He et al. 2015); biases 0, norms the identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def apply_padded(
    model: nn.Module, x_BCHW: Tensor, pad_mode: str, memory_format: torch.memory_format = torch.channels_last
) -> tuple[Tensor, Tensor]:
    """Run a network on pictures of any size: padded below and at the right to what it can halve, then cut back.

    Gives mask logit and scaled reflectivity, each (B, H, W).
    """
    height, width = x_BCHW.shape[-2:]
    padded_BCHW = pad_to_multiple(x_BCHW, int(model.multiple), pad_mode)  # type: ignore[arg-type]
    logit_BHW, reflectivity_BHW = model(padded_BCHW.contiguous(memory_format=memory_format))
    return logit_BHW[:, :height, :width], reflectivity_BHW[:, :height, :width]


def pad_to_multiple(x_BCHW: Tensor, multiple: int, pad_mode: str) -> Tensor:
    """Pad below and at the right; `reflect` (the edge not repeated) works for pictures smaller than the pad."""
    height, width = (-(-size // multiple) * multiple for size in x_BCHW.shape[-2:])
    if (height, width) == x_BCHW.shape[-2:]:
        return x_BCHW
    if pad_mode == "constant":
        return functional.pad(x_BCHW, (0, width - x_BCHW.shape[-1], 0, height - x_BCHW.shape[-2]))
    rows = _source_positions(x_BCHW.shape[-2], height, pad_mode).to(x_BCHW.device)
    columns = _source_positions(x_BCHW.shape[-1], width, pad_mode).to(x_BCHW.device)
    return x_BCHW.index_select(-2, rows).index_select(-1, columns)


def _source_positions(size: int, wanted: int, pad_mode: str) -> Tensor:
    positions = torch.arange(wanted)
    if pad_mode == "replicate" or size == 1:
        return positions.clamp(max=size - 1)
    assert pad_mode == "reflect", pad_mode
    around = positions % (2 * (size - 1))
    return torch.minimum(around, 2 * (size - 1) - around)
