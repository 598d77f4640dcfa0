"""The training loop: the same on one process or many, the same again after a kill or an interruption.

All that changes from step to step lies in the state that is saved: weights, optimizer, schedule, scaler, averages,
position in the epoch, sums so far. Random draws depend on (seed, epoch, item) alone: no generator has a state.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from torch import nn

from radar_cleaner.datasets.augmentation import epoch_order
from radar_cleaner.datasets.frame_cache import Bank, Sample
from radar_cleaner.errors import Interrupted
from radar_cleaner.training.async_copy import HostCopy
from radar_cleaner.training.checkpoints import load_state, save_state
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.lr_finder import find_rate
from radar_cleaner.training.progress import Progress
from radar_cleaner.training.settings import FAST_BATCHES, Running, Trained, Training
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.state import (
    Parts,
    count_steps,
    expect_finite_gradient,
    log_epoch,
    make_model,
    make_parts,
    take_step,
    tell_notes,
)
from radar_cleaner.training.step import Crops, NotFiniteError, Steps, StepSums, naming_memory_errors
from radar_cleaner.training.temperature import fit_temperature
from radar_cleaner.training.trackers import RunLog
from radar_cleaner.training.validation import count_logits, mean_losses, scores, validate

logger = logging.getLogger(__name__)

# Of the columns of the history: the scores of each candidate.
_PREFIXES = {"raw": "val_", "ema": "ema_val_", "swa": "swa_val_"}


@dataclass(frozen=True)
class Place:
    """Where a training runs: its processes, its checkpoint and that one's digest, who may stop it, its log."""

    processes: Processes
    checkpoint: Path
    digest: str
    interruption: Interruption
    log: RunLog


def train(
    training: Training,
    running: Running,
    bank: Bank,
    train_samples: Sequence[Sample],
    val_samples: Sequence[Sample],
    place: Place,
) -> Trained:
    """Train from the start, or go on from the checkpoint if it is of this very training (the digest).

    The best weights are those of the least validation loss; without validation samples, the last average.
    Raises ModelError when the loss is not finite, naming the samples, or when memory does not suffice;
    Interrupted when a signal asked for it and the state is saved.
    """
    crops, processes = Crops(training, bank, train_samples), place.processes
    if training.schedule.fast_dev_run:
        val_samples = val_samples[:FAST_BATCHES]
    state: dict[str, Any] | None = load_state(place.checkpoint, place.digest) if processes.first else None
    state = processes.broadcast(state)
    model, notes = make_model(training, crops, processes, drawn=state is None)
    if processes.first:
        for note in notes:
            logger.info("%s", note)
    if state is None:
        state = _first_state() | _first_rate(training, running, crops, model, place)
        parts = make_parts(training, crops, model, state["learning_rate"])
    else:
        parts = make_parts(training, crops, model, state["learning_rate"])
        parts.load_state_dict(state.pop("parts"))
        if processes.first:
            logger.info("goes on after epoch %d and %d step(s)", state["epoch"], state["step"])
    processes.broadcast_weights(model)
    steps = Steps(training, running, crops, model, processes)
    epochs = training.schedule.last_epoch
    place.interruption.patient = True
    steps_an_epoch = count_steps(training, crops)
    with Progress(steps_an_epoch, epochs, processes.first) as progress, naming_memory_errors():
        while state["epoch"] < epochs and not _stops_early(training, state, processes):
            _train_epoch(parts, steps, state, running, progress, place)
            _end_epoch(parts, steps, state, val_samples, place)
        temperature = _fit_temperature(parts, steps, state, val_samples, place)
    return Trained(
        best=state["best"],
        best_epoch=state["best_epoch"],
        best_weights=state["best_weights"],
        history=state["history"],
        learning_rate=state["learning_rate"],
        temperature=temperature,
        rates=state["rates"],
        rate_losses=state["rate_losses"],
        notes=[*notes, *tell_notes(training, state, steps)],
    )


