"""Scores of a cleaner as sums and counts, which add up over frames, radars and processes.

The event is meteorological echo on a radar's own grid: a hit is meteorological echo that was kept, a miss
meteorological echo that was removed, a false alarm non-meteorological echo that was kept. Only the last
functions form ratios (`decision_ratios`, `decision_scores`, `removal_curve`, `roc_auc`, `average_precision`);
they are NaN or None where undefined.

Accumulators are plain arrays; the sum of two is the accumulator over both. POD, FAR, CSI and HSS (Heidke) as in
Wilks, Statistical Methods in the Atmospheric Sciences, chapter 9.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.evaluation.reliability import LOGIT_EDGES

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]

# Axes of the counts of decisions: (..., class, decision).
MET, NON_MET = 0, 1
REMOVED, KEPT = 0, 1
# They are denser close to 0 and 1: a sure network gives most pixels 0.9999.
_TAIL = np.array([1, 2, 5, 10, 20, 50]) / 10_000
THRESHOLDS: Sums = np.concatenate([[0.0], _TAIL, np.arange(1, 100) / 100, 1 - _TAIL[::-1], [1.0]])
# Where the bins of probabilities begin, even in the logit and fine enough for areas below curves. The thresholds
# are among them, so that counts at a threshold are exact. The last bin is 1 alone, the answer of sure networks.
PROBABILITY_EDGES: NDArray[np.float32] = np.unique(
    np.concatenate([THRESHOLDS, 1 / (1 + np.exp(-LOGIT_EDGES))]).astype(np.float32)
)

# The entries of the (class, decision) table that a score divides by. Blocks of time without them give no interval.
_ALL_MET, _ALL_OTHER = np.array([[1, 1], [0, 0]]), np.array([[0, 0], [1, 1]])
_ALL_KEPT, _ALL_REMOVED = np.array([[0, 1], [0, 1]]), np.array([[1, 0], [1, 0]])
_ALL_BUT_REMOVED_OTHER = np.array([[1, 1], [0, 1]])
DECISION_NEEDS: dict[str, tuple[Counts, ...]] = {
    "retention": (_ALL_MET,),
    "removal": (_ALL_OTHER,),
    "pod": (_ALL_MET,),
    "far": (_ALL_KEPT,),
    "csi": (_ALL_BUT_REMOVED_OTHER,),
    "precision": (_ALL_KEPT,),
    "recall": (_ALL_MET,),
    "specificity": (_ALL_OTHER,),
    "npv": (_ALL_REMOVED,),
    "f1": (_ALL_BUT_REMOVED_OTHER,),
    "hss": (_ALL_MET, _ALL_OTHER),
}


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


def count_probabilities(
    probability: NDArray[np.floating],
    classes: NDArray[np.uint8],
    band: NDArray[np.int64],
    bands: int,
    edges: NDArray[np.floating],
) -> Counts:
    """(bands, class, bin) histogram of (pixels,) probabilities: bin i is from edge i up to the next.

    `edges` increase and begin at 0, so that every probability has a bin.
    """
    scored = is_scored(classes)
    where = np.where(classes[scored] == METEOROLOGICAL, MET, NON_MET)
    # In the probability's own type, as a cleaner compares them.
    bins = np.searchsorted(edges.astype(probability.dtype), probability[scored], side="right") - 1
    flat = np.ravel_multi_index((band[scored], where, bins), (bands, 2, edges.size))
    return np.bincount(flat, minlength=bands * 2 * edges.size).reshape(bands, 2, -1).astype(np.int64)


def decision_ratios(counts: NDArray[np.number]) -> dict[str, Sums]:
    """Scores (...,) of (..., class, decision) tables, NaN where undefined.

    `retention` is the share of meteorological echo kept (POD and recall by other names), `removal` the share of
    non-meteorological echo removed (specificity by another name), `npv` the share of removed echo that is
    non-meteorological, `hss` Heidke's skill: 1 is perfect, 0 as good as chance.
    """
    table = np.asarray(counts, dtype=np.float64)
    hits, misses = table[..., MET, KEPT], table[..., MET, REMOVED]
    false_alarms, correct_removals = table[..., NON_MET, KEPT], table[..., NON_MET, REMOVED]
    met, other = hits + misses, false_alarms + correct_removals
    kept, removed = hits + false_alarms, misses + correct_removals
    retention, removal = _ratio(hits, met), _ratio(correct_removals, other)
    return {
        "retention": retention,
        "removal": removal,
        "pod": retention,
        "far": _ratio(false_alarms, kept),
        "csi": _ratio(hits, hits + misses + false_alarms),
        "precision": _ratio(hits, kept),
        "recall": retention,
        "specificity": removal,
        "npv": _ratio(correct_removals, removed),
        "f1": _ratio(2 * hits, 2 * hits + false_alarms + misses),
        "hss": _ratio(2 * (hits * correct_removals - false_alarms * misses), met * removed + kept * other),
    }


def decision_scores(counts: Counts) -> dict[str, float | int | None]:
    """Counts and scores (`decision_ratios`) of one (class, decision) table."""
    ratios = {name: known(value) for name, value in decision_ratios(counts).items()}
    return {**decision_counts(counts), **ratios}


def decision_counts(counts: Counts) -> dict[str, int]:
    """The four numbers of one (class, decision) table by their names."""
    return {
        "hits": int(counts[MET, KEPT]),
        "misses": int(counts[MET, REMOVED]),
        "false_alarms": int(counts[NON_MET, KEPT]),
        "correct_removals": int(counts[NON_MET, REMOVED]),
    }


def counts_at_thresholds(histogram: Counts) -> Counts:
    """(class, threshold) histogram over `THRESHOLDS` of a (class, bin) histogram over `PROBABILITY_EDGES`."""
    starts = np.searchsorted(PROBABILITY_EDGES, THRESHOLDS.astype(np.float32))
    return np.asarray(np.add.reduceat(histogram, starts, axis=-1))


def removal_curve(histogram: Counts, thresholds: Sums) -> list[dict[str, float | int | None]]:
    """Return the tables of a (class, threshold) histogram at each threshold: retention falls and removal rises."""
    kept = histogram[:, ::-1].cumsum(axis=1)[:, ::-1]  # at threshold i: its own bin and all above
    total = histogram.sum(axis=1, keepdims=True)
    tables = np.stack([total - kept, kept], axis=1)  # (class, decision, threshold)
    return [
        {"threshold": float(threshold), **decision_scores(tables[..., index])}
        for index, threshold in enumerate(thresholds)
    ]


def roc_auc(histogram: NDArray[np.number]) -> Sums:
    """(...,) area below the ROC curve of (..., class, bin) histograms whose bins rise; NaN where a class is empty.

    It is the chance that meteorological echo has a higher bin than other echo; an equal one counts half
    (Mason and Graham, Quarterly Journal 2002).
    """
    met, other = _as_floats(histogram)
    below = other.cumsum(axis=-1) - other / 2
    return _ratio((met * below).sum(axis=-1), met.sum(axis=-1) * other.sum(axis=-1))


def average_precision(histogram: NDArray[np.number]) -> Sums:
    """(...,) area below the precision-recall curve of (..., class, bin) histograms; NaN where a class is empty.

    By steps, without interpolation: the mean over meteorological echo of the precision where just its bin is still
    kept (Davis and Goadrich, ICML 2006, on why not by straight lines).
    """
    met, other = _as_floats(histogram)
    hits, false_alarms = (part[..., ::-1].cumsum(axis=-1)[..., ::-1] for part in (met, other))
    precision = hits / np.maximum(hits + false_alarms, 1e-300)
    area = _ratio((met * precision).sum(axis=-1), met.sum(axis=-1))
    return np.where(other.sum(axis=-1) > 0, area, np.nan)


def is_scored(classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where a reference (any shape) has a class of the echo."""
    return np.asarray((classes == METEOROLOGICAL) | (classes == NON_METEOROLOGICAL))


def known(value: float | NDArray[np.floating]) -> float | None:
    """A number for a table: None where it is NaN."""
    return None if np.isnan(value) else float(value)


def _as_floats(histogram: NDArray[np.number]) -> tuple[Sums, Sums]:
    return histogram[..., MET, :].astype(np.float64), histogram[..., NON_MET, :].astype(np.float64)


def _ratio(part: Sums, whole: Sums) -> Sums:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
