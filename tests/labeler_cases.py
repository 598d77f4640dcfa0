"""Frames and masks on which the labelers are tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.targets.labelers.base import Echoes

SIZE, CENTER, RANGE = (200, 200), (100.0, 99.0), 100.0
CODE = 110
Codes = NDArray[np.uint8]
some_codes = arrays(np.uint8, (9, 8), elements=st.sampled_from([UNDETECT, NODATA, 1, CODE, 254]))
some_classes = arrays(np.uint8, (9, 8), elements=st.integers(0, 3))


def polar() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Range in pixels and azimuth in degrees, 0..360, of the pixels."""
    rows, columns = np.indices(SIZE)
    east, north = columns - CENTER[0], CENTER[1] - rows
    return np.hypot(east, north), np.degrees(np.arctan2(east, north)) % 360


DISTANCE, AZIMUTH = polar()
OBSERVED = DISTANCE <= RANGE


def picture(echo: NDArray[np.bool_]) -> Codes:
    return np.where(OBSERVED, np.where(echo, CODE, UNDETECT), NODATA).astype(np.uint8)


def off(azimuth: float) -> NDArray[np.float64]:
    """Degrees away from an azimuth."""
    return np.abs((AZIMUTH - azimuth + 180) % 360 - 180)


def spoke(azimuth: float, degrees: float = 0.6) -> NDArray[np.bool_]:
    return (off(azimuth) < degrees) & (DISTANCE > 30)


def blob(row: float, column: float, radius: float = 12, size: tuple[int, int] = SIZE) -> Codes:
    rows, columns = np.indices(size)
    return np.where(np.hypot(rows - row, columns - column) < radius, CODE, UNDETECT).astype(np.uint8)


def evidence_of(log_odds: Callable[..., NDArray[np.float32]], codes: Codes, *inputs: Any) -> NDArray[np.float32]:
    """The log-odds of the echoes, as an array (y, x)."""
    echoes = Echoes.of(codes)
    evidence = log_odds(echoes, *inputs)
    assert evidence.dtype == np.float32 and evidence.shape == echoes.pixels.shape
    assert np.isfinite(evidence).all()
    return echoes.scatter(evidence)
