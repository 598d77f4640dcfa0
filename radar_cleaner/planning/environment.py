"""What the jobs of a run inherit, and what they need beside it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from radar_cleaner.config import shipped
from radar_cleaner.config.config import Config
from radar_cleaner.errors import ConfigError

ANSWERS = "RADAR_CLEANER_ANSWERS"


def share_python(root: Path) -> None:
    """Let jobs find the package in `root`, and the programs beside this python, activated or not."""
    _prepend("PYTHONPATH", root)
    _prepend("PATH", Path(sys.executable).parent)


def torch_build() -> str:
    """
    `cpu` or `gpu`: which PyTorch the rules that use it get with `--sdm conda`.

    A matter of the machine, so no key of the config: RADAR_CLEANER_TORCH in the environment.
    """
    build = os.environ.get("RADAR_CLEANER_TORCH", "cpu")
    if build not in ("cpu", "gpu"):
        raise ConfigError(f"RADAR_CLEANER_TORCH={build} in the environment: allowed are cpu (the default) and gpu")
    return build


def training_environment(root: Path) -> Path:
    """The conda environment of the rules that use PyTorch."""
    return root / f"envs/training-{torch_build()}.yaml"


def check_packages(config: Config, environment: Path | None) -> None:
    """Raise ConfigError where a key asks for a package that its job will not find.

    The job runs in this Python, or in a conda environment that is made from a file; nothing is imported.
    """
    for place, package, extra in _wanted(config):
        if environment is None:
            if find_spec(package) is None:
                raise ConfigError(
                    f"{place} needs the package {package}, which is not installed: pip install"
                    f" 'radar-cleaner[{extra}]', or -r envs/requirements-{extra}.txt"
                )
        elif not re.search(rf"^ *- {package}\b", environment.read_text(encoding="utf-8"), re.MULTILINE):
            raise ConfigError(
                f"{place} needs the package {package}, which the conda environment {environment.name} has not;"
                f" add a line '- {package}' to the dependencies in {environment}"
            )


def _wanted(config: Config) -> Iterator[tuple[str, str, str]]:
    """Key, package and extra."""
    if shipped.trains(config) and config.training.model.name == "encoder_unet":
        yield "training.model.name: encoder_unet", "transformers", "encoders"
    forecasts = config.evaluation.period is not None and len(config.samples.lead_minutes) > 1
    if forecasts and config.evaluation.optical_flow:
        yield "evaluation.optical_flow", "pysteps", "forecasts"


def share_answers(folder: str) -> None:
    """Let the processes of cluster jobs find what this run was answered by the object store."""
    os.environ[ANSWERS] = folder


def shared_answers() -> str | None:
    """Where the run that started this process keeps what it was answered."""
    return os.environ.get(ANSWERS)


def _prepend(variable: str, folder: Path) -> None:
    rest = [part for part in os.environ.get(variable, "").split(os.pathsep) if part and part != str(folder)]
    os.environ[variable] = os.pathsep.join([str(folder), *rest])
