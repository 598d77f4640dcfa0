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
from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind, read_artefact_ranges
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.samples import Channels
from radar_cleaner.config.section import Section
from radar_cleaner.config.training import Holes, Learning, Loss, Running
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNKNOWN
from radar_cleaner.datasets.artefacts.inject import NO_ARTEFACTS, ArtefactInjection
from radar_cleaner.datasets.augmentation import CropSampler
from radar_cleaner.datasets.frame_cache import RadarFrames, RadarGrid
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.storage.atomic import write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import encode_stores, format_time, shard_of
from radar_cleaner.targets.splits import Sample
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.loop import Environment
from radar_cleaner.training.settings import Training
from radar_cleaner.training.signals import Interruption
from radar_cleaner.training.trackers import RunLog

MINUTES = (-6, 0, 6)
START = store_cases.START
ARTEFACT_FILE = Path(__file__).parents[1] / "config/plants.yaml"
# Short names of the keys of a training that are in a section of their own.
NESTED = {"schedule": "schedule.name", "last_rate": "schedule.last", "crop": "crop_px"}
NESTED |= {name: f"schedule.{name}" for name in ("warmup", "plateau_patience", "plateau_factor")}
NESTED |= {name: f"averaging.{name}" for name in ("ema", "swa", "swa_rate")}
NESTED |= {name: f"model.{name}" for name in ("options", "pad_mode", "code", "freeze", "start_from")}
NESTED |= {"model": "model.name", "hole_fraction": "holes.fraction", "hole_shapes": "holes.shapes"}
NESTED |= {"focal_gamma": "loss.focal_gamma", "other_weight": "loss.other_echo"}
NESTED |= {f"{name}_weight": f"loss.{name}" for name in ("dice", "reflectivity", "inpainting")}
NESTED |= {f"plant_{name}": f"plants.{name}" for name in ("fraction", "kinds", "ranges")}


def changed(section: Section, **changes: object) -> Section:
    """Change keys of a section by their dotted or short names. Bounds are not checked: tests use tiny crops."""
    for name, value in changes.items():
        first, _, rest = NESTED.get(name, name).partition(".") if isinstance(section, Learning) else (name, "", "")
        part = getattr(section, first).model_copy(update={rest: value}) if rest else value
        assert first in type(section).model_fields, name
        section = section.model_copy(update={first: part})
    return section


NO_HOLES = Holes(fraction=0, size_px=8)
WEIGHTS = Loss(focal_gamma=2, dice=0.5, reflectivity=1, inpainting=1, other_echo=1)
# The keys of a training that a test does not change: short, and without augmentation.
LEARNING = changed(
    Learning(loss=WEIGHTS, holes=NO_HOLES),
    epochs=2,
    global_batch_size=2,
    crops_per_sample=1,
    seed=7,
    learning_rate=3e-3,
    weight_decay=1e-4,
    crop=16,
    flips=False,
    drop_neighbours=0,
    drop_others=0,
    prefer_echo=0,
)


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


def augmentation(**changes: object) -> dict[str, object]:
    """Return keys of the section `training` that augment its samples."""
    return changes


def config(model: str = "tiny_unet", **changes: object) -> ModelConfig:
    """Return the config of a small network; `changes` are fields of its inputs, its config or its options."""
    values: dict[str, object] = {}
    channels: dict[str, object] = {}
    options = dict(SMALL.get(model, {}))
    for name, value in changes.items():
        if name in Inputs.__dataclass_fields__:
            channels[name] = value
        else:
            (values if name in ModelConfig.__dataclass_fields__ else options)[name] = value
    return ModelConfig(model, inputs(**channels), **values, options=json.dumps(options))


def training(
    how: dict[str, object] | None = None,
    model: ModelConfig | None = None,
    holes: Holes = NO_HOLES,
    weights: Loss = WEIGHTS,
    injection: ArtefactInjection = NO_ARTEFACTS,
    start_from: Path | None = None,
    **changes: object,
) -> Training:
    """Return a small training; `how` and `changes` are keys of its section."""
    learning = changed(LEARNING, holes=holes, loss=weights, **(how or {}), **changes)
    return Training(model or config(), learning, injection, start_from)


def sampler(
    how: dict[str, object] | None = None,
    holes: Holes = NO_HOLES,
    inputs: Inputs | None = None,
    seed: int = 7,
    injection: ArtefactInjection = NO_ARTEFACTS,
) -> CropSampler:
    """Return the sampler of crop parameters of a small training."""
    return CropSampler(
        changed(LEARNING, holes=holes, seed=seed, **(how or {})),
        inputs or Inputs(MINUTES, "none", "max"),
        injection,
    )


def running(**changes: object) -> Running:
    return changed(Running(), **changes)


def holes(**changes: object) -> Holes:
    names = {"hole_size": "size_px", "hole_sector": "sector_degrees"}
    return changed(
        NO_HOLES, **{names.get(name, name.removeprefix("hole_")): value for name, value in changes.items()}
    )


