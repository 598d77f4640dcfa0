"""
Measure how long Snakemake plans a large archive before it runs anything.

    python benchmarks/archive_scale.py            # one year of two radars by day, five years by month
    python benchmarks/archive_scale.py --days 30  # quicker

An archive consists of tiny pictures, one every 15 minutes of each of two radars. The table lists the time and the
peak memory of a fresh dry run and of a run with nothing to do. It also lists the ratio of its CPU time to that of
a bare Snakefile with as many jobs and input files. Nothing is decoded: the files of a finished run are created
empty and recorded by `snakemake --touch`.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import yaml
from checkout import ROOT, Call, link_project, measure_python
from PIL import Image

START = datetime(2019, 1, 1, tzinfo=UTC)
RADARS = {"NKM": (13.737729, 100.358871), "NJK": (13.834874, 100.846411)}
CADENCE = timedelta(minutes=15)
# With this number of cores each level of the graph is one round of the scheduler, which checks every input per
# round.
RECORD = ("--touch", "--forceall", "--cores", "100000", "--scheduler", "greedy", "--quiet", "all")
PALETTE = ROOT / "config/palettes/eccc.csv"
BARE = """
KEYS = range({jobs})
rule all:
    input: expand("out/{{key}}.txt", key=KEYS)
rule one:
    input: lambda wildcards: [f"{{path}}" for path in PARTS[int(wildcards.key)]]
    output: "out/{{key}}.txt"
    params: key=lambda wildcards: ["--key", wildcards.key]
    shell: "touch {{output}}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--years", type=int, default=5, help="of the archive by month; 0: none")
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, python {sys.version.split()[0]}")
    print(f"{'archive':28} {'frames':>8} {'jobs':>6} {'':18} {'time s':>7} {'CPU s':>7} {'MB':>8} {'to bare':>7}")
    measure("by day", options.days, "day")
    if options.years:
        measure("by month", 365 * options.years, "month")


def measure(name: str, days: int, shard: str) -> None:
    """Make an archive of `days` days in stores of `shard` length, and time the calls on it."""
    with tempfile.TemporaryDirectory(prefix="archive-scale-") as folder:
        place = Path(folder)
        frames = make_archive(place, days)
        link_project(place, "config")
        (place / "config.yaml").write_text(yaml.safe_dump(make_config(days, shard)))
        fresh = call(place, "--dry-run")
        jobs = int(re.findall(r"^total +(\d+)", fresh.output, re.MULTILINE)[0])
        finish(place)
        again = call(place, "--dry-run")
        assert "Nothing to be done" in again.output, again.output[-3000:]
        (place / "bare").mkdir()
        bare_fresh, bare_again = measure_bare(place / "bare", place / "frames", jobs)
        for what, own, bare in (("fresh dry run", fresh, bare_fresh), ("nothing to be done", again, bare_again)):
            ratio = own.cpu_seconds / bare.cpu_seconds
            row = f"{own.seconds:7.1f} {own.cpu_seconds:7.1f} {own.megabytes:8.0f} {ratio:8.2f}"
            print(f"{days} days {name:18} {frames:8} {jobs:6} {what:18} {row}", flush=True)


def make_archive(place: Path, days: int) -> int:
    """Write the pictures of both radars and return their number."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8), "#0000ff").save(buffer, "PNG")
    picture, number = buffer.getvalue(), 0
    for radar in RADARS:
        folder = place / "frames" / radar
        folder.mkdir(parents=True)
        moment = START
        while moment < START + timedelta(days=days):
            (folder / f"{radar}_{moment:%Y%m%d%H%M}.png").write_bytes(picture)
            moment += CADENCE
            number += 1
    return number


def make_config(days: int, shard: str) -> dict[str, object]:
    """Return a config that trains on the first two thirds and scores the last sixth, on shard boundaries."""

    def boundary(share: float) -> str:
        moment = START + timedelta(days=int(days * share))
        return f"{moment.replace(day=1) if shard == 'month' else moment:%Y-%m-%d}"

    return {
        "radars": [
            {"id": radar, "frames": f"frames/{radar}", "latitude": north, "longitude": east, "range_km": 120}
            for radar, (north, east) in RADARS.items()
        ],
        "frames": {"cadence_minutes": 15, "shard": shard},
        "labels": {"palette": str(PALETTE)},
        "training": {"period": [boundary(0), boundary(4 / 6)]},
        "evaluation": {"period": [boundary(5 / 6), boundary(1)]},
    }


def finish(place: Path) -> None:
    """Create every output empty and let Snakemake record them as made."""
    listed = call(place, "--summary").output
    names = re.findall(r"^(results/\S+)\t", listed, re.MULTILINE)
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    call(place, *RECORD)


def measure_bare(place: Path, frames: Path, jobs: int) -> tuple[Call, Call]:
    """Time a fresh dry run and a finished run of a bare Snakefile with as many jobs, all frames as inputs."""
    lines = [
        "from pathlib import Path",
        f"FILES = sorted(str(path) for path in Path({str(frames)!r}).rglob('*.png'))",
        f"PARTS = [FILES[start::{jobs}] for start in range({jobs})]",
        BARE.format(jobs=jobs),
    ]
    (place / "Snakefile").write_text("\n".join(lines))
    fresh = call(place, "--dry-run", configured=False)
    (place / "out").mkdir()
    for key in range(jobs):
        (place / "out" / f"{key}.txt").touch()
    call(place, *RECORD, configured=False)
    return fresh, call(place, "--dry-run", configured=False)


def call(place: Path, *arguments: str, configured: bool = True) -> Call:
    """Run Snakemake in a folder."""
    config = ["--configfile", "config.yaml"] if configured else []
    return measure_python(["-m", "snakemake", *arguments, *config], place)


if __name__ == "__main__":
    main()
