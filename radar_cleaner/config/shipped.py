"""Files that come with the workflow, for keys of the config that do not name a file of the user."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radar_cleaner.config.config import Config
    from radar_cleaner.config.training import Plants

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_CHECKOUT = (_PACKAGE.parent / "workflow/Snakefile").is_file()
# The folder of workflow, config and model: the checkout, or a folder of the installed package.
ROOT = _PACKAGE.parent if _IN_CHECKOUT else _PACKAGE / "deployment"
PRETRAINED = "resources/pretrained/best.pt"
MODEL_KEYS = (("cleaning", "model"), ("evaluation", "compare_model"))


def artefact_ranges(plants: Plants) -> Path:
    """Return the file with the parameter ranges of injected artefacts."""
    return _named_or_shipped(plants.ranges, "config/plants.yaml")


def named_models(config: Config, section: str, key: str) -> list[str]:
    """Return the models that a key of the config names: none, one, or the members of an ensemble."""
    named: str | tuple[str, ...] | None = getattr(getattr(config, section), key)
    return list(named) if isinstance(named, tuple) else [] if named is None else [named]


def trains(config: Config) -> bool:
    """Return whether a model is used that is trained by this config."""
    return any("trained" in named_models(config, section, key) for section, key in MODEL_KEYS)


def model_file(name: str | None) -> Path | None:
    """Return the file of a model; None for `trained` and for no model."""
    if name is None or name == "trained":
        return None
    return _named_or_shipped(None if name == "pretrained" else name, PRETRAINED)


def is_pretrained(name: str) -> bool:
    """Return whether a model is the one that comes with the workflow, by its name or by its path."""
    file = model_file(name)
    return file is not None and file.resolve() == ROOT / PRETRAINED


def _named_or_shipped(path: str | None, shipped: str) -> Path:
    """Return a path as the user wrote it, or relative to the working folder: equal on every machine."""
    return Path(os.path.relpath(ROOT / shipped) if path is None else path)
