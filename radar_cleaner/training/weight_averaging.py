"""Averages of the weights, by torch's AveragedModel.

`ema` is the exponential moving average over all steps (Polyak and Juditsky 1992). `swa` is the plain mean over the
last epochs, at a constant learning rate (Izmailov et al. 2018).
"""

from __future__ import annotations

import math
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from radar_cleaner.config.training import Averaging


def first_averaged_epoch(averaging: Averaging, epochs: int) -> int | None:
    """Return the first epoch, counted from 0, that `swa` averages; at least the second. None without `swa`."""
    if not averaging.swa or epochs < 2:
        return None
    return max(1, epochs - max(1, math.ceil(round(averaging.swa * epochs, 6))))


class Averages:
    """The averages of one model. Those that are switched off cost nothing."""

    def __init__(self, model: nn.Module, averaging: Averaging) -> None:
        self._models: dict[str, AveragedModel] = {}
        if averaging.ema:
            decay = get_ema_multi_avg_fn(averaging.ema)  # type: ignore[no-untyped-call]
            self._models["ema"] = AveragedModel(model, multi_avg_fn=decay)
        if averaging.swa:
            self._models["swa"] = AveragedModel(model)

    def after_step(self, model: nn.Module, ends_averaged_epoch: bool) -> None:
        """Include the weights of a step; `swa` includes those at the end of an averaged epoch."""
        if "ema" in self._models:
            self._models["ema"].update_parameters(model)
        if "swa" in self._models and ends_averaged_epoch:
            self._models["swa"].update_parameters(model)

    def candidates(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return the networks that may be the best: `raw`, and each average that has begun."""
        begun = {name: average.module for name, average in self._models.items() if int(average.n_averaged) > 0}
        return {"raw": model, **begun}

    def state_dict(self) -> dict[str, Any]:
        """Return the state for `load_state_dict`."""
        return {name: average.state_dict() for name, average in self._models.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        for name, average in self._models.items():
            average.load_state_dict(state[name])
