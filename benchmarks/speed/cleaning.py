"""
Time the cleaning of a shard and of a single frame, compared with the bare network's forward pass.

    python -m benchmarks.speed.cleaning
    python -m benchmarks.speed.cleaning --results FOLDER   # reuse or keep the stores

The network is the one of the workflow. The subcommand cleans a shard as in the workflow, but in this process. It
cleans a single frame in a process of its own, compared with a process that only prints the subcommand's help.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from radar_cleaner.config.cleaning import FrameCleaning
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.inference.frame_reader import FrameReader
from radar_cleaner.inference.predictor import load_predictor
from radar_cleaner.stages.clean_frames import clean_frames

from ..checkout import measure_python
from ..flags import to_flags
from .made import MODEL, Made, make
from .timing import in_turns

RADAR = "CASGO"
MINUTES = ("2024-07-10 20:00", "2024-07-10 20:18")  # three frames, each a shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, len(os.sched_getaffinity(0))])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cleaning-") as folder:
        place = Path(folder)
        results = options.results or place
        hours, single = make(results), make(results / "alone", MINUTES, "frame")
        for threads in options.threads:
            measure_shards(hours, single, place / "cleaned.zarr", threads, options.rounds)
        measure_alone(single, place, options.rounds)


def measure_shards(hours: Made, single: Made, output: Path, threads: int, rounds: int) -> None:
    """Clean a shard of an hour and one of a single frame, and run the bare network, in turns.

    The difference of both gives the time of a frame, and the rest is that of a shard.
    """
    forward, count = bare_forward(hours, threads)
    things = {
        "hour": lambda: clean_frames(**options_of(hours, output, threads)),
        "single": lambda: clean_frames(**options_of(single, output, threads)),
        "forward": forward,
    }
    timed = in_turns(things, rounds)
    for name, times in (("by the clock", timed.clock), ("CPU time", timed.cpu)):
        rows = zip(times["hour"], times["single"], times["forward"], strict=True)
        frames = [((hour - one) / (count - 1), one, forward / count) for hour, one, forward in rows]
        a_frame = median(frame / forward for frame, _, forward in frames)
        a_shard = median((one - frame) / forward for frame, one, forward in frames)
        print(
            f"clean-frames, {threads} thread(s), {name}: a frame {a_frame:.2f} times its bare forward pass "
            f"(goal: at most 1.15), a shard {a_shard:.1f} passes more"
        )


def measure_alone(made: Made, place: Path, rounds: int) -> None:
    """Clean one frame by the subcommand, beside its bare start and the bare network, in turns."""
    command = [
        *("-m", "radar_cleaner", "clean-frames"),
        *to_flags(options_of(made, place / "one.zarr", 1)),
    ]
    forward, _ = bare_forward(made, 1)
    timed = in_turns(
        {
            "alone": lambda: measure_python(command),
            "start": lambda: measure_python(["-m", "radar_cleaner", "clean-frames", "--help"]),
            "forward": forward,
        },
        rounds,
    )
    beyond = median(a - s for a, s in zip(timed.clock["alone"], timed.clock["start"], strict=True))
    most = 1.5 * median(timed.clock["forward"]) + 1
    print(
        f"one frame alone: {beyond / most:.2f} of 1.5 forward passes + 1 s, beyond the bare subcommand (goal: at "
        f"most 1); that starts in {timed.clock_ratio('start', 'forward'):.1f} forward passes"
    )


def options_of(made: Made, output: Path, threads: int) -> dict[str, Any]:
    """Return the arguments of `clean_frames` for the middle shard."""
    shards, settings = shards_of(made), made.plan.settings
    return {
        "results": made.results,
        "shard": shards[1],
        "neighbours": [shards[0], shards[2]],
        "geometry": RadarGeometry.from_flag(made.plan.geometry(RADAR)),
        "model": [MODEL],
        "inputs": settings.samples.cut(ModelInputs),
        "static": False,
        "cleaning": settings.cleaning.cut(FrameCleaning),
        "threads": threads,
        "output": output,
        "stores": settings.stores,
    }


def shards_of(made: Made) -> list[str]:
    """List the three shards of the cleaned radar."""
    return [shard for radar, shard in made.plan.pairs("training") if radar == RADAR]


def bare_forward(made: Made, threads: int) -> tuple[Callable[[], None], int]:
    """Return the forward pass over the channels of a frame, once for each frame of the shard, and their number."""
    shard = shards_of(made)[1]
    layout, cleaner = made.layout, load_predictor(MODEL, threads)
    inputs = cleaner.inputs_for(made.config["samples"]["input_minutes"])
    frames = FrameReader(
        [layout.reflectivity(RADAR, shard)], [layout.aligned(RADAR, shard)], inputs, layout.atlas(RADAR)
    )
    frame_inputs = frames.inputs(frames.times[len(frames.times) // 2])
    given: list[torch.Tensor] = []
    hook = cleaner.model.register_forward_pre_hook(lambda _, channels: given.extend(channels))
    cleaner.predict(frame_inputs)
    hook.remove()

    def forward() -> None:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            for _ in frames.times:
                cleaner.model(*given)

    return forward, len(frames.times)


if __name__ == "__main__":
    main()
