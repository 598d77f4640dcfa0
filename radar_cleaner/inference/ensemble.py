"""Several models that judge as one: the mean of what they say, and how far they are apart.

The spread of members that learned from other seeds is what the data leave open (Lakshminarayanan et al. 2017). A
single model is an ensemble of one, which has no spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radar_cleaner.datasets.channels import Inputs
from radar_cleaner.datasets.frame_cache import Codes
from radar_cleaner.inference.predictor import Cleaner, FrameInputs, Prediction, RadarFrames, load_cleaner


@dataclass(frozen=True)
class Ensemble:
    """Models that may differ in all but what they answer: networks, channels, times."""

    members: tuple[Cleaner, ...]

    @property
    def digest(self) -> str:
        """Those of the members' files."""
        return " ".join(member.digest for member in self.members)

    @property
    def at_once(self) -> int:
        """How many frames are judged quickest at once."""
        return self.members[0].at_once

    def inputs_for(self, input_minutes: Sequence[int]) -> list[Inputs]:
        """What each member is told, at a caller's input times. Raises ModelError where it reads others."""
        return [member.inputs_for(input_minutes) for member in self.members]

    def check_atlas(self, atlas: str) -> None:
        """Raise ModelError where a member takes the clutter atlas otherwise."""
        for member in self.members:
            member.check_atlas(atlas)

    def predict_each(self, frame: Sequence[FrameInputs], tta: bool = False) -> list[Prediction]:
        """What each member says of a frame, of which it is told its own inputs."""
        return [member.predict(inputs, tta) for member, inputs in zip(self.members, frame, strict=True)]

    def forecast(self, frame: Sequence[FrameInputs], tta: bool = False) -> list[Prediction]:
        """What all say together of each lead; see `Cleaner.forecast`. Their leads are the same."""
        by_member = [member.forecast(inputs, tta) for member, inputs in zip(self.members, frame, strict=True)]
        return [join(answers) for answers in zip(*by_member, strict=True)]

    def predict_all(self, frames: Sequence[Sequence[FrameInputs]], tta: bool = False) -> list[Prediction]:
        """Judge frames of one size at once; see `Cleaner.predict_all`."""
        by_member = [
            member.predict_all([inputs[place] for inputs in frames], tta)
            for place, member in enumerate(self.members)
        ]
        return [join(answers) for answers in zip(*by_member, strict=True)]


def join(answers: Sequence[Prediction]) -> Prediction:
    """The mean of several answers, and the standard deviation of their probabilities; of one that itself."""
    if len(answers) == 1:
        return answers[0]
    probability = np.stack([answer.probability for answer in answers])
    dbz = np.stack([answer.dbz for answer in answers])
    return Prediction(probability.mean(axis=0), dbz.mean(axis=0), probability.std(axis=0))


def load_ensemble(
    paths: Sequence[Path], threads: int, code: Path | None = None, calibrated: bool = False
) -> Ensemble:
    """Load model files as one; see `load_cleaner`."""
    return Ensemble(tuple(load_cleaner(path, threads, code, calibrated) for path in paths))


class EnsembleFrames:
    """One radar by time, as each member of an ensemble is told of it; see `RadarFrames`."""

    def __init__(
        self,
        labels: Sequence[Path],
        aligned: Sequence[Path],
        inputs: Sequence[Inputs],
        atlas: Path | None = None,
        static: Path | None = None,
    ) -> None:
        self._inputs = inputs
        self._frames = {one: RadarFrames(labels, aligned, one, atlas, static) for one in dict.fromkeys(inputs)}
        self.first = self._frames[inputs[0]]
        self.digests = {
            path: digest for frames in self._frames.values() for path, digest in frames.digests.items()
        }

    def codes(self, time: int) -> Codes:
        """(y, x) reflectivity codes of this radar at a time, as they were decoded."""
        return self.first.codes(time)

    def inputs(self, time: int) -> list[FrameInputs]:
        """What each member is told at a time."""
        read = {one: frames.inputs(time) for one, frames in self._frames.items()}
        return [read[one] for one in self._inputs]
