"""A network of your own, to be copied and changed.

In the config:

    training:
      model: {name: my_net, code: my_net.py, width: 24}

`radar-cleaner list-models --code my_net.py` shows that it is found, and its options. It is trained, scored,
exported and used as those that come with radar_cleaner; a change of the file trains again.

What a network must do:

- Its options are a frozen dataclass with a default for each; their names are the keys of `training.model`, and
  wrong ones are refused. `list-models` shows the line that each has below `Attributes`.
- It is made from the names of its input channels, how many lead times it answers for, and its options. The number
  of channels depends on the config (times, atlas, coordinates ...), not on the number of radars.
- It maps (B, channels, H, W) to two (B, leads, H, W): the logit that the radar's echo is meteorological, and the
  reflectivity on the network's scale (0 is -10 dBZ, 1 is 70 dBZ).
- H and W are any multiples of `multiple`: crops in training, whole frames elsewhere.
- A sample's answer depends on that sample alone: GroupNorm or LayerNorm, no BatchNorm. Results then depend neither
  on the number of processes nor on what fits into memory. For the same reason dropout is `KeyedDropout2d`.
- Its weights are drawn anew from one generator (convolutions, transposed ones and matrices); biases become 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from radar_cleaner.errors import require
from radar_cleaner.models import register_model
from radar_cleaner.models.dropout import KeyedDropout2d


@dataclass(frozen=True)
class MyOptions:
    """Of `my_net`.

    Attributes
    ----------
    width
        Channels of its layers.
    dropout
        Share of the channels that a training step leaves out.
    """

    width: int = 16
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require("width", self.width, 1)  # refuses an impossible value before anything is computed
        require("dropout", self.dropout, 0, 0.99)


@register_model("my_net", MyOptions)
class MyNet(nn.Module):
    """Looks at half the size and at the whole, and joins both."""

    multiple = 2  # what the sides of its pictures are multiples of: frames of other sizes are padded and cut back

    def __init__(self, inputs: Sequence[str], leads: int, options: MyOptions) -> None:
        super().__init__()
        width = options.width
        self.fine = nn.Sequential(nn.Conv2d(len(inputs), width, 3, padding=1), nn.GroupNorm(1, width), nn.ReLU())
        self.coarse = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GroupNorm(1, 2 * width), nn.ReLU()
        )
        self.dropout = KeyedDropout2d(options.dropout)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.heads = nn.Conv2d(2 * width, 2 * leads, 3, padding=1)
        # Optional: which axis of a weight belongs to the channels or the leads, so that `start_from` takes from a
        # model of other channels or leads what both have.
        self.channel_axes = {"fine.0.weight": 1}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, channels, H, W) -> mask logit and scaled reflectivity, (B, leads, H, W) each."""
        fine = self.fine(x)
        coarse = self.up(self.dropout(self.coarse(fine)))
        logit, reflectivity = self.heads(torch.cat([fine, coarse], dim=1)).chunk(2, dim=1)
        return logit, reflectivity
