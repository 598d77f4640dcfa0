"""Range rings of a radar on its grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.planes import GEOD

Line = NDArray[np.float64]  # (points, 2)
_STEPS_KM = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
_RINGS = 5  # at most
_POINTS = 181


def range_rings(radar: RadarGeometry, reach_km: float) -> list[tuple[str, Line]]:
    """Return the label of each ring up to `reach_km`, and its (column, row) in pixels of the grid.

    A mosaic has no rings.
    """
    if radar.position is None:
        return []
    longitude, latitude = radar.position
    step = next((step for step in _STEPS_KM if reach_km / step <= _RINGS), _STEPS_KM[-1])
    azimuth = np.linspace(0, 360, _POINTS)
    rings = []
    for distance in np.arange(step, reach_km + 1e-6, step):
        start = np.full(_POINTS, longitude), np.full(_POINTS, latitude)
        longitudes, latitudes, _ = GEOD.fwd(*start, azimuth, np.full(_POINTS, 1000 * distance))
        points = np.stack(radar.grid.pixel_of(np.asarray(longitudes), np.asarray(latitudes)), axis=-1)
        rings.append((f"{distance:g} km", points))
    return rings
