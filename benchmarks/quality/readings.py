"""What the runs of an ablation remove on the test frames, and how they differ from the base in the same hours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from radar_cleaner.storage.atomic import write_bytes
from radar_cleaner.storage.code_digest import import_closure
from radar_cleaner.storage.paths import Layout

from .compare import RESAMPLES, Interval, read_curves
from .jobs import Job
from .learned import JOINED, NamedModel, model_methods
from .methods import Answer, Method
from .scenes import Frames
from .scoring import SHARES, Counts, Curve, Floats, choose, draw_blocks, interval, resample_envelope

NETWORK, VOTES = "network", "votes"
BOTH = NETWORK + JOINED
OWN_CODE = ("compare", "learned", "readings", "scenes", "scoring")


@dataclass(frozen=True)
class Reading:
    """A curve read at SHARES.

    `removed` and `kept` (share,) are shares of the echo; `resampled` (share, resample) is what is removed of each
    draw of hours. `total` (hour, class) are the pixels scored: readings of equal totals are of the same frames.
    """

    removed: Floats
    kept: Floats
    resampled: Floats
    total: Counts


@dataclass(frozen=True)
class Task:
    """What a process needs to read a variant on a radar.

    `job` is that of the base, whose frames are scored; `folder` holds the variant's results. `votes` says whether
    the variant has votes of its own on this radar.
    """

    job: Job
    folder: Path
    votes: bool


def read(task: Task) -> dict[str, Reading]:
    """Readings of the network, of it with the votes, and of the votes where a variant has its own; kept in a file.

    Votes are the base's where a variant has none of its own.

    The file is taken as it is while what it was made of has the same content: model, stores, masks, code.
    """
    cv2.setNumThreads(1)
    job = task.job
    frames = Frames(job.results, job.radar, job.masks, job.names, job.cadence_minutes)
    times = frames.scored_times(job.evaluation)[:: job.every]
    place = task.folder / "readings" / f"{job.radar}.npz"
    digest = digest_of(_files_read(task, frames), repr((times, job.cadence_minutes, job.votes, task.votes)))
    known = load(place, digest)
    if known is not None:
        return known
    model = NamedModel(NETWORK, (task.folder / "model/best.pt",))
    if task.votes:
        frames.read_votes(task.folder)
    methods = model_methods(model, task.folder, frames, job.threshold, job.votes)
    if task.votes:
        methods.append(Method(VOTES, "labels", {"": lambda scene: Answer(scene.votes)}))
    found = {name: reading_of(curves[""]) for name, curves in read_curves(frames, methods, times).items()}
    save(place, digest, found)
    return found


def reading_of(curve: Curve) -> Reading:
    """What a curve removes at SHARES; the draws of hours are the same for all curves of as many hours."""
    choices = [choose({"": curve}, share) for share in SHARES]
    draws = draw_blocks(len(curve.total), RESAMPLES, np.random.default_rng(0))
    return Reading(
        np.array([choice.removed for choice in choices]),
        np.array([choice.kept for choice in choices]),
        np.stack([resample_envelope({"": curve}, share, draws) for share in SHARES]),
        curve.total,
    )


def difference(one: Reading, base: Reading, index: int) -> tuple[float, Interval]:
    """How much more one removes than the base at a share of SHARES, with its interval: both of the same hours."""
    assert np.array_equal(one.total, base.total), "readings of other frames cannot be paired"
    draws = one.resampled[index] - base.resampled[index]
    return float(one.removed[index] - base.removed[index]), interval(draws, len(one.total))


def digest_of(files: Iterable[Path], more: str = "") -> str:
    """SHA-256 of files' contents, one after the other, and of a text."""
    found = hashlib.sha256(more.encode())
    for path in files:
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def save(path: Path, digest: str, readings: Mapping[str, Reading]) -> None:
    """Keep readings in a file, atomically."""
    arrays = {
        f"{name}.{key.name}": getattr(one, key.name) for name, one in readings.items() for key in fields(one)
    }
    buffer = BytesIO()
    np.savez_compressed(buffer, digest=np.array(digest), **arrays)
    write_bytes(path, buffer.getvalue())


def load(path: Path, digest: str) -> dict[str, Reading] | None:
    """Readings that were kept, None where there are none of this digest."""
    try:
        with np.load(path) as kept:
            if str(kept["digest"]) != digest:
                return None
            names = dict.fromkeys(key.partition(".")[0] for key in kept.files if key != "digest")
            return {name: Reading(*(kept[f"{name}.{key.name}"] for key in fields(Reading))) for name in names}
    except (FileNotFoundError, BadZipFile, KeyError, ValueError):
        return None


def _files_read(task: Task, frames: Frames) -> list[Path]:
    """Files whose content decides a reading; a store's `zarr.json` holds a digest of its content."""
    radar, layout = task.job.radar, Layout(task.folder)
    stores = [
        *(store.path for store in frames.reflectivity.stores),
        layout.atlas(radar),
        layout.static(radar),
        *(layout.aligned(radar, shard) for shard in frames.shards),
        *((layout if task.votes else Layout(task.job.results)).labels(radar, shard) for shard in frames.shards),
    ]
    masks = sorted((task.job.masks / radar).iterdir())
    code = [
        *import_closure("evaluate_model"),
        *(Path(__file__).with_name(f"{name}.py") for name in OWN_CODE),
    ]
    files = [store / "zarr.json" for store in stores if (store / "zarr.json").exists()]
    return [task.folder / "model/best.pt", *files, *masks, *code]
