"""The training target: the sum of what the labelers say of each echo, as a class and how sure it is.

The labelers (`labelers`) give log-odds, each is multiplied by its weight, and they are added: as if each looked at
something that the others do not see. The sum is rounded to the step in which it is stored; class and confidence
follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
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
from radar_cleaner.targets.labelers import Echoes

Evidence = Mapping[str, NDArray[np.float32]]  # of a frame's echoes, by labeler
LABELERS = ("colour", "density", "spoke", "area", "atlas", "persistence", "others", "reference")
COLUMNS = ("labeler", "for", "against", "silent", "mean_log_odds", "agrees")


@dataclass(frozen=True)
class Weights:
    """How much each labeler's log-odds count, 0 or more; 0 switches it off. Raises ConfigError.

    Attributes
    ----------
    colour_weight
        Of the colour, which calls every echo meteorological.
    density_weight
        Of the share of echo around an echo.
    spoke_weight
        Of what is thin across the beam.
    area_weight
        Of the label of a single picture by area and shape.
    atlas_weight
        Of the clutter atlas.
    persistence_weight
        Of the neighbours in time.
    others_weight
        Of the other radars.
    reference_weight
        Of a user's reference masks.
    """

    colour_weight: float
    density_weight: float
    spoke_weight: float
    area_weight: float
    atlas_weight: float
    persistence_weight: float
    others_weight: float
    reference_weight: float = 0.0

    def __post_init__(self) -> None:
        weights = {field.name.removesuffix("_weight"): getattr(self, field.name) for field in fields(self)}
        if not all(0 <= weight < inf for weight in weights.values()) or not any(weights.values()):
            raise ConfigError(f"vote weights {weights}: each must be 0 or more, and one above 0")

    @property
    def counting(self) -> dict[str, float]:
        """Labelers whose weight is above 0, in the order in which they are added."""
        weights = {name: float(getattr(self, f"{name}_weight")) for name in LABELERS}
        return {name: weight for name, weight in weights.items() if weight > 0}


@dataclass(frozen=True)
class Vote:
    """What became of the echoes of a frame, each (y, x)."""

    echo_class: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    evidence: NDArray[np.int8]  # packed log-odds


def vote(echoes: Echoes, evidence: Evidence, weights: Weights, min_confidence: float) -> Vote:
    """Add up what labelers say of the echoes of a frame; a labeler that is not there is silent.

    The sign of the sum is the class. With p its probability the confidence is |2 p - 1|, in 1/255; a draw is
    unknown, and so is what is below `min_confidence`: it has no confidence. Where there is no echo the class is
    none, surely; `nodata` is unknown.
    """
    total = np.zeros(echoes.places.size, np.float32)
    for name, weight in weights.counting.items():
        if name in evidence:
            total += np.float32(weight) * evidence[name]
    packed = encode_log_odds(total)
    classes, confidence = _tables(min_confidence)
    observed = echoes.codes != NODATA
    echo_class = ~observed * np.uint8(UNKNOWN)  # `none` is 0
    sure = observed * np.uint8(255)
    echo_class.reshape(-1)[echoes.places] = classes.take(packed.view(np.uint8))
    sure.reshape(-1)[echoes.places] = confidence.take(packed.view(np.uint8))
    return Vote(echo_class, sure, echoes.spread(packed))


@lru_cache(maxsize=8)
def _tables(min_confidence: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Class and confidence by the byte of the packed sum: there are no more cases than that."""
    classes, confidence = np.full(256, UNKNOWN, np.uint8), np.zeros(256, np.uint8)
    for code in range(-127, 128):
        sure = abs(tanh(code * LOG_ODDS_STEP / 2))  # |2 p - 1|
        if code and sure >= min_confidence:
            classes[code % 256] = METEOROLOGICAL if code > 0 else NON_METEOROLOGICAL
            confidence[code % 256] = round(255 * sure)
    return classes, confidence


class LabelerTable:
    """What each labeler that counts said of the echoes, added up over frames."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights.counting
        self._echoes = 0
        self._counts = {name: [0, 0, 0] for name in self._weights}  # for, against, agrees
        self._sums = dict.fromkeys(self._weights, 0.0)

    def add(self, echoes: Echoes, evidence: Evidence, outcome: Vote) -> None:
        """Count a frame."""
        self._echoes += echoes.places.size
        decided = echoes.take(outcome.echo_class)
        for name, weight in self._weights.items():
            if name not in evidence:
                continue
            yes, no = evidence[name] > 0, evidence[name] < 0
            agrees = (yes & (decided == METEOROLOGICAL)) | (no & (decided == NON_METEOROLOGICAL))
            for place, which in enumerate((yes, no, agrees)):
                self._counts[name][place] += int(np.count_nonzero(which))
            self._sums[name] += weight * float(evidence[name].sum(dtype=np.float64))

    def as_csv(self) -> str:
        """A line a labeler: of how many echoes it speaks for and against and is silent; the mean of its weighted
        log-odds where it speaks; and how often the vote is what it says.
        """
        lines = [",".join(COLUMNS)]
        for name, (yes, no, agrees) in self._counts.items():
            mean = self._sums[name] / (yes + no) if yes + no else 0.0
            lines.append(f"{name},{yes},{no},{self._echoes - yes - no},{mean:.4f},{agrees}")
        return "\n".join(lines) + "\n"
