"""The training loop: the same on one process or many, and the same again after a kill or an interruption.

Everything that changes from step to step is in the saved state: weights, optimizer, schedule, scaler, averages,
position in the epoch, sums so far. Random draws depend on (seed, epoch, item) alone; no generator has a state.
"""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from torch import nn

from radar_cleaner.config.cleaning import KEPT_SHARES
from radar_cleaner.config.training import Running
from radar_cleaner.datasets.augmentation import epoch_order
from radar_cleaner.datasets.frame_cache import FrameCache
from radar_cleaner.errors import Interrupted
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.async_copy import HostCopy
from radar_cleaner.training.calibration import (
    UNCALIBRATED,
    Calibration,
    fit_calibration,
    operating_points,
    weigh_radars,
)
from radar_cleaner.training.checkpoints import load_state, save_state
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.lr_finder import find_rate
from radar_cleaner.training.progress import Progress
from radar_cleaner.training.settings import FAST_BATCHES, Trained, Training
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.state import (
    Parts,
    TrainState,
    card_notes,
    expect_finite_gradient,
    log_epoch,
    make_model,
    make_parts,
    steps_per_epoch,
    take_step,
)
from radar_cleaner.training.step import CropDataset, NotFiniteError, Steps, StepSums, naming_memory_errors
from radar_cleaner.training.trackers import RunLog
from radar_cleaner.training.validation import Validation, mean_losses, scores
from radar_cleaner.training.weight_averaging import first_averaged_epoch

logger = logging.getLogger(__name__)

# Prefixes of the columns of the history: the validation scores of each candidate for the best weights.
_PREFIXES = {"raw": "val_", "ema": "ema_val_", "swa": "swa_val_"}


@dataclass(frozen=True)
class Environment:
    """The environment of a training: its processes, its checkpoint with the digest, its interruption, its log."""

    processes: Processes
    checkpoint: Path
    digest: str
    interruption: Interruption
    log: RunLog


def train(
    training: Training,
    running: Running,
    cache: FrameCache,
    train_samples: Sequence[Sample],
    val_samples: Sequence[Sample],
    environment: Environment,
) -> Trained:
    """Train from the start, or resume from the checkpoint if it belongs to this training (same digest).

    The best weights have the smallest validation loss. Without validation samples they are the last average.
    Raises ModelError where the loss is not finite, with the samples, or where memory is short. Raises Interrupted
    after a signal, when the state is saved.
    """
    dataset, processes = CropDataset(training, cache, train_samples), environment.processes
    if training.learning.fast_dev_run:
        val_samples = val_samples[:FAST_BATCHES]
    saved: dict[str, Any] | None = None
    if processes.first:
        saved = load_state(environment.checkpoint, environment.digest)
    saved = processes.broadcast(saved)
    model, notes = make_model(training, dataset, processes, drawn=saved is None)
    if processes.first:
        for note in notes:
            logger.info("%s", note)
    if saved is None:
        state = _first_state(training, running, dataset, model, environment)
        parts = make_parts(training, dataset, model, state.learning_rate)
    else:
        parts_state = saved.pop("parts")
        state = TrainState.from_state_dict(saved)
        parts = make_parts(training, dataset, model, state.learning_rate)
        parts.load_state_dict(parts_state)
        if processes.first:
            logger.info("resumes after epoch %d and %d step(s)", state.epoch, state.step)
    processes.broadcast_weights(model)
    steps = Steps(training, running, dataset, model, processes)
    validation = Validation(training, cache, val_samples, processes, environment.interruption)
    environment.interruption.patient = True
    with Progress(steps_per_epoch(training, dataset), training.epochs, processes.first) as progress:
        loop = _Loop(parts, steps, state, validation, progress, environment)
        with naming_memory_errors():
            while state.epoch < training.epochs and not loop.stops_early():
                loop.train_epoch()
                loop.end_epoch()
            calibration, points = loop.calibrate()
    return Trained(
        best=state.best,
        best_epoch=state.best_epoch,
        best_weights=state.best_weights,
        history=state.history,
        learning_rate=state.learning_rate,
        calibration=calibration,
        points=points,
        rates=state.rates,
        rate_losses=state.rate_losses,
        notes=[*notes, *card_notes(training, state, steps)],
    )


def _first_state(
    training: Training, running: Running, dataset: CropDataset, model: nn.Module, environment: Environment
) -> TrainState:
    """Return the state at the start, with the learning rate as given or as the first process finds it."""
    rate = training.learning.learning_rate
    if rate != "find":
        return TrainState(rate)
    found = None
    if environment.processes.first:
        found = find_rate(training, running, dataset, model, environment.processes)
    found = environment.processes.broadcast(found)
    assert found is not None
    values = {"learning_rate": found.rate, "rates": found.rates, "losses": found.losses}
    environment.log.record("rates", 0, values)
    return TrainState(found.rate, found.rates, found.losses)


@dataclass(frozen=True)
class _Step:
    """A step that the device may still be computing."""

    step: int
    items: Sequence[int]
    rate: float
    waited_s: float
    sums: StepSums
    norm: HostCopy


