"""Train the cleaner."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
from cyclopts import Parameter

from radar_cleaner import __version__
from radar_cleaner.averaging import Averaging
from radar_cleaner.bank import Bank, RadarSources, Sample, hold_on, open_bank, write_bank
from radar_cleaner.channels import Inputs
from radar_cleaner.checkpoints import digest_of, digest_of_file, digest_of_sources, save_model
from radar_cleaner.distributed import Processes, join_processes
from radar_cleaner.draws import Augmentation
from radar_cleaner.errors import ConfigError, Interrupted, RadarCleanerError, SampleError
from radar_cleaner.figures import write_png
from radar_cleaner.holes import HoleOptions
from radar_cleaner.interruption import Interruption, clear_mark, mark_again
from radar_cleaner.layout import Layout
from radar_cleaner.losses import LossWeights
from radar_cleaner.model_card import write_card
from radar_cleaner.model_summary import ModelSummary, summarize_model
from radar_cleaner.models import ModelConfig
from radar_cleaner.numerics import Numerics, set_determinism
from radar_cleaner.plants import PlantOptions, read_planting
from radar_cleaner.samples import read_samples
from radar_cleaner.schedules import Optimization
from radar_cleaner.shards import decode_stores
from radar_cleaner.tables import write_csv, write_text
from radar_cleaner.trackers import RunLog, open_run_log, require_tracker
from radar_cleaner.training import Place
from radar_cleaner.training import train as run_training
from radar_cleaner.training_figures import learning_curves_figure, rates_figure
from radar_cleaner.training_options import Running, Schedule, Trained, Training

logger = logging.getLogger(__name__)

_FEW = 0.01  # of the meteorological echo


def _flat(group: str) -> Parameter:
    """A parameter whose fields are the flags, under a heading of the help."""
    return Parameter(name="*", group=group)


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


def train_model(
    *,
    results: Path,
    stores: list[str],
    train: Path,
    val: Path,
    config: Annotated[ModelConfig, _flat("The network")],
    schedule: Annotated[Schedule, _flat("How long")],
    optimization: Annotated[Optimization, _flat("The optimizer")],
    averaging: Annotated[Averaging, _flat("Averages")],
    numerics: Annotated[Numerics, _flat("How a step is computed")],
    augmentation: Annotated[Augmentation, _flat("How samples are varied")],
    holes: Annotated[HoleOptions, _flat("Holes")],
    plants: Annotated[PlantOptions, _flat("Plants")],
    weights: Annotated[LossWeights, _flat("The loss")],
    running: Annotated[Running, _flat("How it is run")],
    outputs: Annotated[Outputs, _flat("What is written")],
    checkpoint: Path,
    runs: Path,
) -> None:
    """Train the cleaner, by one process or by as many as torchrun starts; a stopped run goes on when called again.

    The result depends neither on the order of reading nor, but for rounding, on the number of processes.
    SIGTERM, SIGUSR1 and Ctrl-C let it save its state; a file `again` beside the checkpoint then says so.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        Shards of the training period, RADAR=SHARD,FIRST..LAST,...
    train
        Table of the (time, radar) to train on.
    val
        Table of the (time, radar) to validate on; without rows the last epoch is the best.
    config
        The network and what it reads.
    schedule
        How long to train.
    optimization
        How the weights are moved.
    averaging
        Which averages of the weights are kept.
    numerics
        How a step is computed.
    augmentation
        How samples are varied.
    holes
        What is hidden to be filled.
    plants
        What is planted to be removed.
    weights
        Weights of the loss.
    running
        How it is run; no part of the result.
    outputs
        Files to write.
    checkpoint
        Where the state of an unfinished training lies.
    runs
        Folder of the log files, a folder a run.
    """
    parts = (config, schedule, optimization, averaging, numerics, augmentation, holes, weights)
    training = Training(*parts, read_planting(plants))
    if (optimization.learning_rate == "find") != (None not in (outputs.rates, outputs.rates_figure)):
        raise ConfigError("training.learning_rate: find, and only find, needs --rates and --rates-figure")
    require_tracker(running.tracker)
    train_samples, val_samples = _read_table(train), _read_table(val)
    if not train_samples:
        raise SampleError(f"{train}: holds no samples; let training.period hold more frames")
    if not val_samples and (optimization.schedule == "plateau" or schedule.early_stopping):
        raise SampleError(
            f"{val}: holds no samples, but schedule plateau and early_stopping go by them; raise "
            "samples.validation, or let training.period hold more blocks"
        )
    sources = _sources(Layout(results), stores, config.inputs)
    set_determinism(numerics.deterministic)
    minutes = sorted({*config.input_minutes, *config.lead_minutes})
    samples = [*train_samples, *val_samples]
    with Interruption() as interruption, _marked(checkpoint, interruption):
        with join_processes(running.threads) as processes:
            with processes.shared_folder(
                lambda folder: write_bank(folder, sources, samples, minutes, config.inputs, running.most_raw)
            ) as (folder, stores_read):
                bank = _held(open_bank(folder), processes)
            inputs = {str(Path(path).relative_to(results)): digest for path, digest in stores_read.items()}
            inputs |= {"samples/train": digest_of_file(train), "samples/val": digest_of_file(val)}
            inputs |= {"plants": digest_of_file(plants.plant_ranges)}
            parameters = _parameters(*parts, plants) | {"stores": stores}
            summary = summarize_model(config.build(), config.channels, augmentation.crop)
            with open_run_log(runs if processes.first else None, running.tracker, parameters) as log:
                if processes.first:
                    _log_start(processes, summary, log, len(train_samples), len(val_samples), list(bank))
                digest = digest_of(parameters, inputs, digest_of_sources())
                place = Place(processes, checkpoint, digest, interruption, log)
                trained = run_training(training, running, bank, train_samples, val_samples, place)
                log.record("end", log.step, {"best_epoch": trained.best_epoch})
        if processes.first:
            told = (trained.history, trained.best_epoch, trained.best_weights, trained.notes)
            text = write_card(parameters, train_samples, val_samples, summary, *told)
            _write(outputs, config, trained, text, {"parameters": parameters, "inputs": inputs})


def _held(bank: Bank, processes: Processes) -> Bank:
    """The bank on the GPU that trains, where it takes at most half of what is free there; else as it is."""
    if processes.device.type != "cuda":
        return bank
    free, _ = torch.cuda.mem_get_info(processes.device)
    held = hold_on(bank, processes.device, free // 2)
    if processes.first:
        logger.info("the bank lies in the memory of the %s", "machine" if held is bank else "GPU")
    return held


def _write(outputs: Outputs, config: ModelConfig, trained: Trained, card: str, provenance: dict[str, Any]) -> None:
    provenance |= {
        "stage": "train_model",
        "version": __version__,
        "best_epoch": trained.best_epoch,
        "best_weights": trained.best_weights,
        "learning_rate": trained.learning_rate,
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


@contextmanager
def _marked(checkpoint: Path, interruption: Interruption) -> Iterator[None]:
    """Leave the file `again` beside the checkpoint where the training was asked to stop, and only there."""
    first = os.environ.get("RANK", "0") == "0"
    if first:
        clear_mark(checkpoint)
    try:
        yield
    except RadarCleanerError as error:
        # Another process that was asked earlier may be gone, which is then the error here.
        if first and (interruption.asked or isinstance(error, Interrupted)):
            mark_again(checkpoint, str(error))
        raise


def _parameters(*parts: Any) -> dict[str, Any]:
    """All options that determine the weights, by their flags' names, of the parts of a training."""
    found = {name: value for part in parts for name, value in dataclasses.asdict(part).items()}
    return {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}


def _log_start(
    processes: Processes, summary: ModelSummary, log: RunLog, train: int, val: int, radars: list[str]
) -> None:
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
    place = {"processes": processes.world, "device": processes.device.type, "version": __version__}
    log.record("start", 0, {"train_samples": train, "val_samples": val, **place, **dataclasses.asdict(summary)})


def _read_table(path: Path) -> list[Sample]:
    return [Sample(*row) for row in read_samples(path)]


def _sources(layout: Layout, stores: list[str], inputs: Inputs) -> dict[str, RadarSources]:
    return {
        radar: RadarSources(
            [layout.labels(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
            [layout.targets(radar, shard) for shard in shards],
            layout.atlas(radar) if inputs.atlas != "none" else None,
            layout.static(radar) if inputs.time_of_day or inputs.coordinates or inputs.static else None,
        )
        for radar, shards in decode_stores(stores).items()
        if shards
    }


def _six_digits(table: pd.DataFrame) -> pd.DataFrame:
    """Enough to draw, and the same text for the same run."""
    measured = [name for name in table.columns if name != "epoch"]
    return table.assign(**{name: table[name].map("{:.6g}".format) for name in measured})
