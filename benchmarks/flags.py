"""A stage's options as its subcommand takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from radar_cleaner.config.samples import Channels
from radar_cleaner.config.training import Running
from radar_cleaner.models.files import load_model, read_model_provenance
from radar_cleaner.training.settings import read_learning


def to_flags(options: Mapping[str, object]) -> list[str]:
    """Keyword arguments as words of a command line; empty lists and None are left out."""
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else "--no-" + flag[2:])
        elif parts := _parts(value):
            words += [flag, *parts]
    return words


def train_options(model: Path, results: Path, folder: Path) -> dict[str, object]:
    """Return the options of `train-model` for a training like that of a model file, on a run's samples."""
    config, _, _ = load_model(model)
    parameters = read_model_provenance(model)["parameters"]
    inputs = config.inputs
    names = ("input_minutes", "lead_minutes", "atlas", "time_of_day", "day_of_year", "coordinates")
    channels = {name: getattr(inputs, name) for name in names} | {"reflectivity": inputs.reflectivity_target}
    return {
        "results": results,
        "stores": parameters["stores"],
        **{f"{split}_table": results / f"samples/{split}.csv" for split in ("train", "val")},
        "inputs": Channels(**channels, normalize=config.normalize),
        "static": list(inputs.static),
        "learning": read_learning(parameters),
        "running": Running(on_out_of_memory="stop"),
        "output": folder,
        "checkpoint": folder / "current.pt",
        "runs": folder / "runs",
        "threads": os.cpu_count(),
        "memory_mb": 8000,
    }


def _parts(value: object) -> list[str]:
    """The words of a value; those of a list of boxes one after the other."""
    if hasattr(value, "to_flag"):
        return [value.to_flag()]
    if isinstance(value, (list, tuple)):
        return [word for part in value for word in _parts(part)]
    return [] if value is None else [str(value)]
