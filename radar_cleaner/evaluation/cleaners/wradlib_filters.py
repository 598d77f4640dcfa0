"""Filters of wradlib: the number that their decision compares with a threshold is the score.

wradlib is the extra `benchmark`; it is imported when a filter runs. Its `filter_cloudtype` is left out: it needs
satellite data. Reflectivity is in dBZ, no echo -32, no data NaN.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import ADD_OFFSET, NODATA, SCALE_FACTOR, is_echo
from radar_cleaner.evaluation.cleaners.polar_grid import grid_name, scene_dbz, scene_grid, to_scene
from radar_cleaner.evaluation.cleaners.registry import register_filter
from radar_cleaner.evaluation.cleaners.scene import Codes, Mask, Scene, Values

UPPER_FREQUENCIES = (0.01, 0.03, 0.1, 0.3)
_GABELLA = [
    (360, 5, 6, 1.3),  # wradlib's defaults
    *(one for one in product((0, 360, 720), (3, 5, 9, 13), (6, 30), (0, 1.3)) if one != (360, 5, 6, 1.3)),
]


@register_filter(
    "wradlib_gabella",
    name="wradlib Gabella",
    threshold=6,
    settings={
        f"{grid_name(azimuths)}, {window} bins, {gradient} dB, ratio {ratio}": {
            "azimuths": azimuths,
            "window": window,
            "gradient_dbz": gradient,
            "least_ratio": ratio,
        }
        for azimuths, window, gradient, ratio in _GABELLA
    },
)
def gabella(scene: Scene, azimuths: int, window: int, gradient_dbz: float, least_ratio: float) -> Values:
    """Count the similar neighbours of each bin; -1 where the connected echo is too narrow (Gabella, 2002)."""
    dbz = scene_dbz(scene, azimuths)
    counts = scene.once(
        ("gabella counts", azimuths, window, gradient_dbz),
        lambda: gabella_counts(dbz, window, gradient_dbz, cartesian=not azimuths),
    )
    ratios = scene.once(("gabella ratios", azimuths), lambda: gabella_ratios(dbz))
    return to_scene(scene, azimuths, gabella_score(counts, ratios, least_ratio))


@register_filter(
    "wradlib_window_distance",
    name="wradlib window distance",
    threshold=0.5,
    settings={
        f"{grid_name(360)}, {size} km, {gradient} dB": {"half_size_km": size, "gradient_dbz": gradient}
        for size, gradient in product((1.5, 4, 8), (7, 30))
    },
)
def window_distance(scene: Scene, half_size_km: float, gradient_dbz: float, azimuths: int = 360) -> Values:
    """Give each bin the share of similar bins within a distance."""
    bin_km = scene.site.range_km / scene_grid(scene, azimuths).ranges
    share = similar_neighbours(scene_dbz(scene, azimuths), bin_km, half_size_km, gradient_dbz)
    return to_scene(scene, azimuths, share)


@register_filter(
    "wradlib_histogram_cut",
    name="wradlib histogram cut",
    threshold=1,
    settings={f"{upper:g}": {"upper_frequency": upper} for upper in UPPER_FREQUENCIES},
)
def histogram_cut(scene: Scene, upper_frequency: float) -> Values:
    """Remove pixels whose rain, accumulated over all frames that are read, is far above that of others."""
    rain, observed = scene.site.once("accumulated rain", lambda: _accumulate(scene))
    clutter = scene.site.once(
        ("histogram cut", upper_frequency), lambda: static_clutter(rain, observed, upper_frequency)
    )
    return np.where(clutter, 0, 1).astype(np.float32)


def gabella_counts(dbz: Values, window: int, gradient_dbz: float, cartesian: bool) -> Values:
    """Count the bins of a window less than `gradient_dbz` below its middle: Gabella's first part."""
    from wradlib.classify import filter_gabella_a

    # As in wradlib.classify.filter_gabella: no data is higher than all.
    known = np.where(np.isnan(dbz), np.inf, dbz)
    with np.errstate(invalid="ignore"):  # inf - inf
        return np.asarray(filter_gabella_a(known, window, gradient_dbz, cartesian=cartesian), dtype=np.float32)


def gabella_ratios(dbz: Values) -> Values:
    """Return area over circumference of the connected echo: Gabella's second part."""
    from wradlib.classify import filter_gabella_b

    return np.asarray(filter_gabella_b(np.where(np.isnan(dbz), np.inf, dbz), thrs=0.0), dtype=np.float32)


def gabella_score(counts: Values, ratios: Values, least_ratio: float) -> Values:
    """Join both parts: the count, -1 where the second part removes. `filter_gabella` keeps n_p or more."""
    return np.where(np.abs(ratios) < least_ratio, -1, counts).astype(np.float32)


def similar_neighbours(dbz: Values, bin_km: float, half_size_km: float, gradient_dbz: float) -> Values:
    """Return the share of bins around each that are less than `gradient_dbz` lower; 1 if unknown."""
    from wradlib.classify import filter_window_distance

    with np.errstate(invalid="ignore"):
        share = filter_window_distance(dbz, 1000 * bin_km, fsize=1000 * half_size_km, tr1=gradient_dbz)
    return np.asarray(np.nan_to_num(share, nan=1.0, posinf=1.0), dtype=np.float32)


def static_clutter(rain: Values, observed: Mask, upper_frequency: float) -> Mask:
    """Return (y, x) clutter by wradlib's histogram of accumulated rain (its class 1; shaded pixels stay)."""
    from wradlib.classify import histo_cut

    clutter = np.zeros(rain.shape, bool)
    clutter[observed] = histo_cut(rain[observed].astype(np.float64), upper_frequency=upper_frequency) == 1
    return clutter


def rain_rate(codes: Codes) -> Values:
    """Return mm/h of packed reflectivity (any shape) by Marshall and Palmer, Z = 200 R^1.6; 0 without echo."""
    return _RATES[codes]


def _accumulate(scene: Scene) -> tuple[Values, NDArray[np.bool_]]:
    """Sum the rain rates (y, x) of all frames of the source in mm/h, and mark pixels with any data."""
    rain, observed = np.zeros(scene.codes.shape), np.zeros(scene.codes.shape, bool)
    for time in scene.source.times:
        codes = scene.source.codes(time)
        if codes is not None:
            rain += rain_rate(codes)
            observed |= codes != NODATA
    return rain.astype(np.float32), observed


_CODES = np.arange(256, dtype=np.uint8)
_DBZ = _CODES * SCALE_FACTOR + ADD_OFFSET
_RATES = np.where(is_echo(_CODES), (10 ** (_DBZ / 10) / 200) ** (1 / 1.6), 0).astype(np.float32)
