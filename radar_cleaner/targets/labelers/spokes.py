"""The labeler `spoke`: against echo that is thin across the beam, as interference spokes and single pixels are."""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from math import log
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import is_echo
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import offsets_px, pixels_at
from radar_cleaner.reflectivity.statistics import count_in_window
from radar_cleaner.targets.labelers.base import Echoes, Labeler, LogOdds, Mask, Sources
from radar_cleaner.targets.labelers.coverage import ByCoverage
from radar_cleaner.targets.labelers.registry import register_labeler

logger = logging.getLogger(__name__)

FLOOR = np.float32(0.02)  # added to shares: the logarithm of 0 is not finite
AZIMUTHS = 720  # rays of half a degree
SIDE_ROWS = 10  # 5 degrees to the left and to the right
SIDE_WIDTH = 9  # azimuths
CORE_WIDTH = 3  # azimuths
ALONG = 41  # pixels of range
MIN_OBSERVED = 0.1  # share of a polar window; with less the window gives no evidence


@register_labeler(
    "spoke",
    order=30,
    weight=1,
    description="Weight of the echo 5 degrees to the left and to the right in polar coordinates.",
)
class Spokes(Labeler):
    """Evidence against echo that is thin across the beam."""

    def __init__(self, radar: RadarGeometry) -> None:
        self._by_coverage = ByCoverage(partial(SpokeShape, radar=radar))

    @classmethod
    def open(cls, sources: Sources) -> Self | None:
        """Open the labeler. A mosaic of many radars has no rays."""
        radar = sources.geometry
        if radar.position is None:
            logger.info("%s is a mosaic: no evidence of spokes", radar.radar)
            return None
        return cls(radar)

    def log_odds(self, echoes: Echoes, time: int) -> LogOdds:
        return self._by_coverage(echoes)


class SpokeShape:
    """Log-odds by the echo along the ray through an echo and beside that ray. They are never positive.

    Shares are counted in polar coordinates around the radar. `core` is the share of echo along the ray through a
    pixel: 41 pixels of range, with the widest of three azimuths. `side` is the share of echo in nine azimuths 5
    degrees away, on the side with more echo.
    """

    def __init__(self, observed: Mask, radar: RadarGeometry) -> None:
        """`observed` (y, x) are the pixels of the radar's box that are not nodata."""
        self._ranges, self._source, self._polar = _rays(radar)
        minimum = MIN_OBSERVED * ALONG
        self._observed = [
            np.where(count >= minimum * azimuths, count, np.float32(np.nan)).reshape(-1)
            for count, azimuths in zip(self._counts(observed), (1, SIDE_WIDTH), strict=True)
        ]

    def __call__(
        self, echoes: Echoes, *, side_share: float = 0.1, side_factor: float = 1.0, core_factor: float = 0.5
    ) -> LogOdds:
        """Return the log-odds: negative for `side` below `side_share`, and for `side` below `core`."""
        counts = [count.reshape(-1) for count in self._counts(is_echo(echoes.codes))]
        here = echoes.take(self._polar)
        left, right = here - SIDE_ROWS * self._ranges, here + SIDE_ROWS * self._ranges
        core = counts[0].take(here) / self._observed[0].take(here)
        side = np.fmax(*(counts[1].take(sector) / self._observed[1].take(sector) for sector in (left, right)))
        within, beside = np.log(core + FLOOR), np.log(side + FLOOR)
        evidence = side_factor * np.minimum(beside - np.float32(log(side_share)), 0)
        evidence += core_factor * np.minimum(beside - within, 0)
        return np.asarray(np.nan_to_num(evidence, nan=0.0), np.float32)

    def _counts(self, mask: Mask) -> list[NDArray[np.float32]]:
        """Count a mask (y, x) in polar coordinates (azimuth, range): along each widened ray, and in a sector."""
        polar = np.append(mask.reshape(-1), False).view(np.uint8).take(self._source, mode="clip")
        widened = np.asarray(cv2.dilate(polar, np.ones((CORE_WIDTH, 1), np.uint8)))
        windows = ((widened, (1, ALONG)), (polar, (SIDE_WIDTH, ALONG)))
        return [count_in_window(array.view(np.bool_), window) for array, window in windows]


@lru_cache(maxsize=4)
def _rays(radar: RadarGeometry) -> tuple[int, NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of ranges, the pixel of each (azimuth, range), and the bin of each pixel (y, x).

    The number after the last pixel marks a bin outside the frame.
    """
    ranges, pad = max(1, int(np.ceil(round(radar.reach_px, 6)))), SIDE_ROWS + SIDE_WIDTH // 2
    azimuth = (np.arange(-pad, AZIMUTHS + pad) * (2 * np.pi / AZIMUTHS))[:, None]
    along = (np.arange(ranges) + 0.5)[None]
    column, row = (np.rint(place).astype(np.intp) for place in pixels_at(radar, azimuth, along))
    height, width = radar.grid.shape
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    source = np.where(inside, row * width + column, height * width)
    east, north = (away.astype(np.float32) for away in offsets_px(radar))
    ray = np.rint(np.arctan2(east, north) * np.float32(AZIMUTHS / (2 * np.pi))).astype(np.intp) % AZIMUTHS
    distance = np.minimum(np.hypot(east, north), ranges - 1).astype(np.intp)
    return ranges, source, (pad + ray) * ranges + distance
