"""Add the log-odds of the label model to those of the network.

The network recognises shapes that no labeler detects. The labelers also work in weather unlike the training data.
Their log-odds are added as those of independent evidence, with a weight for the label model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import decode_log_odds
from radar_cleaner.errors import StoreError, require
from radar_cleaner.storage.reader import AHEAD, TimeSeries

MAX_WEIGHT = 10  # beyond it the label model decides alone


class EvidenceFusion:
    """Fuse the network with the label model of a radar, over its labels stores (any number of shards).

    `weight` multiplies the log-odds of the label model. A weight of 0 uses the network alone, and opens no store.
    Raises ConfigError, StoreError.
    """

    def __init__(self, labels: Sequence[Path], weight: float) -> None:
        require("cleaning.votes", weight, 0, MAX_WEIGHT)
        self.weight = weight
        packed = np.arange(256, dtype=np.uint8).view(np.int8)
        self._odds = np.exp(np.float64(weight) * decode_log_odds(packed))  # by the byte of packed log-odds
        self._series = TimeSeries(labels if weight else [], "labels", AHEAD)
        self.digests = {str(store.path): store.digest for store in self._series.stores}

    def fuse(self, probability: NDArray[np.float32], time: int) -> NDArray[np.float32]:
        """(y, x): add the evidence at a time to the network's probabilities.

        Pixels without evidence keep their probability; pixels without an echo have none. Raises StoreError if the
        time has no evidence.
        """
        if not self.weight:
            return probability
        packed = self._series.frame("evidence", time)
        if packed is None:
            raise StoreError(f"no evidence: {self._series.describe(time)}; run snakemake to make it")
        fused, flat = probability.copy(), packed.reshape(-1)
        pixels = np.flatnonzero(flat)
        odds = self._odds.take(flat.take(pixels).view(np.uint8))
        prior = fused.reshape(-1).take(pixels).astype(np.float64)
        fused.reshape(-1)[pixels] = prior * odds / (prior * odds + (1 - prior))
        return fused
