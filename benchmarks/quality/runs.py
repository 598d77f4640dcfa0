"""Runs of a config with changes, in results folders of their own that share stores by links."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from radar_cleaner.errors import RadarCleanerError
from radar_cleaner.storage.atomic import write_text

from . import ROOT

Config = dict[str, Any]
# The folders that a run makes up to its model.
KINDS = frozenset({"rgb", "reflectivity", "atlas", "warp", "aligned", "static", "labels", "samples"})
UNSEEN = "unseen"


class RunError(RadarCleanerError):
    """Snakemake failed."""


def read_yaml(path: Path) -> Config:
    """Read a config as its user wrote it."""
    config: Config = yaml.safe_load(path.read_text(encoding="utf-8"))
    return config


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return a copy of a config with the values at dotted keys replaced; missing sections are added."""
    config = copy.deepcopy(config)
    for key, value in changes.items():
        *path, leaf = key.split(".")
        part = config
        for name in path:
            if part.get(name) is None:  # a section without a key
                part[name] = {}
            part = part[name]
        part[leaf] = copy.deepcopy(value)
    return config


def link_shared(folder: Path, base: Path, own: Iterable[str]) -> None:
    """Link the stores of `base` into a folder, but for the kinds that its run makes itself.

    Whole kinds are linked, so what the base makes again is new for the other run as well. A folder that the run
    made itself stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind in sorted(KINDS):
        place = folder / kind
        if kind in own:
            if place.is_symlink():
                place.unlink()
        elif not place.exists() and (base / kind).is_dir():
            place.unlink(missing_ok=True)  # a link to nowhere
            place.symlink_to(os.path.relpath(base / kind, folder), target_is_directory=True)


def make_results(config: Path, targets: Sequence[str], cores: str = "all", log: Path | None = None) -> str:
    """Let Snakemake make what is missing or outdated; return its output if it goes to a log. Raises RunError."""
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", cores, "--configfile", str(config)]
    if log is None:
        if subprocess.run([*command, "--quiet", "rules", "host"], cwd=ROOT).returncode:
            raise RunError(f"snakemake {' '.join(targets)} with {config} failed; its messages are above")
        return ""
    with log.open("wb") as stream:
        code = subprocess.run(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT).returncode
    if code:
        raise RunError(f"snakemake failed; see {log}")
    return log.read_text(encoding="utf-8", errors="replace")


def run_snakemake(
    config: Config, file: Path, targets: Sequence[str], cores: str = "all", log: Path | None = None
) -> str:
    """Write a config to a file and run Snakemake with it; see `make_results`."""
    write_text(file, yaml.safe_dump(config, sort_keys=False))
    return make_results(file, targets, cores, log)


def train_beside(config: Config, results: Path, name: str, changes: Mapping[str, Any], *own: str) -> Path:
    """Train with changes in RESULTS-NAME, on the stores of `results` but for its `own` kinds; return the model."""
    folder = results.with_name(f"{results.name}-{name}")
    link_shared(folder, results, own)
    changes = {"results": str(folder), "cleaning.model": "trained", **changes}
    run_snakemake(changed(config, changes), folder / "config.yaml", ["train"])
    return folder / "model/best.pt"


def train_ceiling(config: Config, results: Path) -> Path:
    """Train the best that the network can learn: taught by the reference masks of the training period."""
    changes = {"votes.reference": config["evaluation"]["reference"]}
    return train_beside(config, results, "ceiling", changes, "labels")


def train_unseen(config: Config, results: Path, kinds: Sequence[str]) -> dict[tuple[str, ...], Path]:
    """Train two models, each without half of the kinds of artefacts, so that each kind is new to one of them."""
    halves = tuple(kinds[::2]), tuple(kinds[1::2])
    if not all(halves):
        return {}
    return {
        left_out: train_beside(config, results, f"{UNSEEN}-{number}", {"training.plants.kinds": list(injected)})
        for number, (left_out, injected) in enumerate(zip(halves, halves[::-1], strict=True), 1)
    }
