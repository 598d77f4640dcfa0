"""Section `evaluation`: the scores."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, MinLen
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Name, Period, Rising, Text, Unique


class Scoring(Section):
    """Keys of all scores."""

    dbz_bands: Annotated[tuple[Annotated[float, Gt(-32)], ...], MinLen(1), Rising] = Field(
        (15, 25, 35, 45),
        description="Bounds of the reflectivity bands of the scores, in dBZ: below 15, 15 to 25, ..., 45 and"
        " more.",
    )
    tta: bool = Field(
        False,
        description="Average the model's output over eight flips and rotations of each frame: often slightly"
        " better, eight times slower. Use it if `cleaning.tta` is used.",
    )


class CleaningScores(Scoring):
    """Keys of the scores of cleaned frames."""

    cleaners: Annotated[tuple[Name, ...], MinLen(1), *Unique] = Field(
        ("weak_label", "clutter_mask", "model"),
        description="The rows of the scores: `model` and, beside it, labels (`weak_label`, `clutter_mask`,"
        " `clutter_frequency`, `label_model`), the network without the labelers (`network`) and classical"
        " filters (`despeckle_by_area`, `local_density`, `temporal_persistence`, `median_in_time`; with the"
        " extra `benchmark` also `wradlib_gabella`, `wradlib_window_distance`, `wradlib_histogram_cut`,"
        " `pyart_despeckle`).",
    )

    @field_validator("cleaners")
    @classmethod
    def _with_the_model(cls, cleaners: tuple[str, ...]) -> tuple[str, ...]:
        if "model" not in cleaners:
            raise PydanticCustomError("without_model", "must contain 'model'")
        return cleaners

    range_bands_km: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1), Rising] = Field(
        (60, 120, 180), description="Bounds of the distance bands of the scores, in km from the radar."
    )
    holes: bool = Field(
        True,
        description="Also score the reflectivity in inpainting masks on a fixed lattice, which hide 1/16 of"
        " each frame.",
    )
    hole_sizes_px: Annotated[tuple[Annotated[int, Field(ge=1)], ...], MinLen(1), Rising] = Field(
        (8, 16, 32, 64), description="Sides of those masks in pixels. Best, each divides the largest."
    )


class ForecastScores(Scoring):
    """Keys of the scores of forecasts."""

    optical_flow: bool = Field(
        False, description="Compare forecasts with optical flow. It needs the package pysteps."
    )


class Evaluation(ForecastScores, CleaningScores):
    """The scores: their period, reference and bands."""

    period: Period | None = Field(
        None, description="Times that are scored, apart from `training.period`. By default nothing is scored."
    )
    reference: str | None = Field(
        None,
        description="Folder with masks `RADAR/*.png`, named like the frames. By default the labels are the"
        " reference.",
    )
    compare_model: Text | None = Field(
        None,
        description="A second model that is scored like `cleaning.model`: `trained`, `pretrained` or a path.",
    )
