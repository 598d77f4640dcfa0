"""Section `samples`: the content of a sample, and how samples are split."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import MinLen
from pydantic import Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Name, Text, Unique


class InputTimes(Section):
    """The frames that a sample reads."""

    input_minutes: Annotated[tuple[int, ...], MinLen(1), *Unique] | None = Field(
        None,
        description="Times of the input frames, in minutes from the frame that is cleaned. By default one"
        " frame before, 0 and one frame after; with lead times above 0 two frames before and 0.",
    )


class SampleTimes(InputTimes):
    """The frames that a sample reads, and the frames that are predicted."""

    lead_minutes: Annotated[tuple[Annotated[int, Field(ge=0)], ...], MinLen(1), *Unique] = Field(
        (0,),
        description="Lead times of the predicted frames, rising from 0, the frame that is cleaned. Those"
        " above 0 are forecasts.",
    )


class TrainingTimes(SampleTimes):
    """The frames that a sample of a training reads."""

    incomplete: bool = Field(
        False,
        description="Also train on samples without a frame at an input time other than their own. That time is"
        " then unavailable.",
    )


class ModelInputs(InputTimes):
    """The stores that a model reads: which input times, and whether the atlas is one of them."""

    atlas: Literal["mask", "channel", "none"] = Field(
        "none",
        description="How the network uses the clutter atlas. `mask`: clutter pixels are unavailable."
        " `channel`: the echo frequency is one more channel. `none`: not at all.",
    )


class ForecastInputs(ModelInputs, SampleTimes):
    """The stores that a forecast reads and is compared with."""


class Split(TrainingTimes):
    """How the samples of the training period are split."""

    validation: float = Field(
        0.2,
        ge=0,
        le=0.5,
        description="Share of the blocks of the training period that is used for validation: 0, or about 1/2,"
        " 1/3, 1/4, ...",
    )
    block_minutes: int = Field(
        60, ge=1, description="Length of a block in minutes; at least the window and the purge together."
    )
    purge_minutes: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Least distance in minutes between a frame read for training and one read for validation."
        " By default the length of the window.",
    )
    validation_radars: Annotated[tuple[Name, ...], *Unique] = Field(
        (),
        description="Radars that are left out of the training: all their samples are for validation. With"
        " `validation: 0` no others are.",
    )


class Channels(ForecastInputs, TrainingTimes):
    """The channels of the network, but for the names of the static fields."""

    reflectivity: Literal["max", "mean"] = Field(
        "max",
        description="Target of the reflectivity: the maximum of this radar and of the other radars, or their"
        " `mean` where both have echo.",
    )
    time_of_day: bool = Field(
        False, description="Two more channels: cosine and sine of the mean solar time at each pixel."
    )
    day_of_year: bool = Field(False, description="Two more channels: cosine and sine of the day of the year.")
    coordinates: bool = Field(
        False, description="Four more channels: latitude, cosine and sine of longitude, pixel size."
    )
    scale: bool = Field(
        False,
        description="Two more channels: the distance from the radar and the size of a pixel, both in km. A model"
        " for radars of other ranges and pixel sizes needs them.",
    )
    normalize: bool = Field(
        False,
        description="Scale each channel to mean 0 and standard deviation 1 of the training samples before the"
        " first layer.",
    )


class Samples(Channels, Split):
    """The content of a sample (input times, lead times, channels), and how samples are split."""

    static: dict[Name, Text] = Field(
        {},
        description="One more channel for each named field: name and raster, for example `{terrain: dem.tif}`.",
        json_schema_extra={"additionalProperties": False},
    )

    @property
    def window_minutes(self) -> int:
        """Minutes from the first to the last frame that a sample reads."""
        minutes = (*(self.input_minutes or ()), *self.lead_minutes)
        return max(minutes) - min(minutes)
