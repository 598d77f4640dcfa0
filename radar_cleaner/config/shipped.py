"""Files that come with the workflow, for keys of the config that name none of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PRETRAINED = "resources/pretrained/best.pt"


def plant_ranges(config: dict[str, Any]) -> Path:
    """The file of the ranges that planted artefacts are drawn from."""
    return _named_or_shipped(config["training"]["plants"]["ranges"], "config/plants.yaml")


MODEL_KEYS = (("cleaning", "model"), ("evaluation", "compare_model"))


def named_models(config: dict[str, Any], section: str, key: str) -> list[str]:
    """The models that a key of the config names: none, one, or the members of an ensemble."""
    named = config[section][key]
    return list(named) if isinstance(named, list) else [] if named is None else [named]


def trains(config: dict[str, Any]) -> bool:
    """Whether a model is asked for that is trained here."""
    return any("trained" in named_models(config, section, key) for section, key in MODEL_KEYS)


def model_file(name: str | None) -> Path | None:
    """The file of a model as the config names it; None for one that is trained here, and for none."""
    if name is None or name == "trained":
        return None
    return _named_or_shipped(None if name == "pretrained" else name, PRETRAINED)


def is_pretrained(name: str) -> bool:
    """Whether a model as the config names it is the one that comes with the workflow, by its name or its path."""
    file = model_file(name)
    return file is not None and file.resolve() == ROOT / PRETRAINED


def _named_or_shipped(path: str | None, shipped: str) -> Path:
    """A path as the user wrote it, or relative to the working folder, as it is the same on every machine."""
    return Path(os.path.relpath(ROOT / shipped) if path is None else path)
