"""What a training is told: all that determines its weights, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.artefacts.inject import NO_PLANTS, Planting
from radar_cleaner.datasets.augmentation import Augmentation
from radar_cleaner.datasets.inpainting_masks import HoleOptions
from radar_cleaner.errors import ConfigError, require
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.training.losses import FORECAST, TERMS, LossWeights
from radar_cleaner.training.optimizer import Optimization
from radar_cleaner.training.precision import Numerics
from radar_cleaner.training.weight_averaging import Averaging

FAST_BATCHES = 2  # of everything, in a fast development run


@dataclass(frozen=True)
class Schedule:
    """How long to train, on how much at a time.

    Attributes
    ----------
    epochs
        How often it sees each sample.
    global_batch_size
        Crops a step, over all processes.
    crops_per_sample
        Crops of each sample in an epoch.
    early_stopping
        Epochs without a lower validation loss after which it stops; 0 for never.
    seed
        Seed of all random draws.
    fast_dev_run
        Whether to run two batches of everything in two epochs at most: a try, not a training.
    """

    epochs: int
    global_batch_size: int
    crops_per_sample: int
    early_stopping: int
    seed: int
    fast_dev_run: bool

    def __post_init__(self) -> None:
        for name in ("epochs", "global_batch_size", "crops_per_sample"):
            require(name, getattr(self, name), 1)
        require("early_stopping", self.early_stopping, 0)
        require("seed", self.seed, 0)

    @property
    def last_epoch(self) -> int:
        """How many epochs there are."""
        return min(self.epochs, FAST_BATCHES) if self.fast_dev_run else self.epochs


@dataclass(frozen=True)
class Running:
    """How a training is run; but for rounding its result does not depend on this.

    Attributes
    ----------
    threads
        Threads of all processes of a machine together; each has at least one.
    memory_mb
        Memory of the job, of all its processes on a machine. Up to half of it the frames lie there raw, beyond
        that packed.
    micro_batch_size
        Crops that a process computes at once, their gradients summed up to the batch; 0 for all of its share.
    on_out_of_memory
        `halve` the crops that a process computes at once, or `stop`.
    checkpoint_minutes
        Minutes between two states saved within an epoch; each epoch's end saves one.
    tracker
        What follows the run beside its log file: `none`, `tensorboard`, `wandb` (offline) or `mlflow` (local).
    """

    threads: int
    memory_mb: int
    micro_batch_size: int
    on_out_of_memory: Literal["halve", "stop"]
    checkpoint_minutes: float
    tracker: Literal["none", "tensorboard", "wandb", "mlflow"]

    def __post_init__(self) -> None:
        require("threads", self.threads, 1)
        require("memory_mb", self.memory_mb, 1)
        require("micro_batch_size", self.micro_batch_size, 0)
        require("checkpoint_minutes", self.checkpoint_minutes, 0, above=True)

    @property
    def most_raw(self) -> int:
        """Bytes of the bank up to which it is raw."""
        return self.memory_mb * 500_000


@dataclass(frozen=True)
class Beginning:
    """What the weights begin as, and which stay so.

    Attributes
    ----------
    start_from
        Model file whose weights are taken where they fit; without it all are drawn.
    freeze
        Regular expressions: weights whose name one of them matches, from its start, are not trained.
    """

    start_from: Path | None = None
    freeze: tuple[str, ...] = ()


DRAWN = Beginning()


@dataclass(frozen=True)
class Training:
    """All that determines the weights that come out, but for the bank's content."""

    config: ModelConfig
    schedule: Schedule
    optimization: Optimization
    averaging: Averaging
    numerics: Numerics
    augmentation: Augmentation
    holes: HoleOptions
    weights: LossWeights
    planting: Planting = NO_PLANTS
    beginning: Beginning = DRAWN

    def __post_init__(self) -> None:
        if self.averaging.swa and self.optimization.schedule != "cosine":
            raise ConfigError(
                f"training.averaging.swa: goes with schedule cosine, not {self.optimization.schedule}; "
                "set one of them"
            )

    @property
    def inputs(self) -> Inputs:
        """Which frames a sample reads."""
        return self.config.inputs

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that its loss has."""
        return (*TERMS, FORECAST) if self.inputs.ahead else TERMS


@dataclass(frozen=True)
class Trained:
    """The best weights: of which epoch, and whether `raw`, `ema` or `swa`; a row an epoch of what was measured.

    `temperature` is what the best weights' logits are divided by to be as sure as they are right on the validation
    samples. `rates` and `rate_losses` are the learning-rate finder's curve, empty without it. `notes` are for the
    card.
    """

    best: Mapping[str, Tensor]
    best_epoch: int
    best_weights: str
    history: Sequence[Mapping[str, float]]
    learning_rate: float
    temperature: float = 1.0
    rates: Sequence[float] = ()
    rate_losses: Sequence[float] = ()
    notes: Sequence[str] = ()
