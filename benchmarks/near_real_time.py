"""
Measure time and jobs from a frame to its product, by the loop of docs/how-to/near_real_time.md.

    python benchmarks/near_real_time.py
    python benchmarks/near_real_time.py --window -12 -6 0

Frames of the sample are put into two watched folders, one radar after the other. After each frame the loop's own
command is called. The model has the default size and random weights, which cost the same time.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import yaml
from checkout import ROOT, link_project, run

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model

RADARS = ("CASGO", "CASCM")
TIMES = [f"20240711{hour}{minute:02}" for hour in (13, 14) for minute in range(0, 60, 6)]
STARTED = 3  # times that are there before the first is measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--window", type=int, nargs="+", default=[-6, 0, 6], help="samples.input_minutes")
    parser.add_argument("--times", type=int, default=4, help="times measured, a frame of each radar")
    options = parser.parse_args()
    command = loop_command((ROOT / "docs/how-to/near_real_time.md").read_text())
    with tempfile.TemporaryDirectory(prefix="near-real-time-") as folder:
        place = Path(folder)
        prepare(place, options.window)
        for when in TIMES[:STARTED]:
            for radar in RADARS:
                put_frame(place, radar, when)
        run(command, place)
        print("frame                jobs  frame to product  subcommands alone")
        rows = [
            measure(command, place, radar, when)
            for when in TIMES[STARTED : STARTED + options.times]
            for radar in RADARS
        ]
        idle = timed(command, place)
    seconds, alone = (median(column) for column in zip(*rows, strict=True))
    share = seconds / alone
    print(f"median {seconds:.1f} s a frame on {os.cpu_count()} cores; {share:.2f} of its subcommands' time")
    print(f"nothing new: {idle:.1f} s, {idle / bare_start():.1f} times `python -c 'import snakemake.cli'`")


def loop_command(page: str) -> list[str]:
    """Return the loop's command from the page."""
    found = re.search(r"^    (flock .*)$", page, re.MULTILINE)
    assert found, "docs/how-to/near_real_time.md has no command that begins with flock"
    return shlex.split(found.group(1))


def prepare(place: Path, window: list[int]) -> None:
    """Set up the project, two empty watched folders, a model, and the example's config for them."""
    link_project(place)
    shutil.copytree(ROOT / "config", place / "config")
    config = yaml.safe_load((ROOT / "config/realtime.yaml").read_text())
    config["samples"] |= {"input_minutes": window, "atlas": "none"}
    del config["atlas"]
    config["cleaning"]["model"] = "random.pt"
    for radar in config["radars"]:
        radar["frames"] = f"incoming/{radar['id']}"
        (place / radar["frames"]).mkdir(parents=True)
    (place / "config/realtime.yaml").write_text(yaml.safe_dump(config))
    path = place / config["cleaning"]["model"]
    model = ModelConfig("tiny_unet", Inputs(tuple(window), "none", "max"))
    network = build_model(model)
    draw_weights(network, 1)
    save_model(path, model, network.state_dict(), {})


def put_frame(place: Path, radar: str, when: str) -> None:
    """Copy a frame aside and move it: no call sees half of one."""
    name = f"{radar}_{when}.png"
    shutil.copyfile(ROOT / f"resources/maritimes/frames/{radar}/{name}", place / name)
    (place / name).rename(place / "incoming" / radar / name)


def measure(command: list[str], place: Path, radar: str, when: str) -> tuple[float, float]:
    """Return the seconds from a frame to its product, and the share of the subcommands alone."""
    put_frame(place, radar, when)
    before = time.time()
    seconds = timed(command, place)
    shard = f"{when[:8]}T{when[8:]}"
    product = place / f"realtime/composite/{shard}.zarr/zarr.json"
    assert product.stat().st_mtime > before - 1, f"no product of {radar} {when}"
    tables = [path for path in (place / "realtime/benchmarks").rglob("*.tsv") if path.stat().st_mtime > before - 1]
    alone = sum(float(next(csv.DictReader(path.open(), delimiter="\t"))["s"]) for path in tables)
    print(f"{radar} {when}  {len(tables):5}  {seconds:14.1f} s  {alone:15.1f} s", flush=True)
    return seconds, alone


def timed(command: list[str], place: Path) -> float:
    started = time.monotonic()
    run(command, place)
    return time.monotonic() - started


def bare_start() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import snakemake.cli"], check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