@cache
def injection(fraction: float = 1.0, *kinds: ArtefactKind) -> ArtefactInjection:
    """Return the injection of these kinds (default: all) with their default ranges."""
    return ArtefactInjection(fraction, read_artefact_ranges(ARTEFACT_FILE, kinds or ARTEFACT_KINDS))


def environment(
    checkpoint: Path, processes: Processes | None = None, interruption: Interruption | None = None
) -> Environment:
    return Environment(processes or Processes(), checkpoint, "sha256:a", interruption or Interruption(), RunLog())


def storm(seed: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (4, y, x) variables: a blob of rain (class 1, strong), specks (class 2, weak), a nodata edge."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    middle = random.uniform(0.3, 0.7, 2) * shape
    rain = np.hypot(rows - middle[0], columns - middle[1]) < 0.22 * min(shape)
    specks = (random.random(shape) < 0.06) & ~rain
    own = np.select([rain, specks], [random.integers(110, 150), 85], 0)
    others = np.where(rain, own + 4, 0)
    classes = np.select([rain, specks], [METEOROLOGICAL, NON_METEOROLOGICAL], NONE)
    variables = np.stack([own, others, classes, np.full(shape, 255)]).astype(np.uint8)
    variables[:, 0, :] = np.array([NODATA, NODATA, UNKNOWN, 0])[:, None]
    return variables


def radar_frames(
    times: Iterable[int], shape: tuple[int, int] = (32, 32), seed: int = 0, **grid: object
) -> RadarFrames:
    """Return frames at these times: the same storm at each three of them, and another for another `seed`."""
    times = list(times)
    frames = np.stack([storm(seed + number // 3, shape) for number, _ in enumerate(times)])
    place = RadarGrid(shape, (shape[1] / 2, shape[0] / 2 - 1), max(shape) / 2, **grid)
    return RadarFrames(place, frames, {time: number for number, time in enumerate(times)})


def small_cache(count: int = 4, shape: tuple[int, int] = (32, 32)) -> tuple[dict[str, RadarFrames], list[Sample]]:
    """Return a frame cache of one radar, and `count` samples of it, each with its own storm."""
    times = [START + 360 * number for number in range(3 * count)]
    samples = [Sample(time, "CASGO") for time in times[1::3]]
    return {"CASGO": radar_frames(times, shape)}, samples


def write_stores(
    results: Path, radars: Iterable[str] = ("CASGO", "CASCM"), count: int = 12, static: Iterable[str] = ()
) -> list[str]:
    """Labels, aligned, targets, an atlas and sample tables below `results`; gives --stores."""
    layout, shape = Layout(results), (32, 32)
    times = store_cases.times_from(count=count)
    shard = shard_of(times[0], "day")
    rows: list[tuple[int, str]] = []
    for number, radar in enumerate(radars):
        frames = np.stack([storm(100 * number + index // 3, shape) for index, _ in enumerate(times)])
        store_cases.make_reflectivity(layout.reflectivity(radar, shard), radar, times, frames[:, 0])
        store_cases.make_aligned(layout.aligned(radar, shard), radar, times, frames[:, 1])
        store_cases.make_labels(layout.labels(radar, shard), radar, times, frames[:, 2], frames[:, 3])
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
    """Flags of `train-model` that train a tiny network in a second; `changes` as in `change_flags`."""
    learning = changed(LEARNING, epochs=3, global_batch_size=4, flips=True, drop_neighbours=0.2, drop_others=0.2)
    learning = changed(
        learning, prefer_echo=0.8, hole_fraction=0.5, plant_fraction=0.5, plant_ranges=str(ARTEFACT_FILE)
    )
    learning = changed(learning, options='{"base_width": 4, "depth": 2}')
    values: dict[str, object] = {
        "results": results,
        "stores": stores,
        "train_table": results / "samples/train.csv",
        "val_table": results / "samples/val.csv",
        "static": [],
        "output": results / "model",
        "checkpoint": results / "checkpoints/current.pt",
        "runs": results / "runs",
        "threads": 1,
        "memory_mb": 1000,
        "inputs": Channels(input_minutes=MINUTES),
        "learning": learning,
        "running": Running(),
    }
    return change_flags(values, **changes)


def change_flags(flags: dict[str, object], **changes: object) -> dict[str, object]:
    """Change flags of `train-model`, or keys of the sections among them."""
    flags = dict(flags)
    for name, value in changes.items():
        if name in flags:
            flags[name] = value
            continue
        sections = {"inputs": Channels, "running": Running}
        section = next((key for key, kind in sections.items() if name in kind.model_fields), "learning")
        plain = str(value) if isinstance(value, Path) else tuple(value) if isinstance(value, list) else value
        flags[section] = changed(flags[section], **{name: plain})
    return flags


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
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output
