"""The training loop: the same on one process or many, the same again after a kill.

All that changes from step to step lies in the state that is saved after each epoch; random draws depend on
(seed, epoch, item) alone, the learning rate on the step alone.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from radar_cleaner.bank import Bank, Sample
from radar_cleaner.channels import unscale_dbz
from radar_cleaner.checkpoints import load_state, save_state
from radar_cleaner.dataset import (
    Augmentation,
    Batch,
    Inputs,
    RawBatch,
    cut,
    draw_crop,
    epoch_order,
    make_batch,
    whole_frame,
)
from radar_cleaner.distributed import Processes
from radar_cleaner.errors import ModelError
from radar_cleaner.losses import TERMS, LossWeights, sample_losses
from radar_cleaner.models import ModelConfig, apply_padded, draw_weights

logger = logging.getLogger(__name__)

MAX_GRADIENT_NORM = 1.0
_WARMUP = 0.05  # share of the steps
_LAST_RATE = 0.01  # share of the learning rate that is left at the end
_LINES_AN_EPOCH = 3
# What validation counts, beside the terms of the loss: see `count_pixels`.
COUNTS = ("dbz_error", "dbz_pixels", "kept", "lost", "passed", "removed")


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the learning rate is that at its height."""

    epochs: int
    global_batch_size: int
    crops_per_sample: int
    learning_rate: float
    weight_decay: float
    seed: int

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step: a linear start, then half a cosine down to a hundredth."""
        warmup = max(1, round(_WARMUP * steps))
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, steps - warmup)
        return self.learning_rate * (_LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * done)) / 2)


@dataclass(frozen=True)
class Training:
    """All that determines the weights that come out, but for the bank's content."""

    config: ModelConfig
    schedule: Schedule
    augmentation: Augmentation
    weights: LossWeights

    @property
    def inputs(self) -> Inputs:
        """Which frames a sample reads."""
        return Inputs(self.config.input_minutes, self.config.atlas, self.config.reflectivity_target)


@dataclass(frozen=True)
class Trained:
    """The weights of the best epoch, and one row an epoch of what was measured."""

    best: Mapping[str, Tensor]
    best_epoch: int
    history: Sequence[Mapping[str, float]]


