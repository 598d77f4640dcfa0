"""Link the project into another folder, where benchmarks run its workflow, and measure a call of a program."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("Snakefile", "radar_cleaner", "workflow", "docs", "envs", "profiles")


@dataclass(frozen=True)
class Call:
    """Time, peak memory and output of one call of a program."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    output: str


def link_project(place: Path, *more: str) -> None:
    """Link the code and `more` of the project into a folder. Snakemake keeps its records there."""
    for name in (*CODE, *more):
        (place / name).symlink_to(ROOT / name)


def run(command: list[str], place: Path) -> str:
    """Run a command in a folder, with the package and the programs of this Python; return its output."""
    environment = {**os.environ, "PYTHONPATH": str(place)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout.decode()[-3000:]}")
    return done.stdout.decode()


def measure_python(arguments: Sequence[str], place: Path = ROOT) -> Call:
    """Run Python with these arguments in a folder and measure it.

    The memory is at least this process's own, because the child begins as a copy: import little before measuring.
    """
    command = [sys.executable, *arguments]
    with tempfile.TemporaryFile() as file:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=place, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        output = file.read().decode()
    if process.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{output[-3000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Call(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20, output)
