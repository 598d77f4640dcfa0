"""What the jobs of a run inherit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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


def share_answers(folder: str) -> None:
    """Let the processes of cluster jobs find what this run was answered by the object store."""
    os.environ[ANSWERS] = folder


def shared_answers() -> str | None:
    """Where the run that started this process keeps what it was answered."""
    return os.environ.get(ANSWERS)


def _prepend(variable: str, folder: Path) -> None:
    rest = [part for part in os.environ.get(variable, "").split(os.pathsep) if part and part != str(folder)]
    os.environ[variable] = os.pathsep.join([str(folder), *rest])
