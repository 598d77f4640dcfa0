"""The label model: the weighted sum of the labelers' log-odds, as a class and a confidence.

Each labeler's log-odds are multiplied by its weight and added, as if the labelers were independent. The sum is
rounded to the step in which it is stored. Class and confidence follow from the rounded sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf, tanh

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    LOG_ODDS_STEP,
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    UNKNOWN,
    encode_log_odds,
)
from radar_cleaner.errors import ConfigError
from radar_cleaner.targets.labelers.base import Echoes

Evidence = Mapping[str, NDArray[np.float32]]  # of a frame's echoes, by labeler
Weights = Mapping[str, float]  # by labeler, in the order of the sum
COLUMNS = ("labeler", "for", "against", "silent", "mean_log_odds", "agrees")


@dataclass(frozen=True)
class Labels:
    """The labels of a frame, each (y, x)."""

    echo_class: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    evidence: NDArray[np.int8]  # packed log-odds


def check_weights(weights: Weights) -> None:
    """Raise ConfigError unless all weights are 0 or more and one of them is above 0."""
    if not all(0 <= weight < inf for weight in weights.values()) or not any(weights.values()):
        raise ConfigError(f"votes {dict(weights)}: each weight must be 0 or more, and one of them above 0")


def combine(echoes: Echoes, evidence: Evidence, weights: Weights, min_confidence: float) -> Labels:
    """Add up the evidence of the labelers. A labeler that is not in `evidence` contributes 0.

    The sign of the sum is the class. With probability p of the class meteorological, the confidence is |2 p - 1|,
    in 1/255. A sum of 0, and a confidence below `min_confidence`, are unknown and have confidence 0. Pixels
    without echo have the class none and full confidence. Pixels of nodata are unknown.
    """
    total = np.zeros(echoes.pixels.size, np.float32)
    for name, weight in weights.items():
        if weight > 0 and name in evidence:
            total += np.float32(weight) * evidence[name]
    packed = encode_log_odds(total)
    classes, confidences = _tables(min_confidence)
    observed = echoes.codes != NODATA
    echo_class = ~observed * np.uint8(UNKNOWN)  # `none` is 0
    confidence = observed * np.uint8(255)
    echo_class.reshape(-1)[echoes.pixels] = classes.take(packed.view(np.uint8))
    confidence.reshape(-1)[echoes.pixels] = confidences.take(packed.view(np.uint8))
    return Labels(echo_class, confidence, echoes.scatter(packed))


@lru_cache(maxsize=8)
def _tables(min_confidence: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Tabulate class and confidence by the byte of the packed sum."""
    classes, confidences = np.full(256, UNKNOWN, np.uint8), np.zeros(256, np.uint8)
    for code in range(-127, 128):
        confidence = abs(tanh(code * LOG_ODDS_STEP / 2))  # |2 p - 1|
        if code and confidence >= min_confidence:
            classes[code % 256] = METEOROLOGICAL if code > 0 else NON_METEOROLOGICAL
            confidences[code % 256] = round(255 * confidence)
    return classes, confidences


class LabelerTable:
    """Counts of the evidence of each labeler, added up over frames; of the labelers with a weight above 0."""

    def __init__(self, weights: Weights) -> None:
        self._weights = {name: weight for name, weight in weights.items() if weight > 0}
        self._classes = np.zeros(UNKNOWN + 1, np.int64)
        self._counts = {name: [0, 0, 0] for name in self._weights}  # for, against, agrees
        self._sums = dict.fromkeys(self._weights, 0.0)

    def add(self, echoes: Echoes, evidence: Evidence, labels: Labels) -> None:
        """Count a frame."""
        classes = echoes.take(labels.echo_class)
        self._classes += np.bincount(classes, minlength=UNKNOWN + 1)
        for name, weight in self._weights.items():
            if name not in evidence:
                continue
            positive, negative = evidence[name] > 0, evidence[name] < 0
            agrees = (positive & (classes == METEOROLOGICAL)) | (negative & (classes == NON_METEOROLOGICAL))
            for column, mask in enumerate((positive, negative, agrees)):
                self._counts[name][column] += int(np.count_nonzero(mask))
            self._sums[name] += weight * float(evidence[name].sum(dtype=np.float64))

    def percentages(self) -> tuple[float, float, float]:
        """Return how much of the echo is meteorological, non-meteorological and unknown, in percent."""
        total = max(1, int(self._classes.sum()))
        met, other, unknown = (
            100 * int(self._classes[kind]) / total for kind in (METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN)
        )
        return met, other, unknown

    def as_csv(self) -> str:
        """Return a row for each labeler.

        `for`, `against` and `silent` count echoes with positive, negative and no evidence. `mean_log_odds` is the
        mean of the weighted log-odds that are not 0. `agrees` counts echoes whose label has the sign of the
        evidence.
        """
        echoes = int(self._classes.sum())
        lines = [",".join(COLUMNS)]
        for name, (positive, negative, agrees) in self._counts.items():
            mean = self._sums[name] / (positive + negative) if positive + negative else 0.0
            silent = echoes - positive - negative
            lines.append(f"{name},{positive},{negative},{silent},{mean:.4f},{agrees}")
        return "\n".join(lines) + "\n"
