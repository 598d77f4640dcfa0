"""
Time a training step, compared with the bare network's forward and backward pass, and profile it.

    python -m benchmarks.speed.training
    python -m benchmarks.speed.training --results FOLDER --profile

The network, its options and its crops are those of the workflow's model. Times are clock times with one thread a
core. Each figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from radar_cleaner.config.training import Running
from radar_cleaner.datasets.batches import make_batch
from radar_cleaner.datasets.frame_cache import open_frame_cache, write_frame_cache
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.precision import memory_format, set_determinism
from radar_cleaner.training.state import make_parts, take_step
from radar_cleaner.training.step import CropDataset, Steps

from .made import Made, make, training_options
from .timing import Timings, in_turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--profile", action="store_true", help="print the operations that take longest, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        made = make(options.results or Path(folder))
        measure(made, Path(folder), options.rounds, options.crop, options.profile)


def measure(made: Made, place: Path, rounds: int, crop: int, profiled: bool = False) -> Timings:
    """Time steps and bare passes in turns, and print the ratios."""
    training, threads = training_options(crop_px=crop), len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    set_determinism(training.learning.deterministic)
    samples, inputs = made.samples, training.inputs
    write_frame_cache(place / "cache", made.sources, samples, inputs, 10**12)
    crops = CropDataset(training, open_frame_cache(place / "cache"), samples)
    model = build_model(training.config)
    draw_weights(model, 1)
    model.train()
    parts = make_parts(training, crops, model, 1e-4)
    running = Running(on_out_of_memory="stop")
    steps, size, waited = (
        Steps(training, running, crops, model, Processes()),
        training.learning.global_batch_size,
        [],
    )
    channels = make_batch(crops.batch(range(size), 0), inputs, torch.device("cpu")).channels
    batches = [list(range(start, start + size)) for start in range(0, len(crops) - size, size)]
    taken = iter(range(10**9))

    def step() -> None:
        number = next(taken)
        items, following = batches[number % len(batches)], batches[(number + 1) % len(batches)]
        sums = steps.gradients(items, 0, parts.scaler, following=(following, 0))
        take_step(model, parts.optimizer, parts.scaler, training.learning.clip_norm)
        parts.averages.after_step(model, False)
        sums.read()
        waited.append(steps.waited_s)

    def bare() -> None:
        model.zero_grad(set_to_none=True)
        logit, scaled = model(channels.contiguous(memory_format=memory_format(training.learning)))
        (logit.sum() + scaled.sum()).backward()

    timed = in_turns({"step": step, "bare": bare, "batch": lambda: crops.batch(batches[0], 0)}, rounds)
    to_bare = timed.clock_ratio("step", "bare")
    share = sum(waited[1:]) / sum(timed.clock["step"])
    print(f"{size} crops of {crop} px, {threads} threads")
    print(f"a step: {to_bare:.2f} times the bare network's forward and backward (goal: at most 1.1)")
    print(f"waits for data: {100 * share:.1f} % of the step (goal: at most 2 %); cutting takes ", end="")
    print(f"{100 * timed.clock_ratio('batch', 'step'):.1f} % of it, beside the step")
    if profiled:
        with profile(activities=[ProfilerActivity.CPU]) as found:
            for _ in range(3):
                step()
        print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=25))
    return timed


if __name__ == "__main__":
    main()
