"""The labeler `reference`: the reference masks of a user. They outweigh all other labelers."""

from __future__ import annotations

from typing import Self

import numpy as np

from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.targets.labelers.base import Codes, Echoes, Labeler, LogOdds, Sources, by_class
from radar_cleaner.targets.labelers.registry import register_labeler


@register_labeler(
    "reference",
    order=80,
    weight=1,
    key="reference_weight",
    needs="masks",
    description="Weight of the masks of `reference`.",
)
class Reference(Labeler):
    """The class of a mask at its time. It is off for shards without masks."""

    def __init__(self, masks: ReferenceMasks) -> None:
        self._masks = masks

    @classmethod
    def open(cls, sources: Sources) -> Self | None:
        return None if sources.masks is None else cls(sources.masks)

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds | None:
        mask = self._masks.picture(time, echoes.codes.shape)
        return None if mask is None else mask_log_odds(echoes, mask)


def mask_log_odds(echoes: Echoes, mask: Codes, *, scale: float = 20.0) -> LogOdds:
    """Return `scale` for 1 (meteorological), minus `scale` for 2 (non-meteorological), and 0 for other values."""
    return np.asarray(np.float32(scale) * by_class(echoes.take(mask)))
