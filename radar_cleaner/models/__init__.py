"""The networks, by name: channels (B, C, H, W) -> mask logit and scaled reflectivity, (B, leads, H, W) each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from radar_cleaner.config.networks import read_options, write_options
from radar_cleaner.datasets.channels import Inputs
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.blocks import checkpoint_gradients as checkpoint_gradients
from radar_cleaner.models.blocks import draw_weights as draw_weights
from radar_cleaner.models.dropout import keyed_modules as keyed_modules
from radar_cleaner.models.dropout import set_keys as set_keys
from radar_cleaner.models.encoder_unet import EncoderUNet as EncoderUNet
from radar_cleaner.models.padding import apply_padded as apply_padded
from radar_cleaner.models.rate_net import RateNet as RateNet
from radar_cleaner.models.registry import find_model
from radar_cleaner.models.registry import load_code as load_code
from radar_cleaner.models.registry import register_model as register_model
from radar_cleaner.models.registry import registered_models as registered_models
from radar_cleaner.models.standardize import Standardized as Standardized
from radar_cleaner.models.tiny_unet import TinyUNet as TinyUNet
from radar_cleaner.models.window_attention import WindowAttention as WindowAttention


@dataclass(frozen=True)
class ModelConfig:
    """All that is needed, beside the weights, to use a model.

    Attributes
    ----------
    model
        Name of the network; `radar-cleaner list-models` tells those there are.
    input_minutes
        Minutes from a sample's time to the frames that the model sees.
    lead_minutes
        Minutes from a sample's time to the frames that are its targets: 0, the frame that is cleaned, then those
        that are forecast.
    atlas
        What the clutter atlas does: `mask` makes clutter pixels unavailable, `channel` gives the echo
        frequency to the model, `none` neither.
    reflectivity_target
        Target over the radars that see an echo: `max` or `mean` of their dBZ.
    pad_mode
        How frames are padded to what the model can halve.
    options
        The network's own options as a JSON object; those left out have their defaults.
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
    input_minutes: tuple[int, ...]
    lead_minutes: tuple[int, ...]
    atlas: Literal["mask", "channel", "none"]
    reflectivity_target: Literal["max", "mean"]
    pad_mode: Literal["reflect", "replicate", "constant"]
    options: str = "{}"
    time_of_day: bool = False
    day_of_year: bool = False
    coordinates: bool = False
    static: tuple[str, ...] = ()
    normalize: bool = False

    def __post_init__(self) -> None:
        if not self.input_minutes:
            raise ConfigError("samples.input_minutes is empty; name at least one, as in [-6, 0, 6]")
        if self.lead_minutes[:1] != (0,) or list(self.lead_minutes) != sorted(set(self.lead_minutes)):
            raise ConfigError(
                f"samples.lead_minutes {list(self.lead_minutes)}: must rise from 0, the frame that is cleaned, as "
                "[0, 6, 12]"
            )
        if len(self.lead_minutes) > 1 and (max(self.input_minutes) > 0 or 0 not in self.input_minutes):
            raise ConfigError(
                f"samples.input_minutes {list(self.input_minutes)}: a model that forecasts "
                f"({list(self.lead_minutes)} minutes) sees past frames only, and the one that is cleaned; set it "
                "to such as [-12, -6, 0]"
            )

    @property
    def arguments(self) -> Any:
        """The network's own options, an instance of its dataclass."""
        return read_options(find_model(self.model).options, self.options, self.model)

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
            self.lead_minutes,
        )

    @property
    def channels(self) -> int:
        """Channels of the network's input."""
        return len(self.inputs.names)

    def resolved(self) -> ModelConfig:
        """With every option written out, and none that needs a file beside the model's (a network's `resolve`)."""
        resolve = getattr(find_model(self.model).network, "resolve", lambda arguments: arguments)
        return dataclasses.replace(self, options=write_options(resolve(self.arguments)))

    def build(self) -> nn.Module:
        """A network with weights not yet drawn."""
        model = find_model(self.model).network(self.inputs.names, len(self.lead_minutes), self.arguments)
        if self.normalize:
            model = Standardized(model, self.channels)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on CPUs
        return model
