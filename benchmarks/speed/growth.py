"""
Measure the growth of cost: time and memory of each rule with more frames, larger pictures, more radars.

    python -m benchmarks.speed.growth
    python -m benchmarks.speed.growth --frames 1000 10000   # quicker

The frames are two simulated hours of small pictures, linked again under other times. The workflow makes one store
a radar, up to the products. The training has two steps, because an epoch grows with its samples. The time of a
rule is the clock time in Snakemake's benchmark files. Their CPU time is sampled every half a minute, so that up to
half a minute is missing. The exponent is the slope between the logarithms of the two largest archives: 1 is
linear. A constant start of seconds makes it smaller.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from radar_cleaner.report.costs import Cost, read_costs

from ..quality.runs import make_results
from .made import simulate, write_config

START = datetime(2026, 6, 1, tzinfo=UTC)
STEP = timedelta(seconds=30)  # so that 100,000 frames of two radars fit into a month
HERE = "20260601000000"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="of two radars")
    parser.add_argument("--sizes", type=int, nargs="*", default=[240, 480, 960], help="in px, 50 frames a radar")
    parser.add_argument("--radars", type=int, nargs="*", default=[2, 4, 8], help="with 50 frames each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        place = Path(folder)
        show("frames", options.frames, [run(place / f"f{n}", 2, n // 2, 96) for n in options.frames])
        pixels = [size * size for size in options.sizes]
        show("pixels", pixels, [run(place / f"s{size}", 2, 50, size) for size in options.sizes])
        show("radars", options.radars, [run(place / f"r{n}", n, 50, 96) for n in options.radars])


def run(place: Path, radars: int, frames: int, size: int) -> dict[str, Cost]:
    """Run the workflow on an archive of `count` frames a radar; return the costs of each rule."""
    config = simulate(place, radars, hours=2, size=size)
    for radar in config["radars"]:
        pictures = sorted(Path(radar["frames"]).glob("*.png"))
        folder = place / "frames" / radar["id"]
        folder.mkdir(parents=True)
        for number, picture in enumerate(islice(cycle(pictures), frames)):
            (folder / f"{START + number * STEP:%Y%m%d%H%M%S}.png").symlink_to(picture.resolve())
        radar["frames"] = str(folder)
    config["frames"] |= {"pattern": r"(\d{14})(?=\D*$)", "time_format": "%Y%m%d%H%M%S", "shard": "month"}
    config["frames"]["cadence_minutes"] = STEP / timedelta(minutes=1)
    config["samples"] = {"input_minutes": [-1, 0, 1], "atlas": "channel", "block_minutes": 5, "purge_minutes": 2}
    config["training"] = {"period": ["2026-06-01 00:00", "2026-07-01 00:00"], "fast_dev_run": True}
    config["training"] |= {"crop_px": 64}
    config |= {"results": str(place / "results"), "cleaning": {"model": "trained"}}
    del config["evaluation"]
    make_results(write_config(place, config), [])
    return {cost.rule: cost for cost in read_costs(place / "results/benchmarks")}


def show(name: str, counts: Sequence[int], runs: Sequence[dict[str, Cost]]) -> None:
    """Print a table: seconds and memory of each rule, and the exponent of its time."""
    if not counts:
        return
    columns = " | ".join(f"{count:,} {name}" for count in counts)
    print(f"\n| rule | {columns} | exponent |\n|---|{'---|' * len(counts)}---|")
    for rule in runs[-1]:
        costs = [run[rule] for run in runs if rule in run]
        cells = [f"{cost.seconds:.1f} s, {cost.memory or 0:.0f} MiB" for cost in costs]
        print(f"| {rule} | {' | '.join(cells)} | {exponent(counts, [cost.seconds for cost in costs])} |")


def exponent(counts: Sequence[int], seconds: Sequence[float]) -> str:
    """Return the slope over the logarithms of the two largest; `-` for times up to a second."""
    if len(seconds) < 2 or min(seconds[-2:]) <= 1:
        return "-"
    return f"{np.diff(np.log(seconds[-2:]))[0] / np.diff(np.log(counts[-2:]))[0]:.2f}"


if __name__ == "__main__":
    main()