def _first_state() -> dict[str, Any]:
    best = {"best": None, "best_epoch": 0, "best_weights": "raw", "best_loss": math.inf}
    return _next_epoch(0) | {"history": []} | best


def _first_rate(
    training: Training, running: Running, crops: Crops, model: nn.Module, place: Place
) -> dict[str, Any]:
    """The learning rate as it is given, or as the first process finds it."""
    rate = training.optimization.learning_rate
    if rate != "find":
        return {"learning_rate": rate, "rates": [], "rate_losses": []}
    found = None
    if place.processes.first:
        found = find_rate(training, running, crops, model, place.processes)
    found = place.processes.broadcast(found)
    assert found is not None
    place.log.record("rates", 0, {"learning_rate": found.rate, "rates": found.rates, "losses": found.losses})
    return {"learning_rate": found.rate, "rates": found.rates, "rate_losses": found.losses}


@dataclass(frozen=True)
class _Taken:
    """A step that the device may still be at."""

    step: int
    items: Sequence[int]
    rate: float
    waited_s: float
    sums: StepSums
    norm: HostCopy


def _train_epoch(
    parts: Parts, steps: Steps, state: dict[str, Any], running: Running, progress: Progress, place: Place
) -> None:
    """The steps that are left of an epoch; their sums go into the state.

    What a step has summed up is read when the next one is under way, so that the device never waits for the host.
    """
    training, epoch = steps.training, state["epoch"]
    size = training.schedule.global_batch_size
    an_epoch, saved = count_steps(training, steps.crops), time.monotonic()
    order = epoch_order(training.schedule.seed, epoch, len(steps.crops)).tolist()
    batches = [order[step * size : (step + 1) * size] for step in range(an_epoch)]
    parts.model.train()
    progress.start_epoch(epoch, state["step"])
    before: _Taken | None = None
    for step in range(state["step"], an_epoch):
        items, rate = batches[step], parts.rates.rate
        following = (batches[step + 1], epoch) if step + 1 < an_epoch else None
        sums = steps.gradients(items, epoch, parts.scaler, lambda: bool(place.interruption.asked), following)
        if sums.asked:
            _settle(before, parts, steps, state, progress, place)
            _stop(parts, state, place)
        norm = take_step(parts.model, parts.optimizer, parts.scaler, training.optimization.clip_norm)
        parts.rates.after_step()
        parts.averages.after_step(parts.model, _is_averaged(training, epoch) and step + 1 == an_epoch)
        _settle(before, parts, steps, state, progress, place)
        before = _Taken(step, items, rate, steps.waited_s, sums, norm)
        place.processes.check_parent()
        if place.processes.first and time.monotonic() - saved > 60 * running.checkpoint_minutes:
            _settle(before, parts, steps, state, progress, place)
            before = None
            _save(parts, state, place)
            saved = time.monotonic()
    _settle(before, parts, steps, state, progress, place)


def _settle(
    taken: _Taken | None, parts: Parts, steps: Steps, state: dict[str, Any], progress: Progress, place: Place
) -> None:
    """Wait for a step, put its sums into the state and tell of it. Raises NotFiniteError, with its samples."""
    if taken is None:
        return
    epoch, items = state["epoch"], taken.items
    sums = taken.sums.read()
    try:
        expect_finite_gradient(taken.norm, parts.scaler)
    except NotFiniteError as error:
        raise NotFiniteError(f"{error}; the batch holds {', '.join(steps.crops.name(items))}") from None
    state |= {"step": taken.step + 1, "rate": taken.rate}
    state["sums"] = {name: state["sums"].get(name, 0.0) + value for name, value in sums.items()}
    means = mean_losses(sums, len(items))
    speed = progress.step(epoch, taken.step, means["loss"], taken.rate, len(items), taken.waited_s)
    number = epoch * count_steps(steps.training, steps.crops) + taken.step
    place.log.record("step", number, {**means, "learning_rate": taken.rate, **speed})


