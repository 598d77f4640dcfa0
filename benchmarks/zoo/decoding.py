"""Decode the pictures of a zoo and label their echo, by the rules that a user's pictures go through."""

from __future__ import annotations

from pathlib import Path

from radar_cleaner.config.config import Config
from radar_cleaner.config.load import read_config
from radar_cleaner.planning.plan import Plan
from radar_cleaner.storage.paths import Layout

from ..quality import ROOT
from ..quality.runs import Config as Written
from ..quality.runs import read_yaml, run_snakemake
from .radars import Zoo

CONFIG = ROOT / "config/zoo.yaml"


def config_of(zoo: Zoo, results: str) -> Written:
    """Return `config/zoo.yaml` with the radars of a zoo."""
    folder = zoo.folder.resolve()
    folder = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    config = read_yaml(CONFIG)
    config["results"] = results
    config["radars"] = [
        {
            "id": radar.id,
            "frames": str(folder / "frames" / radar.id),
            "latitude": radar.latitude,
            "longitude": radar.longitude,
            "range_km": radar.range_km,
        }
        for radar in zoo.radars.values()
    ]
    config["labels"]["palette"] = str(folder / "palette.csv")
    config["evaluation"]["reference"] = str(folder / "truth")
    return config


def decode(zoo: Zoo, results: str, cores: str) -> tuple[Config, Plan]:
    """Make the stores of a zoo, with labels; return its config and its plan. Raises RunError, ConfigError."""
    config = config_of(zoo, results)
    settings = read_config(config)
    plan, layout = Plan(settings), Layout(Path(results))
    labels = [str(layout.labels(radar, shard) / "zarr.json") for radar, shard in plan.pairs()]
    run_snakemake(config, Path(results) / "zoo.yaml", ["prepare", *labels], cores)
    return settings, plan
