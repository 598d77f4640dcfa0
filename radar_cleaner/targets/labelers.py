"""Labelers: what one kind of evidence says of each echo, as log-odds.

Log-odds are natural logarithms, float32, one for each echo of a frame (`Echoes`): above 0 for meteorological,
below against, 0 where the labeler has no opinion. They add up (`votes`): each labeler is a factor of the odds.
The numbers in here were read off 17 hours of two radars whose pixels are 1 km; none is fitted at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, is_echo
from radar_cleaner.reflectivity.colour_table import count_in_window

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
LogOdds = NDArray[np.float32]

FLOOR = np.float32(0.02)  # added to shares, so that the logarithm of none of it is finite
AZIMUTHS = 720  # of a polar picture: half a degree each
SIDE_ROWS = 10  # 5 degrees to the left and to the right
SIDE_WIDTH = 9  # azimuths
CORE_WIDTH = 3  # azimuths
ALONG = 41  # pixels of range
LEAST_OBSERVED = 0.1  # of a polar window, below which it tells nothing
FLOW_SCALE = 4  # motion is looked for in pictures of a quarter of the size
FARTHEST_PX = 64  # an echo is not looked for beyond
LEAST_FLOW_PX = 12  # side of the smallest picture in which OpenCV looks for motion


@dataclass(frozen=True)
class Echoes:
    """A frame of packed reflectivity (y, x), and the flat index of each of its pixels that echoes."""

    codes: Codes
    places: NDArray[np.intp]

    @classmethod
    def of(cls, codes: Codes) -> Echoes:
        """The echoes of a frame."""
        return cls(codes, np.flatnonzero(is_echo(codes)))

    def take(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The values that a picture (y, x) has at the echoes."""
        return picture.reshape(-1).take(self.places, mode="clip")  # quicker than with a check

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """A picture (y, x) with these values at the echoes, and 0 elsewhere."""
        picture = np.zeros(self.codes.size, values.dtype)
        picture[self.places] = values
        return picture.reshape(self.codes.shape)


def judge_colour(echoes: Echoes, *, prior: float = 0.5) -> LogOdds:
    """The same for every echo: the log-odds of an echo of which nothing else is known."""
    return np.full(echoes.places.size, prior, np.float32)


class DensityJudge:
    """For echo among echo, against echo with little around it.

    Of the share of echo in a near and a far window: so much times its logarithm, less that of the share at
    which weather is as likely as not. Shares are of what is observed.
    """

    def __init__(self, observed: Mask, *, near_px: int = 5, far_px: int = 17) -> None:
        """`observed` (y, x) is what can echo in any of the frames to be judged."""
        self._windows = [(size, size) for size in (near_px, far_px)]
        self._seen = [count_in_window(observed, window) for window in self._windows]

    def __call__(
        self,
        echoes: Echoes,
        *,
        weights: tuple[float, float] = (3.0, 1.8),
        even_shares: tuple[float, float] = (0.27, 0.32),
    ) -> LogOdds:
        """`weights` and `even_shares` are of the near and the far window."""
        echo, evidence = is_echo(echoes.codes), np.zeros(echoes.places.size, np.float32)
        for window, seen, weight, even in zip(self._windows, self._seen, weights, even_shares, strict=True):
            share = echoes.take(count_in_window(echo, window)) / echoes.take(seen)
            evidence += np.float32(weight) * (np.log(share + FLOOR) - np.float32(log(even)))
        return evidence


