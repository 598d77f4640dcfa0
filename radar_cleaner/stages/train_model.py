"""Train the cleaner."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import torch

from radar_cleaner import __version__
from radar_cleaner.bank import RadarSources, Sample, open_bank, write_bank
from radar_cleaner.checkpoints import digest_of, digest_of_file, digest_of_sources, save_model
from radar_cleaner.dataset import Augmentation
from radar_cleaner.distributed import join_processes
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.layout import Layout
from radar_cleaner.losses import LossWeights
from radar_cleaner.model_card import write_card
from radar_cleaner.models import ModelConfig
from radar_cleaner.samples import read_samples
from radar_cleaner.shards import decode_stores
from radar_cleaner.tables import write_csv, write_text
from radar_cleaner.training import Schedule, Training
from radar_cleaner.training import train as run_training

logger = logging.getLogger(__name__)


def train_model(
    *,
    results: Path,
    stores: list[str],
    train: Path,
    val: Path,
    input_minutes: list[int],
    lead_minutes: list[int],
    atlas: Literal["mask", "channel", "none"],
    reflectivity_target: Literal["max", "mean"],
    pad_mode: Literal["reflect", "replicate", "constant"],
    model: str,
    base_width: int,
    depth: int,
    epochs: int,
    global_batch_size: int,
    crop: int,
    crops_per_sample: int,
    learning_rate: float,
    weight_decay: float,
    seed: int,
    flips: bool,
    drop_neighbours: float,
    drop_others: float,
    prefer_echo: float,
    focal_gamma: float,
    dice_weight: float,
    reflectivity_weight: float,
    inpainting_weight: float,
    hole_fraction: float,
    hole_size: int,
    threads: int,
    best: Path,
    history: Path,
    card: Path,
    checkpoint: Path,
) -> None:
    """Train the cleaner, by one process or by as many as torchrun starts; a killed run goes on when called again.

    The result depends neither on the order of reading nor, but for rounding, on the number of processes.

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
    input_minutes
        Minutes from a sample's time to the frames that the model sees.
    lead_minutes
        Minutes from a sample's time to the frame that is its target; only 0 for now.
    atlas
        What the clutter atlas does: `mask` makes clutter pixels unavailable, `channel` gives the echo
        frequency to the model, `none` neither.
    reflectivity_target
        Target over the radars that see an echo: `max` or `mean` of their dBZ.
    pad_mode
        How frames are padded to what the model can halve.
    model
        Name of the network.
    base_width
        Channels of its first level.
    depth
        How often it halves.
    epochs
        How often it sees each sample.
    global_batch_size
        Crops a step, over all processes.
    crop
        Width of a crop in pixels.
    crops_per_sample
        Crops of each sample in an epoch.
    learning_rate
        AdamW's learning rate at its height.
    weight_decay
        AdamW's weight decay.
    seed
        Seed of all random draws.
    flips
        Whether to flip and turn crops.
    drop_neighbours
        Share of the neighbour times that are made unavailable.
    drop_others
        Share of the crops in which the other radars are made unavailable.
    prefer_echo
        Share of the crops that are laid over an echo.
    focal_gamma
        Exponent of the focal loss.
    dice_weight
        Weight of the Dice loss.
    reflectivity_weight
        Weight of the reflectivity loss.
    inpainting_weight
        Weight of the reflectivity loss where holes hid the data.
    hole_fraction
        Share of the crops that get holes.
    hole_size
        Largest width of a hole in pixels.
    threads
        Threads of all processes of this node together; each has at least one.
    best
        Model file to write: the weights of the best epoch.
    history
        Table to write: losses and scores of each epoch.
    card
        Model card to write.
    checkpoint
        Where the state of an unfinished training lies.
    """
    # What determines the weights; neither places nor processes nor threads.
    parameters = {
        name: value
        for name, value in locals().items()
        if name not in ("results", "train", "val", "threads", "best", "history", "card", "checkpoint")
    }
    _check(parameters)
    training = Training(
        ModelConfig(
            name=model,
            base_width=base_width,
            depth=depth,
            input_minutes=tuple(input_minutes),
            lead_minutes=tuple(lead_minutes),
            atlas=atlas,
            pad_mode=pad_mode,
            reflectivity_target=reflectivity_target,
        ),
        Schedule(epochs, global_batch_size, crops_per_sample, learning_rate, weight_decay, seed),
        Augmentation(crop, flips, drop_neighbours, drop_others, prefer_echo, hole_fraction, hole_size),
        LossWeights(focal_gamma, dice_weight, reflectivity_weight, inpainting_weight),
    )
    training.config.build()  # an impossible model is refused before anything is read
    train_samples, val_samples = _read_table(train), _read_table(val)
    if not train_samples:
        raise SampleError(f"{train}: holds no samples; let training.period hold more frames")
    sources = _sources(Layout(results), stores, atlas)
    minutes = sorted({*input_minutes, *lead_minutes})
    with join_processes(threads) as processes:
        with processes.shared_folder(
            lambda folder: write_bank(folder, sources, [*train_samples, *val_samples], minutes, atlas)
        ) as (folder, stores_read):
            bank = open_bank(folder)
        inputs = {str(Path(path).relative_to(results)): digest for path, digest in stores_read.items()}
        inputs |= {"samples/train": digest_of_file(train), "samples/val": digest_of_file(val)}
        if processes.first:
            logger.info(
                "%d training and %d validation samples of %s, %d process(es) of %d thread(s) on %s",
                len(train_samples),
                len(val_samples),
                ", ".join(bank),
                processes.world,
                torch.get_num_threads(),
                processes.device.type,
            )
        trained = run_training(
            training,
            bank,
            train_samples,
            val_samples,
            processes,
            checkpoint,
            digest_of(parameters, inputs, digest_of_sources()),
        )
        if not processes.first:
            return
    provenance = {
        "stage": "train_model",
        "version": __version__,
        "parameters": parameters,
        "inputs": inputs,
        "best_epoch": trained.best_epoch,
    }
    save_model(best, training.config, trained.best, provenance)
    write_csv(history, _history_table(trained.history))
    weights = sum(tensor.numel() for tensor in trained.best.values())
    write_text(
        card,
        write_card(parameters, train_samples, val_samples, weights, trained.history, trained.best_epoch),
    )
    logger.info("best epoch %d of %d, written to %s", trained.best_epoch, epochs, best)


def _check(parameters: dict[str, object]) -> None:
    """Raise ConfigError where a number cannot be meant."""
    if parameters["lead_minutes"] != [0]:
        raise ConfigError(
            f"samples.lead_minutes {parameters['lead_minutes']}: other than 0 needs a model that forecasts, "
            "which there is not yet; set it to [0]"
        )
    if not parameters["input_minutes"]:
        raise ConfigError("samples.input_minutes is empty; name at least one, as in [-6, 0, 6]")
    shares = ("drop_neighbours", "drop_others", "prefer_echo", "hole_fraction")
    least: dict[str, float] = dict.fromkeys(("epochs", "global_batch_size", "crop", "crops_per_sample"), 1)
    least |= {"hole_size": 1, "seed": 0, "weight_decay": 0, "focal_gamma": 0, "dice_weight": 0}
    least |= {"reflectivity_weight": 0, "inpainting_weight": 0, "learning_rate": 1e-12}
    for name in (*shares, *least):
        value = parameters[name]
        assert isinstance(value, int | float), name
        low, high = (0, 1) if name in shares else (least[name], float("inf"))
        if not low <= value <= high:
            allowed = "0 to 1" if name in shares else "above 0" if name == "learning_rate" else f"{low:g} or more"
            raise ConfigError(f"training: {name} is {value}, allowed is {allowed}")


def _read_table(path: Path) -> list[Sample]:
    return [Sample(*row) for row in read_samples(path)]


def _sources(layout: Layout, stores: list[str], atlas: str) -> dict[str, RadarSources]:
    return {
        radar: RadarSources(
            [layout.labels(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
            [layout.targets(radar, shard) for shard in shards],
            layout.atlas(radar) if atlas != "none" else None,
        )
        for radar, shards in decode_stores(stores).items()
        if shards
    }


def _history_table(history: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """Six digits: enough to draw, and the same text for the same run."""
    table = pd.DataFrame(history)
    measured = [name for name in table.columns if name != "epoch"]
    return table.assign(**{name: table[name].map("{:.6g}".format) for name in measured})
