"""Py-ART's despeckling by the size of connected gates.

Py-ART is the extra `benchmark`; it is imported when the filter runs.
"""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from radar_cleaner.conventions import ADD_OFFSET
from radar_cleaner.evaluation.cleaners.polar_grid import grid_name, scene_dbz, to_scene
from radar_cleaner.evaluation.cleaners.registry import register_filter
from radar_cleaner.evaluation.cleaners.scene import Scene, Values

if TYPE_CHECKING:
    import pyart

FIELD = "reflectivity"


@register_filter(
    "pyart_despeckle",
    name="Py-ART despeckle",
    threshold=10,
    settings={
        f"{grid_name(azimuths)}, from {lowest} dBZ": {"azimuths": azimuths, "lowest_dbz": lowest}
        for azimuths, lowest in product((360, 720), (-100, 20, 25))
    },
)
def despeckle(scene: Scene, azimuths: int, lowest_dbz: float) -> Values:
    """Give each gate the size in gates of its object, of at least `lowest_dbz`; infinity outside objects."""
    radar = scene.once(
        ("Py-ART radar", azimuths), lambda: polar_radar(scene_dbz(scene, azimuths), scene.site.range_km)
    )
    return to_scene(scene, azimuths, object_sizes(radar, lowest_dbz))


def polar_radar(dbz: Values, range_km: float) -> pyart.core.Radar:
    """Return a Py-ART radar of one sweep of (azimuths, ranges) dBZ; bins without echo are masked."""
    pyart = load_pyart()
    azimuths, ranges = dbz.shape
    radar = pyart.testing.make_empty_ppi_radar(ranges, azimuths, 1)
    radar.azimuth["data"] = ((np.arange(azimuths) + 0.5) * 360 / azimuths).astype(np.float32)
    radar.range["data"] = ((np.arange(ranges) + 0.5) * 1000 * range_km / ranges).astype(np.float32)
    masked = np.ma.masked_where(np.isnan(dbz) | (dbz <= ADD_OFFSET), dbz)
    radar.add_field(FIELD, {"data": masked, "units": "dBZ", "_FillValue": -9999.0})
    return radar


def object_sizes(radar: pyart.core.Radar, lowest_dbz: float) -> Values:
    """Return (azimuths, ranges): the gates of Py-ART's object; infinity outside objects, where Py-ART keeps all.

    `despeckle_field` keeps objects of at least its size.
    """
    objects = load_pyart().correct.despeckle.find_objects(radar, FIELD, lowest_dbz)["data"]
    labels = np.ma.filled(objects, 0).astype(np.int64)
    sizes = np.bincount(labels.reshape(-1)).astype(np.float32)
    sizes[0] = np.inf
    return np.asarray(sizes[labels], dtype=np.float32)


def load_pyart() -> Any:
    """Import Py-ART without its banner."""
    os.environ.setdefault("PYART_QUIET", "1")
    import pyart

    return pyart