class SpokeJudge:
    """Against echo that is thin across the beam: spokes, and what stands alone. Never for an echo.

    It looks at a radar's own polar picture: `core` is the share of echo along the ray through a pixel (41 pixels
    of range, the widest of three azimuths), `side` that of nine azimuths 5 degrees away, on the side with more.
    """

    def __init__(self, observed: Mask, center_px: tuple[float, float], range_px: float) -> None:
        """`observed` (y, x) is what can echo in any of the frames to be judged; centre and range are in pixels."""
        self._ranges, pad = max(1, int(np.ceil(range_px))), SIDE_ROWS + SIDE_WIDTH // 2
        azimuth = (np.arange(-pad, AZIMUTHS + pad) * (2 * np.pi / AZIMUTHS))[:, None]
        along = (np.arange(self._ranges) + 0.5)[None]
        column = np.rint(center_px[0] + along * np.sin(azimuth)).astype(np.intp)
        row = np.rint(center_px[1] - along * np.cos(azimuth)).astype(np.intp)
        height, width = observed.shape
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        self._source = np.where(inside, row * width + column, height * width)
        east = (np.arange(width) - center_px[0]).astype(np.float32)[None]
        north = (center_px[1] - np.arange(height)).astype(np.float32)[:, None]
        ray = np.rint(np.arctan2(east, north) * np.float32(AZIMUTHS / (2 * np.pi))).astype(np.intp) % AZIMUTHS
        distance = np.minimum(np.hypot(east, north), self._ranges - 1).astype(np.intp)
        self._polar = (pad + ray) * self._ranges + distance
        least = LEAST_OBSERVED * ALONG
        self._seen = [
            np.where(count >= least * azimuths, count, np.float32(np.nan)).reshape(-1)
            for count, azimuths in zip(self._counts(observed), (1, SIDE_WIDTH), strict=True)
        ]

    def __call__(
        self, echoes: Echoes, *, side_share: float = 0.1, side_weight: float = 1.0, core_weight: float = 0.5
    ) -> LogOdds:
        """Against what has less beside it than `side_share`, and less than along its ray."""
        counts = [count.reshape(-1) for count in self._counts(is_echo(echoes.codes))]
        here = echoes.take(self._polar)
        left, right = here - SIDE_ROWS * self._ranges, here + SIDE_ROWS * self._ranges
        core = counts[0].take(here) / self._seen[0].take(here)
        side = np.fmax(*(counts[1].take(place) / self._seen[1].take(place) for place in (left, right)))
        within, beside = np.log(core + FLOOR), np.log(side + FLOOR)
        evidence = side_weight * np.minimum(beside - np.float32(log(side_share)), 0)
        evidence += core_weight * np.minimum(beside - within, 0)
        return np.asarray(np.nan_to_num(evidence, nan=0.0), np.float32)

    def _counts(self, mask: Mask) -> list[NDArray[np.float32]]:
        """(azimuth, range): how much of a mask (y, x) lies along each ray, widened, and in a sector about it."""
        polar = np.append(mask.reshape(-1), False).view(np.uint8).take(self._source, mode="clip")
        widened = np.asarray(cv2.dilate(polar, np.ones((CORE_WIDTH, 1), np.uint8)))
        windows = ((widened, (1, ALONG)), (polar, (SIDE_WIDTH, ALONG)))
        return [count_in_window(picture.view(np.bool_), window) for picture, window in windows]


def judge_area(echoes: Echoes, echo_class: Codes) -> LogOdds:
    """1 for what the label by area and shape calls weather, 1 against what it does not; see `labels`."""
    return _for_and_against(echoes.take(echo_class))


def judge_atlas(echoes: Echoes, echo_frequency: NDArray[np.float32], *, weight: float = 8.0) -> LogOdds:
    """Against echo where it echoes often in quiet weather; NaN, where that is not known, says nothing."""
    return np.asarray(-np.float32(weight) * np.nan_to_num(echoes.take(echo_frequency), nan=0.0), np.float32)


