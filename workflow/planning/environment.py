"""What the jobs of a run inherit."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def share_python(root: Path) -> None:
    """Let jobs find the package in `root`, and the programs beside this python, activated or not."""
    _prepend("PYTHONPATH", root)
    _prepend("PATH", Path(sys.executable).parent)


def _prepend(variable: str, folder: Path) -> None:
    rest = [part for part in os.environ.get(variable, "").split(os.pathsep) if part and part != str(folder)]
    os.environ[variable] = os.pathsep.join([str(folder), *rest])
