"""Make small frame caches, trainings and stores for the tests of datasets, models and training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import store_cases
from numpy.typing import NDArray

from benchmarks.flags import to_flags
from radar_cleaner.cli import app
from radar_cleaner.config.artefacts import PLANT_KINDS, PlantKind, read_plant_ranges
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNKNOWN
from radar_cleaner.datasets.artefacts.inject import NO_PLANTS, Planting
from radar_cleaner.datasets.augmentation import Augmentation
from radar_cleaner.datasets.frame_cache import RadarFrameBank, RadarGrid, Sample
from radar_cleaner.datasets.inpainting_masks import HoleOptions
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import encode_stores, format_time, shard_of
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.loop import Place
from radar_cleaner.training.losses import LossWeights
from radar_cleaner.training.optimizer import Optimization
from radar_cleaner.training.precision import Numerics
from radar_cleaner.training.settings import Running, Schedule, Training
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.trackers import RunLog
from radar_cleaner.training.weight_averaging import Averaging

MINUTES = (-6, 0, 6)
START = store_cases.START
PLAIN = Augmentation(16, False, 0, 0, 0, 0)
NO_HOLES = HoleOptions(0, ("blocks",), 8, 0.3, 15)
PLANT_FILE = Path(__file__).parents[1] / "config/plants.yaml"
WEIGHTS = LossWeights(2, 0.5, 1, 1, 0)
# The default values of every part of a training, by the names of its flags.
SCHEDULE = {"epochs": 2, "global_batch_size": 2, "crops_per_sample": 1, "early_stopping": 0, "seed": 7}
SCHEDULE |= {"fast_dev_run": False}
OPTIMIZATION = {"learning_rate": 3e-3, "weight_decay": 1e-4, "clip_norm": 1.0, "schedule": "cosine"}
OPTIMIZATION |= {"warmup": 0.05, "last_rate": 0.01, "plateau_patience": 2, "plateau_factor": 0.5}
AVERAGING = {"ema": 0.0, "swa": 0.0, "swa_rate": 0.05}
NUMERICS = {"precision": "fp32", "compile": False, "channels_last": True, "deterministic": True}
NUMERICS |= {"gradient_checkpointing": False}
RUNNING = {
    "threads": 1,
    "memory_mb": 1000,
    "micro_batch_size": 0,
    "on_out_of_memory": "halve",
    "checkpoint_minutes": 10.0,
}
RUNNING |= {"tracker": "none"}


# Every network of the package, as small as possible.
SMALL: dict[str, dict[str, object]] = {
    "tiny_unet": {"base_width": 8, "depth": 2},
    "rate_net": {"base_width": 8},
    "window_attention": {"base_width": 16, "depth": 1, "window": 4, "input_scale": 2},
    "encoder_unet": {
        "backbone": {
            "model_type": "resnet",
            "layer_type": "basic",
            "embedding_size": 8,
            "depths": [1, 1, 1, 1],
            "hidden_sizes": [8, 16, 24, 32],
        },
        "base_width": 8,
    },
}


def inputs(**changes: object) -> Inputs:
    return Inputs(**{"input_minutes": MINUTES, "atlas": "none", "reflectivity_target": "max", **changes})


def augmentation(**changes: object) -> Augmentation:
    return Augmentation(**{**PLAIN.__dict__, **changes})


def config(model: str = "tiny_unet", **changes: object) -> ModelConfig:
    """Configure a small network; `changes` are fields of its config or options of its own."""
    values = {
        "input_minutes": MINUTES,
        "lead_minutes": (0,),
        "atlas": "none",
        "pad_mode": "reflect",
        "reflectivity_target": "max",
    }
    options = dict(SMALL.get(model, {}))
    for name, value in changes.items():
        (values if name in ModelConfig.__dataclass_fields__ else options)[name] = value
    return ModelConfig(model, **values, options=json.dumps(options))


def training(
    how: Augmentation = PLAIN,
    model: ModelConfig | None = None,
    holes: HoleOptions = NO_HOLES,
    weights: LossWeights = WEIGHTS,
    planting: Planting = NO_PLANTS,
    **changes: object,
) -> Training:
    """Configure a small training; `changes` are fields of its schedule, optimization, averaging or numerics."""
    parts = [
        made(**{name: changes.pop(name, value) for name, value in defaults.items()})
        for made, defaults in (
            (Schedule, SCHEDULE),
            (Optimization, OPTIMIZATION),
            (Averaging, AVERAGING),
            (Numerics, NUMERICS),
        )
    ]
    assert not changes, changes
    return Training(model or config(), *parts, how, holes, weights, planting)


def running(**changes: object) -> Running:
    return Running(**{**RUNNING, **changes})


def holes(**changes: object) -> HoleOptions:
    return HoleOptions(**{**NO_HOLES.__dict__, **changes})


@cache
def planting(fraction: float = 1.0, *kinds: PlantKind) -> Planting:
    """Return the default ranges of some kinds, or of all."""
    return Planting(fraction, read_plant_ranges(PLANT_FILE, kinds or PLANT_KINDS))


def place(checkpoint: Path, processes: Processes | None = None, interruption: Interruption | None = None) -> Place:
    return Place(processes or Processes(), checkpoint, "sha256:a", interruption or Interruption(), RunLog())


def storm(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (4, y, x) planes: a blob of rain (class 1, strong), specks (class 2, weak), a nodata edge."""
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


