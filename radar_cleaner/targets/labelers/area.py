"""The labeler `area`: the class of an echo by its shape and area in a single frame."""

from __future__ import annotations

from typing import Self

from radar_cleaner.config.labels import Morphology
from radar_cleaner.targets.labelers.base import Echoes, Labeler, LogOdds, Sources, by_class
from radar_cleaner.targets.labelers.registry import register_labeler
from radar_cleaner.targets.morphology import classify_echoes


@register_labeler(
    "area", order=40, weight=0.25, description="Weight of the class by the shape of the echo (`labels`)."
)
class Area(Labeler):
    """1 for echo that is meteorological by its shape, -1 against echo that is not, 0 for unknown echo."""

    def __init__(self, morphology: Morphology) -> None:
        self._morphology = morphology

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls(sources.morphology)

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds:
        return by_class(echoes.take(classify_echoes(echoes.codes, self._morphology)))
