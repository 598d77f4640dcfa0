"""Dropout with a key for each sample: it does not depend on how a batch is split or spread over processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_APART = 0x9E3779B97F4A7C15  # added from module to module, so that each draws its own numbers


class Keyed(nn.Module):
    """A module that draws random numbers in training, with one generator for each sample; see `set_keys`."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.keys: Sequence[int] = ()

    def _draw(self, x: Tensor, numbers: int) -> Tensor:
        """(B, numbers): 0 for the dropped share, otherwise the factor that keeps the mean."""
        assert len(self.keys) == len(x), "set_keys comes before each batch"
        drawn = [
            torch.rand(numbers, device=x.device, generator=torch.Generator(x.device).manual_seed(key))
            for key in self.keys
        ]
        return (torch.stack(drawn) >= self.share).to(x.dtype) / (1 - self.share)


class KeyedDropout2d(Keyed):
    """Drops whole channels (Tompson et al. 2015)."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Set a share of the channels of (B, C, H, W) to 0 and scale the others to keep the mean."""
        if not self.training or not self.share:
            return x_BCHW
        return x_BCHW * self._draw(x_BCHW, x_BCHW.shape[1])[:, :, None, None]


class KeyedDropPath(Keyed):
    """Stochastic depth (Huang et al. 2016): drops the output of a block for whole samples."""

    def forward(self, x_B: Tensor) -> Tensor:
        """Set a share of the samples of (B, ...) to 0 and scale the others to keep the mean."""
        if not self.training or not self.share:
            return x_B
        return x_B * self._draw(x_B, 1).reshape(-1, *[1] * (x_B.ndim - 1))


def keyed_modules(model: nn.Module) -> list[Keyed]:
    """Return the modules of a network that need the keys of each batch (`set_keys`)."""
    return [module for module in model.modules() if isinstance(module, Keyed) and module.share]


def set_keys(modules: Sequence[Keyed], keys: Sequence[int]) -> None:
    """Set the keys (0 <= key < 2^63) of the next batch in the dropout of a network (`keyed_modules`)."""
    for number, module in enumerate(modules):
        module.keys = [(key + number * _APART) % 2**63 for key in keys]
