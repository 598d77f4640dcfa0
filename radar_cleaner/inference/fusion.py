"""What the network and the votes say together of an echo.

The network knows shapes that no labeler looks for, the votes hold in weather that it has not seen. Their log-odds
add up, as of independent evidence; those of the votes times a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import decode_log_odds
from radar_cleaner.errors import StoreError, require
from radar_cleaner.storage.reader import AHEAD, TimeSeries

MOST = 10  # of a weight, which then is the votes alone


class VoteSums:
    """The sums of the votes of a radar, over its targets stores (any number of shards), and what they count.

    A weight of 0 leaves the network alone, and no store is opened. Raises ConfigError, StoreError.
    """

    def __init__(self, targets: Sequence[Path], weight: float) -> None:
        require("cleaning.votes", weight, 0, MOST)
        self.weight = weight
        every_sum = np.arange(256, dtype=np.uint8).view(np.int8)
        self._odds = np.exp(np.float64(weight) * decode_log_odds(every_sum))  # by the byte of a packed sum
        self._series = TimeSeries(targets if weight else [], "targets", AHEAD)
        self.digests = {str(store.path): store.digest for store in self._series.stores}

    def join(self, probability: NDArray[np.float32], time: int) -> NDArray[np.float32]:
        """(y, x): the network's probabilities at a time, made by the votes what both say together.

        Where there is no echo, and so no vote, they stay. Raises StoreError where the time has no votes.
        """
        if not self.weight:
            return probability
        packed = self._series.frame("evidence", time)
        if packed is None:
            raise StoreError(f"no votes: {self._series.describe(time)}; run snakemake to make them")
        joined, flat = probability.copy(), packed.reshape(-1)
        voted = np.flatnonzero(flat)
        odds = self._odds.take(flat.take(voted).view(np.uint8))
        said = joined.reshape(-1).take(voted).astype(np.float64)
        joined.reshape(-1)[voted] = said * odds / (said * odds + (1 - said))
        return joined
