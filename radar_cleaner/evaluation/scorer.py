"""Score the cleaners on the samples of a run, radar by radar."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.cleaning import Decision
from radar_cleaner.config.evaluation import CleaningScores
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.errors import SampleError
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.cleaners.networks import predict_each
from radar_cleaner.evaluation.cleaners.registry import Cleaner, Context, Network, make_cleaners
from radar_cleaner.evaluation.cleaners.scene import Scene, StoredFrames
from radar_cleaner.evaluation.inpainting_lattice import hide, hole_lattice
from radar_cleaner.evaluation.references import Reference, open_reference
from radar_cleaner.evaluation.tallies import MODEL, Answer, Frame, RadarScores, Reflectivity, Tally, score_frame
from radar_cleaner.evaluation.worst_frames import FrameDecisions, FrameScore
from radar_cleaner.frames.reference_masks import References, ReferenceSource
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import range_of_pixels
from radar_cleaner.inference.ensemble import Ensemble, EnsembleReader, load_ensemble, mean_prediction
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries, open_store
from radar_cleaner.storage.shards import decode_stores

logger = logging.getLogger(__name__)

_PROGRESS_LINES = 5  # of progress in the log, at most


@dataclass(frozen=True)
class Run:
    """A results folder and what is evaluated in it.

    `shards` are those of the evaluation period by radar. `models` are ensembles and the inputs of their members by
    name; the first is the model itself. `static`: the run has static stores.
    """

    layout: Layout
    shards: Mapping[str, Sequence[str]]
    references: Sequence[ReferenceSource]
    models: Mapping[str, tuple[Ensemble, list[Inputs]]]
    decision: Decision
    scores: CleaningScores
    static: bool

    @classmethod
    def load(
        cls,
        results: Path,
        stores: Sequence[str],
        models: Mapping[str, Sequence[Path]],
        inputs: ModelInputs,
        decision: Decision,
        scores: CleaningScores,
        references: References,
        static: bool,
        threads: int,
        code: Path | None,
    ) -> Run:
        """Load the files of each model and check that they fit. Raises ConfigError, ModelError."""
        loaded = {}
        for name, paths in models.items():
            ensemble = load_ensemble(paths, threads, code, decision.calibrated)
            loaded[name] = ensemble, ensemble.inputs_for(inputs.input_minutes or ())
        loaded[MODEL][0].check_atlas(inputs.atlas)
        shards = decode_stores(list(stores))
        return cls(Layout(results), shards, references.sources, loaded, decision, scores, static)

    @cached_property
    def bands(self) -> Bands:
        """The bins of the scores."""
        scores = self.scores
        holes = scores.hole_sizes_px if scores.holes else ()
        mosaics = [radar for radar in self.shards if self._geometry(radar).position is None]
        if mosaics:
            logger.info("%s: a mosaic has no range; its scores are in a band of their own", ", ".join(mosaics))
        return Bands(scores.dbz_bands, scores.range_bands_km, holes, bool(mosaics))

    @property
    def threshold(self) -> float:
        """The probability from which the model keeps an echo."""
        return self.models[MODEL][0].threshold(self.decision)

    def _geometry(self, radar: str) -> RadarGeometry:
        store = open_store(self.layout.reflectivity(radar, self.shards[radar][0]), "reflectivity")
        return RadarGeometry.from_attrs(store.attrs, store.shape("reflectivity"))

    def networks(self, radar: str) -> dict[str, Network]:
        """Open the stores of a radar as each model reads them."""
        shards = self.shards[radar]
        reflectivity = [self.layout.reflectivity(radar, shard) for shard in shards]
        aligned = [self.layout.aligned(radar, shard) for shard in shards]
        static = self.layout.static(radar) if self.static else None
        return {
            name: Network(
                ensemble, EnsembleReader(reflectivity, aligned, inputs, self.layout.atlas(radar), static)
            )
            for name, (ensemble, inputs) in self.models.items()
        }

    def cleaners(self, radar: str, networks: Mapping[str, Network]) -> list[Cleaner]:
        """Make the cleaners of a radar."""
        labels = [self.layout.labels(radar, shard) for shard in self.shards[radar]]
        fusion = EvidenceFusion(labels, self.decision.votes)
        return make_cleaners(self.scores.cleaners, Context(networks, fusion, self.decision, self.scores.tta))

    def reference(self, radar: str) -> Reference:
        """Open the reference of a radar."""
        return open_reference(self.layout, radar, self.shards[radar], self.references)


NO_PICTURE = 240  # gray in the place of a picture that is not on the grid of the radar


class RadarScorer:
    """Score the frames of one radar. The network's reflectivity and decisions are examined, too."""

    def __init__(self, run: Run, radar: str) -> None:
        networks = run.networks(radar)
        self.reference, self.bands, self._tta = run.reference(radar), run.bands, run.scores.tta
        self._network = networks[MODEL]
        self._cleaners = run.cleaners(radar, networks)
        self._frames = StoredFrames(run.layout, radar, run.shards[radar])
        self._rgb_paths = [run.layout.rgb(radar, shard) for shard in run.shards[radar]]
        site = self._frames.site
        range_km = range_of_pixels(site.geometry)
        self._range_km = np.full(site.clutter.shape, np.nan, np.float32) if range_km is None else range_km
        self._times = set(self._frames.times)

    @property
    def cleaners(self) -> dict[str, bool]:
        """The names of the cleaners, and whether their scores are probabilities."""
        return {cleaner.name: cleaner.probabilistic for cleaner in self._cleaners}

    def score(self, times: Iterable[int]) -> Iterator[tuple[int, Tally | None]]:
        """Yield each time and its tally, None without a frame or a reference."""
        for time in times:
            frame = self._frame(time)
            yield time, None if frame is None else self._score(time, frame)

    def decide(self, time: int) -> FrameDecisions:
        """Return the decisions of the model on a frame that has been scored."""
        frame, site = self._frame(time), self._frames.site
        assert frame is not None, time
        model = next(cleaner for cleaner in self._cleaners if cleaner.name == MODEL)
        kept = _answer(model, self._frames.scene(time)).kept
        return FrameDecisions(frame.codes, frame.reference, kept, site.geometry)

    def published(self, time: int) -> NDArray[np.uint8]:
        """Return the (y, x, 3) plot box of a frame as it was published; gray for a frame of another layout."""
        whole = self._rgb.frame("rgb", time)
        if whole is None:
            return np.full((*self._frames.site.clutter.shape, 3), NO_PICTURE, np.uint8)
        x0, y0, x1, y1 = self._frames.plot_box_px
        return np.asarray(whole[y0:y1, x0:x1])

    @cached_property
    def _rgb(self) -> TimeSeries:
        return TimeSeries(self._rgb_paths, "rgb")

    def _frame(self, time: int) -> Frame | None:
        codes = self._frames.codes(time) if time in self._times else None
        classes = None if codes is None else self.reference.classes(time, codes.shape)
        return None if codes is None or classes is None else Frame(codes, classes, self._range_km)

    def _score(self, time: int, frame: Frame) -> Tally:
        scene = self._frames.scene(time)
        answers = {cleaner.name: _answer(cleaner, scene) for cleaner in self._cleaners}
        prediction = mean_prediction(predict_each(self._network, scene, self._tta))
        holes = hole_lattice(frame.codes, time, self.bands.holes_px)
        hole_dbz = None
        if ((holes > 0) & frame.rain).any():  # else a second prediction scores nothing
            inputs = self._network.frames.inputs(time)
            hidden = [replace(one, this_radar=hide(one.this_radar, holes)) for one in inputs]
            hole_dbz = mean_prediction(self._network.ensemble.predict_each(hidden, self._tta)).dbz
        reflectivity = Reflectivity(prediction.dbz, holes, hole_dbz)
        return score_frame(frame, answers, self.bands, reflectivity, prediction.spread)


