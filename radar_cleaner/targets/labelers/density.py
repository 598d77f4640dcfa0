"""The labeler `density`: for echo among echo, against echo with little echo around it."""

from __future__ import annotations

from math import log
from typing import Self

import numpy as np

from radar_cleaner.conventions import is_echo
from radar_cleaner.reflectivity.statistics import count_in_window
from radar_cleaner.targets.labelers.base import Echoes, Labeler, LogOdds, Mask, Sources
from radar_cleaner.targets.labelers.coverage import ByCoverage
from radar_cleaner.targets.labelers.registry import register_labeler

FLOOR = np.float32(0.02)  # added to shares: the logarithm of 0 is not finite


@register_labeler(
    "density",
    order=20,
    weight=1,
    description="Weight of the share of echo in 5 x 5 and 17 x 17 pixels around the pixel.",
)
class Density(Labeler):
    """Evidence by the share of echo around an echo."""

    def __init__(self) -> None:
        self._by_coverage = ByCoverage(EchoDensity)

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds:
        return self._by_coverage(echoes)


class EchoDensity:
    """Log-odds by the share of echo in a near and a far window around an echo.

    The log-odds of a window are a factor times the logarithm of the share of echo, minus that of the share with
    even odds. Shares are of the observed pixels.
    """

    def __init__(self, observed: Mask, *, near_px: int = 5, far_px: int = 17) -> None:
        """`observed` (y, x) are the pixels that are not nodata."""
        self._windows = [(size, size) for size in (near_px, far_px)]
        self._observed = [count_in_window(observed, window) for window in self._windows]

    def __call__(
        self,
        echoes: Echoes,
        *,
        factors: tuple[float, float] = (3.0, 1.8),
        even_shares: tuple[float, float] = (0.27, 0.32),
    ) -> LogOdds:
        """Return the log-odds; `factors` and `even_shares` are of the near and the far window."""
        echo, evidence = is_echo(echoes.codes), np.zeros(echoes.pixels.size, np.float32)
        for window, observed, factor, even in zip(
            self._windows, self._observed, factors, even_shares, strict=True
        ):
            share = echoes.take(count_in_window(echo, window)) / echoes.take(observed)
            evidence += np.float32(factor) * (np.log(share + FLOOR) - np.float32(log(even)))
        return evidence
