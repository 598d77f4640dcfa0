"""Section `picture`: the frames from which the ground and the overlay of each radar are learned."""

from __future__ import annotations

from pydantic import Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Period


class PictureFrames(Section):
    """How many frames are looked at."""

    frames: int = Field(
        64,
        ge=1,
        le=1000,
        description="Largest number of frames, sampled evenly in time, from which the map, the overlay and the"
        " colours of a radar are learned.",
    )


class LearnedPicture(PictureFrames):
    """The parts of the pictures that do not change with the weather: the map and what is drawn over it."""

    period: Period | None = Field(
        None,
        description="Frames that are looked at. New frames outside it change nothing. By default that of the"
        " atlas, or the first frames of each radar outside `evaluation.period`: 1, then 8, then `frames` of them.",
    )
