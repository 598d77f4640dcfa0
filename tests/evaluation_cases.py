"""Score the default cleaners on a simulated frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from radar_cleaner.conventions import NON_METEOROLOGICAL
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.tallies import (
    CLUTTER_MASK,
    COMPARED,
    MODEL,
    WEAK_LABEL,
    Answer,
    Frame,
    Reflectivity,
    Tally,
    score_frame,
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def honest(count=60_000, seed=0, spread=2.0):
    """Return logits, and events with the probability of the logits."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0.5, spread, count)
    return logit, rng.random(count) < sigmoid(logit)


RULES = (WEAK_LABEL, CLUTTER_MASK)
ONE_MODEL = {WEAK_LABEL: False, CLUTTER_MASK: False, MODEL: True}
TWO_MODELS = ONE_MODEL | {COMPARED: True}


@dataclass(frozen=True)
class Case:
    """A frame, its weak label and its clutter mask, each (y, x)."""

    frame: Frame
    weak_label: np.ndarray
    clutter: np.ndarray

    @property
    def codes(self) -> np.ndarray:
        return self.frame.codes

    @property
    def reference(self) -> np.ndarray:
        return self.frame.reference


def score(
    case: Case,
    probability: np.ndarray,
    dbz: np.ndarray,
    bands: Bands,
    holes: np.ndarray | None = None,
    hole_dbz: np.ndarray | None = None,
    compared: np.ndarray | None = None,
) -> Tally:
    """Tally the default cleaners, the model at a threshold of 0.5."""
    kept = case.weak_label != NON_METEOROLOGICAL
    answers = {
        WEAK_LABEL: Answer(kept.astype(np.float32), 1),
        CLUTTER_MASK: Answer((kept & ~case.clutter).astype(np.float32), 1),
        MODEL: Answer(probability, 0.5, True),
    }
    if compared is not None:
        answers[COMPARED] = Answer(compared, 0.5, True)
    return score_frame(case.frame, answers, bands, Reflectivity(dbz, holes, hole_dbz))
