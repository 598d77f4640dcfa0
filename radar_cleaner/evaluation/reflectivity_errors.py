"""How far an estimate of reflectivity is from the radar's own value: sums that add up, errors, correlation.

Sums are of reflectivity minus 20 dBZ, which is near the mean of echo: variances are differences of sums of
squares, and values near 0 lose fewer digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.evaluation.metrics import known

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]

_SHIFT_DBZ = 20.0
# Columns of the sums: pixels, estimate, value, their squares, their product, the error without its sign.
ERROR_SUMS = 7
# A variance below this share of the mean square is what rounding leaves of none.
_NO_VARIANCE = 1e-10
DBZ_EDGES: Sums = np.arange(-32.0, 97.0)  # of `count_pairs`: 1 dBZ each


def sum_errors(
    estimate: NDArray[np.floating], value: NDArray[np.floating], band: NDArray[np.int64], bands: int
) -> Sums:
    """(bands, ERROR_SUMS) of (pixels,) values in dBZ and the band of each."""
    x, y = (part.astype(np.float64) - _SHIFT_DBZ for part in (estimate, value))
    columns = (None, x, y, x * x, y * y, x * y, np.abs(x - y))
    return np.stack([np.bincount(band, column, minlength=bands) for column in columns], axis=1).astype(np.float64)


def count_pairs(estimate: NDArray[np.floating], value: NDArray[np.floating]) -> Counts:
    """(estimate, value) counts of (pixels,) values in dBZ, in bins of `DBZ_EDGES`; its end bins have the rest."""
    bins = DBZ_EDGES.size - 1
    x, y = (np.clip(np.floor(part - DBZ_EDGES[0]), 0, bins - 1).astype(np.int64) for part in (estimate, value))
    return np.bincount(x * bins + y, minlength=bins * bins).reshape(bins, bins).astype(np.int64)


def error_ratios(sums: Sums) -> dict[str, Sums]:
    """Scores (...,) of (..., ERROR_SUMS) sums, NaN where undefined.

    MAE, RMSE and bias (estimate less value) in dBZ; Pearson's `r`, undefined where either does not vary; `r2`, the
    share of the value's variance that the estimate explains, below 0 where its mean would do better.
    """
    pixels, x, y, xx, yy, xy, off = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    count = np.where(pixels > 0, pixels, np.nan)
    square = np.maximum(xx - 2 * xy + yy, 0) / count
    variances = [_variance(part / count, squares / count) for part, squares in ((x, xx), (y, yy))]
    covariance = xy / count - x / count * (y / count)
    return {
        "mae_dbz": np.asarray(off / count),
        "rmse_dbz": np.sqrt(square),
        "bias_dbz": np.asarray((x - y) / count),
        "r": np.clip(covariance / np.sqrt(variances[0] * variances[1]), -1, 1),
        "r2": np.asarray(1 - square / variances[1]),
    }


def error_scores(sums: Sums) -> dict[str, float | int | None]:
    """Pixels and scores (`error_ratios`) of one row of sums."""
    return {"pixels": int(sums[0]), **{name: known(value) for name, value in error_ratios(sums).items()}}


def _variance(mean: Sums, mean_square: Sums) -> Sums:
    """NaN where there is none."""
    variance = mean_square - mean**2
    return np.where(variance > _NO_VARIANCE * mean_square, variance, np.nan)
