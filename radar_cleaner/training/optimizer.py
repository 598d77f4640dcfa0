"""The optimizer and its learning rate: AdamW (Loshchilov and Hutter 2019) under one of three schedules."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LinearLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from radar_cleaner.errors import require

_ONE_CYCLE_START = 25.0  # the first rate is the highest over this


@dataclass(frozen=True)
class Optimization:
    """How the weights are moved.

    Attributes
    ----------
    learning_rate
        The highest of the schedule, or `find`: looked for before the training.
    weight_decay
        AdamW's weight decay; biases and norms have none.
    clip_norm
        Longest gradient, 0 for any.
    schedule
        `cosine` after a linear warm-up, `one_cycle` (Smith and Topin 2018), or `plateau`: lower when the
        validation loss no longer falls.
    warmup
        Share of the steps in which the rate rises.
    last_rate
        Share of the rate that is left at the end.
    plateau_patience
        Epochs without a lower validation loss before the rate is lowered.
    plateau_factor
        What the rate is then multiplied by.
    """

    learning_rate: float | Literal["find"]
    weight_decay: float
    clip_norm: float
    schedule: Literal["cosine", "one_cycle", "plateau"]
    warmup: float
    last_rate: float
    plateau_patience: int
    plateau_factor: float

    def __post_init__(self) -> None:
        if self.learning_rate != "find":
            require("learning_rate", self.learning_rate, 0, above=True)
        for name in ("weight_decay", "clip_norm", "plateau_patience"):
            require(name, getattr(self, name), 0)
        require("warmup", self.warmup, 0, 1)
        for name in ("last_rate", "plateau_factor"):
            require(name, getattr(self, name), 0, 1, above=True)


def make_optimizer(model: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """AdamW in two groups: weights decay; biases and norms, which have one dimension at most, do not.

    It is the fused one, which moves all weights at once, and none where it is told so on the device.
    """
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=learning_rate, fused=True)


def cosine_share(step: int, steps: int, warmup: float, last: float) -> float:
    """Share of the highest rate at a step: a linear start, then half a cosine down to `last`."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return last + (1 - last) * (1 + math.cos(math.pi * min(1.0, done))) / 2


class Rates:
    """The learning rate of an optimizer, by torch's schedulers; its state goes with the training's.

    `steps` is how many the training has. From `averaged_from` on (in steps), where weights are averaged, the
    cosine gives way to a constant share of the rate.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        options: Optimization,
        steps: int,
        averaged_from: int | None = None,
        averaged_rate: float = 0.0,
    ) -> None:
        self._optimizer = optimizer
        self._each_step: LRScheduler
        self._each_epoch: ReduceLROnPlateau | None = None
        if options.schedule == "cosine":

            def share(step: int) -> float:
                if averaged_from is not None and step >= averaged_from:
                    return averaged_rate
                return cosine_share(step, averaged_from or steps, options.warmup, options.last_rate)

            self._each_step = LambdaLR(optimizer, share)
        elif options.schedule == "one_cycle":
            # torch wants room for both halves of the cycle; the step after the last is asked for, too.
            length = max(4, steps + 1)
            self._each_step = OneCycleLR(
                optimizer,
                [group["lr"] for group in optimizer.param_groups],
                total_steps=length,
                pct_start=min(max(options.warmup, 2 / length), 1 - 1 / length),
                cycle_momentum=False,
                div_factor=_ONE_CYCLE_START,
                final_div_factor=1 / (_ONE_CYCLE_START * options.last_rate),
            )
        else:
            rising = max(1, round(options.warmup * steps))
            self._each_step = LinearLR(optimizer, 1 / rising, total_iters=rising - 1)
            self._each_epoch = ReduceLROnPlateau(
                optimizer, factor=options.plateau_factor, patience=options.plateau_patience
            )

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def after_step(self) -> None:
        """Take the next step's rate, also where an fp16 step was skipped, of which torch would warn."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            self._each_step.step()

    def after_epoch(self, val_loss: float) -> None:
        """Tell how the epoch went."""
        if self._each_epoch is not None:
            self._each_epoch.step(val_loss)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes; plain types."""
        later = self._each_epoch.state_dict() if self._each_epoch else None
        return {"each_step": self._each_step.state_dict(), "each_epoch": later}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another left off; the optimizer's own state holds its rate."""
        self._each_step.load_state_dict(state["each_step"])
        if self._each_epoch is not None:
            self._each_epoch.load_state_dict(state["each_epoch"])
