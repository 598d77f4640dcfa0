"""Train the cleaner."""

from __future__ import annotations

from pathlib import Path

from radar_cleaner.config import shipped
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.samples import Channels
from radar_cleaner.config.training import Learning, Running
from radar_cleaner.datasets.artefacts.inject import read_injection
from radar_cleaner.datasets.frame_cache import RadarSources
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.registry import load_code, resolve_options
from radar_cleaner.storage.code_digest import CodeReader
from radar_cleaner.storage.digests import digest_of
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.training.data import cached_frames, input_digests, read_tables
from radar_cleaner.training.distributed import join_processes
from radar_cleaner.training.loop import Environment, train
from radar_cleaner.training.model_card import write_card
from radar_cleaner.training.outputs import log_start, made_by, summarize_training, write_training
from radar_cleaner.training.precision import set_determinism
from radar_cleaner.training.settings import Training
from radar_cleaner.training.signals import interruptible
from radar_cleaner.training.trackers import open_run_log, require_tracker


def train_model(
    *,
    results: Path,
    stores: list[str],
    train_table: Path,
    val_table: Path,
    inputs: Channels,
    learning: Learning,
    output: Path,
    checkpoint: Path,
    runs: Path,
    threads: int,
    memory_mb: int,
    static: list[str] | None = None,
    running: Running = Running(),  # noqa: B008  # a frozen section
) -> None:
    """Train the cleaner, with one process or with those that torchrun starts; a stopped training resumes.

    The result depends neither on the order of reading nor, except for rounding, on the number of processes.
    SIGTERM, SIGUSR1 and Ctrl-C save the state first; a file `again` beside the checkpoint then marks the
    interruption.

    Parameters
    ----------
    results
        Folder of the run.
    stores
        Shards of the training period, RADAR=SHARD,FIRST..LAST,...
    train_table
        Table of the training samples.
    val_table
        Table of the validation samples; without rows the last epoch is the best.
    inputs
        Section `samples`: the channels of the network.
    learning
        Section `training`: everything that determines the weights.
    output
        Folder for the model, its card, tables and figures.
    checkpoint
        File of the state of an unfinished training.
    runs
        Folder of the log files, one folder for each run.
    threads
        Threads of all processes of a machine together.
    memory_mb
        Memory of the job on a machine; up to half of it is for uncompressed frames.
    static
        Names of the static fields that are channels.
    running
        Section `training`: keys that do not change the result.
    """
    code = None if learning.model.code is None else Path(learning.model.code)
    ranges, start_from = shipped.artefact_ranges(learning.plants), shipped.model_file(learning.model.start_from)
    load_code(code)
    config = resolve_options(ModelConfig.of(Inputs.of(inputs, static or []), learning.model, inputs.normalize))
    training = Training(config, learning, read_injection(learning.plants, ranges), start_from)
    require_tracker(running.tracker)
    train_samples, val_samples = read_tables(train_table, val_table, learning)
    shards, samples = decode_stores(stores), [*train_samples, *val_samples]
    sources = {
        name: RadarSources.of(Layout(results), name, shards[name], config.inputs)
        for name in shards
        if shards[name]
    }
    parameters = {"model": config.to_dict(), "learning": learning.model_dump(mode="json"), "stores": stores}
    files: dict[str, Path | None] = {"samples/train": train_table, "samples/val": val_table, "artefacts": ranges}
    files |= {"start_from": start_from, "code": code}
    set_determinism(learning.deterministic)
    with interruptible(checkpoint) as interruption:
        with (
            join_processes(threads) as processes,
            cached_frames(processes, sources, samples, config.inputs, memory_mb * 500_000, inputs.incomplete) as (
                cache,
                stores_read,
            ),
            open_run_log(runs if processes.first else None, running.tracker, parameters) as log,
        ):
            digests = input_digests(results, stores_read, config, files)
            summary = summarize_training(training)
            if processes.first:
                log_start(processes, summary, log, len(train_samples), len(val_samples), list(cache))
            digest = digest_of(parameters, digests, CodeReader().digest("train_model"))
            environment = Environment(processes, checkpoint, digest, interruption, log)
            trained = train(training, running, cache, train_samples, val_samples, environment)
            log.record("end", log.step, {"best_epoch": trained.best_epoch})
        if processes.first:
            origin = made_by(processes, digests)
            card = write_card(training, parameters, train_samples, val_samples, summary, trained, origin)
            write_training(output, config, trained, card, {"parameters": parameters, "inputs": digests})
