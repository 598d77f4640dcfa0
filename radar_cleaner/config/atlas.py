"""Section `atlas`: how the clutter atlas is counted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Period, ShareAbove0


class Clutter(Section):
    """How often each pixel echoes when it should not, and from when on it is clutter."""

    method: Literal["frequency", "deviation"] = Field(
        "frequency",
        description="`frequency` counts echoes in quiet weather; `deviation` uses how much the colour of a"
        " pixel varies.",
    )
    window_px: int = Field(
        33,
        ge=0,
        le=999,
        description="For `frequency`: a frame counts for a pixel if it is quiet in a window of this width"
        " around the pixel. 0 uses the whole frame.",
    )
    quiet_fraction: ShareAbove0 = Field(
        0.1, description="For `frequency`: a window is quiet if at most this share of its pixels echoes."
    )
    min_quiet_frames: int = Field(
        10,
        ge=1,
        description="A pixel with fewer quiet frames is unknown: it is not clutter and gives no evidence.",
    )
    threshold: ShareAbove0 = Field(
        0.3, description="A pixel that echoes in this share of its frames, or more, is clutter."
    )
    max_frames: int = Field(
        200, ge=2, description="For `deviation`: largest number of frames, sampled evenly in time."
    )
    max_std: float = Field(
        2.0, gt=0, description="For `deviation`: an echo whose colour (0 to 255) varies less than this is clutter."
    )

    def unused(self) -> frozenset[str]:
        """Return the keys that the method does not read."""
        keys = {"window_px", "quiet_fraction"} if self.method == "deviation" else {"max_frames", "max_std"}
        return frozenset(keys)


class Atlas(Clutter):
    """The clutter atlas: how often each pixel echoes in quiet weather."""

    period: Period | None = Field(
        None,
        description="Frames that are counted. It must contain frames of every radar and none of"
        " `evaluation.period`. By default `training.period`.",
    )
