"""Filters of wradlib and Py-ART as keep scores: what their decision compares with a threshold is the score.

Both are the extra `benchmark`. wradlib's `filter_cloudtype` is not among them: it needs a satellite's cloud types.
Reflectivity is given to them in dBZ, no echo as -32, what was not observed as NaN or masked, as they want it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import ADD_OFFSET, NODATA, decode_dbz

from .polar import PolarGrid

if TYPE_CHECKING:
    import pyart

Codes = NDArray[np.uint8]
Values = NDArray[np.float32]

FIELD = "reflectivity"


def polar_dbz(codes: Codes, grid: PolarGrid) -> Values:
    """(azimuths, ranges) dBZ of a picture: -32 without echo, NaN where nothing of a bin was observed."""
    # No data is below everything, so that a bin of which a part was observed is observed.
    rank = np.where(codes == NODATA, -1, codes.astype(np.float32))
    bins = grid.from_picture(rank.astype(np.float32), outside=-1)
    return decode_dbz(np.where(bins < 0, NODATA, bins).astype(np.uint8))


def gabella_counts(dbz: Values, window: int, gradient_dbz: float, cartesian: bool) -> Values:
    """How many bins or pixels of a window are less than `gradient_dbz` below the middle: Gabella's first part."""
    from wradlib.classify import filter_gabella_a

    # As in wradlib.classify.filter_gabella: what was not observed is higher than all.
    known = np.where(np.isnan(dbz), np.inf, dbz)
    with np.errstate(invalid="ignore"):  # inf - inf
        return np.asarray(filter_gabella_a(known, window, gradient_dbz, cartesian=cartesian), dtype=np.float32)


def gabella_ratios(dbz: Values) -> Values:
    """Area over circumference of the connected echo: Gabella's second part."""
    from wradlib.classify import filter_gabella_b

    return np.asarray(filter_gabella_b(np.where(np.isnan(dbz), np.inf, dbz), thrs=0.0), dtype=np.float32)


def gabella_score(counts: Values, ratios: Values, least_ratio: float) -> Values:
    """The first part's count; -1 where the second part removes. What `filter_gabella` keeps has n_p or more."""
    return np.where(np.abs(ratios) < least_ratio, -1, counts).astype(np.float32)


def similar_neighbours(dbz: Values, bin_km: float, half_size_km: float, gradient_dbz: float) -> Values:
    """(azimuths, ranges) share of the bins about one that are less than `gradient_dbz` lower; 1 where unknown."""
    from wradlib.classify import filter_window_distance

    with np.errstate(invalid="ignore"):
        share = filter_window_distance(dbz, 1000 * bin_km, fsize=1000 * half_size_km, tr1=gradient_dbz)
    return np.asarray(np.nan_to_num(share, nan=1.0, posinf=1.0), dtype=np.float32)


def histogram_cut(accumulation: Values, observed: NDArray[np.bool_], upper_frequency: float) -> NDArray[np.bool_]:
    """(y, x) static clutter by wradlib's histogram of what fell over a long time (its class 1; shading stays)."""
    from wradlib.classify import histo_cut

    found = np.zeros(accumulation.shape, bool)
    found[observed] = histo_cut(accumulation[observed].astype(np.float64), upper_frequency=upper_frequency) == 1
    return found


def polar_radar(dbz: Values, range_km: float) -> pyart.core.Radar:
    """A Py-ART radar of one sweep of (azimuths, ranges) dBZ; bins without echo are masked."""
    pyart = _pyart()
    azimuths, ranges = dbz.shape
    radar = pyart.testing.make_empty_ppi_radar(ranges, azimuths, 1)
    radar.azimuth["data"] = ((np.arange(azimuths) + 0.5) * 360 / azimuths).astype(np.float32)
    radar.range["data"] = ((np.arange(ranges) + 0.5) * 1000 * range_km / ranges).astype(np.float32)
    masked = np.ma.masked_where(np.isnan(dbz) | (dbz <= ADD_OFFSET), dbz)
    radar.add_field(FIELD, {"data": masked, "units": "dBZ", "_FillValue": -9999.0})
    return radar


def object_sizes(radar: pyart.core.Radar, threshold_dbz: float) -> Values:
    """(azimuths, ranges) gates of the object that Py-ART finds here; infinite outside objects, which it leaves.

    What `despeckle_field` keeps at a size has that size or more.
    """
    found = _pyart().correct.despeckle.find_objects(radar, FIELD, threshold_dbz)["data"]
    labels = np.ma.filled(found, 0).astype(np.int64)
    sizes = np.bincount(labels.reshape(-1)).astype(np.float32)
    sizes[0] = np.inf
    return np.asarray(sizes[labels], dtype=np.float32)


def versions() -> dict[str, str]:
    """Versions of the libraries whose filters are compared."""
    from importlib.metadata import version

    return {name: version(name) for name in ("wradlib", "arm_pyart")}


def _pyart() -> Any:
    os.environ.setdefault("PYART_QUIET", "1")
    import pyart

    return pyart
