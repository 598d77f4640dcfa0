"""The labeler `atlas`: against echo where the radar often has echo in quiet weather."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.storage.reader import expect_attrs, open_store
from radar_cleaner.targets.labelers.base import Echoes, Labeler, LogOdds, Sources, digests
from radar_cleaner.targets.labelers.registry import register_labeler


@register_labeler(
    "atlas",
    order=50,
    weight=1,
    needs="atlas",
    description="Weight of the echo frequency in quiet weather (`atlas`).",
)
class ClutterAtlas(Labeler):
    """Against echo in proportion to the echo frequency of the clutter atlas."""

    def __init__(self, echo_frequency: NDArray[np.float32] | None, inputs: Mapping[str, str]) -> None:
        self._echo_frequency, self.inputs = echo_frequency, inputs

    @classmethod
    def open(cls, sources: Sources) -> Self:
        """Open the atlas. An atlas by colours also counts rain; only its clutter mask is evidence."""
        if sources.atlas is None:
            return cls(None, {})
        atlas = open_store(sources.atlas, "atlas")
        expect_attrs(atlas, radar=sources.reflectivity.attrs["radar"])
        frequency = atlas.read("echo_frequency")
        if atlas.attrs["method"] == "deviation":
            frequency = np.where(atlas.read("clutter"), frequency, np.float32(0))
        return cls(frequency, digests(atlas))

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds | None:
        return None if self._echo_frequency is None else atlas_log_odds(echoes, self._echo_frequency)


def atlas_log_odds(echoes: Echoes, echo_frequency: NDArray[np.float32], *, scale: float = 8.0) -> LogOdds:
    """Return minus `scale` times the echo frequency (y, x); 0 where the frequency is NaN."""
    return np.asarray(-np.float32(scale) * np.nan_to_num(echoes.take(echo_frequency), nan=0.0), np.float32)
