"""The optimizer and its learning rate: AdamW (Loshchilov and Hutter 2019) with one of three schedules."""

from __future__ import annotations

import math
import warnings
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LinearLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from radar_cleaner.config.training import Schedule

_ONE_CYCLE_START = 25.0  # the first rate is the highest rate over this


def make_optimizer(model: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """Return AdamW in two groups: weights decay; biases and norms, of one dimension at most, do not.

    The fused variant updates all weights at once. It updates none where `found_inf` is set on the device.
    """
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate, fused=True)


def cosine_share(step: int, steps: int, warmup: float, last: float) -> float:
    """Return the share of the highest rate at a step: a linear start, then half a cosine down to `last`."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return last + (1 - last) * (1 + math.cos(math.pi * min(1.0, done))) / 2


class Rates:
    """The learning rate of an optimizer, by torch's schedulers.

    `steps` is the number of steps of the training. From step `averaged_from` on, where weights are averaged,
    the rate is constant: the share `averaged_rate` of the highest rate.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: Schedule,
        steps: int,
        averaged_from: int | None = None,
        averaged_rate: float = 0.0,
    ) -> None:
        self._optimizer = optimizer
        self._each_step: LRScheduler
        self._each_epoch: ReduceLROnPlateau | None = None
        if schedule.name == "cosine":

            def share(step: int) -> float:
                if averaged_from is not None and step >= averaged_from:
                    return averaged_rate
                return cosine_share(step, averaged_from or steps, schedule.warmup, schedule.last)

            self._each_step = LambdaLR(optimizer, share)
        elif schedule.name == "one_cycle":
            # torch needs steps for both halves of the cycle, and computes the rate after the last step, too.
            length = max(4, steps + 1)
            self._each_step = OneCycleLR(
                optimizer,
                [group["lr"] for group in optimizer.param_groups],
                total_steps=length,
                pct_start=min(max(schedule.warmup, 2 / length), 1 - 1 / length),
                cycle_momentum=False,
                div_factor=_ONE_CYCLE_START,
                final_div_factor=1 / (_ONE_CYCLE_START * schedule.last),
            )
        else:
            rising = max(1, round(schedule.warmup * steps))
            self._each_step = LinearLR(optimizer, 1 / rising, total_iters=rising - 1)
            self._each_epoch = ReduceLROnPlateau(
                optimizer, factor=schedule.plateau_factor, patience=schedule.plateau_patience
            )

    @property
    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def after_step(self) -> None:
        """Set the rate of the next step, without torch's warning after a skipped fp16 step."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            self._each_step.step()

    def after_epoch(self, val_loss: float) -> None:
        """Report the validation loss of an epoch."""
        if self._each_epoch is not None:
            self._each_epoch.step(val_loss)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for `load_state_dict`, in plain types."""
        later = self._each_epoch.state_dict() if self._each_epoch else None
        return {"each_step": self._each_step.state_dict(), "each_epoch": later}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state; the state of the optimizer contains the rate itself."""
        self._each_step.load_state_dict(state["each_step"])
        if self._each_epoch is not None:
            self._each_epoch.load_state_dict(state["each_epoch"])
