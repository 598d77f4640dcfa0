"""
Measure samples a second from the frame cache, compared with a loader that opens the stores for each sample.

    python -m benchmarks.speed.feeding
    python -m benchmarks.speed.feeding --results FOLDER   # reuse or keep the stores

Crops of 256 x 256 px of two radars and three times are drawn and cut as in a training, on one core.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from radar_cleaner.datasets.frame_cache import FrameCache, open_frame_cache, write_frame_cache
from radar_cleaner.training.step import CropDataset

from .chunk_loader import ChunkLoader
from .made import Made, make, training_options
from .timing import in_turns

CROPS = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="feeding-") as folder:
        measure(make(options.results or Path(folder)), Path(folder), options.rounds)


def measure(made: Made, place: Path, rounds: int) -> dict[str, float]:
    """Time all in turns, print the ratios, and return the speed of each cache relative to the plain loader."""
    training = training_options(crop_px=256, crops_per_sample=1)
    samples, inputs = made.samples, training.inputs
    caches: dict[str, FrameCache] = {}
    for name, most in (("raw", 10**12), ("packed", 0)):
        began = time.perf_counter()
        write_frame_cache(place / name, made.sources, samples, inputs, most)
        caches[name] = open_frame_cache(place / name)
        filled = time.perf_counter() - began
        began = time.perf_counter()
        CropDataset(training, caches[name], samples).batch(range(8), 0)
        first = time.perf_counter() - began
        frames = sum(frames.variables.shape[0] for frames in caches[name].values())
        size = sum(file.stat().st_size for file in (place / name).rglob("frames.*"))
        print(
            f"{name}: {frames} frames of {size / frames / 1e3:.1f} kB, filled in {filled / frames * 1e3:.1f} ms a "
            f"frame; first batch {first:.2f} s later"
        )
    order = np.random.default_rng(2).integers(0, len(samples), CROPS).tolist()
    size = training.learning.global_batch_size
    loader = ChunkLoader(made.sources, inputs.input_minutes, 256)

    def feed(cache: FrameCache) -> None:
        crops = CropDataset(training, cache, samples)
        for first in range(0, CROPS, size):
            crops.batch(order[first : first + size], 0)

    loaders: dict[str, Callable[[], object]] = {name: partial(feed, cache) for name, cache in caches.items()}
    loaders["plain"] = lambda: [loader.load(samples[item]) for item in order[:: CROPS // 20]]
    timed = in_turns(loaders, rounds)
    times = {name: timed.ratio("plain", name) * CROPS / 20 for name in caches}
    for name, ratio in times.items():
        print(
            f"{name} frame cache: {CROPS / min(timed.cpu[name]):.0f} samples/s of CPU time, {ratio:.0f} times as "
            "quick as opening the stores"
        )
    print("goals: at least 1,500 samples/s from the raw frame cache, 100 times as many as from the plain loader")
    return times


if __name__ == "__main__":
    main()
