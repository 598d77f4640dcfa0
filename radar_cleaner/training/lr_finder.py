"""The learning-rate finder (Smith 2017): a short training whose rate rises until the loss does.

It runs on the first process alone, on a copy of the model. The other processes wait for the result.
"""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from radar_cleaner.config.training import Running
from radar_cleaner.datasets.augmentation import epoch_order
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.optimizer import make_optimizer
from radar_cleaner.training.precision import make_scaler
from radar_cleaner.training.settings import FAST_BATCHES, Training
from radar_cleaner.training.state import expect_finite_gradient, take_step
from radar_cleaner.training.step import CropDataset, NotFiniteError, Steps

logger = logging.getLogger(__name__)

LOWEST, HIGHEST, STEPS = 1e-5, 1.0, 80
_SMOOTHING = 0.9
_SETTLED = 10  # steps until the smoothed loss no longer depends on the first batch
_WINDOW = 13  # points of a slope, a sixth of the range
_BLOWN_UP = 3.0  # times the lowest smoothed loss


@dataclass(frozen=True)
class FoundRate:
    """The suggested rate, and the smoothed loss at each rate that was tried."""

    rate: float
    rates: Sequence[float]
    losses: Sequence[float]


def find_rate(
    training: Training, running: Running, dataset: CropDataset, model: nn.Module, processes: Processes
) -> FoundRate:
    """Try rising rates on a copy of the model, on the batches of the first epochs."""
    alone = replace(processes, rank=0, world=1)
    trial = copy.deepcopy(model)
    steps = Steps(training, running, dataset, trial, alone)
    optimizer = make_optimizer(trial, LOWEST, training.learning.weight_decay)
    scaler = make_scaler(training.learning.precision, alone.device)
    count = FAST_BATCHES if training.learning.fast_dev_run else STEPS
    rates: list[float] = []
    losses: list[float] = []
    mean, trial_items = 0.0, _batches(training, dataset)
    trial.train()
    for step in range(count):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / max(1, count - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        epoch, items = next(trial_items)
        try:
            loss = steps.gradients(items, epoch, scaler).read()["loss"] / len(items)
        except NotFiniteError:
            if not losses:  # the rate is not the cause
                raise
            break
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        rates.append(rate)
        losses.append(mean / (1 - _SMOOTHING ** (step + 1)))
        if losses[-1] > _BLOWN_UP * min(losses):
            break
        try:
            norm = take_step(trial, optimizer, scaler, training.learning.clip_norm)
            expect_finite_gradient(norm, scaler)
        except NotFiniteError:
            break
    found = FoundRate(suggest_rate(rates, losses), rates, losses)
    logger.info("learning rate %.3g, found in %d steps from %g", found.rate, len(rates), LOWEST)
    return found


def suggest_rate(rates: Sequence[float], losses: Sequence[float]) -> float:
    """Return the highest rate up to which the loss falls at least half as fast as at its steepest.

    The speed is the slope of a line through a window of points, over the logarithm of the rate. The lowest loss is
    a poor guide: a network with norms still improves at a rate at which a whole training would not converge.
    """
    if len(losses) < _WINDOW:  # a fast development run
        return float(np.exp(np.mean(np.log(rates))))
    first = min(_SETTLED, len(losses) - _WINDOW)
    slopes = [
        float(np.polyfit(np.log(rates[start : start + _WINDOW]), losses[start : start + _WINDOW], 1)[0])
        for start in range(first, len(losses) - _WINDOW + 1)
    ]
    place = steepest = int(np.argmin(slopes))
    while place + 1 < len(slopes) and slopes[place + 1] <= slopes[steepest] / 2:
        place += 1
    return rates[first + place + _WINDOW // 2]


def _batches(training: Training, dataset: CropDataset) -> Iterator[tuple[int, list[int]]]:
    """Yield the epoch and the items of each batch."""
    size = training.learning.global_batch_size
    for epoch in itertools.count():
        order = epoch_order(training.learning.seed, epoch, len(dataset)).tolist()
        for start in range(0, len(order), size):
            yield epoch, order[start : start + size]
