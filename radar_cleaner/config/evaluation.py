"""Section `evaluation`: the scores."""

from __future__ import annotations

import ast
import difflib
from functools import cache
from typing import Annotated

from annotated_types import Gt, MinLen
from pydantic import Field, field_validator

from radar_cleaner.config.registrations import registrations
from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Name, Period, Rising, Text, Unique


@cache
def cleaner_names() -> tuple[str, ...]:
    """Return the names of the cleaners of the package, sorted."""
    found = registrations("evaluation/cleaners", "register", "register_filter")
    return tuple(sorted(ast.literal_eval(call.args[0]) for _, call in found))


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
        description="The rows of the scores: `model` and, beside it, labels, the network without the labelers"
        f" and classical filters. Names: {', '.join(f'`{name}`' for name in cleaner_names())}. Those of wradlib"
        " and pyart need the extra `benchmark`.",
    )

    @field_validator("cleaners")
    @classmethod
    def _known_and_with_the_model(cls, cleaners: tuple[str, ...]) -> tuple[str, ...]:
        for name in cleaners:
            if name not in cleaner_names():
                near = difflib.get_close_matches(name, cleaner_names(), 1)
                hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(cleaner_names())}"
                raise ValueError(f"no cleaner is named {name}; {hint}")
        if "model" not in cleaners:
            raise ValueError("the scores compare cleaners with the model; add 'model'")
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