def train(
    training: Training,
    bank: Bank,
    train_samples: Sequence[Sample],
    val_samples: Sequence[Sample],
    processes: Processes,
    checkpoint: Path,
    digest: str,
) -> Trained:
    """Train from the start, or go on from `checkpoint` if it is of this very training (`digest`).

    The best epoch is that of the least validation loss; without validation samples it is the last.
    Raises ModelError when the loss is not finite, naming the samples.
    """
    schedule, config = training.schedule, training.config
    model = config.build()
    draw_weights(model, schedule.seed)
    model.to(processes.device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    state = processes.broadcast(load_state(checkpoint, digest) if processes.first else None)
    if state is None:
        state = {"epoch": 0, "best": None, "best_epoch": 0, "best_loss": math.inf, "history": []}
    else:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if processes.first:
            logger.info("goes on after epoch %d of %d", state["epoch"], schedule.epochs)
    processes.broadcast_weights(model)
    for epoch in range(state["epoch"], schedule.epochs):
        rate, train_means = _train_epoch(training, bank, train_samples, model, optimizer, epoch, processes)
        val_sums = _validate(training, bank, val_samples, model, processes)
        row = {"epoch": epoch + 1, "learning_rate": rate}
        row |= {f"train_{name}": value for name, value in train_means.items()}
        row |= {f"val_{name}": value for name, value in summarize(val_sums, len(val_samples)).items()}
        loss = row["val_loss"] if val_samples else -math.inf
        if loss < state["best_loss"] or not val_samples:
            best = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
            state |= {"best": best, "best_epoch": epoch + 1, "best_loss": loss}
        state |= {"epoch": epoch + 1, "history": [*state["history"], row]}
        state |= {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        processes.check_parent()
        if processes.first:
            save_state(checkpoint, digest, state)
            _log_epoch(row, schedule.epochs)
    return Trained(state["best"], state["best_epoch"], state["history"])


def compute_losses(
    training: Training, model: nn.Module, raw: RawBatch, device: torch.device
) -> tuple[dict[str, Tensor], Tensor, Batch]:
    """Losses by sample, the scaled reflectivity and logit stacked (2, B, H, W), and the batch.

    Raises ModelError where a sample's loss is not finite.
    """
    batch = make_batch(raw, training.inputs, device)
    logit_BHW, scaled_BHW = apply_padded(model, batch.channels, training.config.pad_mode)
    terms = sample_losses(logit_BHW, scaled_BHW, batch, training.weights)
    finite = torch.isfinite(terms["loss"]).tolist()
    if not all(finite):
        samples = [str(sample) for sample, fine in zip(raw.samples, finite, strict=True) if not fine]
        raise ModelError(
            f"the loss is not finite for {', '.join(samples)}; lower training.learning_rate, "
            "or leave these times out of training.period"
        )
    return terms, torch.stack([logit_BHW, scaled_BHW]), batch


def backward_share(
    training: Training, model: nn.Module, raw: RawBatch | None, batch_size: int, processes: Processes
) -> dict[str, float]:
    """Gradients of the mean loss over a global batch, of which this process has the samples `raw` (or none).

    Gives this process's sums of the terms of the loss.
    """
    sums = dict.fromkeys(TERMS, 0.0)
    if raw is not None:
        terms, _, _ = compute_losses(training, model, raw, processes.device)
        (terms["loss"].sum() / batch_size).backward()  # type: ignore[no-untyped-call]
        sums = {name: float(values.detach().double().sum()) for name, values in terms.items()}
    processes.sum_gradients(model.parameters())
    return sums


def _train_epoch(
    training: Training,
    bank: Bank,
    samples: Sequence[Sample],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    processes: Processes,
) -> tuple[float, dict[str, float]]:
    """Go through all crops of an epoch once; the last learning rate, and the means of the terms."""
    schedule = training.schedule
    items = len(samples) * schedule.crops_per_sample
    order, size = epoch_order(schedule.seed, epoch, items).tolist(), schedule.global_batch_size
    steps = math.ceil(items / size)
    sums = dict.fromkeys(TERMS, 0.0)
    model.train()
    rate = 0.0
    for step in range(steps):
        rate = schedule.rate(epoch * steps + step, schedule.epochs * steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch_items = order[step * size : (step + 1) * size]
        share = processes.share(batch_items)
        raw = cut_items(training, bank, samples, share, epoch) if share else None
        optimizer.zero_grad(set_to_none=True)
        losses = backward_share(training, model, raw, len(batch_items), processes)
        nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        sums = {name: total + losses[name] for name, total in sums.items()}
        processes.check_parent()
        if processes.first and (step + 1) % math.ceil(steps / _LINES_AN_EPOCH) == 0 and step + 1 < steps:
            mean = losses["loss"] / max(1, len(share))
            logger.info("epoch %d step %d/%d: loss %.4f", epoch + 1, step + 1, steps, mean)
    return rate, {name: total / items for name, total in processes.sum_values(sums).items()}


def cut_items(
    training: Training, bank: Bank, samples: Sequence[Sample], items: Sequence[int], epoch: int
) -> RawBatch:
    """The crops of some items of an epoch; item i is a crop of sample i // crops_per_sample."""
    schedule, inputs = training.schedule, training.inputs
    chosen = [samples[item // schedule.crops_per_sample] for item in items]
    draws = [
        draw_crop(bank, sample, training.augmentation, inputs, schedule.seed, epoch, item)
        for sample, item in zip(chosen, items, strict=True)
    ]
    return cut(bank, chosen, draws, inputs)


def _validate(
    training: Training, bank: Bank, samples: Sequence[Sample], model: nn.Module, processes: Processes
) -> dict[str, float]:
    """Sums over all validation samples of the terms of the loss and of COUNTS; whole frames, one at a time."""
    sums = dict.fromkeys(TERMS + COUNTS, 0.0)
    model.eval()
    with torch.inference_mode():
        for sample in processes.share(samples):
            draw = whole_frame(bank[sample.radar].grid, training.inputs)
            raw = cut(bank, [sample], [draw], training.inputs)
            terms, heads, batch = compute_losses(training, model, raw, processes.device)
            found = {name: float(values.double().sum()) for name, values in terms.items()}
            found |= count_pixels(heads[0], heads[1], batch)
            sums = {name: total + found[name] for name, total in sums.items()}
    return processes.sum_values(sums)


def count_pixels(logit_BHW: Tensor, scaled_BHW: Tensor, batch: Batch) -> dict[str, float]:
    """Sums for physical scores: absolute dBZ errors, and own echoes of a known kind at probability 0.5.

    kept, lost: meteorological ones; passed, removed: the others.
    """
    counted = batch.reflectivity_weight > 0
    error = (unscale_dbz(scaled_BHW) - unscale_dbz(batch.reflectivity)).abs()
    said, rain, known = logit_BHW >= 0, batch.mask > 0.5, (batch.weight > 0) & batch.own_echo
    sums = {
        "dbz_error": error[counted].double().sum(),
        "dbz_pixels": counted.sum(),
        "kept": (known & rain & said).sum(),
        "lost": (known & rain & ~said).sum(),
        "passed": (known & ~rain & said).sum(),
        "removed": (known & ~rain & ~said).sum(),
    }
    return {name: float(value) for name, value in sums.items()}


def summarize(sums: Mapping[str, float], samples: int) -> dict[str, float]:
    """Means of the loss's terms, and scores by their units; NaN where nothing was counted."""

    def ratio(part: float, whole: float) -> float:
        return part / whole if whole else math.nan

    means = {name: ratio(sums[name], samples) for name in TERMS}
    kept, lost, passed, removed = (sums[name] for name in ("kept", "lost", "passed", "removed"))
    return means | {
        "reflectivity_mae_dbz": ratio(sums["dbz_error"], sums["dbz_pixels"]),
        "mask_f1": ratio(2 * kept, 2 * kept + lost + passed),
        "meteorological_kept": ratio(kept, kept + lost),
        "non_meteorological_removed": ratio(removed, removed + passed),
    }


def _log_epoch(row: Mapping[str, Any], epochs: int) -> None:
    logger.info(
        "epoch %d/%d: train loss %.4f, val loss %.4f, mask F1 %.3f, reflectivity MAE %.2f dBZ",
        row["epoch"],
        epochs,
        row["train_loss"],
        row["val_loss"],
        row["val_mask_f1"],
        row["val_reflectivity_mae_dbz"],
    )
