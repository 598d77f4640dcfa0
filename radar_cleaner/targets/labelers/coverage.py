"""Labelers that depend on the observed pixels, which seldom change from frame to frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from radar_cleaner.conventions import decode_log_odds, encode_log_odds
from radar_cleaner.targets.labelers.base import Echoes, LogOdds, Mask

Evidence = Callable[[Echoes], LogOdds]


class ByCoverage:
    """Apply evidence that is prepared for a mask of observed pixels; prepare it again when the mask changes.

    The log-odds are rounded to the step of stored log-odds.
    """

    def __init__(self, prepare: Callable[[Mask], Evidence]) -> None:
        self._prepare = prepare
        self._prepared: tuple[Mask, Evidence] | None = None

    def __call__(self, echoes: Echoes) -> LogOdds:
        observed = echoes.observed
        if self._prepared is None or not np.array_equal(self._prepared[0], observed):
            self._prepared = observed, self._prepare(observed)
        return decode_log_odds(encode_log_odds(self._prepared[1](echoes)))
