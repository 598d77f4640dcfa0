"""Dropout whose draws belong to samples: the same however a batch is parted or spread over processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_APART = 0x9E3779B97F4A7C15  # between the keys of the modules of one network, so that each draws for itself


class Keyed(nn.Module):
    """A module that draws in training, by a generator a sample; see `set_keys`."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.keys: Sequence[int] = ()

    def _draw(self, x: Tensor, numbers: int) -> Tensor:
        """(B, numbers): 0 for the share that is left out, else what keeps the mean."""
        assert len(self.keys) == len(x), "set_keys comes before each batch"
        drawn = [
            torch.rand(numbers, device=x.device, generator=torch.Generator(x.device).manual_seed(key))
            for key in self.keys
        ]
        return (torch.stack(drawn) >= self.share).to(x.dtype) / (1 - self.share)


class KeyedDropout2d(Keyed):
    """Leaves out whole channels (Tompson et al. 2015)."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) with the share of the channels set to 0 and the others raised to keep the mean."""
        if not self.training or not self.share:
            return x_BCHW
        return x_BCHW * self._draw(x_BCHW, x_BCHW.shape[1])[:, :, None, None]


class KeyedDropPath(Keyed):
    """Stochastic depth (Huang et al. 2016): leaves out a block's answer to whole samples."""

    def forward(self, x_B: Tensor) -> Tensor:
        """(B, ...) with the share of the samples set to 0 and the others raised to keep the mean."""
        if not self.training or not self.share:
            return x_B
        return x_B * self._draw(x_B, 1).reshape(-1, *[1] * (x_B.ndim - 1))


def keyed_modules(model: nn.Module) -> list[Keyed]:
    """The modules of a network that `set_keys` tells the keys of each batch."""
    return [module for module in model.modules() if isinstance(module, Keyed) and module.share]


def set_keys(modules: Sequence[Keyed], keys: Sequence[int]) -> None:
    """Tell the dropout of a network (`keyed_modules`) the keys (0 <= key < 2^63) of the batch that comes next."""
    for number, module in enumerate(modules):
        module.keys = [(key + number * _APART) % 2**63 for key in keys]
