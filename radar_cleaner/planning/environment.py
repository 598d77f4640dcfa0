"""The environment of the jobs of a run: Python, conda environments, packages and shared lists."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from radar_cleaner.config import shipped
from radar_cleaner.config.config import Config
from radar_cleaner.errors import ConfigError

ANSWERS = "RADAR_CLEANER_ANSWERS"


def share_python(root: Path) -> None:
    """Let jobs find the Python that runs now, activated or not, and the package in `root`.

    Nothing is changed where jobs find both without it.
    """
    programs = Path(sys.executable).parent
    python = shutil.which("python")
    if python is None or Path(python).parent != programs:
        _prepend("PATH", programs)
    if (root / "radar_cleaner").is_dir() and not root.samefile(Path.cwd()):
        _prepend("PYTHONPATH", root)


def torch_build() -> str:
    """
    Return `cpu` or `gpu`: the build of PyTorch that rules get with `--sdm conda`.

    The environment variable RADAR_CLEANER_TORCH selects it. It depends on the machine, so it is not a config key.
    """
    build = os.environ.get("RADAR_CLEANER_TORCH", "cpu")
    if build not in ("cpu", "gpu"):
        raise ConfigError(f"RADAR_CLEANER_TORCH={build} in the environment: allowed are cpu (the default) and gpu")
    return build


def training_environment() -> str:
    """Name the conda environment of the rules that use PyTorch."""
    return f"training-{torch_build()}"


def check_packages(config: Config, environment: Path) -> None:
    """Raise ConfigError if a key needs a package that is missing in the environment of its job.

    Jobs run in this Python or in the conda environment of a file, as the user asks Snakemake for. So the package
    must be in one of them. Nothing is imported.
    """
    held = environment.read_text(encoding="utf-8")
    for place, package, extra in _wanted(config):
        if find_spec(package) is None and not re.search(rf"^ *- {package}\b", held, re.MULTILINE):
            raise ConfigError(
                f"{place} needs the package {package}, which is not installed: pip install"
                f" 'radar-cleaner[{extra}]', or -r envs/requirements-{extra}.txt; with --sdm conda add a line"
                f" '- {package}' to the dependencies in {os.path.relpath(environment)}"
            )


def _wanted(config: Config) -> Iterator[tuple[str, str, str]]:
    """Yield key, package and extra."""
    if shipped.trains(config) and config.training.model.name == "encoder_unet":
        yield "training.model.name: encoder_unet", "transformers", "encoders"
    forecasts = config.evaluation.period is not None and len(config.samples.lead_minutes) > 1
    if forecasts and config.evaluation.optical_flow:
        yield "evaluation.optical_flow", "pysteps", "forecasts"


def share_answers(folder: str) -> None:
    """Give the processes of cluster jobs the folder with this run's lists of the object store."""
    os.environ[ANSWERS] = folder


def shared_answers() -> str | None:
    """Return that folder if a run started this process."""
    return os.environ.get(ANSWERS)


def _prepend(variable: str, folder: Path) -> None:
    rest = [part for part in os.environ.get(variable, "").split(os.pathsep) if part and part != str(folder)]
    os.environ[variable] = os.pathsep.join([str(folder), *rest])
