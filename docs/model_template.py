"""A network of your own, to be copied and changed.

In the config:

    training:
      model: {name: my_net, code: my_net.py, width: 24}

`radar-cleaner list-models --code my_net.py` prints the network with its options. The network is trained,
evaluated, exported and used like those of radar_cleaner. A change of the file trains the model again.

Requirements:

- The options are a section model with a default, bounds and a description for each. Their names are keys of
  `training.model`. Wrong values are refused.
- The network is built from the names of its input channels, the number of lead times, and its options. The number
  of channels depends on the config (times, atlas, coordinates ...), not on the number of radars.
- The network maps (B, channels, H, W) to two tensors (B, leads, H, W): the logit of the probability that the
  radar's echo is meteorological, and the reflectivity on the network's scale (0 is -10 dBZ, 1 is 70 dBZ).
- H and W are any multiples of `multiple`: crops in training, whole frames elsewhere.
- The answer for a sample depends on that sample alone. Use GroupNorm or LayerNorm, not BatchNorm, and
  `KeyedDropout2d` for dropout. Results then depend neither on the number of processes nor on the memory.
- radar_cleaner draws the weights (convolutions, transposed convolutions and matrices) from one generator; biases
  start at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from radar_cleaner.config.section import Section
from radar_cleaner.models.dropout import KeyedDropout2d
from radar_cleaner.models.registry import register_model


class MyOptions(Section):
    """Options of `my_net`."""

    width: int = Field(16, ge=1, description="Channels of the layers.")
    dropout: float = Field(0.0, ge=0, le=0.99, description="Share of the channels that a training step drops.")


@register_model("my_net", MyOptions)
class MyNet(nn.Module):
    """Join features at full size with features at half the size."""

    multiple = 2  # divides the sides of the input: other frames are padded, and the answer is cropped

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
        # Optional: the axis of a weight that belongs to the channels, so that `start_from` can copy the weights of
        # the channels that both models have. `lead_axes` does the same for lead times.
        self.channel_axes = {"fine.0.weight": 1}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, channels, H, W) to the mask logit and the scaled reflectivity, (B, leads, H, W) each."""
        fine = self.fine(x)
        coarse = self.up(self.dropout(self.coarse(fine)))
        logit, reflectivity = self.heads(torch.cat([fine, coarse], dim=1)).chunk(2, dim=1)
        return logit, reflectivity
