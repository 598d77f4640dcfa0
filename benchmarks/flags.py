"""A stage's options as its subcommand takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

OUTPUTS = {"best": "best.pt", "history": "history.csv", "curves": "history.png", "card": "card.md"}


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


def train_options(parameters: Mapping[str, object], results: Path, folder: Path) -> dict[str, object]:
    """How `train-model` trains on a run's samples, by the parameters of a model's provenance, into a folder."""
    return {
        **parameters,
        "results": results,
        **{split: results / f"samples/{split}.csv" for split in ("train", "val")},
        **{name: folder / file for name, file in OUTPUTS.items()},
        "checkpoint": folder / "current.pt",
        "runs": folder / "runs",
        "threads": os.cpu_count(),
        "memory_mb": 8000,
        "micro_batch_size": 0,
        "on_out_of_memory": "stop",
        "checkpoint_minutes": 10,
        "tracker": "none",
    }


def _parts(value: object) -> list[str]:
    """The words of a value; those of a list of boxes one after the other."""
    if hasattr(value, "to_flag"):
        return [value.to_flag()]
    if isinstance(value, (list, tuple)):
        return [word for part in value for word in _parts(part)]
    return [] if value is None else [str(value)]
