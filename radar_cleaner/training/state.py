"""The state of a training: the parts with a state of their own, and the position and results so far."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import torch
from torch import Tensor, nn

from radar_cleaner.datasets.statistics import channel_statistics
from radar_cleaner.models.blocks import checkpoint_gradients, draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.models.standardize import Standardized
from radar_cleaner.training.async_copy import HostCopy
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.optimizer import Rates, make_optimizer
from radar_cleaner.training.precision import guard_norms, make_scaler, memory_format
from radar_cleaner.training.settings import FAST_BATCHES, Training
from radar_cleaner.training.step import CropDataset, NotFiniteError, Steps
from radar_cleaner.training.transfer import freeze, start_from
from radar_cleaner.training.weight_averaging import Averages, first_averaged_epoch

logger = logging.getLogger(__name__)


@dataclass
class TrainState:
    """The position of a training and its results so far. With the state of the `Parts` it is a checkpoint.

    `epoch` and `step` count finished epochs and finished steps of the current epoch; `sums` are the sums over
    those steps and `rate` is the learning rate of the last one. `best` are the weights with the smallest
    validation loss so far. `learning_rate`, `rates` and `rate_losses` are the highest rate and the curve of
    the learning-rate finder.
    """

    learning_rate: float
    rates: Sequence[float] = ()
    rate_losses: Sequence[float] = ()
    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    rate: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: Mapping[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_weights: str = "raw"
    best_loss: float = math.inf

    def state_dict(self) -> dict[str, Any]:
        """Return the state for `from_state_dict`."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Restore a state."""
        return cls(**state)

    def finish_step(self, step: int, rate: float, sums: Mapping[str, float]) -> None:
        """Add the sums of a step, which is counted from 0."""
        self.step, self.rate = step + 1, rate
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in sums.items()}

    def finish_epoch(self, row: dict[str, float]) -> None:
        """Add the epoch's row to the history and begin the next epoch."""
        self.history = [*self.history, row]
        self.epoch, self.step, self.sums = self.epoch + 1, 0, {}

    def keep_best(self, model: nn.Module, weights: str, loss: float) -> None:
        """Keep the weights of this epoch; `weights` is `raw`, `ema` or `swa`."""
        self.best = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        self.best_epoch, self.best_weights, self.best_loss = self.epoch + 1, weights, loss


@dataclass(frozen=True)
class Parts:
    """The parts of a training that have a state of their own."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    rates: Rates
    scaler: torch.amp.GradScaler  # type: ignore[name-defined]
    averages: Averages

    def state_dict(self) -> dict[str, Any]:
        """Return the state for `load_state_dict`."""
        return {part.name: getattr(self, part.name).state_dict() for part in fields(self)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        for part in fields(self):
            getattr(self, part.name).load_state_dict(state[part.name])
        # The fused optimizer walks through memory in order, and a saved tensor has the contiguous order.
        for weight, moments in self.optimizer.state.items():
            for name, values in moments.items():
                if values.shape == weight.shape:
                    moments[name] = torch.empty_like(weight).copy_(values)


def make_model(
    training: Training, dataset: CropDataset, processes: Processes, drawn: bool
) -> tuple[nn.Module, list[str]]:
    """Return the network at the start, and notes for the model card.

    Where `drawn` is false, the weights are still to be loaded.
    """
    learning = training.learning
    notes: list[str] = []
    model = build_model(training.config)
    if drawn:
        draw_weights(model, learning.seed)
        if isinstance(model, Standardized):
            statistics = None
            if processes.first:
                statistics = channel_statistics(dataset.cache, dataset.samples, training.inputs)
            statistics = processes.broadcast(statistics)
            assert statistics is not None
            model.set_statistics(*statistics)
    if training.start_from is not None:
        notes += start_from(training.start_from, model, training.config)
    if learning.model.freeze:
        frozen = freeze(model, learning.model.freeze)
        notes.append(f"{len(frozen)} weights are frozen: {', '.join(frozen)}.")
    model.to(processes.device, memory_format=memory_format(learning))  # type: ignore[call-overload]
    guard_norms(model)
    if learning.gradient_checkpointing:
        checkpoint_gradients(model)
    return model, notes


def steps_per_epoch(training: Training, dataset: CropDataset) -> int:
    """Return the number of steps of an epoch."""
    steps = math.ceil(len(dataset) / training.learning.global_batch_size)
    return min(steps, FAST_BATCHES) if training.learning.fast_dev_run else steps


def make_parts(training: Training, dataset: CropDataset, model: nn.Module, learning_rate: float) -> Parts:
    """Return all parts at the start."""
    learning, steps = training.learning, steps_per_epoch(training, dataset)
    first = first_averaged_epoch(learning.averaging, training.epochs)
    optimizer = make_optimizer(model, learning_rate, learning.weight_decay)
    averaged_from = None if first is None else steps * first
    rates = Rates(
        optimizer, learning.schedule, steps * training.epochs, averaged_from, learning.averaging.swa_rate
    )
    scaler = make_scaler(learning.precision, next(model.parameters()).device)
    return Parts(model, optimizer, rates, scaler, Averages(model, learning.averaging))


def take_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,  # type: ignore[name-defined]
    clip_norm: float,
) -> HostCopy:
    """Update the weights by their gradients; a gradient longer than `clip_norm` is scaled down (0: never).

    Returns the norm of the gradient, for `expect_finite_gradient`. Where the norm is not finite, no weight
    changes. The device decides that, so that the host need not wait.
    """
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip_norm or math.inf)
    if not scaler.is_enabled():  # an enabled scaler sets this itself
        optimizer.found_inf = (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
    scaler.step(optimizer)
    scaler.update()
    return HostCopy(norm)


def expect_finite_gradient(norm: HostCopy, scaler: torch.amp.GradScaler) -> None:  # type: ignore[name-defined]
    """Raise NotFiniteError if the gradient of a step was not finite. In fp16 the scaler then lowers its scale."""
    if not scaler.is_enabled() and not bool(torch.isfinite(norm.read())):
        raise NotFiniteError("the gradient is not finite; lower training.learning_rate, or set clip_norm")


def card_notes(training: Training, state: TrainState, steps: Steps) -> list[str]:
    """Return notes for the model card on what happened in the training."""
    notes = []
    if state.rates:
        notes.append(f"The learning rate {state.learning_rate:.3g} was found by the learning-rate finder.")
    if training.learning.fast_dev_run:
        notes.append("A fast development run: two batches of everything. The model is useless.")
    if training.learning.compile and not steps.compiled:
        notes.append("The network could not be compiled on this machine; it ran uncompiled.")
    return notes


def log_epoch(row: Mapping[str, Any], losses: Mapping[str, float], epochs: int) -> None:
    """Log the scores of an epoch; `losses` are the validation losses of the candidates for the best weights."""
    averages = "".join(f", {name} {loss:.4f}" for name, loss in losses.items() if name != "raw")
    logger.info(
        "epoch %d/%d: train loss %.4f (inpainting %.4f), val loss %.4f%s, mask F1 %.3f, reflectivity MAE %.2f dBZ",
        row["epoch"],
        epochs,
        row["train_loss"],
        row["train_inpainting"],
        losses["raw"],
        averages,
        row["val_mask_f1"],
        row["val_reflectivity_mae_dbz"],
    )
