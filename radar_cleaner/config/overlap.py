"""Section `overlap`: how the frames of several radars are paired."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radar_cleaner.config.section import Section


class Overlap(Section):
    """The pairs of frames of two radars."""

    max_offset_minutes: float = Field(
        0,
        ge=0,
        le=60,
        description="Frames of two radars are paired if they are at most this many minutes apart: the nearest of"
        " the other radar is taken. With 0 only frames of equal times are paired. Above 0 the composite has the"
        " variable `age`.",
    )

    motion: Literal["flow", "none"] = Field(
        "flow",
        description="`flow` moves the paired frames of other times along the motion between the other radar's own"
        " frames, where it is known; `none` leaves them where they are.",
    )

    @property
    def max_offset(self) -> int:
        """The largest offset in seconds."""
        return round(60 * self.max_offset_minutes)