def write_stores(
    results: Path, radars: Iterable[str] = ("CASGO", "CASCM"), count: int = 12, static: Iterable[str] = ()
) -> list[str]:
    """Labels, aligned, targets, an atlas and sample tables below `results`; gives --stores."""
    layout, shape = Layout(results), (32, 32)
    times = store_cases.times_from(count=count)
    shard = shard_of(times[0], "day")
    rows: list[tuple[int, str]] = []
    for number, radar in enumerate(radars):
        planes = np.stack([storm(100 * number + index // 3, shape) for index, _ in enumerate(times)])
        store_cases.make_reflectivity(layout.reflectivity(radar, shard), radar, times, planes[:, 0])
        store_cases.make_aligned(layout.aligned(radar, shard), radar, times, planes[:, 1])
        store_cases.make_labels(layout.labels(radar, shard), radar, times, planes[:, 2], planes[:, 3])
        frequency = np.zeros(shape)
        frequency[20:24, 20:24] = 0.9
        store_cases.make_atlas(layout.atlas(radar), radar, frequency)
        if static:
            store_cases.make_static(layout.static(radar), radar, dict.fromkeys(static, frequency), shape)
        rows += [(time, radar) for time in times[1:-1]]
    lines = [f"{format_time(time)},{radar}" for time, radar in sorted(rows)]
    write_text(results / "samples/train.csv", "\n".join(["time,radar", *lines[:-3], ""]))
    write_text(results / "samples/val.csv", "\n".join(["time,radar", *lines[-3:], ""]))
    return encode_stores({radar: [shard] for radar in radars})


def train_flags(results: Path, stores: list[str], **changes: object) -> dict[str, object]:
    """Return flags of `train-model` that train a tiny network in a second."""
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
        "options": '{"base_width": 4, "depth": 2}',
        "time_of_day": False,
        "day_of_year": False,
        "coordinates": False,
        "static": [],
        "normalize": False,
        **SCHEDULE,
        **OPTIMIZATION,
        **AVERAGING,
        **NUMERICS,
        **RUNNING,
        "epochs": 3,
        "global_batch_size": 4,
        "crop": 16,
        "flips": True,
        "drop_neighbours": 0.2,
        "drop_others": 0.2,
        "prefer_echo": 0.8,
        "input_noise_dbz": 0.0,
        "focal_gamma": 2.0,
        "dice_weight": 0.5,
        "reflectivity_weight": 1.0,
        "inpainting_weight": 1.0,
        "label_smoothing": 0.0,
        "other_weight": 1.0,
        "hole_fraction": 0.5,
        "hole_shapes": ["blocks"],
        "hole_size": 8,
        "hole_pixels": 0.3,
        "hole_sector": 15.0,
        "plant_fraction": 0.5,
        "plant_kinds": list(PLANT_KINDS),
        "plant_ranges": PLANT_FILE,
        "best": results / "model/best.pt",
        "history": results / "model/history.csv",
        "curves": results / "model/history.png",
        "card": results / "model/card.md",
        "checkpoint": results / "checkpoints/current.pt",
        "runs": results / "runs",
    }
    if changes.get("learning_rate") == "find":
        values |= {"rates": results / "model/rates.csv", "rates_figure": results / "model/rates.png"}
    return {**values, **changes}


def train_here(flags: dict[str, object], draw: bool = False) -> None:
    """Run `train-model` in this process; its errors are raised.

    Without `draw` the history is written as text in place of its figure: drawing takes longer than the training.
    """
    curves = {} if draw else {"learning_curves_figure": lambda table: table.to_csv().encode()}
    with mock.patch.multiple("radar_cleaner.training.outputs", **curves) if curves else nullcontext():
        app(["train-model", *to_flags(flags)], exit_on_error=False, result_action="return_value")


def start_training(
    flags: dict[str, object], processes: int | None = None, torchrun: Iterable[str] = ("--standalone",)
) -> subprocess.Popen[str]:
    """`train-model` as the workflow calls it: by torchrun with `processes`, or as a plain process."""
    command = [sys.executable, "-m"]
    if processes is not None:
        signals = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
        command += ["torch.distributed.run", *torchrun, "--nproc-per-node", str(processes)]
        command += ["--signals-to-handle", signals, "-m"]
    return subprocess.Popen(
        [*command, "radar_cleaner", "train-model", *to_flags(flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a training and return its output; it must succeed."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said
