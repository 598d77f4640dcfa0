"""Classical filters: each gives a keep score (y, x), the higher the rather is an echo meteorological.

What they say where there is no echo is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import ADD_OFFSET, NODATA, NON_METEOROLOGICAL, SCALE_FACTOR, decode_dbz, is_echo

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Values = NDArray[np.float32]


def label_score(label_class: Codes) -> Values:
    """1 where the single-picture label keeps an echo, 0 where it calls it non-meteorological."""
    return np.asarray(label_class != NON_METEOROLOGICAL, dtype=np.float32)


def label_and_atlas_score(label_class: Codes, echo_frequency: Values) -> Values:
    """-1 where the label removes an echo, else 1 less how often it echoes here when it should not (NaN: never)."""
    rare = 1 - np.nan_to_num(echo_frequency, nan=0.0)
    return np.where(label_class == NON_METEOROLOGICAL, -1, rare).astype(np.float32)


def component_sizes(echo: Mask, connectivity: int) -> Values:
    """Pixels of the connected echo that a pixel belongs to, joined over corners (8) or not (4); 0 without echo."""
    _, components, statistics, _ = cv2.connectedComponentsWithStats(
        echo.view(np.uint8), connectivity=connectivity, ltype=cv2.CV_32S
    )
    sizes = statistics[:, cv2.CC_STAT_AREA].astype(np.float32)
    sizes[0] = 0
    return np.asarray(sizes[components], dtype=np.float32)


def persistence(neighbours: Iterable[Codes], reach_px: int, shape: tuple[int, int]) -> Values:
    """Share of the neighbours in time that echo within `reach_px` of a pixel, of those that look there.

    1 where none looks: what was not seen is no reason to remove.
    """
    confirmed, looked = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    disc = disc_of(reach_px)
    for codes in neighbours:
        seen = codes != NODATA
        near = cv2.dilate(is_echo(codes).view(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        confirmed += seen & (near > 0)
        looked += seen
    return np.divide(confirmed, looked, out=np.ones(shape, np.float32), where=looked > 0)


def disc_of(radius: int) -> Codes:
    """(2 r + 1, 2 r + 1) uint8: 1 where the middle is at most `radius` pixels away."""
    row, column = np.indices((2 * radius + 1,) * 2) - radius
    return (row**2 + column**2 <= radius**2).astype(np.uint8)


def median_in_time(frames: Sequence[Codes]) -> Values:
    """(y, x) dBZ: the middle one of the frames that look there (of an even number the higher); no echo is -32.

    NaN where none looks.
    """
    stack = np.sort(np.stack(frames), axis=0)  # nodata, the highest code, comes last
    seen = (stack != NODATA).sum(axis=0)
    middle = np.take_along_axis(stack, (seen // 2)[None], axis=0)[0]
    return decode_dbz(np.where(seen > 0, middle, NODATA).astype(np.uint8))


def rain_rate(codes: Codes) -> Values:
    """mm/h of packed reflectivity (any shape) by Marshall and Palmer, Z = 200 R^1.6; 0 without echo."""
    return _RATES[codes]


def accumulated_rain(frames: Sequence[Codes]) -> tuple[Values, Mask]:
    """(y, x) sum of the frames' rain rates in mm/h, and where any of them looked."""
    rain, observed = np.zeros(frames[0].shape), np.zeros(frames[0].shape, bool)
    for codes in frames:
        rain += rain_rate(codes)
        observed |= codes != NODATA
    return rain.astype(np.float32), observed


_CODES = np.arange(256, dtype=np.uint8)
_DBZ = _CODES * SCALE_FACTOR + ADD_OFFSET
_RATES = np.where(is_echo(_CODES), (10 ** (_DBZ / 10) / 200) ** (1 / 1.6), 0).astype(np.float32)
