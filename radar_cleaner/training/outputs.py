"""The outputs of a training: the model, its card, tables and figures, and the first lines of the log."""

from __future__ import annotations

import dataclasses
import logging
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from radar_cleaner import __version__
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model
from radar_cleaner.models.summary import ModelSummary, summarize_model
from radar_cleaner.plotting.style import write_png
from radar_cleaner.plotting.training import learning_curves_figure, rates_figure
from radar_cleaner.storage.atomic import write_csv, write_text
from radar_cleaner.storage.code_digest import CodeReader
from radar_cleaner.storage.digests import digest_of
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.settings import Trained, Training
from radar_cleaner.training.trackers import RunLog
from radar_cleaner.training.transfer import freeze

logger = logging.getLogger(__name__)

_FEW = 0.01  # of the meteorological echo


def summarize_training(training: Training) -> ModelSummary:
    """Return the size of the network; frozen weights are not trainable."""
    model = build_model(training.config)
    if training.learning.model.freeze:
        freeze(model, training.learning.model.freeze)
    return summarize_model(model, training.config.channels, training.learning.crop_px)


def log_start(
    processes: Processes, summary: ModelSummary, log: RunLog, train: int, val: int, radars: Sequence[str]
) -> None:
    """Log the numbers of samples and processes, and the size of the network."""
    logger.info(
        "%d training and %d validation samples of %s, %d process(es) of %d thread(s) on %s",
        train,
        val,
        ", ".join(radars),
        processes.world,
        torch.get_num_threads(),
        processes.device.type,
    )
    logger.info("the network: %s", summary)
    machine = {"processes": processes.world, "device": processes.device.type, "version": __version__}
    samples = {"train_samples": train, "val_samples": val}
    log.record("start", 0, {**samples, **machine, **dataclasses.asdict(summary)})


def made_by(processes: Processes, inputs: dict[str, str]) -> dict[str, str]:
    """Return the digests and versions of what made a model, for its card."""
    return {
        "data (digest of all stores, tables and files)": digest_of(inputs),
        "radar_cleaner": __version__,
        "its code (digest)": CodeReader().digest("train_model"),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": processes.device.type,
    }


def write_training(
    folder: Path, config: ModelConfig, trained: Trained, card: str, provenance: dict[str, Any]
) -> None:
    """Write the model with its provenance, its card, and the scores of each epoch to a folder."""
    provenance |= {
        "stage": "train_model",
        "version": __version__,
        "best_epoch": trained.best_epoch,
        "best_weights": trained.best_weights,
        "learning_rate": trained.learning_rate,
        **trained.calibration._asdict(),
        "points": dict(trained.points),
    }
    save_model(folder / "best.pt", config, trained.best, provenance)
    table = pd.DataFrame(trained.history)
    write_csv(folder / "history.csv", _six_digits(table))
    write_png(folder / "history.png", learning_curves_figure(table))
    _write_rates(folder, trained)
    write_text(folder / "card.md", card)
    kept = trained.history[trained.best_epoch - 1]["val_meteorological_kept"]
    if kept < _FEW:
        logger.warning(
            "the model keeps only %.1f %% of the meteorological echo of the validation samples", 100 * kept
        )
    logger.info(
        "the best weights (%s) are those of epoch %d of %d; written to %s",
        trained.best_weights,
        trained.best_epoch,
        len(trained.history),
        folder / "best.pt",
    )


def _write_rates(folder: Path, trained: Trained) -> None:
    """Write the curve of the learning-rate finder, or remove that of an earlier training."""
    table, figure = folder / "rates.csv", folder / "rates.png"
    if trained.rates:
        tried = pd.DataFrame({"learning_rate": trained.rates, "loss": trained.rate_losses})
        write_csv(table, _six_digits(tried))
        write_png(figure, rates_figure(trained.rates, trained.rate_losses, trained.learning_rate))
    else:
        table.unlink(missing_ok=True)
        figure.unlink(missing_ok=True)


def _six_digits(table: pd.DataFrame) -> pd.DataFrame:
    """Round to six digits: enough to draw, and equal text for equal runs."""
    measured = [name for name in table.columns if name != "epoch"]
    return table.assign(**{name: table[name].map("{:.6g}".format) for name in measured})