@dataclass(frozen=True)
class MovingFrame:
    """A frame as its neighbours in time look at it.

    `marks` (y, x) is 1 near echo, 2 where nothing was observed, else 0; `field` is the smoothed echo, whose
    motion is looked for, at a quarter of the size.
    """

    marks: NDArray[np.uint8]
    field: NDArray[np.uint8]

    @classmethod
    def of(cls, codes: Codes, *, near_px: int = 2, smooth_px: float = 6.0) -> MovingFrame:
        """Of packed reflectivity (y, x)."""
        nodata = codes == NODATA
        near = widen(is_echo(codes), near_px)
        marks = near + (nodata & ~near) * np.uint8(2)
        height, width = (-(-size // FLOW_SCALE) for size in codes.shape)
        strength = codes * ~nodata
        smaller = cv2.resize(strength, (width, height), interpolation=cv2.INTER_AREA)
        return cls(marks, np.asarray(cv2.GaussianBlur(smaller, (0, 0), smooth_px / FLOW_SCALE), np.uint8))

    def motion_to(self, other: MovingFrame) -> NDArray[np.float32]:
        """(y, x, 2) at a quarter of the size: pixels to the right and down to the same echo in another frame."""
        if min(self.field.shape) < LEAST_FLOW_PX:
            return np.zeros((*self.field.shape, 2), np.float32)
        flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        flow.setFinestScale(0)
        flow.setPatchStride(6)  # of 8 pixels: neighbours overlap a little, which is enough and quick
        flow.setUseSpatialPropagation(False)  # which depends on the number of threads
        found = flow.calc(self.field, other.field, None)  # type: ignore[call-overload]
        return np.asarray(found * np.float32(FLOW_SCALE))

    def confirmed_by(self, other: MovingFrame, echoes: Echoes) -> LogOdds:
        """Of this frame's echoes: 1/2 where another frame has echo near the place to which they moved, -1/2 where
        it has none, 0 where it was not observed.
        """
        height, width = self.marks.shape
        cells, places = _flow_places((height, width))
        motion = np.clip(np.rint(self.motion_to(other)), -FARTHEST_PX, FARTHEST_PX).astype(np.intp)
        shift = motion[..., 1] * (width + 2 * FARTHEST_PX) + motion[..., 0]
        moved = echoes.take(places) + shift.reshape(-1).take(echoes.take(cells))
        found = np.pad(other.marks, FARTHEST_PX, constant_values=2).reshape(-1).take(moved)
        return np.asarray(np.array([-0.5, 0.5, 0], np.float32).take(found))


@lru_cache(maxsize=4)
def _flow_places(shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of the pixels (y, x) of a picture: the flat index of their motion, and theirs in the widened picture."""
    rows, columns = np.indices(shape)
    width = -(-shape[1] // FLOW_SCALE)
    cells = (rows // FLOW_SCALE) * width + columns // FLOW_SCALE
    return cells, (rows + FARTHEST_PX) * (shape[1] + 2 * FARTHEST_PX) + columns + FARTHEST_PX


def judge_persistence(echoes: Echoes, neighbours: Iterable[LogOdds]) -> LogOdds:
    """1 for echo that both neighbours in time confirm (`MovingFrame.confirmed_by`), 1 against what neither does.

    Where there is but one neighbour, half of it; where one confirms and the other does not, nothing.
    """
    return sum(neighbours, start=np.zeros(echoes.places.size, np.float32))


def judge_others(echoes: Echoes, others: Codes, view: NDArray[np.float32], *, near_px: int = 2) -> LogOdds:
    """1 for echo that another radar has within `near_px`; against what it sees and has not, by how well it sees.

    `others` (y, x) is what the other radars see, `nodata` where none does; `view` is 0..1 (`view_of`).
    """
    near, sight = echoes.take(widen(is_echo(others), near_px)), echoes.take(view)
    asked = (echoes.take(others) != NODATA) & (sight > 0)
    return np.asarray(np.where(near, np.float32(1), -sight) * asked, np.float32)


def view_of(range_share: NDArray[np.float32], *, farthest: float = 0.5) -> NDArray[np.float32]:
    """How well a radar sees places by their share of its range: 1 beside it, 0 from `farthest` on; 0 at NaN.

    It falls with the square of the distance, as its beam rises over what it should see.
    """
    view = np.clip(1 - np.square(range_share / np.float32(farthest)), 0, 1)
    return np.asarray(np.nan_to_num(view, nan=0.0), np.float32)


def judge_reference(echoes: Echoes, mask: Codes, *, weight: float = 20.0) -> LogOdds:
    """What a mask says: 1 is meteorological, 2 is not, of others it knows nothing. It outweighs all others."""
    return np.asarray(np.float32(weight) * _for_and_against(echoes.take(mask)))


def widen(mask: Mask, radius_px: int) -> Mask:
    """(y, x): where the mask is at most so many pixels away, counted to the sides and over corners alike."""
    size = 2 * radius_px + 1
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((size, size), np.uint8))).view(np.bool_)


def _for_and_against(classes: Codes) -> LogOdds:
    return np.asarray(np.subtract(classes == METEOROLOGICAL, classes == NON_METEOROLOGICAL, dtype=np.float32))
