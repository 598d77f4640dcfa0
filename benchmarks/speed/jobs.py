"""
The preparation's jobs as the workflow starts them: their start, their memory.

    python -m benchmarks.speed.jobs

Each subcommand is run as a process of its own. Start: until its help is there, to python's own start. Memory: the
process's highest (resident set) as the shard grows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from . import frames

WITHOUT_TORCH = (
    "list-unplaced-frames",
    "build-rgb-store",
    "label-echoes",
    "build-clutter-atlas",
    "build-warp-grid",
    "align-others",
    "vote-echoes",
    "split-samples",
    "compose-radars",
    "export-geotiff",
    "write-report",
)


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and the most memory in MB."""

    clock: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, nargs="+", default=[60, 600, 2400], help="of the shards")
    options = parser.parse_args()
    show_starts(options.rounds)
    with tempfile.TemporaryDirectory(prefix="jobs-") as folder:
        show_memory(Path(folder) / "memory", options.frames)


def show_starts(rounds: int) -> None:
    """The slowest start of the subcommands that need no torch."""
    python = median(run(["-c", "pass"]).clock for _ in range(rounds))
    starts = {
        name: median(run(["-m", "radar_cleaner", name, "--help"]).clock for _ in range(rounds))
        for name in WITHOUT_TORCH
    }
    slowest = max(starts, key=starts.__getitem__)
    print(f"start, to python's own: {starts['build-rgb-store'] / python:.0f} times (build-rgb-store),")
    print(f"at most {starts[slowest] / python:.0f} times ({slowest}); under 1 s: {starts[slowest] < 1}\n")


def show_memory(place: Path, counts: Sequence[int]) -> None:
    """The highest memory of a job, by the frames of its shard."""
    for count in counts:
        here = place / str(count)
        frames.link_frames(here / "frames", count)
        for name, command in commands(here).items():
            print(f"{name}, {count} frames: {run(command).memory:.0f} MB at most")


def commands(place: Path) -> dict[str, list[str]]:
    """By subcommand: its command line."""
    rgb, labels = place / "rgb.zarr", place / "labels.zarr"
    return {
        "build-rgb-store": [
            *("-m", "radar_cleaner", "build-rgb-store"),
            *as_flags(frames.rgb_options(place / "frames", rgb)),
        ],
        "label-echoes": [
            *("-m", "radar_cleaner", "label-echoes"),
            *as_flags(frames.label_options(rgb, labels)),
        ],
    }


def as_flags(options: dict[str, Any]) -> list[str]:
    """A stage's keyword arguments as its subcommand takes them."""
    words = []
    for name, value in options.items():
        words.append(f"--{name.replace('_', '-')}")
        for part in value if isinstance(value, (list, tuple)) else [value]:
            words += [str(number) for number in part] if isinstance(part, tuple) else [str(part)]
    return words


def run(command: Sequence[str]) -> Cost:
    """Run python with these arguments in a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return Cost(time.perf_counter() - began, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
