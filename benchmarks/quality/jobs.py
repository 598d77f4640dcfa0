"""What is scored: a config, the radars in it that have reference masks, and the run of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.planning.plan import Plan
from radar_cleaner.planning.radars import Period, read_period, read_radars
from radar_cleaner.reflectivity.colour_table import EchoShape
from radar_cleaner.storage.paths import Layout

from . import ROOT
from .learned import NamedModel


@dataclass(frozen=True)
class Job:
    """What a process needs to score a radar."""

    results: Path
    radar: str
    names: NameFormat
    masks: Path
    cadence_minutes: float
    training: Period
    evaluation: Period
    edges: tuple[float, ...]
    shape: EchoShape
    threshold: float
    votes: float  # beside a model
    models: tuple[NamedModel, ...]
    libraries: bool
    every: int


def filled(config: dict[str, Any]) -> dict[str, Any]:
    """A config as its user wrote it, with all defaults. Raises ConfigError."""
    return read_config(config).plain()


def votes_of_scored_frames(config: dict[str, Any]) -> list[str]:
    """The stores of targets of the evaluation period, which a run makes only to evaluate."""
    layout = Layout(Path(config["results"]))
    return [str(layout.labels(*pair) / "zarr.json") for pair in Plan(read_config(config)).pairs("evaluation")]


def make_results(config: Path, targets: Sequence[str]) -> None:
    """Let snakemake make what is missing or out of date."""
    command = [sys.executable, "-m", "snakemake", *targets, "--quiet", "rules", "host"]
    command += ["--cores", "all", "--configfile", str(config)]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit("snakemake did not make the results; its messages are above")


def jobs_of(config: dict[str, Any], results: Path, libraries: bool, every: int) -> list[Job]:
    """A job for each radar that has reference masks, no models in it yet. Raises ConfigError where none has."""
    masks, grain = Path(config["evaluation"]["reference"] or ""), config["frames"]["shard"]
    evaluation = read_period("evaluation.period", config["evaluation"]["period"], grain)
    training = read_period("training.period", config["training"]["period"], grain)
    if not config["evaluation"]["reference"] or evaluation is None or training is None:
        raise ConfigError("set training.period, evaluation.period and evaluation.reference: it scores by them")
    jobs = [
        Job(
            results,
            radar.id,
            radar.names,
            masks,
            config["frames"]["cadence_minutes"],
            training,
            evaluation,
            tuple(config["evaluation"]["dbz_bands"]),
            EchoShape(radar.labels.opening_px, radar.labels.closing_px, radar.labels.min_area_px),
            config["cleaning"]["threshold"],
            config["cleaning"]["votes"],
            (),
            libraries,
            every,
        )
        for radar in read_radars(read_config(config))
        if (masks / radar.id).is_dir()
    ]
    if not jobs:
        raise ConfigError(f"evaluation.reference: {masks} has a folder of masks of none of the radars")
    return jobs


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))