@dataclass(frozen=True)
class Scored:
    """The scores of a run: by radar the tallies and scorers, and the decisions of the model by frame."""

    by_radar: dict[str, RadarScores]
    scorers: dict[str, RadarScorer]
    frames: list[FrameScore]

    @property
    def references(self) -> dict[str, str]:
        """The kind of reference of each radar."""
        return {radar: scorer.reference.kind for radar, scorer in self.scorers.items()}


def score_samples(run: Run, samples: Sequence[tuple[int, str]], table: Path) -> Scored:
    """Score all cleaners on the samples (time, radar) of a table. Raises SampleError."""
    scored = Scored({}, {}, [])
    for radar, group in groupby(_logged(sorted(samples, key=itemgetter(1))), key=itemgetter(1)):
        if radar not in run.shards:
            raise SampleError(f"{table}: radar {radar} has no stores; only {sorted(run.shards)} have")
        scorer = scored.scorers[radar] = RadarScorer(run, radar)
        scores = scored.by_radar[radar] = RadarScores(run.bands, scorer.cleaners)
        for time, tally in scorer.score(time for time, _ in group):
            if tally is None:
                scores.without_reference += 1
            else:
                scores.add(time, tally)
                scored.frames.append(FrameScore.of(radar, time, tally))
    return scored


def _answer(cleaner: Cleaner, scene: Scene) -> Answer:
    return Answer(cleaner.score(scene), cleaner.threshold, cleaner.probabilistic)


def _logged(samples: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the samples, and log their progress."""
    started = perf_counter()
    for done, sample in enumerate(samples, 1):
        yield sample
        if done * _PROGRESS_LINES % len(samples) < _PROGRESS_LINES:  # whenever the share done passes a fifth
            logger.info(
                "%d of %d samples done, %.2f s each", done, len(samples), (perf_counter() - started) / done
            )
