"""Score every cleaner on the frames of a radar: on the whole reference, and on its certain part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.config import Config
from radar_cleaner.config.shipped import PRETRAINED
from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation.cleaners.networks import NetworkCleaner
from radar_cleaner.evaluation.cleaners.registry import Cleaner, Context, Network, make_cleaners
from radar_cleaner.evaluation.cleaners.scene import Scene, StoredFrames
from radar_cleaner.evaluation.references import MaskReference
from radar_cleaner.evaluation.removal import Sweep, sweep_scenes
from radar_cleaner.evaluation.tallies import MODEL
from radar_cleaner.evaluation.threshold_sweep import log_odds
from radar_cleaner.frames.reference_masks import ReferenceSource
from radar_cleaner.inference.ensemble import EnsembleReader, load_ensemble
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.storage.paths import Layout

from ..quality import ROOT
from ..quality.runs import read_yaml

NETWORK, JOINED = "pretrained network", "pretrained network and label model"
NETWORKS = {"network": NETWORK, "model": JOINED}  # names of `evaluation.cleaners` that use the pretrained network
LEFT_OUT = "network of the fold"
CLEANERS: tuple[str, ...] = tuple(read_yaml(ROOT / "benchmarks/quality.yaml")["evaluation"]["cleaners"])


@dataclass(frozen=True)
class Models:
    """Further model files by name, and those that have not seen a fold's radars by the number of the fold."""

    files: Mapping[str, Path] = field(default_factory=dict)
    of_folds: Mapping[int, Path] = field(default_factory=dict)

    @classmethod
    def parse(cls, words: Sequence[str], folds: int) -> Models:
        """Read PATH or FOLD=PATH of a command line. Raises ConfigError."""
        files: dict[str, Path] = {}
        of_folds: dict[int, Path] = {}
        for word in words:
            number, separator, path = word.partition("=")
            if separator and number.isdigit():
                of_folds[int(number)] = Path(path)
            else:
                files[word] = Path(word)
        missing = [str(path) for path in (*files.values(), *of_folds.values()) if not path.is_file()]
        if missing:
            raise ConfigError(f"--models: there is no file {', '.join(missing)}")
        if of_folds and sorted(of_folds) != list(range(1, folds + 1)):
            raise ConfigError(
                f"--models: has models of the folds {sorted(of_folds)}; write one for each of 1 to {folds}, the"
                " number of --folds"
            )
        return cls(files, of_folds)

    def of_radar(self, radar: str, folds: Sequence[Sequence[str]]) -> dict[str, Path]:
        """Return the model files that a radar is scored with, by their names in the tables."""
        left_out = [path for number, path in self.of_folds.items() if radar in folds[number - 1]]
        return dict(self.files) | ({LEFT_OUT: left_out[0]} if left_out else {})


@dataclass(frozen=True)
class Job:
    """A radar to score: its shards and reference, the names of cleaners, and further model files by name."""

    settings: Config
    radar: str
    shards: tuple[str, ...]
    reference: ReferenceSource
    cleaners: tuple[str, ...]
    models: Mapping[str, Path]

    @property
    def step_minutes(self) -> int:
        """The minutes between neighbouring frames."""
        return int(self.settings.frames.cadence_minutes)


@dataclass(frozen=True)
class RadarSweep:
    """The curves of a radar by part of its reference, and the default of each cleaner.

    `defaults` are setting and threshold by cleaner, log-odds for probabilities. Of `frames` scored, `neighboured`
    have a neighbour in time.
    """

    radar: str
    parts: Mapping[str, Sweep]
    defaults: Mapping[str, tuple[str, float]]
    frames: int
    neighboured: int

    def pixels(self, part: str) -> NDArray[np.int64]:
        """Return (class,) the scored echo of a part, meteorological first."""
        of_cleaner = next(iter(self.parts[part].curves.values()))
        return np.asarray(next(iter(of_cleaner.values())).total.sum(axis=0))


def score_radar(job: Job) -> RadarSweep:
    """Sweep the cleaners of a radar over its frames with a reference."""
    cv2.setNumThreads(1)
    layout = Layout(Path(job.settings.results))
    frames = StoredFrames(layout, job.radar, job.shards, 60 * job.step_minutes)
    reference, cleaners = MaskReference(job.reference), _make(job, layout)
    scored: list[Scene] = []

    def scenes() -> Iterator[tuple[Scene, NDArray[np.uint8]]]:
        for time in frames.times:
            scene = frames.scene(time)
            classes = reference.classes(time, scene.codes.shape)
            if classes is not None:
                yield scene, classes
                scored.append(frames.scene(time))  # without what the cleaners have computed

    parts = sweep_scenes(cleaners, scenes())
    defaults = {cleaner.name: (cleaner.settings[0], _default(cleaner)) for cleaner in cleaners}
    neighboured = sum(bool(scene.neighbours(1)) for scene in scored)
    return RadarSweep(job.radar, parts, defaults, len(scored), neighboured)


def _make(job: Job, layout: Layout) -> list[Cleaner]:
    """Make the cleaners of a radar; a network reads as many times as in its training, in steps of the cadence."""
    decision, tta = job.settings.cleaning, job.settings.evaluation.tta
    labels = [layout.labels(job.radar, shard) for shard in job.shards]
    pretrained = [name for name in job.cleaners if name in NETWORKS]
    networks = {MODEL: _network(job, layout, ROOT / PRETRAINED)} if pretrained else {}
    fusion = EvidenceFusion(labels, decision.votes)
    context = Context(networks, fusion, decision, tta)
    cleaners = make_cleaners([name for name in job.cleaners if name not in NETWORKS], context)
    for name in pretrained:
        own = fusion if name == "model" else None
        network = networks[MODEL]
        cleaners.append(NetworkCleaner(NETWORKS[name], network, network.ensemble.threshold(decision), tta, own))
    for name, path in job.models.items():
        network = _network(job, layout, path)
        cleaners.append(NetworkCleaner(name, network, network.ensemble.threshold(decision), tta))
    return cleaners


def _network(job: Job, layout: Layout, path: Path) -> Network:
    ensemble = load_ensemble([path], 1, None, job.settings.cleaning.calibrated)
    trained = ensemble.members[0].config.inputs.input_minutes
    step = min((abs(minute) for minute in trained if minute), default=1)
    inputs = ensemble.inputs_for([minute // step * job.step_minutes for minute in trained])
    stores = [[of(job.radar, shard) for shard in job.shards] for of in (layout.reflectivity, layout.aligned)]
    return Network(ensemble, EnsembleReader(*stores, inputs, layout.atlas(job.radar)))


def _default(cleaner: Cleaner) -> float:
    return float(log_odds(np.array([cleaner.threshold]))[0]) if cleaner.probabilistic else cleaner.threshold
