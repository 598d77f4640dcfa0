"""Land, sea and hills, the basis of the maps and the ground clutter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.simulation.spectra import Field, power_law, to_field, white_noise

SLOPE = 3.6
OUTER_KM = 150.0
SEA_LEVEL = -0.25  # in deviations of the field: some three fifths are land
HILL_KM = 0.35
STEEPNESS = 1.5


def raise_land(shape: tuple[int, int], km_per_pixel: float, generator: np.random.Generator) -> Field:
    """Return (height, width) km above the sea, exactly 0 on it, of a periodic plane."""
    amplitude = power_law(shape, km_per_pixel, SLOPE, OUTER_KM)
    field = to_field(white_noise(shape, generator) * amplitude, shape)
    height: Field = (HILL_KM * np.maximum(field - SEA_LEVEL, 0) ** STEEPNESS).astype(np.float32)
    return height


def find_places(land: Field, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return (count, 2) row and column of places on land; fewer where there is less land."""
    ashore = np.argwhere(land > 0)
    return generator.permutation(ashore)[:count]
