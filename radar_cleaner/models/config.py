"""The part of a model file that is needed, beside the weights, to use the model. No torch is needed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.errors import ConfigError


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
