"""Small banks, trainings and stores for the tests of what learns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import store_cases
from numpy.typing import NDArray

from radar_cleaner.bank import RadarFrameBank, RadarGrid, Sample
from radar_cleaner.dataset import Augmentation, Inputs
from radar_cleaner.layout import Layout
from radar_cleaner.losses import LossWeights
from radar_cleaner.models import ModelConfig
from radar_cleaner.shards import encode_stores, format_time, shard_of
from radar_cleaner.tables import write_text
from radar_cleaner.training import Schedule, Training
from radar_cleaner.vocabulary import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNKNOWN

MINUTES = (-6, 0, 6)
START = store_cases.START
PLAIN = Augmentation(16, False, 0, 0, 0, 0, 8)
WEIGHTS = LossWeights(2, 0.5, 1, 1)


def inputs(**changes: object) -> Inputs:
    return Inputs(**{"input_minutes": MINUTES, "atlas": "none", "reflectivity_target": "max", **changes})


def augmentation(**changes: object) -> Augmentation:
    return Augmentation(**{**PLAIN.__dict__, **changes})


def config(**changes: object) -> ModelConfig:
    values = {
        "name": "tiny_unet",
        "base_width": 8,
        "depth": 2,
        "input_minutes": MINUTES,
        "lead_minutes": (0,),
        "atlas": "none",
        "pad_mode": "reflect",
        "reflectivity_target": "max",
    }
    return ModelConfig(**{**values, **changes})


def training(how: Augmentation = PLAIN, model: ModelConfig | None = None, **schedule: object) -> Training:
    values = {"epochs": 2, "global_batch_size": 2, "crops_per_sample": 1, "learning_rate": 3e-3}
    values |= {"weight_decay": 1e-4, "seed": 7, **schedule}
    return Training(model or config(), Schedule(**values), how, WEIGHTS)


def storm(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """(4, y, x) planes: a blob of rain (class 1, strong), specks (class 2, weak), a nodata edge."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    middle = random.uniform(0.3, 0.7, 2) * shape
    rain = np.hypot(rows - middle[0], columns - middle[1]) < 0.22 * min(shape)
    specks = (random.random(shape) < 0.06) & ~rain
    own = np.select([rain, specks], [random.integers(110, 150), 85], 0)
    others = np.where(rain, own + 4, 0)
    classes = np.select([rain, specks], [METEOROLOGICAL, NON_METEOROLOGICAL], NONE)
    planes = np.stack([own, others, classes, np.full(shape, 255)]).astype(np.uint8)
    planes[:, 0, :] = np.array([NODATA, NODATA, UNKNOWN, 0])[:, None]
    return planes


def radar_bank(
    times: Iterable[int], shape: tuple[int, int] = (32, 32), seed: int = 0, **grid: object
) -> RadarFrameBank:
    """Frames at these times; the same storm at neighbouring times, unlike that of another `seed`."""
    times = list(times)
    planes = np.stack([storm(seed + number // 3, shape) for number, _ in enumerate(times)])
    place = RadarGrid(shape, (shape[1] / 2, shape[0] / 2 - 1), max(shape) / 2, **grid)
    return RadarFrameBank(place, planes, {time: number for number, time in enumerate(times)})


def small_bank(
    count: int = 4, shape: tuple[int, int] = (32, 32)
) -> tuple[dict[str, RadarFrameBank], list[Sample]]:
    """A bank of one radar and `count` samples of it, each with its own storm."""
    times = [START + 360 * number for number in range(3 * count)]
    samples = [Sample(time, "CASGO") for time in times[1::3]]
    return {"CASGO": radar_bank(times, shape)}, samples


def write_stores(results: Path, radars: Iterable[str] = ("CASGO", "CASCM"), count: int = 12) -> list[str]:
    """Labels, aligned, targets, an atlas and sample tables below `results`; gives --stores."""
    layout, shape = Layout(results), (32, 32)
    times = store_cases.times_from(count=count)
    shard = shard_of(times[0], "day")
    rows: list[tuple[int, str]] = []
    for number, radar in enumerate(radars):
        planes = np.stack([storm(100 * number + index // 3, shape) for index, _ in enumerate(times)])
        store_cases.make_labels(layout.labels(radar, shard), radar, times, planes[:, 0], planes[:, 2])
        store_cases.make_aligned(layout.aligned(radar, shard), radar, times, planes[:, 1])
        store_cases.make_targets(layout.targets(radar, shard), radar, times, planes[:, 2], planes[:, 3])
        frequency = np.zeros(shape)
        frequency[20:24, 20:24] = 0.9
        store_cases.make_atlas(layout.atlas(radar), radar, frequency)
        rows += [(time, radar) for time in times[1:-1]]
    lines = [f"{format_time(time)},{radar}" for time, radar in sorted(rows)]
    write_text(results / "samples/train.csv", "\n".join(["time,radar", *lines[:-3], ""]))
    write_text(results / "samples/val.csv", "\n".join(["time,radar", *lines[-3:], ""]))
    return encode_stores({radar: [shard] for radar in radars})


def train_arguments(results: Path, stores: list[str], **changes: object) -> dict[str, object]:
    """Arguments of `train_model` that train a tiny network in a second."""
    values: dict[str, object] = {
        "results": results,
        "stores": stores,
        "train": results / "samples/train.csv",
        "val": results / "samples/val.csv",
        "input_minutes": list(MINUTES),
        "lead_minutes": [0],
        "atlas": "none",
        "reflectivity_target": "max",
        "pad_mode": "reflect",
        "model": "tiny_unet",
        "base_width": 4,
        "depth": 2,
        "epochs": 3,
        "global_batch_size": 4,
        "crop": 16,
        "crops_per_sample": 1,
        "learning_rate": 3e-3,
        "weight_decay": 1e-4,
        "seed": 7,
        "flips": True,
        "drop_neighbours": 0.2,
        "drop_others": 0.2,
        "prefer_echo": 0.8,
        "focal_gamma": 2.0,
        "dice_weight": 0.5,
        "reflectivity_weight": 1.0,
        "inpainting_weight": 1.0,
        "hole_fraction": 0.5,
        "hole_size": 8,
        "threads": 1,
        "best": results / "model/best.pt",
        "history": results / "model/history.csv",
        "card": results / "model/card.md",
        "checkpoint": results / "checkpoints/current.pt",
    }
    return {**values, **changes}


def start_training(arguments: dict[str, object], processes: int | None = None) -> subprocess.Popen[str]:
    """`train-model` as the workflow calls it: by torchrun with so many processes, or as a plain one (None)."""
    command = [sys.executable, "-m"]
    if processes is not None:
        command += ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    command += ["radar_cleaner", "train-model"]
    for name, value in arguments.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            command.append(flag if value else "--no-" + flag[2:])
        else:
            command += [flag, *(map(str, value) if isinstance(value, list) else [str(value)])]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a training and give what it said; it must end well."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said
