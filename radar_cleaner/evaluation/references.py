"""The reference of a radar: its masks, or the echo classes of the label model where it has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.evaluation.tallies import mask_classes
from radar_cleaner.frames.reference_masks import ReferenceMasks, ReferenceSource
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries

Classes = NDArray[np.uint8]


class LabelReference:
    """The echo classes of a radar's label model."""

    kind: Literal["labels"] = "labels"

    def __init__(self, layout: Layout, radar: str, shards: Iterable[str]) -> None:
        self._series = TimeSeries([layout.labels(radar, shard) for shard in shards], "labels")

    def classes(self, time: int, shape: tuple[int, ...]) -> Classes | None:
        """Return echo classes (y, x) of a time, None without any."""
        return self._series.frame("echo_class", time)


class MaskReference:
    """The echo classes of a radar's reference masks."""

    kind: Literal["masks"] = "masks"

    def __init__(self, source: ReferenceSource) -> None:
        self._masks = ReferenceMasks(Path(source.folder), source.names)

    def classes(self, time: int, shape: tuple[int, ...]) -> Classes | None:
        """Return echo classes (y, x) of a time, None without a mask."""
        mask = self._masks.picture(time, shape)
        return None if mask is None else mask_classes(mask)


Reference = LabelReference | MaskReference


def open_reference(
    layout: Layout, radar: str, shards: Sequence[str], sources: Iterable[ReferenceSource]
) -> Reference:
    """Open a radar's masks if its folder of masks exists, else its labels."""
    for source in sources:
        if source.radar == radar and Path(source.folder).is_dir():
            return MaskReference(source)
    return LabelReference(layout, radar, shards)
