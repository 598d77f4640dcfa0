"""What a training leaves: the model, its card, tables and figures of how it went."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radar_cleaner import __version__
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import save_model
from radar_cleaner.plotting.style import write_png
from radar_cleaner.plotting.training import learning_curves_figure, rates_figure
from radar_cleaner.storage.atomic import write_csv, write_text
from radar_cleaner.training.settings import Trained

logger = logging.getLogger(__name__)

_FEW = 0.01  # of the meteorological echo


@dataclass(frozen=True)
class Outputs:
    """What a training writes.

    Attributes
    ----------
    best
        Model file: the best weights.
    history
        Table of the losses and scores of each epoch.
    curves
        Figure of that table.
    card
        Model card.
    rates
        Table of the rates tried and their losses, with a learning rate that is to be found.
    rates_figure
        Figure of that table.
    """

    best: Path
    history: Path
    curves: Path
    card: Path
    rates: Path | None = None
    rates_figure: Path | None = None


def write_training(
    outputs: Outputs, config: ModelConfig, trained: Trained, card: str, provenance: dict[str, Any]
) -> None:
    """Write the model with what made it, its card, and what was measured epoch by epoch."""
    provenance |= {
        "stage": "train_model",
        "version": __version__,
        "best_epoch": trained.best_epoch,
        "best_weights": trained.best_weights,
        "learning_rate": trained.learning_rate,
        "temperature": trained.temperature,
    }
    save_model(outputs.best, config, trained.best, provenance)
    table = pd.DataFrame(trained.history)
    write_csv(outputs.history, _six_digits(table))
    write_png(outputs.curves, learning_curves_figure(table))
    if outputs.rates is not None and outputs.rates_figure is not None:
        tried = pd.DataFrame({"learning_rate": trained.rates, "loss": trained.rate_losses})
        write_csv(outputs.rates, _six_digits(tried))
        write_png(outputs.rates_figure, rates_figure(trained.rates, trained.rate_losses, trained.learning_rate))
    else:  # those of an earlier training are not this model's
        for name in ("rates.csv", "rates.png"):
            outputs.best.with_name(name).unlink(missing_ok=True)
    write_text(outputs.card, card)
    kept = trained.history[trained.best_epoch - 1]["val_meteorological_kept"]
    if kept < _FEW:
        logger.warning("the model keeps %.1f %% of the meteorological echo that it was validated on", 100 * kept)
    logger.info(
        "best are the %s weights of epoch %d of %d, written to %s",
        trained.best_weights,
        trained.best_epoch,
        len(trained.history),
        outputs.best,
    )


def _six_digits(table: pd.DataFrame) -> pd.DataFrame:
    """Enough to draw, and the same text for the same run."""
    measured = [name for name in table.columns if name != "epoch"]
    return table.assign(**{name: table[name].map("{:.6g}".format) for name in measured})
