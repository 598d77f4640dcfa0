"""
Measure a training on an archive that is larger than memory: the size of its frame cache and its memory.

    python -m benchmarks.speed.large_archive
    python -m benchmarks.speed.large_archive --copies 20 --memory-mb 1000   # quicker: with less memory

The stores of three hours are linked under the times of other days until their raw frames are larger than memory.
Then the subcommand runs for two batches, as in the workflow. Printed are the bytes a frame in the cache, from the
log, the size of ten years of two radars, and the highest memory of the process.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import zarr

from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.shards import encode_stores, shard_of, shard_start
from radar_cleaner.targets.splits import sample_table

from ..checkout import measure_python
from ..flags import to_flags, train_options
from .made import KINDS, MODEL, Made, make

DAY_S = 86_400
TEN_YEARS = 700_000  # frames of two radars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--copies", type=int, default=480, help="of the three hours")
    parser.add_argument("--memory-mb", type=int, default=24_000, help="memory that the training may use")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="large-") as folder:
        place = Path(folder)
        made = make(options.results or place / "made")
        results = place / "results"
        shards = multiply(made, results, options.copies)
        (results / "samples").mkdir()
        samples = [
            sample._replace(time=sample.time + copy * DAY_S)
            for copy in range(options.copies)
            for sample in made.samples
        ]
        sample_table(samples).to_csv(results / "samples/train.csv", index=False)
        sample_table([]).to_csv(results / "samples/val.csv", index=False)
        arguments = train_options(MODEL, results, results / "model")
        fast = arguments["learning"].model_copy(update={"fast_dev_run": True})
        arguments |= {"stores": encode_stores(shards), "memory_mb": options.memory_mb, "learning": fast}
        call = measure_python(["-m", "radar_cleaner", "train-model", *to_flags(arguments)])
        found = re.search(r"frame cache: (\d+) frames, .*", call.output)
        if not found:
            sys.exit(f"its log has no line on the frame cache:\n{call.output[-3000:]}")
        print(found[0])
        size = re.search(r"\((\S+) kB a frame\)", found[0])
        assert size is not None
        print(f"ten years of two radars, {TEN_YEARS:,} frames: {float(size[1]) * TEN_YEARS / 1e6:.1f} GB")
        print(f"{len(samples)} samples; the process used {call.megabytes:.0f} MB at most")


def multiply(made: Made, results: Path, copies: int) -> dict[str, list[str]]:
    """Make `copies` of the stores, each a day later than the one before; return the shards of each radar."""
    shards: dict[str, list[str]] = {}
    for radar, shard in made.plan.pairs("training"):
        start, grain = shard_start(shard), made.config["frames"]["shard"]
        names = [shard_of(start + copy * DAY_S, grain) for copy in range(copies)]
        shards.setdefault(radar, []).extend(names)
        for kind in KINDS:
            store = getattr(made.layout, kind)(radar, shard)
            times = open_store(store, kind).times
            for copy, name in enumerate(names):
                target = results / store.relative_to(made.results).with_name(f"{name}.zarr")
                shutil.copytree(store, target, copy_function=_link)
                zarr.open_group(target, mode="r+")["time"][...] = times + copy * DAY_S
    for radar in shards:
        atlas = made.layout.atlas(radar)
        shutil.copytree(atlas, results / atlas.relative_to(made.results))
    return shards


def _link(source: str, target: str) -> None:
    """Link a file; copy the times and the metadata of the store, which are changed afterwards."""
    own = Path(source).name == "zarr.json" or "time" in Path(source).parts
    (shutil.copy if own else os.link)(source, target)


if __name__ == "__main__":
    main()
