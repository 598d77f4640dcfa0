"""The size of a network and its computing cost."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class ModelSummary:
    """The number of weights, their memory, and the cost of a crop.

    Attributes
    ----------
    parameters
        Number of weights.
    trainable
        Number of weights that training changes.
    megabytes
        Parameters and buffers in memory, in 10**6 bytes.
    gflop_per_sample
        Floating-point operations of one crop forward, in 10**9; a multiplication and an addition count as two.
        Training takes about three times as many. Only convolutions and matrix products are counted.
    """

    parameters: int
    trainable: int
    megabytes: float
    gflop_per_sample: float

    def __str__(self) -> str:
        return (
            f"{self.parameters:,} weights ({self.trainable:,} trainable), {self.megabytes:.2f} MB, "
            f"{self.gflop_per_sample:.3g} GFLOP a crop"
        )


def summarize_model(model: nn.Module, channels: int, crop: int) -> ModelSummary:
    """Return the size of a network for (1, channels, crop, crop); the crop is padded to the network's multiple.

    A copy of the network without data counts its operations, so that nothing is computed. A network whose
    operations depend on values runs on a crop of zeros.
    """
    parameters = list(model.parameters())
    multiple = int(getattr(model, "multiple", 1))
    size = -(-crop // multiple) * multiple
    shape = (1, channels, size, size)
    try:
        flop = _count(model, torch.empty(shape, device="meta"))
    except (RuntimeError, TypeError, ValueError):  # its operations depend on values
        flop = _count(model, torch.zeros(shape))
    held = [*parameters, *model.buffers()]
    return ModelSummary(
        parameters=sum(tensor.numel() for tensor in parameters),
        trainable=sum(tensor.numel() for tensor in parameters if tensor.requires_grad),
        megabytes=sum(tensor.numel() * tensor.element_size() for tensor in held) / 1e6,
        gflop_per_sample=flop / 1e9,
    )


def _count(model: nn.Module, crop: Tensor) -> int:
    """Count the operations of a copy of the network, on the device of the crop."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        copy.deepcopy(model).eval().to(crop.device)(crop)
    return counter.get_total_flops()