def _end_epoch(
    parts: Parts, steps: Steps, state: dict[str, Any], val_samples: Sequence[Sample], place: Place
) -> None:
    """Validate, keep the best, and save."""
    training, processes = steps.training, place.processes
    items = min(len(steps.crops), state["step"] * training.schedule.global_batch_size)
    epoch = state["epoch"] + 1
    row = {"epoch": epoch, "learning_rate": state["rate"]}
    row |= {f"train_{name}": value for name, value in mean_losses(state["sums"], items).items()}
    losses: dict[str, float] = {}
    candidates = parts.averages.candidates(parts.model)
    for name, model in candidates.items():
        sums = validate(training, steps.crops.bank, val_samples, model, processes, place.interruption)
        if sums["asked"]:
            _stop(parts, state, place)
        found = scores(sums, len(val_samples))
        losses[name] = found["loss"]
        row |= {f"{_PREFIXES[name]}{score}": value for score, value in found.items()}
    # Without validation the last average, as it is the smoothest; so the names' order decides between equals, too.
    best = min(losses, key=losses.__getitem__) if val_samples else list(candidates)[-1]
    if not val_samples or losses[best] < state["best_loss"]:
        weights = {name: tensor.detach().cpu().clone() for name, tensor in candidates[best].state_dict().items()}
        state |= {"best": weights, "best_epoch": epoch, "best_weights": best}
        state["best_loss"] = losses[best] if val_samples else math.inf
    if val_samples:
        parts.rates.after_epoch(losses["raw"])
    state |= _next_epoch(epoch) | {"history": [*state["history"], row]}
    processes.check_parent()
    if processes.first:
        _save(parts, state, place)
        log_epoch(row, losses, training.schedule.last_epoch)
        place.log.record("epoch", epoch * count_steps(training, steps.crops), row)


def _fit_temperature(
    parts: Parts, steps: Steps, state: dict[str, Any], val_samples: Sequence[Sample], place: Place
) -> float:
    """What makes the best weights as sure as they are right on the validation samples; 1 without any."""
    if not val_samples:
        return 1.0
    best = copy.deepcopy(parts.model)
    best.load_state_dict(state["best"])
    counted = count_logits(
        steps.training, steps.crops.bank, val_samples, best, place.processes, place.interruption
    )
    if counted is None:
        _stop(parts, state, place)
    return fit_temperature(*counted)


def _next_epoch(epoch: int) -> dict[str, Any]:
    """What of the state is new in each epoch."""
    return {"epoch": epoch, "step": 0, "sums": {}}


def _is_averaged(training: Training, epoch: int) -> bool:
    first = training.averaging.first_epoch(training.schedule.last_epoch)
    return first is not None and epoch >= first


def _stops_early(training: Training, state: dict[str, Any], processes: Processes) -> bool:
    """Whether the validation loss has not fallen for so many epochs: the first process says it for all.

    Not before late averages have begun, which are often the best.
    """
    patience, idle = training.schedule.early_stopping, state["epoch"] - state["best_epoch"]
    averaged_from = training.averaging.first_epoch(training.schedule.last_epoch) or 0
    stops = processes.broadcast(bool(patience and idle >= patience and state["epoch"] > averaged_from))
    if stops and processes.first:
        logger.info("stops early: the best of %d epochs is %d", state["epoch"], state["best_epoch"])
    return stops


def _save(parts: Parts, state: dict[str, Any], place: Place) -> None:
    save_state(place.checkpoint, place.digest, {**state, "parts": parts.state_dict()})


def _stop(parts: Parts, state: dict[str, Any], place: Place) -> NoReturn:
    """Save and end, on all processes at the same step."""
    if place.processes.first:
        _save(parts, state, place)
    raise Interrupted(
        f"stopped by {place.interruption.asked or 'a signal'} after epoch {state['epoch']} and {state['step']} "
        f"step(s); the state is in {place.checkpoint}: call it again to go on"
    )
