"""The project in a folder of its own, for benchmarks that run its workflow there."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("Snakefile", "radar_cleaner", "workflow", "docs", "envs", "profiles")


def link_project(place: Path, *more: str) -> None:
    """Link the code, and more of the project, into a folder: what snakemake records lies there."""
    for name in (*CODE, *more):
        (place / name).symlink_to(ROOT / name)


def run(command: list[str], place: Path) -> str:
    """Run a command in a folder, the package and this python's programs at hand; gives what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(place)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout.decode()[-3000:]}")
    return done.stdout.decode()