@dataclass(frozen=True)
class _Loop:
    """The epochs of a training."""

    parts: Parts
    steps: Steps
    state: TrainState
    validation: Validation
    progress: Progress
    environment: Environment

    @property
    def training(self) -> Training:
        """Return the settings."""
        return self.steps.training

    def train_epoch(self) -> None:
        """Take the remaining steps of an epoch; the sums of each finished step go into the state."""
        self.parts.model.train()
        self.progress.start_epoch(self.state.epoch, self.state.step)
        for finished in self._finished_steps():
            self._settle(finished)

    def _finished_steps(self) -> Iterator[_Step]:
        """Take the remaining steps of an epoch, and yield each when the next is under way.

        The device then never waits for the host. Before a checkpoint is saved, all steps taken are yielded.
        """
        training, state, parts = self.training, self.state, self.parts
        size, epoch, count = training.learning.global_batch_size, state.epoch, self._steps_per_epoch
        order = epoch_order(training.learning.seed, epoch, len(self.steps.dataset)).tolist()
        batches = [order[step * size : (step + 1) * size] for step in range(count)]
        saved = time.monotonic()
        pending: _Step | None = None
        for step in range(state.step, count):
            items, rate = batches[step], parts.rates.rate
            following = (batches[step + 1], epoch) if step + 1 < count else None
            sums = self.steps.gradients(
                items, epoch, parts.scaler, lambda: bool(self.environment.interruption.asked), following
            )
            if sums.asked:
                if pending is not None:
                    yield pending
                self._stop()
            norm = take_step(parts.model, parts.optimizer, parts.scaler, training.learning.clip_norm)
            parts.rates.after_step()
            parts.averages.after_step(parts.model, self._is_averaged(epoch) and step + 1 == count)
            if pending is not None:
                yield pending
            pending = _Step(step, items, rate, self.steps.waited_s, sums, norm)
            self.environment.processes.check_parent()
            minutes = self.steps.running.checkpoint_minutes
            if self.environment.processes.first and time.monotonic() - saved > 60 * minutes:
                yield pending
                pending = None
                self._save()
                saved = time.monotonic()
        if pending is not None:
            yield pending

    def _settle(self, finished: _Step) -> None:
        """Wait for a step, add its sums to the state, and log it. Raises NotFiniteError with its samples."""
        sums = finished.sums.read()
        try:
            expect_finite_gradient(finished.norm, self.parts.scaler)
        except NotFiniteError as error:
            names = ", ".join(self.steps.dataset.sample_names(finished.items, self.state.epoch))
            raise NotFiniteError(f"{error}; the samples of the batch are {names}") from None
        self.state.finish_step(finished.step, finished.rate, sums)
        epoch, samples = self.state.epoch, len(finished.items)
        means = mean_losses(sums, samples)
        speed = self.progress.step(epoch, finished.step, means["loss"], finished.rate, samples, finished.waited_s)
        number = epoch * self._steps_per_epoch + finished.step
        self.environment.log.record("step", number, {**means, "learning_rate": finished.rate, **speed})

    def end_epoch(self) -> None:
        """Validate, keep the best weights, and save the state."""
        state, parts, samples = self.state, self.parts, self.validation.samples
        items = min(len(self.steps.dataset), state.step * self.training.learning.global_batch_size)
        epoch = state.epoch + 1
        row = {"epoch": epoch, "learning_rate": state.rate}
        row |= {f"train_{name}": value for name, value in mean_losses(state.sums, items).items()}
        losses: dict[str, float] = {}
        candidates = parts.averages.candidates(parts.model)
        for name, model in candidates.items():
            sums = self.validation.sums(model)
            if sums["asked"]:
                self._stop()
            of_model = scores(sums, len(samples))
            losses[name] = of_model["loss"]
            row |= {f"{_PREFIXES[name]}{score}": value for score, value in of_model.items()}
        # Without validation the last average, which is the smoothest. Of equal losses the first candidate is best.
        best = min(losses, key=losses.__getitem__) if samples else list(candidates)[-1]
        if not samples or losses[best] < state.best_loss:
            state.keep_best(candidates[best], best, losses[best] if samples else math.inf)
        if samples:
            parts.rates.after_epoch(losses["raw"])
        state.finish_epoch(row)
        self.environment.processes.check_parent()
        if self.environment.processes.first:
            self._save()
            log_epoch(row, losses, self.training.epochs)
            self.environment.log.record("epoch", epoch * self._steps_per_epoch, row)

    def calibrate(self) -> tuple[Calibration, dict[str, float]]:
        """Return calibration and operating points of the best weights; none without validation samples."""
        if not self.validation.samples:
            return UNCALIBRATED, {}
        best = copy.deepcopy(self.parts.model)
        best.load_state_dict(self.state.best)
        histogram = self.validation.logits(best)
        if histogram is None:
            self._stop()
        return fit_calibration(*weigh_radars(*histogram)), operating_points(histogram[0], KEPT_SHARES)

    def stops_early(self) -> bool:
        """Return whether the validation loss has not fallen for long enough."""
        state, patience = self.state, self.training.learning.early_stopping
        idle = state.epoch - state.best_epoch
        averaged_from = self._first_averaged or 0
        stops = bool(patience and idle >= patience and state.epoch > averaged_from)
        stops = self.environment.processes.broadcast(stops)
        if stops and self.environment.processes.first:
            logger.info("stops early: the best of %d epochs is %d", state.epoch, state.best_epoch)
        return stops

    @property
    def _steps_per_epoch(self) -> int:
        return steps_per_epoch(self.training, self.steps.dataset)

    @property
    def _first_averaged(self) -> int | None:
        return first_averaged_epoch(self.training.learning.averaging, self.training.epochs)

    def _is_averaged(self, epoch: int) -> bool:
        return self._first_averaged is not None and epoch >= self._first_averaged

    def _save(self) -> None:
        state = {**self.state.state_dict(), "parts": self.parts.state_dict()}
        save_state(self.environment.checkpoint, self.environment.digest, state)

    def _stop(self) -> NoReturn:
        """Save and end, on all processes at the same step."""
        if self.environment.processes.first:
            self._save()
        raise Interrupted(
            f"stopped by {self.environment.interruption.asked or 'a signal'} after epoch {self.state.epoch} and"
            f" {self.state.step} step(s); the state is in {self.environment.checkpoint}: start the training again"
            " to resume"
        )
