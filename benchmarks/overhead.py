"""
Measure what Snakemake adds to the bare subcommands of the demo.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --configfile config/maritimes.yaml

The shell commands of all jobs run one after the other without Snakemake, then by `snakemake --cores 1`, each into
an empty folder. The result is the share of the second run that the first does not need, by the clock and by CPU
time. The CPU time is meaningful on a busy machine, too.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

import yaml
from checkout import ROOT, link_project, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--configfile", default="config/config.yaml")
    options = parser.parse_args()
    snakemake = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", options.configfile]
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        place = Path(folder)
        link_project(place, "config", "resources")
        planned = run([*snakemake, "--dry-run", "--printshellcmds"], place)
        # A target has no command: "None".
        commands = re.findall(r"^Shell command: (?!None$)(.*)$", planned, re.MULTILINE)
        results = yaml.safe_load((ROOT / options.configfile).read_text())["results"]
        (place / results).mkdir()
        (place / results / "run_started").touch()  # as the Snakefile's onstart does
        started = now()
        for command in commands:
            for log in re.findall(r"2> (\S+)", command):
                (place / log).parent.mkdir(parents=True, exist_ok=True)
            run(["bash", "-c", command], place)
        bare = since(started)
        (place / results).rename(place / "bare")
        started = now()
        run([*snakemake, "--quiet", "all"], place)
        whole = since(started)
    print(f"{len(commands)} jobs on {os.cpu_count()} cores; Snakemake's share of the run:")
    for what, own, all_of_it in zip(("clock", "CPU"), bare, whole, strict=True):
        print(f"{what}: bare {own:.0f} s, by snakemake {all_of_it:.0f} s: {100 * (1 - own / all_of_it):.1f} %")


def now() -> tuple[float, float]:
    """Return the clock and the CPU time of all ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), used.ru_utime + used.ru_stime


def since(started: tuple[float, float]) -> tuple[float, float]:
    """Return the seconds of both since then."""
    return tuple(end - start for start, end in zip(started, now(), strict=True))  # type: ignore[return-value]


if __name__ == "__main__":
    main()
