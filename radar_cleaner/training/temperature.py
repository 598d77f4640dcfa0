"""Temperature scaling: one number that makes a network's probabilities as confident as they are correct.

Method: Guo et al., On Calibration of Modern Neural Networks, ICML 2017. Logits are counted in a histogram whose
bins are even in the logit. Histograms add up over frames and processes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]

MAX_LOGIT = 17.0  # a float32 probability is 1 from a logit of 16.6 on
LOGIT_EDGES: Sums = np.linspace(-MAX_LOGIT, MAX_LOGIT, 1701)  # the first and the last bin are open
_STEP = LOGIT_EDGES[1] - LOGIT_EDGES[0]
LOGIT_CENTRES: Sums = np.append(LOGIT_EDGES - _STEP / 2, LOGIT_EDGES[-1] + _STEP / 2)

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
_HALVINGS = 60  # of the interval that contains the temperature: down to the last digit


def logit_histogram(logit: NDArray[np.floating], event: NDArray[np.bool_]) -> tuple[Counts, Sums]:
    """Return (class, bin) counts of finite logits (pixels,), and the sum of the logits in each bin.

    Class 0 has the pixels where `event` is true, class 1 the others.
    """
    positions = np.searchsorted(LOGIT_EDGES, logit, side="right")
    flat = np.where(event, 0, LOGIT_CENTRES.size) + positions
    counts, sums = (
        np.bincount(flat, weights, minlength=2 * LOGIT_CENTRES.size).reshape(2, -1)
        for weights in (None, logit.astype(np.float64))
    )
    return counts.astype(np.int64), sums.astype(np.float64)


def mean_logits(counts: Counts | Sums, sums: Sums) -> Sums:
    """Return the mean logit of each bin of `logit_histogram` (..., bin); the centre of an empty bin."""
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), LOGIT_CENTRES))


def fit_temperature(counts: Counts | Sums, logit: Sums) -> float:
    """Return the temperature T, 0.05 to 20, that maximizes the likelihood of sigmoid(logit / T).

    `counts` is a (class, bin) histogram and `logit` the logit of each bin, (bin,) or (class, bin). The result is
    exact but for the spread of logits within a bin (see `mean_logits`). T above 1 means that the network is too
    confident. T is 1 where a class is empty or all logits are 0.

    The mean negative log-likelihood is convex in 1 / T; bisection finds the zero of its slope.
    """
    weights, z = np.asarray(counts, np.float64), np.broadcast_to(logit, np.shape(counts)).astype(np.float64)
    if not weights.sum(axis=1).all() or not (weights * z).any():
        return 1.0

    def slope(log_inverse: float) -> float:
        """Return the slope of the negative log-likelihood along 1 / T, up to a positive factor."""
        wrong = _sigmoid(np.exp(log_inverse) * np.array([[-1.0], [1.0]]) * z)  # probability of the other class
        return float(np.sum(weights * z * wrong * np.array([[-1.0], [1.0]])))

    low, high = -np.log(HIGHEST_TEMPERATURE), -np.log(LOWEST_TEMPERATURE)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))


def _sigmoid(z: Sums) -> Sums:
    """Return the sigmoid without overflow for either sign."""
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z < 0, small, 1.0) / (1 + small))
