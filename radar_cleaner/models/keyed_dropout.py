"""Dropout whose draws belong to samples: the same however a batch is parted or spread over processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class KeyedDropout2d(nn.Module):
    """Leaves out whole channels in training (Tompson et al. 2015), by a generator a sample; see `set_keys`."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.keys: Sequence[int] = ()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) with the share of the channels set to 0 and the others raised to keep the mean."""
        if not self.training or not self.share:
            return x_BCHW
        assert len(self.keys) == len(x_BCHW), "set_keys comes before each batch"
        channels, device = x_BCHW.shape[1], x_BCHW.device
        drawn_BC = torch.stack(
            [
                torch.rand(channels, device=device, generator=torch.Generator(device).manual_seed(key))
                for key in self.keys
            ]
        )
        kept_BC = (drawn_BC >= self.share).to(x_BCHW.dtype) / (1 - self.share)
        return x_BCHW * kept_BC[:, :, None, None]


def set_keys(model: nn.Module, keys: Sequence[int]) -> None:
    """Tell all dropout of a network the keys (0 <= key < 2^63) of the batch that comes next."""
    for module in model.modules():
        if isinstance(module, KeyedDropout2d):
            module.keys = keys
