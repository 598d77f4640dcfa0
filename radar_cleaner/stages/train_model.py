"""Train the cleaner."""

from __future__ import annotations

import dataclasses
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from cyclopts import Parameter

from radar_cleaner import __version__
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.artefacts.inject import PlantOptions, read_planting
from radar_cleaner.datasets.augmentation import Augmentation
from radar_cleaner.datasets.frame_cache import Bank, RadarSources, Sample, hold_on, open_bank, write_bank
from radar_cleaner.datasets.inpainting_masks import HoleOptions
from radar_cleaner.errors import ConfigError, Interrupted, RadarCleanerError, SampleError
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.registry import build_model, load_code, model_options, resolve_options
from radar_cleaner.models.summary import ModelSummary, summarize_model
from radar_cleaner.storage.code_digest import CodeReader
from radar_cleaner.storage.digests import digest_of, digest_of_file
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.targets.splits import read_samples
from radar_cleaner.training.distributed import Processes, join_processes
from radar_cleaner.training.loop import Place
from radar_cleaner.training.loop import train as run_training
from radar_cleaner.training.losses import LossWeights
from radar_cleaner.training.model_card import write_card
from radar_cleaner.training.optimizer import Optimization
from radar_cleaner.training.outputs import Outputs, write_training
from radar_cleaner.training.precision import Numerics, set_determinism
from radar_cleaner.training.settings import DRAWN, Beginning, Running, Schedule, Training
from radar_cleaner.training.signals import Interruption, clear_mark, mark_again
from radar_cleaner.training.trackers import RunLog, open_run_log, require_tracker
from radar_cleaner.training.transfer import freeze
from radar_cleaner.training.weight_averaging import Averaging

logger = logging.getLogger(__name__)


def _flat(group: str) -> Parameter:
    """A parameter whose fields are the flags, under a heading of the help."""
    return Parameter(name="*", group=group)


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
    beginning: Annotated[Beginning, _flat("What it begins with")] = DRAWN,
    code: Path | None = None,
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
    beginning
        What the weights begin as.
    code
        Python file of a network of your own, which it registers by `@register_model`.
    """
    load_code(code)
    config = resolve_options(config)
    parts = (config, schedule, optimization, averaging, numerics, augmentation, holes, weights)
    training = Training(*parts, read_planting(plants), beginning)
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
    minutes = sorted({0, *config.input_minutes})
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
            inputs |= {name: digest_of_file(path) for name, path in _files(config, beginning, code).items()}
            parameters = _parameters(*parts, plants, beginning) | {"stores": stores}
            summary = _summary(config, beginning, augmentation.crop)
            with open_run_log(runs if processes.first else None, running.tracker, parameters) as log:
                if processes.first:
                    _log_start(processes, summary, log, len(train_samples), len(val_samples), list(bank))
                digest = digest_of(parameters, inputs, CodeReader().digest("train_model"))
                place = Place(processes, checkpoint, digest, interruption, log)
                trained = run_training(training, running, bank, train_samples, val_samples, place)
                log.record("end", log.step, {"best_epoch": trained.best_epoch})
        if processes.first:
            told = (trained.history, trained.best_epoch, trained.best_weights, trained.notes)
            made_by = _made_by(processes, inputs)
            text = write_card(parameters, train_samples, val_samples, summary, *told, made_by, trained.temperature)
            write_training(outputs, config, trained, text, {"parameters": parameters, "inputs": inputs})


def _held(bank: Bank, processes: Processes) -> Bank:
    """The bank on the GPU that trains, where it takes at most half of what is free there; else as it is."""
    if processes.device.type != "cuda":
        return bank
    free, _ = torch.cuda.mem_get_info(processes.device)
    held = hold_on(bank, processes.device, free // 2)
    if processes.first:
        logger.info("the bank lies in the memory of the %s", "machine" if held is bank else "GPU")
    return held


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


def _summary(config: ModelConfig, beginning: Beginning, crop: int) -> ModelSummary:
    """Sizes of the network, of whose weights what is frozen is not trained."""
    model = build_model(config)
    if beginning.freeze:
        freeze(model, beginning.freeze)
    return summarize_model(model, config.channels, crop)


def _files(config: ModelConfig, beginning: Beginning, code: Path | None) -> dict[str, Path]:
    """Files beside the stores and tables that the weights come from, those of a backbone's folder among them."""
    found = {"start_from": beginning.start_from, "code": code}
    found |= {f"backbone/{path.name}": path for path in getattr(model_options(config), "files", ())}
    return {name: path for name, path in found.items() if path is not None}


def _parameters(*parts: Any) -> dict[str, Any]:
    """All options that determine the weights, by their flags' names, of the parts of a training."""
    found = {name: value for part in parts for name, value in dataclasses.asdict(part).items()}
    return {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}


def _made_by(processes: Processes, inputs: dict[str, str]) -> dict[str, str]:
    """Digests and versions of what made a model."""
    return {
        "data (digest of all stores, tables and files)": digest_of(inputs),
        "radar_cleaner": __version__,
        "its source (digest)": CodeReader().digest("train_model").removeprefix("train_model "),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": processes.device.type,
    }


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
            [layout.reflectivity(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
            [layout.labels(radar, shard) for shard in shards],
            layout.atlas(radar) if inputs.atlas != "none" else None,
            layout.static(radar) if inputs.time_of_day or inputs.coordinates or inputs.static else None,
        )
        for radar, shards in decode_stores(stores).items()
        if shards
    }
