"""The labeler `colour`: an echo is meteorological unless other evidence outweighs it."""

from __future__ import annotations

from typing import Self

import numpy as np

from radar_cleaner.targets.labelers.base import Echoes, Labeler, LogOdds, Sources
from radar_cleaner.targets.labelers.registry import register_labeler


@register_labeler("colour", order=10, weight=1, description="Weight of the prior: 0.5 for every echo.")
class Colour(Labeler):
    """The prior: the log-odds of an echo without other evidence."""

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds:
        return prior_log_odds(echoes)


def prior_log_odds(echoes: Echoes, *, prior: float = 0.5) -> LogOdds:
    """Return the same log-odds for every echo."""
    return np.full(echoes.pixels.size, prior, np.float32)
