"""
Time the jobs of the preparation as the workflow starts them: start, memory, and several jobs at once.

    python -m benchmarks.speed.jobs

Each subcommand runs in a process of its own. Start: the time until its help is printed, relative to the start of
python. Memory: the highest resident set of the process as the shard grows. Several jobs at once are compared with
the same jobs one after the other.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from radar_cleaner.storage.code_digest import import_closure

from ..checkout import measure_python
from ..flags import to_flags
from . import ROOT, frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, nargs="+", default=[60, 600, 2400], help="of the shards")
    options = parser.parse_args()
    show_starts(options.rounds)
    with tempfile.TemporaryDirectory(prefix="jobs-") as folder:
        show_memory(Path(folder) / "memory", options.frames)
        show_scaling(Path(folder) / "scaling", options.rounds)


def show_starts(rounds: int) -> None:
    """Measure the slowest start of the subcommands that do not import torch."""
    python = median(measure_python(["-c", "pass"]).seconds for _ in range(rounds))
    starts = {
        name: median(measure_python(["-m", "radar_cleaner", name, "--help"]).seconds for _ in range(rounds))
        for name in without_torch()
    }
    slowest = max(starts, key=starts.__getitem__)
    print(f"start, to python's own: {starts['build-rgb-store'] / python:.0f} times (build-rgb-store),")
    print(f"at most {starts[slowest] / python:.0f} times ({slowest}); under 1 s: {starts[slowest] < 1}\n")


def without_torch() -> list[str]:
    """List the subcommands that do not import torch."""
    stages = sorted(path.stem for path in (ROOT / "radar_cleaner/stages").glob("[a-z]*.py"))
    texts = {stage: [path.read_text() for path in import_closure(stage)] for stage in stages}
    torch = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
    return [stage.replace("_", "-") for stage in stages if not any(map(torch.search, texts[stage]))]


def show_memory(place: Path, counts: Sequence[int]) -> None:
    """Measure the highest memory of a job, by the frames of its shard."""
    for count in counts:
        here = place / str(count)
        frames.link_frames(here / "frames", count)
        for name, command in commands(here).items():
            print(f"{name}, {count} frames: {measure_python(command).megabytes:.0f} MB at most")


def show_scaling(place: Path, rounds: int) -> None:
    """Measure the speed-up of jobs on all cores, one on each, over one after the other."""
    cores = len(os.sched_getaffinity(0))
    places = [place / str(number) for number in range(cores)]
    for here in places:
        frames.link_frames(here / "frames", 240)
    for name in commands(place):
        calls = [commands(here)[name] for here in places]
        found = []
        for _ in range(rounds):
            apart = sum(measure_python(call).seconds for call in calls)
            began = time.perf_counter()
            with ThreadPoolExecutor(cores) as threads:
                list(threads.map(measure_python, calls))
            found.append(apart / (time.perf_counter() - began))
        print(
            f"{name}, {cores} jobs of 240 frames at once: {median(found):.2f} times as quick "
            "(goal: 1.8 on 2 cores)"
        )


def commands(place: Path) -> dict[str, list[str]]:
    """Return the command line of each subcommand."""
    rgb, reflectivity = place / "rgb.zarr", place / "reflectivity.zarr"
    return {
        "build-rgb-store": [
            *("-m", "radar_cleaner", "build-rgb-store"),
            *to_flags(frames.rgb_options(place / "frames", rgb)),
        ],
        "decode-reflectivity": [
            *("-m", "radar_cleaner", "decode-reflectivity"),
            *to_flags(frames.reflectivity_options(rgb, reflectivity)),
        ],
    }


if __name__ == "__main__":
    main()
