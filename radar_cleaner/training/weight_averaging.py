"""Averages of the weights beside those that are trained, by torch's AveragedModel.

`ema` is the exponential moving average of all steps (Polyak and Juditsky 1992), `swa` the plain mean of the
last epochs at a constant rate (Izmailov et al. 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from radar_cleaner.errors import require


@dataclass(frozen=True)
class Averaging:
    """Which averages of the weights are kept.

    Attributes
    ----------
    ema
        Decay of the moving average a step, 0 for none.
    swa
        Share of the epochs, at the end, whose weights are averaged; 0 for none.
    swa_rate
        Share of the learning rate that is held in these epochs.
    """

    ema: float
    swa: float
    swa_rate: float

    def __post_init__(self) -> None:
        require("ema", self.ema, 0, 0.999999)
        require("swa", self.swa, 0, 1)
        require("swa_rate", self.swa_rate, 0, 1, above=True)

    def first_epoch(self, epochs: int) -> int | None:
        """The first epoch, counted from 0, that `swa` averages: the second at the earliest; None without it."""
        if not self.swa or epochs < 2:
            return None
        return max(1, epochs - max(1, math.ceil(round(self.swa * epochs, 6))))


class Averages:
    """The averages of one model. Off, they cost nothing."""

    def __init__(self, model: nn.Module, options: Averaging) -> None:
        self._models: dict[str, AveragedModel] = {}
        if options.ema:
            decay = get_ema_multi_avg_fn(options.ema)  # type: ignore[no-untyped-call]
            self._models["ema"] = AveragedModel(model, multi_avg_fn=decay)
        if options.swa:
            self._models["swa"] = AveragedModel(model)

    def after_step(self, model: nn.Module, ends_averaged_epoch: bool) -> None:
        """Take in the weights of a step; `swa` only those at the end of an epoch that it averages."""
        if "ema" in self._models:
            self._models["ema"].update_parameters(model)
        if "swa" in self._models and ends_averaged_epoch:
            self._models["swa"].update_parameters(model)

    def candidates(self, model: nn.Module) -> dict[str, nn.Module]:
        """The networks of which the best is looked for: `raw`, and the averages that hold anything."""
        begun = {name: kept.module for name, kept in self._models.items() if int(kept.n_averaged) > 0}
        return {"raw": model, **begun}

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {name: kept.state_dict() for name, kept in self._models.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another left off."""
        for name, kept in self._models.items():
            kept.load_state_dict(state[name])
