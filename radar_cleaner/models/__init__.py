"""The networks, by name: channels (B, C, H, W) -> mask logit and scaled reflectivity, each (B, H, W)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from radar_cleaner.channels import count_channels
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.tiny_unet import TinyUNet

MODELS: dict[str, Callable[[int, int, int], nn.Module]] = {"tiny_unet": TinyUNet}


@dataclass(frozen=True)
class ModelConfig:
    """All that is needed, beside the weights, to use a model."""

    name: str
    base_width: int
    depth: int
    input_minutes: tuple[int, ...]
    lead_minutes: tuple[int, ...]
    atlas: str
    pad_mode: str
    reflectivity_target: str

    @property
    def channels(self) -> int:
        """Channels of the network's input."""
        return count_channels(len(self.input_minutes), self.atlas)

    def build(self) -> nn.Module:
        """A network with weights not yet drawn. Raises ConfigError."""
        model = build_model(self.name, self.channels, self.base_width, self.depth)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on CPUs
        return model


def build_model(name: str, channels: int, base_width: int, depth: int) -> nn.Module:
    """A network by its name. Raises ConfigError where there is none of this name or it cannot be so."""
    if name not in MODELS:
        raise ConfigError(f"model '{name}' is not known; there is {', '.join(sorted(MODELS))}")
    if base_width < 1 or depth < 1:
        raise ConfigError(f"base_width {base_width}, depth {depth}: a {name} needs at least 1 of each")
    return MODELS[name](channels, base_width, depth)


def draw_weights(model: nn.Module, seed: int) -> None:
    """Draw all weights anew from one explicit generator (He et al. 2015); biases 0, norms the identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def apply_padded(model: nn.Module, x_BCHW: Tensor, pad_mode: str) -> tuple[Tensor, Tensor]:
    """Run a network on pictures of any size: padded below and at the right to what it can halve, then cut back.

    Gives mask logit and scaled reflectivity, each (B, H, W).
    """
    height, width = x_BCHW.shape[-2:]
    padded_BCHW = pad_to_multiple(x_BCHW, int(model.multiple), pad_mode)  # type: ignore[arg-type]
    logit_BHW, reflectivity_BHW = model(padded_BCHW.contiguous(memory_format=torch.channels_last))
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
