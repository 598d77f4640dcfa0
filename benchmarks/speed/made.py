"""Provide the data for the timing of training and cleaning.

They are the stores of three hours of the sample, as the workflow makes them, and the options of its model.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from radar_cleaner.config.load import read_config
from radar_cleaner.datasets.artefacts.inject import read_injection
from radar_cleaner.datasets.frame_cache import RadarSources
from radar_cleaner.models.files import load_model, read_model_provenance
from radar_cleaner.planning.plan import Plan
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import Sample, read_samples
from radar_cleaner.training.settings import Training, read_learning

from ..flags import to_flags
from ..quality.runs import make_results
from .frames import ROOT

HOURS = ("2024-07-10 19:00", "2024-07-10 22:00")
MODEL = ROOT / "resources/pretrained/best.pt"


@dataclasses.dataclass(frozen=True)
class Made:
    """A run of the workflow up to the inputs of training and cleaning."""

    results: Path
    config: dict[str, Any]
    plan: Plan

    @property
    def layout(self) -> Layout:
        """The paths of its stores."""
        return Layout(self.results)

    @property
    def samples(self) -> list[Sample]:
        """Its training samples."""
        return read_samples(self.results / "samples/train.csv")

    @property
    def sources(self) -> dict[str, RadarSources]:
        """The stores of each radar from which a frame cache is filled."""
        found = {}
        for radar in self.plan.radars:
            shards = [shard for name, shard in self.plan.pairs("training") if name == radar]
            reflectivity, aligned, labels = (
                [getattr(self.layout, kind)(radar, shard) for shard in shards] for kind in KINDS
            )
            found[radar] = RadarSources(reflectivity, aligned, labels, self.layout.atlas(radar))
        return found


KINDS = ("reflectivity", "aligned", "labels")


def make(folder: Path, period: Sequence[str] = HOURS, shard: str = "hour") -> Made:
    """Make the stores of a period below a folder by Snakemake."""
    folder.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    config["results"] = str(folder / "results")
    config["frames"] |= {"period": list(period), "shard": shard}
    config["training"]["period"] = list(period)
    config["samples"]["validation"] = 0
    del config["evaluation"]
    written = write_config(folder, config)
    whole = read_config(config).plain()
    made = Made(folder / "results", whole, Plan(read_config(whole)))
    stores = [getattr(made.layout, kind)(*pair) for kind in KINDS for pair in made.plan.pairs("training")]
    make_results(
        written, [str(store / "zarr.json") for store in stores] + [str(made.results / "samples/train.csv")]
    )
    return made


def simulate(folder: Path, radars: int, hours: int, size: int) -> dict[str, Any]:
    """Simulate a world in a folder; return its config."""
    options = {"output": folder / "world", "radars": radars, "hours": hours, "size": size}
    command = [sys.executable, "-m", "radar_cleaner", "simulate", *to_flags(options)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    config: dict[str, Any] = yaml.safe_load((folder / "world/config.yaml").read_text(encoding="utf-8"))
    return config


def write_config(folder: Path, config: Mapping[str, Any]) -> Path:
    """Write a config to a folder; return its file."""
    written = folder / "config.yaml"
    written.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
    return written


def training_options(**changes: object) -> Training:
    """Return the training of the workflow's model; `changes` are keys of its section."""
    learning = read_learning(read_model_provenance(MODEL)["parameters"]).model_copy(update=changes)
    return Training(load_model(MODEL)[0], learning, read_injection(learning.plants, ROOT / "config/plants.yaml"))
