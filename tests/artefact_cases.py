"""Artefacts and frames for the tests of artefact injection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import KINDS, ArtefactKind
from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.artefacts.canvas import Artefact
from radar_cleaner.datasets.artefacts.inject import Injected, inject

SHAPE = (96, 120)
CENTER, RANGE = (51.0, 40.0), 110.0
TIMES = 3
ALL_CODES = np.arange(256, dtype=np.uint8)
# Parameters of strong, whole artefacts of a size that fits the frame.
NUMBERS = {
    "count": 1,
    "dbz": 30.0,
    "width_degrees": 4.0,
    "start": 0.5,
    "filled": 1.0,
    "dash_px": 5.0,
    "lasting": 1.0,
    "specks": 12,
    "radius_px": 15.0,
    "size_px": 3.0,
    "density": 0.6,
    "grain_px": 1.5,
    "width_px": 3.0,
    "arc_degrees": 360.0,
    "turbines": 8,
    "swing_db": 6.0,
    "along_px": 30.0,
    "across_px": 16.0,
    "squeeze": 2.0,
    "loss_db": 8.0,
    "share": 0.2,
}


def one(kind: ArtefactKind, **changes: object) -> Artefact:
    """Return an artefact at all times over the pixel at column 80, row 30; `changes` are numbers or fields."""
    place = {"column": 80.0, "row": 30.0, "from_column": 20.0, "from_row": 70.0}
    fields = {"shown": (True,) * TIMES, "source": 1, "free": (0.1, 0.2, 0.3), **place}
    fields |= {name: changes.pop(name) for name in list(changes) if name in fields}
    numbers = tuple(float(changes.pop(name, NUMBERS[name])) for name in KINDS[kind].numbers)
    assert not changes, changes
    return Artefact(kind, numbers=numbers, **fields)


def polar() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Range in pixels and azimuth in degrees of each pixel, from the definition."""
    rows, columns = np.indices(SHAPE)
    right, up = columns - CENTER[0], CENTER[1] - rows
    return np.hypot(right, up), np.degrees(np.arctan2(right, up)) % 360


def apart(azimuth: NDArray[np.float64], other: float) -> NDArray[np.float64]:
    """Degrees between azimuths, 0 to 180."""
    return np.abs((azimuth - other + 180) % 360 - 180)


def quiet() -> NDArray[np.uint8]:
    """Frames without echo, (K, H, W)."""
    return np.zeros((TIMES, *SHAPE), np.uint8)


def rainy(seed: int = 0) -> NDArray[np.uint8]:
    """Frames of a blob of rain that moves, and of a nodata edge."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(SHAPE)
    frames = quiet()
    for time in range(TIMES):
        rain = np.hypot(rows - 66, columns - 24 - 6 * time) < 26
        frames[time] = np.where(rain, random.integers(100, 150, SHAPE), 0)
    frames[:, :, :3] = NODATA
    return frames


def injected(
    codes: NDArray[np.uint8], *artefacts: Artefact, key: int = 5, levels: NDArray[np.uint8] = ALL_CODES
) -> Injected:
    return inject(codes, CENTER, RANGE, artefacts, key, levels)
