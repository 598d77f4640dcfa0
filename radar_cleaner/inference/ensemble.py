"""Predict with several models: the mean of their predictions, and the spread of their probabilities.

The spread of members trained with different seeds estimates what the training data leave uncertain
(Lakshminarayanan et al. 2017). A single model is an ensemble of one, without a spread.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radar_cleaner.config.cleaning import THRESHOLD, ModelDecision
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.frame_cache import Codes
from radar_cleaner.inference.frame_reader import FrameInputs, FrameReader
from radar_cleaner.inference.predictor import Prediction, Predictor, load_predictor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ensemble:
    """Models with equal outputs; their networks, channels and input times may differ."""

    members: tuple[Predictor, ...]

    @property
    def digest(self) -> str:
        """The digests of the members' files."""
        return " ".join(member.digest for member in self.members)

    @property
    def batch_size(self) -> int:
        """The fastest number of frames per batch."""
        return self.members[0].batch_size

    def threshold(self, decision: ModelDecision) -> float:
        """Return the probability from which echo is kept: the given one, or the members' mean for the strength."""
        if decision.threshold is not None:
            return decision.threshold
        found = [member.threshold(decision.strength) for member in self.members]
        known = [threshold for threshold in found if threshold is not None]
        if len(known) == len(found):
            return float(np.mean(known))
        if decision.strength != "normal":
            logger.warning(
                "cleaning.strength: %s has no effect, a model has no operating points; the threshold is %g. Set"
                " cleaning.threshold, or retrain the model",
                decision.strength,
                THRESHOLD,
            )
        return THRESHOLD

    def inputs_for(self, input_minutes: Sequence[int]) -> list[Inputs]:
        """Return the inputs of each member at these input times; see `Predictor.inputs_for`."""
        return [member.inputs_for(input_minutes) for member in self.members]

    def check_atlas(self, atlas: str) -> None:
        """Raise ModelError if a member uses the clutter atlas differently."""
        for member in self.members:
            member.check_atlas(atlas)

    def predict_each(self, frame: Sequence[FrameInputs], tta: bool = False) -> list[Prediction]:
        """Return the prediction of each member for a frame; `frame` is the inputs of each."""
        return [member.predict(inputs, tta) for member, inputs in zip(self.members, frame, strict=True)]

    def forecast(self, frame: Sequence[FrameInputs], tta: bool = False) -> list[Prediction]:
        """Predict each lead time; see `Predictor.forecast`. All members have the same lead times."""
        by_member = [member.forecast(inputs, tta) for member, inputs in zip(self.members, frame, strict=True)]
        return [mean_prediction(predictions) for predictions in zip(*by_member, strict=True)]

    def predict_all(self, frames: Sequence[Sequence[FrameInputs]], tta: bool = False) -> list[Prediction]:
        """Predict frames of one size in one batch; see `Predictor.predict_all`."""
        by_member = [
            member.predict_all([inputs[number] for inputs in frames], tta)
            for number, member in enumerate(self.members)
        ]
        return [mean_prediction(predictions) for predictions in zip(*by_member, strict=True)]


def mean_prediction(predictions: Sequence[Prediction]) -> Prediction:
    """Average predictions; `spread` is the standard deviation of their probabilities. One alone stays as it is."""
    if len(predictions) == 1:
        return predictions[0]
    probability = np.stack([prediction.probability for prediction in predictions])
    dbz = np.stack([prediction.dbz for prediction in predictions])
    return Prediction(probability.mean(axis=0), dbz.mean(axis=0), probability.std(axis=0))


def load_ensemble(
    paths: Sequence[Path], threads: int, code: Path | None = None, calibrated: bool = False
) -> Ensemble:
    """Load model files as an ensemble; see `load_predictor`."""
    return Ensemble(tuple(load_predictor(path, threads, code, calibrated) for path in paths))


class EnsembleReader:
    """Read the inputs of each member of an ensemble for one radar, time by time; see `FrameReader`."""

    def __init__(
        self,
        reflectivity: Sequence[Path],
        aligned: Sequence[Path],
        inputs: Sequence[Inputs],
        atlas: Path | None = None,
        static: Path | None = None,
    ) -> None:
        self._inputs = inputs
        self._readers = {
            distinct: FrameReader(reflectivity, aligned, distinct, atlas, static)
            for distinct in dict.fromkeys(inputs)
        }
        self.first = self._readers[inputs[0]]
        self.digests = {
            path: digest for reader in self._readers.values() for path, digest in reader.digests.items()
        }

    def codes(self, time: int) -> Codes:
        """(y, x) decoded reflectivity codes of this radar at a time."""
        return self.first.codes(time)

    def uncertainty(self, time: int) -> Codes:
        """(y, x) packed uncertainty of the reflectivity at a time."""
        return self.first.uncertainty(time)

    def inputs(self, time: int) -> list[FrameInputs]:
        """Read the inputs of each member at a time."""
        read = {distinct: reader.inputs(time) for distinct, reader in self._readers.items()}
        return [read[distinct] for distinct in self._inputs]
