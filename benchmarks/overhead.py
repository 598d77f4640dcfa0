"""
What Snakemake adds to the bare subcommands, for the demo.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --configfile config/maritimes.yaml

The shell commands of all jobs are run one after the other without Snakemake, then by `snakemake --cores 1`, each
into a folder that is empty; told is the share of the second run's time that the first does not need.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LINKED = ("Snakefile", "radar_cleaner", "workflow", "docs", "envs", "config", "profiles", "resources")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--configfile", default="config/config.yaml")
    options = parser.parse_args()
    snakemake = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", options.configfile]
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        place = Path(folder)
        for name in LINKED:
            (place / name).symlink_to(ROOT / name)
        planned = run([*snakemake, "--dry-run", "--printshellcmds"], place)
        commands = re.findall(r"^Shell command: (.*)$", planned, re.MULTILINE)
        started = time.monotonic()
        for command in commands:
            for log in re.findall(r"2> (\S+)", command):
                (place / log).parent.mkdir(parents=True, exist_ok=True)
            run(["bash", "-c", command], place)
        bare = time.monotonic() - started
        results = yaml.safe_load((ROOT / options.configfile).read_text())["results"]
        (place / results).rename(place / "bare")
        started = time.monotonic()
        run([*snakemake, "--quiet", "all"], place)
        whole = time.monotonic() - started
    print(f"{len(commands)} jobs: bare {bare:.0f} s, by snakemake {whole:.0f} s, on {os.cpu_count()} cores")
    print(f"Snakemake's share of the run: {100 * (1 - bare / whole):.1f} %")


def run(command: list[str], place: Path) -> str:
    """Run a command in a folder, the package and this python's programs at hand; gives what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(place)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{command[-1]} failed:\n{done.stdout.decode()[-3000:]}")
    return done.stdout.decode()


if __name__ == "__main__":
    main()
