"""The settings of a training, ready for use, and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.training import Learning
from radar_cleaner.datasets.artefacts.inject import NO_ARTEFACTS, ArtefactInjection
from radar_cleaner.datasets.augmentation import CropSampler
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.training.calibration import UNCALIBRATED, Calibration
from radar_cleaner.training.losses import FORECAST, TERMS

FAST_BATCHES = 2  # number of batches, samples and epochs in a fast development run


@dataclass(frozen=True)
class Training:
    """Everything that determines the weights, except the content of the frame cache.

    `artefacts` are the ranges that `learning.plants` names, `start_from` is the model file whose weights are
    copied.
    """

    config: ModelConfig
    learning: Learning
    artefacts: ArtefactInjection = NO_ARTEFACTS
    start_from: Path | None = None

    def __post_init__(self) -> None:
        if self.learning.averaging.swa and self.learning.schedule.name != "cosine":
            raise ConfigError(
                f"training.averaging.swa: needs schedule cosine, not {self.learning.schedule.name}; change one of"
                " them"
            )

    @property
    def inputs(self) -> Inputs:
        """Return the input channels."""
        return self.config.inputs

    @property
    def sampler(self) -> CropSampler:
        """Return the sampler of crop parameters."""
        return CropSampler(self.learning, self.inputs, self.artefacts)

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the names of the loss terms."""
        return (*TERMS, FORECAST) if self.inputs.ahead else TERMS

    @property
    def epochs(self) -> int:
        """Return the number of epochs."""
        return last_epoch(self.learning)


def last_epoch(learning: Learning) -> int:
    """Return the number of epochs, which is small in a fast development run."""
    return min(learning.epochs, FAST_BATCHES) if learning.fast_dev_run else learning.epochs


@dataclass(frozen=True)
class Trained:
    """The best weights and how they were found.

    `best_weights` is `raw`, `ema` or `swa`. `history` has a row of losses and scores for each epoch. `calibration`
    is that of the logits of the best weights on the validation samples. `points` are the logits from which echo
    is kept, by strength. `rates` and `rate_losses` are the curve of the learning-rate finder, empty without it.
    `notes` are sentences for the model card.
    """

    best: Mapping[str, Tensor]
    best_epoch: int
    best_weights: str
    history: Sequence[Mapping[str, float]]
    learning_rate: float
    calibration: Calibration = UNCALIBRATED
    points: Mapping[str, float] = field(default_factory=dict)
    rates: Sequence[float] = ()
    rate_losses: Sequence[float] = ()
    notes: Sequence[str] = ()


# Names of the parameters that earlier versions recorded in a model file, by section.
_EARLIER_NAMES = {
    "schedule": {"name": "schedule", "warmup": "warmup", "last": "last_rate"}
    | {name: name for name in ("plateau_patience", "plateau_factor")},
    "averaging": {name: name for name in ("ema", "swa", "swa_rate")},
    "loss": {name: name for name in ("focal_gamma", "label_smoothing")}
    | {"other_echo": "other_weight"}
    | {name: f"{name}_weight" for name in ("dice", "reflectivity", "inpainting", "forecast")},
    "holes": {"fraction": "hole_fraction", "shapes": "hole_shapes", "size_px": "hole_size"}
    | {"pixels": "hole_pixels", "sector_degrees": "hole_sector"},
    "plants": {"fraction": "plant_fraction", "kinds": "plant_kinds", "ranges": "plant_ranges"},
    "model": {"name": "model", "options": "options", "pad_mode": "pad_mode", "freeze": "freeze"},
}


def read_learning(parameters: Mapping[str, Any]) -> Learning:
    """Read the section of a training from the parameters in a model file, also of one of an earlier version."""
    if "learning" in parameters:
        return Learning.model_validate(parameters["learning"])
    values = {name: parameters[name] for name in Learning.model_fields if name in parameters}
    values |= {"crop_px": parameters["crop"]}
    for section, names in _EARLIER_NAMES.items():
        values[section] = {name: parameters[old] for name, old in names.items() if old in parameters}
    return Learning.model_validate(values)
