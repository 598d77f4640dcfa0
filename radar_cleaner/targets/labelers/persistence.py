"""The labeler `persistence`: whether the frames before and after confirm an echo, moved along the optical flow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, is_echo
from radar_cleaner.storage.reader import TimeSeries, expect_attrs
from radar_cleaner.targets.labelers.base import Codes, Echoes, Labeler, LogOdds, Sources, digests, widen
from radar_cleaner.targets.labelers.registry import register_labeler

FLOW_SCALE = 4  # the optical flow is computed at a quarter of the size
MAX_MOTION_PX = 64  # between two frames
MIN_FLOW_PX = 12  # side of the smallest array for which OpenCV computes an optical flow


@register_labeler(
    "persistence",
    order=60,
    weight=0.25,
    needs="neighbours",
    description="Weight of the frames before and after, moved along the flow.",
)
class Persistence(Labeler):
    """For echo that the frames before and after confirm, against echo that they do not."""

    def __init__(self, sources: Sources, neighbours: TimeSeries) -> None:
        self._sources, self._neighbours = sources, neighbours
        self._step = round(60 * sources.cadence_minutes)
        self._frames: dict[int, MovingFrame] = {}
        self.inputs: Mapping[str, str] = digests(*neighbours.stores)

    @classmethod
    def open(cls, sources: Sources) -> Self:
        neighbours = TimeSeries(sources.neighbours, "reflectivity")
        for store in neighbours.stores:
            expect_attrs(store, **sources.place)
        return cls(sources, neighbours)

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds | None:
        for past in [known for known in self._frames if known < time - self._step]:
            del self._frames[past]
        frame = self._frame(time)
        around = [self._frame(time + step) for step in (-self._step, self._step)]
        confirmed = [frame.confirmed_by(other, echoes) for other in around if frame and other]
        return persistence_log_odds(echoes, confirmed) if confirmed else None

    def _frame(self, time: int) -> MovingFrame | None:
        if time not in self._frames:
            inside = time in self._sources.index
            codes = self._sources.codes(time) if inside else self._neighbours.frame("reflectivity", time)
            if codes is not None:
                self._frames[time] = MovingFrame.of(codes)
        return self._frames.get(time)


def persistence_log_odds(echoes: Echoes, confirmed: Iterable[LogOdds]) -> LogOdds:
    """Return 1 for echo that both neighbours in time confirm (`MovingFrame.confirmed_by`), -1 if neither does.

    A single neighbour gives half of it. Two neighbours that differ give 0.
    """
    return sum(confirmed, start=np.zeros(echoes.pixels.size, np.float32))


@dataclass(frozen=True)
class MovingFrame:
    """A frame prepared for the comparison with its neighbours in time.

    `marks` (y, x) is 1 near echo, 2 where nothing was observed, else 0. `field` is the smoothed echo at a quarter
    of the size; the optical flow is computed from it.
    """

    marks: NDArray[np.uint8]
    field: NDArray[np.uint8]

    @classmethod
    def of(cls, codes: Codes, *, near_px: int = 2, smooth_px: float = 6.0) -> MovingFrame:
        """Prepare packed reflectivity (y, x)."""
        nodata = codes == NODATA
        near = widen(is_echo(codes), near_px)
        marks = near + (nodata & ~near) * np.uint8(2)
        height, width = (-(-size // FLOW_SCALE) for size in codes.shape)
        strength = codes * ~nodata
        smaller = cv2.resize(strength, (width, height), interpolation=cv2.INTER_AREA)
        return cls(marks, np.asarray(cv2.GaussianBlur(smaller, (0, 0), smooth_px / FLOW_SCALE), np.uint8))

    def motion_to(self, other: MovingFrame) -> NDArray[np.float32]:
        """Return the motion (y, x, 2) to another frame at a quarter of the size: pixels to the right and down."""
        if min(self.field.shape) < MIN_FLOW_PX:
            return np.zeros((*self.field.shape, 2), np.float32)
        flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        flow.setFinestScale(0)
        flow.setPatchStride(6)  # patches of 8 pixels overlap a little: fast and accurate enough
        flow.setUseSpatialPropagation(False)  # it would depend on the number of threads
        motion = flow.calc(self.field, other.field, None)  # type: ignore[call-overload]
        return np.asarray(motion * np.float32(FLOW_SCALE))

    def confirmed_by(self, other: MovingFrame, echoes: Echoes) -> LogOdds:
        """Return 1/2 for echoes that another frame confirms, -1/2 for those that it does not, 0 without a view.

        An echo is confirmed if the other frame has echo near the pixel to which the echo moved.
        """
        height, width = self.marks.shape
        cells, pixels = _flow_index((height, width))
        motion = np.clip(np.rint(self.motion_to(other)), -MAX_MOTION_PX, MAX_MOTION_PX).astype(np.intp)
        shift = motion[..., 1] * (width + 2 * MAX_MOTION_PX) + motion[..., 0]
        moved = echoes.take(pixels) + shift.reshape(-1).take(echoes.take(cells))
        marks = np.pad(other.marks, MAX_MOTION_PX, constant_values=2).reshape(-1).take(moved)
        return np.asarray(np.array([-0.5, 0.5, 0], np.float32).take(marks))


@lru_cache(maxsize=4)
def _flow_index(shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return two flat indices of the pixels (y, x) of a frame: of their motion, and in a padded frame."""
    rows, columns = np.indices(shape)
    width = -(-shape[1] // FLOW_SCALE)
    cells = (rows // FLOW_SCALE) * width + columns // FLOW_SCALE
    return cells, (rows + MAX_MOTION_PX) * (shape[1] + 2 * MAX_MOTION_PX) + columns + MAX_MOTION_PX
