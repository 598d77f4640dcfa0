"""Sections `cleaning`, `composite` and `report`: the products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import MinLen
from pydantic import Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Share, Text, Unique

Strength = Literal["gentle", "normal", "strong"]
# The share of the meteorological echo that each strength keeps, of every validation radar.
KEPT_SHARES: Mapping[str, float] = {"gentle": 0.997, "normal": 0.99, "strong": 0.97}
THRESHOLD = 0.5  # of a model file without operating points


class ModelDecision(Section):
    """From which probability of the model on an echo is kept."""

    strength: Strength = Field(
        "normal",
        description="How much is removed. `gentle` keeps 99.7 %, `normal` 99 % and `strong` 97 % of the"
        " meteorological echo on every radar of the model's validation samples.",
    )
    threshold: Share | None = Field(
        None,
        description="Probability from which an echo is kept, in place of `strength`. The scores use the same"
        " threshold. A model file without operating points has 0.5.",
    )
    calibrated: bool = Field(
        False,
        description="Apply the calibration (temperature and bias) found on the model's validation samples, so that"
        " its probabilities match the frequencies there.",
    )


class Decision(ModelDecision):
    """From which probability of model and label model together an echo is kept."""

    votes: float = Field(
        1,
        ge=0,
        le=10,
        description="Weight of the labelers' log-odds when they are added to the model's. 0 uses the model alone.",
    )


class FrameCleaning(Decision):
    """How a frame is cleaned."""

    fill: bool = Field(True, description="Fill overlay and other gaps within the range with the network's output.")
    tta: bool = Field(
        False, description="Average over eight flips and rotations, as `evaluation.tta`; eight times slower."
    )


class Cleaning(FrameCleaning):
    """How frames are cleaned, and with which model."""

    model: Text | Annotated[tuple[Text, ...], MinLen(2), *Unique] = Field(
        "trained",
        description="`trained`, `pretrained` (the model that comes with the workflow; it needs"
        " `samples.atlas: channel`) or the path of a model file. A list of them is an ensemble.",
    )
    geotiff: bool = Field(
        False, description="Also write one GeoTIFF per time, of each radar and of the composite."
    )


class Composite(Section):
    """The grid of the product of all radars."""

    grid: Literal["first", "union"] = Field(
        "first", description="The `first` radar's plot box, or the `union` of all plot boxes."
    )


class Report(Section):
    """The report."""

    frames: int = Field(4, ge=1, le=50, description="Number of frames that are shown before and after cleaning.")
