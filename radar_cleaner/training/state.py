"""What a training consists of that has a state of its own: model, optimizer, schedule, scaler, averages."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from radar_cleaner.datasets.statistics import channel_statistics
from radar_cleaner.models.blocks import checkpoint_gradients, draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.models.standardize import Standardized
from radar_cleaner.training.async_copy import HostCopy
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.optimizer import Rates, make_optimizer
from radar_cleaner.training.precision import guard_norms
from radar_cleaner.training.settings import FAST_BATCHES, Training
from radar_cleaner.training.step import Crops, NotFiniteError, Steps
from radar_cleaner.training.transfer import freeze, start_from
from radar_cleaner.training.weight_averaging import Averages

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What has a state of its own; together with the position in the epoch it is all that a step changes."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    rates: Rates
    scaler: torch.amp.GradScaler  # type: ignore[name-defined]
    averages: Averages

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {name: getattr(self, name).state_dict() for name in self.__dataclass_fields__}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another left off."""
        for name in self.__dataclass_fields__:
            getattr(self, name).load_state_dict(state[name])
        # The fused optimizer goes through memory as it lies, and a saved tensor lies in its plain order.
        for weight, moments in self.optimizer.state.items():
            for name, values in moments.items():
                if values.shape == weight.shape:
                    moments[name] = torch.empty_like(weight).copy_(values)


def make_model(training: Training, crops: Crops, processes: Processes, drawn: bool) -> tuple[nn.Module, list[str]]:
    """The network as it begins, and what the card should say of that.

    Not `drawn`, its weights are still to be loaded.
    """
    model, notes = build_model(training.config), []
    if drawn:
        draw_weights(model, training.schedule.seed)
        if isinstance(model, Standardized):
            found = None
            if processes.first:
                found = channel_statistics(crops.bank, crops.samples, training.inputs)
            statistics = processes.broadcast(found)
            assert statistics is not None
            model.set_statistics(*statistics)
    if training.beginning.start_from is not None:
        notes += start_from(training.beginning.start_from, model, training.config)
    if training.beginning.freeze:
        frozen = freeze(model, training.beginning.freeze)
        notes.append(f"{len(frozen)} weights stay as they were: {', '.join(frozen)}.")
    model.to(processes.device, memory_format=training.numerics.memory_format)  # type: ignore[call-overload]
    guard_norms(model)
    if training.numerics.gradient_checkpointing:
        checkpoint_gradients(model)
    return model, notes


def count_steps(training: Training, crops: Crops) -> int:
    """Steps of an epoch."""
    steps = math.ceil(len(crops) / training.schedule.global_batch_size)
    return min(steps, FAST_BATCHES) if training.schedule.fast_dev_run else steps


def make_parts(training: Training, crops: Crops, model: nn.Module, learning_rate: float) -> Parts:
    """All parts as they begin."""
    an_epoch, epochs = count_steps(training, crops), training.schedule.last_epoch
    first = training.averaging.first_epoch(epochs)
    optimizer = make_optimizer(model, learning_rate, training.optimization.weight_decay)
    rates = Rates(
        optimizer,
        training.optimization,
        an_epoch * epochs,
        None if first is None else an_epoch * first,
        training.averaging.swa_rate,
    )
    device = next(model.parameters()).device
    return Parts(model, optimizer, rates, training.numerics.scaler(device), Averages(model, training.averaging))


def take_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,  # type: ignore[name-defined]
    clip_norm: float,
) -> HostCopy:
    """Move the weights by their gradients, of which a longer one is shortened to `clip_norm` (0: any).

    Gives the length of the gradient, for `expect_finite_gradient`. Where it is not finite nothing is moved;
    that is decided on the device, which is not waited for.
    """
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip_norm or math.inf)
    if not scaler.is_enabled():  # as the scaler tells the optimizer
        optimizer.found_inf = (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
    scaler.step(optimizer)
    scaler.update()
    return HostCopy(norm)


def expect_finite_gradient(norm: HostCopy, scaler: torch.amp.GradScaler) -> None:  # type: ignore[name-defined]
    """Raise NotFiniteError where a step's gradient was not finite; in fp16 its scale is then still too high."""
    if not scaler.is_enabled() and not bool(torch.isfinite(norm.read())):
        raise NotFiniteError("the gradient is not finite; lower training.learning_rate, or set clip_norm")


def tell_notes(training: Training, state: Mapping[str, Any], steps: Steps) -> list[str]:
    """What the card should say beside the parameters."""
    notes = []
    if state["rates"]:
        notes.append(f"The learning rate {state['learning_rate']:.3g} was found by trying.")
    if training.schedule.fast_dev_run:
        notes.append("A fast development run: two batches of everything. Good for nothing but a try.")
    if training.numerics.compile and not steps.compiled:
        notes.append("The network could not be compiled here; it ran as it is.")
    return notes


def log_epoch(row: Mapping[str, Any], losses: Mapping[str, float], epochs: int) -> None:
    """Say in the log how an epoch went; `losses` are those of the candidates for the best weights."""
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
