"""The interface of a labeler: evidence for or against each echo of a frame, as log-odds.

Log-odds are natural logarithms, float32, one for each echo. They are positive for meteorological echo, negative
against it, and 0 without evidence. The label model adds them: each labeler is a factor of the odds. The constants
of the labelers were read off 17 hours of two radars with pixels of 1 km. None is fitted at run time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.labels import Morphology
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, is_echo
from radar_cleaner.frames.reference_masks import ReferenceMasks
from radar_cleaner.georeference.grid import GRID_ATTRS, RadarGeometry
from radar_cleaner.storage.reader import ReadAhead, Store

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
LogOdds = NDArray[np.float32]


@dataclass(frozen=True)
class Echoes:
    """A frame of packed reflectivity (y, x), and the flat index of each of its pixels with an echo."""

    codes: Codes
    pixels: NDArray[np.intp]

    @classmethod
    def of(cls, codes: Codes) -> Echoes:
        """Find the echoes of a frame."""
        return cls(codes, np.flatnonzero(is_echo(codes)))

    @property
    def observed(self) -> Mask:
        """(y, x): the pixels that are not nodata."""
        return np.asarray(self.codes != NODATA)

    def take(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values of an array (y, x) at the echoes."""
        return values.reshape(-1).take(self.pixels, mode="clip")  # faster than with a check

    def scatter(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array (y, x) with these values at the echoes, and 0 elsewhere."""
        array = np.zeros(self.codes.size, values.dtype)
        array[self.pixels] = values
        return array.reshape(self.codes.shape)


@dataclass(frozen=True)
class Sources:
    """The sources of labelers: the frames of a shard, and stores and masks beside them.

    Attributes
    ----------
    reflectivity
        Reflectivity store of the shard.
    morphology
        How the shape of an echo is classified.
    neighbours
        Reflectivity stores of the same radar with frames just before or after those of the shard.
    cadence_minutes
        Minutes between two frames.
    atlas
        Atlas store of the radar.
    aligned
        Aligned store of the shard.
    warps
        Warp stores from the radar's grid to those of the other radars, in the order of the aligned store.
    masks
        Reference masks of the radar.
    """

    reflectivity: Store
    morphology: Morphology = field(default_factory=Morphology)
    neighbours: Sequence[Path] = ()
    cadence_minutes: float = 6
    atlas: Path | None = None
    aligned: Path | None = None
    warps: Sequence[Path] = ()
    masks: ReferenceMasks | None = None

    @cached_property
    def times(self) -> list[int]:
        """The times of the shard's frames."""
        return [int(time) for time in self.reflectivity.times]

    @cached_property
    def index(self) -> dict[int, int]:
        """The index of each time in the store."""
        return {time: index for index, time in enumerate(self.times)}

    @cached_property
    def _reader(self) -> ReadAhead:
        return ReadAhead(self.reflectivity)

    def codes(self, time: int) -> Codes:
        """Read the packed reflectivity (y, x) of one of `times`."""
        return self._reader.frame("reflectivity", self.index[time])

    @property
    def place(self) -> dict[str, Any]:
        """The attributes that stores of the same radar and geometry have in common."""
        return {name: self.reflectivity.attrs[name] for name in ("radar", *GRID_ATTRS)}

    @property
    def geometry(self) -> RadarGeometry:
        """The radar and the grid of its plot box."""
        return RadarGeometry.from_attrs(self.reflectivity.attrs, self.reflectivity.shape("reflectivity"))


class Labeler(ABC):
    """One kind of evidence. `inputs` are the digests of the stores that it reads, by their paths."""

    inputs: Mapping[str, str] = {}

    @classmethod
    @abstractmethod
    def open(cls, sources: Sources) -> Self | None:
        """Open what the labeler reads. None switches the labeler off for this shard."""

    @abstractmethod
    def log_odds(self, echoes: Echoes, time: int) -> LogOdds | None:
        """Return the log-odds of the echoes of the frame at a time, or None without evidence."""


def digests(*stores: Store) -> dict[str, str]:
    """Return the digests of stores by their paths."""
    return {str(store.path): store.digest for store in stores}


def by_class(classes: Codes) -> LogOdds:
    """Return 1 for meteorological, -1 for non-meteorological and 0 for other classes."""
    return np.asarray(np.subtract(classes == METEOROLOGICAL, classes == NON_METEOROLOGICAL, dtype=np.float32))


def widen(mask: Mask, radius_px: int) -> Mask:
    """Return (y, x): the pixels at most `radius_px` columns and rows away from the mask."""
    size = 2 * radius_px + 1
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((size, size), np.uint8))).view(np.bool_)
