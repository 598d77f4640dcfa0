"""
Time the alignment of a radar with the grid of another: milliseconds a frame of 640 x 640 px and radar.

    python -m benchmarks.speed.alignment

The world is simulated: two radars, an hour of frames each. `align_radars` reads the other radar's reflectivity,
regrids and pools it, and writes the store. Regridding and pooling in memory are timed separately.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from radar_cleaner.config.frames import Stores
from radar_cleaner.config.load import read_config
from radar_cleaner.conventions import NODATA
from radar_cleaner.georeference.regrid import nearest_radar, nearest_regridder, pool, range_share
from radar_cleaner.planning.plan import Plan
from radar_cleaner.stages.align_radars import align_radars
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store

from ..quality.runs import make_results
from .made import simulate, write_config
from .timing import in_turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alignment-") as folder:
        measure(Path(folder), options.size, options.rounds)


def measure(place: Path, size: int, rounds: int) -> None:
    """Make the reflectivity and the warp, and time the alignment."""
    config = simulate(place, radars=2, hours=3, size=size)
    config["results"] = str(place / "results")
    plan, layout = Plan(read_config(config)), Layout(place / "results")
    (target, shard), *_ = plan.pairs("training")
    other = next(radar for radar in plan.radars if radar != target)
    stores = [layout.reflectivity(target, shard), layout.reflectivity(other, shard), layout.warp(target, other)]
    make_results(write_config(place, config), [str(store / "zarr.json") for store in stores])
    own, seen, warp = (
        open_store(store, kind)
        for store, kind in zip(stores, ("reflectivity", "reflectivity", "warp"), strict=True)
    )
    frames, (grid, coverage) = seen.read("reflectivity"), (warp.read(name) for name in ("grid", "coverage"))
    regridder = nearest_regridder(grid, coverage, frames.shape[1:])
    share = range_share(grid, coverage, warp.attrs)

    def in_memory() -> None:
        for frame in frames:
            looks = {0: regridder.apply(frame, NODATA)}
            pool(looks.values(), coverage.shape)
            nearest_radar(looks, [share], coverage.shape)

    def stage() -> None:
        align_radars(
            radar=target,
            reflectivity=stores[0],
            others=[other],
            other_reflectivity=[stores[1]],
            other_warps=[stores[2]],
            stores=Stores(),
            output=place / "aligned.zarr",
        )

    timed = in_turns({"in memory": in_memory, "stage": stage}, rounds)
    count = len(own.times)
    for name, label in (
        ("in memory", "warped and pooled, in memory"),
        ("stage", "`align_radars`, with its stores"),
    ):
        print(f"{label}: {median(timed.cpu[name]) / count * 1e3:.1f} ms a {size} x {size} frame (goal: at most 2)")


if __name__ == "__main__":
    main()
