"""Padding, so that a network that halves frames takes frames of any size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def apply_padded(
    model: nn.Module, x_BCHW: Tensor, pad_mode: str, memory_format: torch.memory_format = torch.channels_last
) -> tuple[Tensor, Tensor]:
    """Run a network on frames of any size: pad them below and at the right, and crop the result.

    Returns mask logit and scaled reflectivity, (B, L, H, W) each.
    """
    height, width = x_BCHW.shape[-2:]
    padded_BCHW = pad_to_multiple(x_BCHW, int(model.multiple), pad_mode)  # type: ignore[arg-type]
    logit_BLHW, reflectivity_BLHW = model(padded_BCHW.contiguous(memory_format=memory_format))
    return logit_BLHW[..., :height, :width], reflectivity_BLHW[..., :height, :width]


def pad_to_multiple(x_BCHW: Tensor, multiple: int, pad_mode: str) -> Tensor:
    """Pad below and at the right; `reflect` (without the edge) also works for frames smaller than the padding."""
    height, width = ((size + multiple - 1) // multiple * multiple for size in x_BCHW.shape[-2:])
    if not torch.compiler.is_exporting() and (height, width) == x_BCHW.shape[-2:]:
        return x_BCHW
    if pad_mode == "constant":
        return functional.pad(x_BCHW, (0, width - x_BCHW.shape[-1], 0, height - x_BCHW.shape[-2]))
    rows = source_positions(x_BCHW.shape[-2], height, pad_mode).to(x_BCHW.device)
    columns = source_positions(x_BCHW.shape[-1], width, pad_mode).to(x_BCHW.device)
    return x_BCHW.index_select(-2, rows).index_select(-1, columns)


def source_positions(size: int, wanted: int, pad_mode: str) -> Tensor:
    """Return (wanted,): the source of each row (or column) of a padded frame; `replicate` or `reflect`."""
    positions, last = (
        torch.arange(wanted),
        torch.arange(size).amax(0),
    )  # tensors, because an exported network computes them
    if pad_mode == "replicate":
        return torch.minimum(positions, last)
    assert pad_mode == "reflect", pad_mode
    around = positions.remainder((2 * last).clamp(min=1))
    return torch.minimum(around, 2 * last - around)
