"""Frames of several stores as one sequence. Each is read when it is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.shards import format_time


class SampledFrames(Sequence[NDArray[np.uint8]]):
    """A box (height, width, 3) uint8 of each of some frames, oldest first."""

    def __init__(self, places: list[tuple[Store, int]], box: Box) -> None:
        """`places` are RGB stores and the numbers of their frames; `box` is in pixels, half open."""
        self._places, self._box = places, box

    @classmethod
    def of(cls, stores: list[Store], most: int, box: Box) -> SampledFrames:
        """Return at most `most` of the frames of stores, evenly sampled."""
        places = [(store, index) for store in stores for index in range(len(store.times))]
        chosen = np.unique(np.linspace(0, max(len(places) - 1, 0), min(most, len(places))).round().astype(int))
        return cls([places[number] for number in chosen], box)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]  # slices are never asked for
        (store, index), (x0, y0, x1, y1) = self._places[number], self._box
        return np.ascontiguousarray(store.frame("rgb", index)[y0:y1, x0:x1])

    def are_layers(self) -> bool:
        """Return whether nothing is drawn in most of the first frame: it is a layer without a map."""
        if not self._places:
            return False
        (store, index), (x0, y0, x1, y1) = self._places[0], self._box
        return bool((store.frame("alpha", index)[y0:y1, x0:x1] == 0).mean() > 0.5)

    def whole(self, numbers: list[int]) -> SampledFrames:
        """Return some of the frames, with what is beside their box."""
        if not self._places:
            return self
        height, width = self._places[0][0].shape("rgb")[:2]
        return SampledFrames([self._places[number] for number in numbers], (0, 0, width, height))

    def time(self, number: int) -> str:
        """Return the time of a frame, for messages."""
        store, index = self._places[number]
        return format_time(int(store.times[index]))
