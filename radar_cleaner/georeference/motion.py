"""Move a frame of a radar to a time a few minutes away, along the motion of its own echo.

Two radars seldom scan at the same moment. The motion is the optical flow (dense inverse search, Kroeger et al.
2016) between the frame and the radar's frame before or after it. It is spread from the echo to its surroundings,
because where nothing is drawn there is nothing to follow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.overlap import Overlap
from radar_cleaner.conventions import NODATA, UNDETECT, is_echo
from radar_cleaner.storage.reader import TimeSeries

Codes = NDArray[np.uint8]
Flow = NDArray[np.float32]

# Frames farther apart, in seconds, are too different for the motion between them.
LONGEST_STEP = 20 * 60
# Fewer pixels of echo show no motion.
FEWEST = 50
# Pixels over which the motion is spread, as a share of the longer side, and the least share of echo around a pixel
# with a motion.
SPREAD, LEAST_ECHO = 1 / 24, 1e-3


class MovingFrames:
    """The frames of one radar, moved to times a few minutes away."""

    def __init__(self, series: TimeSeries, overlap: Overlap, hidden: NDArray[np.bool_] | None = None) -> None:
        """`hidden` (y, x) are pixels that count as nodata, as they show clutter."""
        self.series, self._overlap, self._hidden = series, overlap, hidden
        self._flow = lru_cache(maxsize=2)(self._find_flow)

    def nearest(self, time: int) -> int | None:
        """Return the time of the frame that is paired with a time, or None without a frame near enough."""
        return self.series.nearest(time, self._overlap.max_offset)

    def reflectivity(self, frame: int) -> Codes:
        """Return the packed reflectivity (y, x) of the frame of this time, where it is not moved."""
        codes = self.series.frame("reflectivity", frame)
        assert codes is not None, f"no frame at {frame}"
        return codes if self._hidden is None else np.where(self._hidden, np.uint8(NODATA), codes)

    def sources(self, frame: int, time: int) -> NDArray[np.intp] | None:
        """Return (y, x) the flat index of the pixel of a frame that is at each pixel at another time.

        None if the frame is of this time, or its motion is not known.
        """
        if frame == time or self._overlap.motion == "none":
            return None
        other = neighbour(self.series.times, frame, time)
        flow = None if other is None else self._flow(frame, other)
        if other is None or flow is None:
            return None
        return source_pixels(self.reflectivity(frame), flow, (time - frame) / (other - frame))

    def _find_flow(self, frame: int, other: int) -> Flow | None:
        return find_flow(self.reflectivity(frame), self.reflectivity(other))


def neighbour(times: Sequence[int], frame: int, time: int) -> int | None:
    """Return the time of the frame that shows, together with `frame`, the motion to `time`.

    It is the next frame on the side of `time`, else the one on the other side, at most LONGEST_STEP away; None
    without any. `times` are those of the radar's frames, increasing.
    """
    place = bisect_left(times, frame)
    before, after = times[max(place - 1, 0) : place], times[place + 1 : place + 2]
    sides = [*after, *before] if time > frame else [*before, *after]
    return next((side for side in sides if abs(side - frame) <= LONGEST_STEP), None)


def find_flow(now: Codes, other: Codes) -> Flow | None:
    """Return the displacement (y, x, 2) in columns and rows from each pixel of `now` to the same echo in `other`.

    Both are packed reflectivity (y, x). None where too little echo shows a motion, or where the moved frame is not
    nearer to the other one than the frame itself is.
    """
    echo = is_echo(now)
    if min(np.count_nonzero(echo), np.count_nonzero(is_echo(other))) < FEWEST:
        return None
    pictures = [np.where(frame == NODATA, np.uint8(UNDETECT), frame) for frame in (now, other)]
    found = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*pictures, None)  # type: ignore[call-overload]
    sigma = SPREAD * max(now.shape)
    weight = echo.astype(np.float32)
    near = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    spread = cv2.GaussianBlur(found * weight[..., None], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    flow = np.where((near > LEAST_ECHO)[..., None], spread / np.maximum(near, LEAST_ECHO)[..., None], 0)
    flow = flow.astype(np.float32)
    moved = now.ravel()[source_pixels(now, flow, 1)]
    return flow if _difference(moved, other) < _difference(now, other) else None


def source_pixels(frame: Codes, flow: Flow, share: float) -> NDArray[np.intp]:
    """Return (y, x) the flat index of the pixel in `frame` that is at each pixel after a share of the flow.

    Pixels of nodata stay where they are. So do those whose echo would come from nodata or from beyond the frame.
    """
    height, width = frame.shape
    row, column = np.indices((height, width), np.float32)
    back = np.float32(share) * flow
    back = np.float32(share) * cv2.remap(  # the flow at the place that the echo comes from
        flow, column - back[..., 0], row - back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    x, y = np.rint(column - back[..., 0]).astype(np.intp), np.rint(row - back[..., 1]).astype(np.intp)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    own = np.arange(frame.size).reshape(frame.shape)
    source = np.where(inside, np.clip(y, 0, height - 1) * width + np.clip(x, 0, width - 1), own)
    blind = frame == NODATA
    return np.where(blind | blind.ravel()[source], own, source)


def _difference(one: Codes, other: Codes) -> float:
    """Return the sum of the differences of two frames, in steps of packed reflectivity, where both observe."""
    both = (one != NODATA) & (other != NODATA)
    return float(cv2.absdiff(one, other)[both].sum(dtype=np.int64))
