"""Reliability of probabilities: whether echo with a probability of 80 % is meteorological in 80 of 100 cases.

Probabilities are counted in bins that are even in probability, logits in bins that are even in the logit; both
are sums that add up over frames and processes. Classes are rows of these counts: 0 meteorological, 1 other.

Reliability diagrams as in Wilks, Statistical Methods in the Atmospheric Sciences, chapter 9; expected calibration
error and temperature scaling as in Guo et al., On Calibration of Modern Neural Networks, ICML 2017, for the
probability of one event.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float64]

MOST_LOGIT = 17.0  # beyond 16.6 a probability in float32 is 1
# Edges between the bins of logits: the first and the last bin are open.
LOGIT_EDGES: Sums = np.linspace(-MOST_LOGIT, MOST_LOGIT, 1701)

BINS = 20
PROBABILITY_BINS: Sums = np.arange(BINS + 1) / BINS
# Columns of `sum_probabilities`.
PIXELS, EVENTS, PROBABILITY = 0, 1, 2


def sum_probabilities(probability: NDArray[np.floating], event: NDArray[np.bool_]) -> Sums:
    """(BINS, 3) of (pixels,) probabilities and whether the event occurred: pixels, events, sum of probability."""
    return np.asarray(sum_by_group(probability, event, np.zeros(probability.shape, np.int64), 1)[0])


def sum_by_group(
    probability: NDArray[np.floating], event: NDArray[np.bool_], group: NDArray[np.int64], groups: int
) -> Sums:
    """(groups, BINS, 3): `sum_probabilities` of the pixels of each group, which are numbered from 0."""
    inner = PROBABILITY_BINS[1:-1].astype(probability.dtype)
    where = group * BINS + np.searchsorted(inner, probability, side="right")
    columns = (None, event.astype(np.float64), probability.astype(np.float64))
    sums = [np.bincount(where, column, minlength=groups * BINS) for column in columns]
    return np.stack(sums, axis=1).reshape(groups, BINS, 3).astype(np.float64)


def expected_calibration_error(sums: Sums) -> Sums:
    """(...,) of (..., BINS, 3) sums: the mean over all pixels of the distance between the frequency and the mean
    probability in their bin; NaN without pixels."""
    pixels = sums[..., PIXELS].sum(axis=-1)
    off = np.abs(sums[..., EVENTS] - sums[..., PROBABILITY]).sum(axis=-1)
    return np.asarray(off / np.where(pixels > 0, pixels, np.nan))


def observed_frequency(sums: Sums) -> Sums:
    """(..., BINS) of (..., BINS, 3) sums: share of a bin's pixels where the event occurred; NaN without pixels."""
    pixels = sums[..., PIXELS]
    return np.asarray(sums[..., EVENTS] / np.where(pixels > 0, pixels, np.nan))


def reliability_rows(sums: Sums, interval: Sums | None = None) -> list[dict[str, Any]]:
    """One row a bin of (BINS, 3) sums, with a (2, BINS) interval of the frequency; None where a bin is empty."""
    ends = np.full((2, BINS), np.nan) if interval is None else interval
    pixels = sums[:, PIXELS]
    mean = sums[:, PROBABILITY] / np.where(pixels > 0, pixels, np.nan)
    frequency = observed_frequency(sums)
    return [
        {
            "probability_from": float(PROBABILITY_BINS[index]),
            "probability_to": float(PROBABILITY_BINS[index + 1]),
            "pixels": int(pixels[index]),
            "mean_probability": _known(mean[index]),
            "observed_frequency": _known(frequency[index]),
            "observed_frequency_low": _known(ends[0, index]),
            "observed_frequency_high": _known(ends[1, index]),
        }
        for index in range(BINS)
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
