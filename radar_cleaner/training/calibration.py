"""Calibration: two numbers that make a network's probabilities those of the validation samples.

The temperature makes them as confident as they are correct (Guo et al., On Calibration of Modern Neural Networks,
ICML 2017). The bias takes back the weights of the classes in the loss and the clutter added to crops (Platt,
Probabilistic Outputs for Support Vector Machines, 1999). Logits are counted in a histogram whose bins are even in
the logit. Histograms add up over frames and processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]

MAX_LOGIT = 17.0  # a float32 probability is 1 from a logit of 16.6 on
LOGIT_EDGES: Sums = np.linspace(-MAX_LOGIT, MAX_LOGIT, 1701)  # the first and the last bin are open
_STEP = LOGIT_EDGES[1] - LOGIT_EDGES[0]
LOGIT_CENTRES: Sums = np.append(LOGIT_EDGES - _STEP / 2, LOGIT_EDGES[-1] + _STEP / 2)

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
_HALVINGS = 50  # of the interval that contains a number: down to the last digit of float32


class Calibration(NamedTuple):
    """The calibrated logit is logit / temperature + bias. A temperature above 1 means a network too confident."""

    temperature: float = 1.0
    bias: float = 0.0

    def probability(self, logit: float) -> float:
        """Return the calibrated probability of a logit."""
        return float(_sigmoid(np.array(logit / self.temperature + self.bias)))


LEAST_ECHO = 1000  # meteorological pixels of a radar that counts for the operating points
UNCALIBRATED = Calibration()


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
    centres = np.broadcast_to(LOGIT_CENTRES, np.shape(counts)).copy()
    return np.asarray(np.divide(sums, counts, out=centres, where=np.asarray(counts) > 0))


def fit_calibration(counts: Counts | Sums, logit: Sums) -> Calibration:
    """Return the calibration that maximizes the likelihood of the classes.

    `counts` is a (class, bin) histogram, which may be weighted, and `logit` the logit of each bin, (bin,) or
    (class, bin). The result is exact but for the spread of logits within a bin (see `mean_logits`). The
    temperature is 0.05 to 20, the bias -17 to 17. Nothing is changed where a class is empty or all logits are
    equal.

    The mean negative log-likelihood is convex in 1 / temperature and bias. For each temperature bisection finds
    the best bias, and along these the zero of the slope.
    """
    weights, z = np.asarray(counts, np.float64), np.broadcast_to(logit, np.shape(counts)).astype(np.float64)
    seen = weights > 0
    if not seen.any(axis=1).all() or np.ptp(z[seen]) == 0:
        return UNCALIBRATED
    events = np.broadcast_to([[1.0], [0.0]], z.shape)[seen]
    weights, z = weights[seen], z[seen]  # empty bins cost most of the time

    def excess(inverse: float, bias: float) -> Sums:
        """Return the expected minus the real number of events in each bin."""
        return np.asarray(weights * (_sigmoid(inverse * z + bias) - events))

    def best_bias(inverse: float) -> float:
        return _zero(lambda bias: float(excess(inverse, bias).sum()), -MAX_LOGIT, MAX_LOGIT)

    def slope(log_inverse: float) -> float:
        inverse = float(np.exp(log_inverse))
        return float((z * excess(inverse, best_bias(inverse))).sum())

    log_inverse = _zero(slope, -np.log(HIGHEST_TEMPERATURE), -np.log(LOWEST_TEMPERATURE))
    return Calibration(float(np.exp(-log_inverse)), best_bias(float(np.exp(log_inverse))))


def weigh_radars(counts: Counts | Sums, sums: Sums) -> tuple[Sums, Sums]:
    """Return (class, bin) weights and mean logits of (radar, class, bin) counts and sums, all radars alike."""
    weights = len(counts) * np.maximum(np.asarray(counts).sum(axis=(1, 2), keepdims=True), 1)
    weighted, total = ((part / weights).sum(axis=0) for part in (counts, sums))
    return weighted, mean_logits(weighted, total)


def operating_points(counts: Counts | Sums, shares: Mapping[str, float]) -> dict[str, float]:
    """Return the logit from which echo is kept at each of the named shares; empty where no radar has enough echo.

    `counts` is the (radar, class, bin) histogram. On every radar with LEAST_ECHO meteorological pixels at least
    the share of its meteorological echo is kept.
    """
    events = np.asarray(counts, np.float64)[:, 0]
    events = events[events.sum(axis=1) >= LEAST_ECHO]
    if not len(events):
        return {}
    lost = np.cumsum(events, axis=1) / events.sum(axis=1, keepdims=True)  # below the upper edge of each bin
    edges = np.append(-np.inf, LOGIT_EDGES)  # lower edges: the number of bins that may be lost counts them
    return {
        name: float(min(edges[np.count_nonzero(of_radar <= 1 - share)] for of_radar in lost))
        for name, share in shares.items()
    }


def _zero(rising: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function crosses 0, or the end of the interval that is nearest."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def _sigmoid(z: Sums) -> Sums:
    """Return the sigmoid without overflow for either sign."""
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z < 0, small, 1.0) / (1 + small))
