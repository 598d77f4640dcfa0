"""Scores of a cleaner as sums and counts, which add up over frames, radars and processes.

The event is meteorological echo on a radar's own grid: a hit is meteorological echo that was kept, a miss
meteorological echo that was removed, a false alarm non-meteorological echo that was kept. Only the last
functions form ratios (`decision_scores`, `removal_curve`, `error_scores`); they are None where undefined.

Accumulators are plain arrays; the sum of two is the accumulator over both. POD, FAR and CSI as in Wilks,
Statistical Methods in the Atmospheric Sciences, chapter 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.vocabulary import METEOROLOGICAL, NON_METEOROLOGICAL

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]

# Axes of the counts of decisions: (..., class, decision).
MET, NON_MET = 0, 1
REMOVED, KEPT = 0, 1
# Close to 0 and 1 they lie closer: a sure network says 0.9999 of most pixels.
_TAIL = np.array([1, 2, 5, 10, 20, 50]) / 10_000
THRESHOLDS: Sums = np.concatenate([[0.0], _TAIL, np.arange(1, 100) / 100, 1 - _TAIL[::-1], [1.0]])


def band_of(dbz: NDArray[np.floating], edges: Sequence[float]) -> NDArray[np.int64]:
    """Band 0..len(edges) of values in dBZ (any shape): below the first edge, between, from the last up."""
    return np.asarray(np.digitize(dbz, np.asarray(edges, dtype=np.float64)), dtype=np.int64)


def band_names(edges: Sequence[float]) -> list[str]:
    """Names of the len(edges) + 1 bands that increasing edges in dBZ make."""
    if not edges:
        return ["any dBZ"]
    middle = [f"{low:g} to {high:g} dBZ" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g} dBZ", *middle, f"{edges[-1]:g} dBZ and more"]


def count_decisions(
    kept: NDArray[np.bool_], classes: NDArray[np.uint8], band: NDArray[np.int64], bands: int
) -> Counts:
    """(bands, class, decision) counts of echo pixels, from three arrays of (pixels,).

    Pixels that are neither meteorological nor non-meteorological are not counted.
    """
    scored = is_scored(classes)
    where = np.where(classes[scored] == METEOROLOGICAL, MET, NON_MET)
    flat = np.ravel_multi_index((band[scored], where, kept[scored].astype(np.int64)), (bands, 2, 2))
    return np.bincount(flat, minlength=bands * 4).reshape(bands, 2, 2).astype(np.int64)


def count_probabilities(probability: NDArray[np.floating], classes: NDArray[np.uint8], thresholds: Sums) -> Counts:
    """(class, threshold) histogram of (pixels,) probabilities: bin i is from threshold i up to the next.

    `thresholds` increase and begin at 0, so that every probability has a bin.
    """
    scored = is_scored(classes)
    where = np.where(classes[scored] == METEOROLOGICAL, MET, NON_MET)
    # In the probability's own type, as a cleaner compares them.
    bins = np.searchsorted(thresholds.astype(probability.dtype), probability[scored], side="right") - 1
    flat = np.ravel_multi_index((where, bins), (2, thresholds.size))
    return np.bincount(flat, minlength=2 * thresholds.size).reshape(2, -1).astype(np.int64)


def sum_errors(
    estimate: NDArray[np.floating], value: NDArray[np.floating], band: NDArray[np.int64], bands: int
) -> Sums:
    """(bands, 4) of (pixels,) values in dBZ: count, sum of error, of its absolute, of its square."""
    error = estimate.astype(np.float64) - value.astype(np.float64)
    columns = (np.ones_like(error), error, np.abs(error), error**2)
    return np.stack([np.bincount(band, column, minlength=bands) for column in columns], axis=1)


def decision_scores(counts: Counts) -> dict[str, float | int | None]:
    """Counts and scores of one (class, decision) table.

    `retention` is the share of meteorological echo kept (POD by another name), `removal` the share of
    non-meteorological echo removed.
    """
    hits, misses = int(counts[MET, KEPT]), int(counts[MET, REMOVED])
    false_alarms, correct_removals = int(counts[NON_MET, KEPT]), int(counts[NON_MET, REMOVED])
    retention = _ratio(hits, hits + misses)
    return {
        "hits": hits,
        "misses": misses,
        "false_alarms": false_alarms,
        "correct_removals": correct_removals,
        "retention": retention,
        "removal": _ratio(correct_removals, correct_removals + false_alarms),
        "pod": retention,
        "far": _ratio(false_alarms, hits + false_alarms),
        "csi": _ratio(hits, hits + misses + false_alarms),
    }


def removal_curve(histogram: Counts, thresholds: Sums) -> list[dict[str, float | int | None]]:
    """What a (class, threshold) histogram gives at each threshold: retention falls and removal rises."""
    kept = histogram[:, ::-1].cumsum(axis=1)[:, ::-1]  # at threshold i: its own bin and all above
    total = histogram.sum(axis=1, keepdims=True)
    tables = np.stack([total - kept, kept], axis=1)  # (class, decision, threshold)
    return [
        {"threshold": float(threshold), **decision_scores(tables[..., index])}
        for index, threshold in enumerate(thresholds)
    ]


def error_scores(sums: Sums) -> dict[str, float | int | None]:
    """MAE, RMSE and bias (estimate minus value) in dBZ of one row of `sum_errors`."""
    pixels, error, absolute, square = (float(value) for value in sums)
    mean_square = _ratio(square, pixels)
    return {
        "pixels": int(pixels),
        "mae_dbz": _ratio(absolute, pixels),
        "rmse_dbz": None if mean_square is None else mean_square**0.5,
        "bias_dbz": _ratio(error, pixels),
    }


def block_intervals(
    blocks: Counts, generator: np.random.Generator, resamples: int = 500, min_blocks: int = 5
) -> dict[str, list[float] | None]:
    """90 % intervals of retention and removal from a bootstrap over (block, class, decision) counts.

    A block is a stretch of time, as pixels and frames beside each other are not independent. None where
    there are fewer than `min_blocks` blocks that hold the class: too few to say anything.
    """
    intervals: dict[str, list[float] | None] = {}
    for name, row, column in (("retention", MET, KEPT), ("removal", NON_MET, REMOVED)):
        part, whole = blocks[:, row, column], blocks[:, row].sum(axis=1)
        part, whole = part[whole > 0], whole[whole > 0]
        if whole.size < min_blocks:
            intervals[name] = None
            continue
        draw = generator.integers(whole.size, size=(resamples, whole.size))
        shares = part[draw].sum(axis=1) / whole[draw].sum(axis=1)
        intervals[name] = [float(value) for value in np.quantile(shares, [0.05, 0.95])]
    return intervals


def is_scored(classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a reference (any shape) says what the echo is."""
    return np.asarray((classes == METEOROLOGICAL) | (classes == NON_METEOROLOGICAL))


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
