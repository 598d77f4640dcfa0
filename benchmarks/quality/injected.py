"""Test frames with artefacts injected, one kind at a time, so that their non-meteorological echo is certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind, read_artefact_ranges
from radar_cleaner.config.labels import Morphology
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, decode_log_odds, is_echo
from radar_cleaner.datasets.artefacts.inject import ArtefactInjection, inject, sample_artefacts
from radar_cleaner.datasets.artefacts.kinds import PAINTERS
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.cleaners.scene import Codes, Mask, Scene, StoredFrames, Values
from radar_cleaner.inference.ensemble import EnsembleReader
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.storage.reader import TimeSeries
from radar_cleaner.targets.label_model import combine
from radar_cleaner.targets.labelers.base import Echoes
from radar_cleaner.targets.labelers.clutter_atlas import atlas_log_odds
from radar_cleaner.targets.labelers.colour import prior_log_odds
from radar_cleaner.targets.labelers.density import EchoDensity
from radar_cleaner.targets.labelers.spokes import SpokeShape
from radar_cleaner.targets.morphology import classify_echoes

# A frozen block adds the echo of another time, and hides rain: it is scored as both.
ADDITIVE: tuple[ArtefactKind, ...] = tuple(kind for kind in ARTEFACT_KINDS if kind in PAINTERS or kind == "frozen")
NEIGHBOURS: tuple[ArtefactKind, ...] = ("repeated", "missing")  # they change no pixel of the cleaned frame
LABELERS = ("colour", "density", "spoke", "atlas")  # of one frame and the atlas


@dataclass(frozen=True)
class Injection:
    """The file of ranges of the artefacts, the input times in minutes, and the seed of all draws."""

    ranges: Path
    minutes: tuple[int, ...]
    seed: int = 0

    @property
    def target(self) -> int:
        """Position of the input time that is cleaned."""
        return int(np.argmin(np.abs(self.minutes)))


@dataclass(frozen=True)
class Trial:
    """A frame with artefacts as cleaners see it, and its truth; arrays are (y, x).

    `scene` has the artefacts, in its label and its neighbours at input times, too. `this_radar` are the radar's
    frames by input time in minutes. `clean` is the frame without artefacts. `kinds` is above 0 where an artefact
    adds or removes an echo of the frame. `other_radars` is the reflectivity that the other radars see.
    """

    scene: Scene
    this_radar: Mapping[float, Codes]
    clean: Codes
    kinds: Codes
    other_radars: Codes

    @property
    def injected(self) -> Mask:
        """Echo that is certainly non-meteorological."""
        return np.asarray((self.kinds > 0) & is_echo(self.scene.codes))

    @property
    def alone(self) -> Mask:
        """Pixels without an echo of other radars, whose reflectivity a model may give as well."""
        return ~is_echo(self.other_radars)

    def rain(self, truth: Codes) -> Mask:
        """Return meteorological echo by the reference classes `truth` that no artefact covers or hides."""
        return np.asarray(_met(self.clean, truth) & is_echo(self.scene.codes) & (self.kinds == 0))

    def hidden(self, truth: Codes) -> Mask:
        """Return meteorological echo that an artefact covers or removes."""
        return np.asarray(_met(self.clean, truth) & (self.scene.codes != self.clean))


@dataclass(frozen=True)
class InjectedSource:
    """The frames of a radar with some of them replaced, and labels made of the frame that is cleaned."""

    frames: StoredFrames
    replaced: Mapping[int, Codes]
    time: int
    shape: Morphology
    evidence: Values

    @property
    def times(self) -> Sequence[int]:
        """The times of all frames, increasing."""
        return self.frames.times

    def codes(self, time: int) -> Codes | None:
        """Return packed reflectivity, None without a frame."""
        codes = self.frames.codes(time)
        return None if codes is None else self.replaced.get(time, codes)

    def weak_label(self, time: int) -> Codes:
        """Return the echo classes that the frame alone gives."""
        return classify_echoes(self.replaced[time], self.shape)

    def log_odds(self, time: int) -> Values:
        """Return the log-odds of the labelers of one frame and the atlas."""
        return self.evidence


class InjectedReader:
    """Read the inputs of an ensemble with the frames of a trial in place of this radar's own."""

    def __init__(self, reader: EnsembleReader) -> None:
        self._reader = reader
        self.trial: Trial | None = None

    def inputs(self, time: int) -> list[FrameInputs]:
        """Read the inputs of each member at a time. Raises ModelError if the trial lacks one of its times."""
        assert self.trial is not None
        frames = self.trial.this_radar
        inputs = self._reader.inputs(time)
        minutes, clutter = self._reader.first.input_minutes, self._reader.first.grid.clutter
        if not set(minutes) <= frames.keys():
            raise ModelError(
                f"the model reads input_minutes {list(minutes)}, artefacts are injected at "
                f"{sorted(frames)} minutes; set samples.input_minutes to times with the model's"
            )
        codes = np.stack([frames[minute] for minute in minutes])
        if clutter is not None:
            codes[:, clutter] = NODATA
        return [replace(member, this_radar=codes) for member in inputs]


@dataclass
class InjectedFusion:
    """Add the evidence of a trial's labelers, times a weight, to a network's probability."""

    weight: float
    trial: Trial | None = None

    def fuse(self, probability: Values, time: int) -> Values:
        """Return (y, x) probabilities of network and labelers together."""
        assert self.trial is not None
        odds = np.exp(self.weight * self.trial.scene.log_odds.astype(np.float64))
        prior = probability.astype(np.float64)
        return np.asarray(prior * odds / (prior * odds + (1 - prior)), np.float32)


class Injector:
    """Inject artefacts into the frames of a radar. Draws depend on seed, radar, time and kind alone.

    `weights` are those of the labelers, `shape` that of the label of one frame; `aligned` are the radar's stores
    of other radars. Raises ConfigError if the file of ranges lacks a kind.
    """

    def __init__(
        self,
        frames: StoredFrames,
        injection: Injection,
        weights: Mapping[str, float],
        shape: Morphology,
        aligned: Sequence[Path] = (),
    ) -> None:
        self.frames, self.injection, self._shape = frames, injection, shape
        self._other_radars = TimeSeries(list(aligned), "aligned")
        self._weights = {name: weights[name] for name in LABELERS if weights[name] > 0}
        self._ranges = {kind: read_artefact_ranges(injection.ranges, [kind]) for kind in ARTEFACT_KINDS}
        self._nothing = np.full(frames.site.clutter.shape, NODATA, np.uint8)
        levels, observed = np.zeros(256, bool), np.zeros(self._nothing.shape, bool)
        for time in frames.times:
            codes = self._codes(time)
            levels |= np.bincount(codes.reshape(-1), minlength=256) > 0
            observed |= codes != NODATA
        self.levels: Codes = np.flatnonzero(levels).astype(np.uint8)
        self._density = EchoDensity(observed)
        self._spoke = SpokeShape(observed, frames.site.geometry)

    def trial(self, time: int, kind: ArtefactKind | None = None) -> Trial:
        """Inject a kind into the frame of a time and its input times; None injects nothing."""
        site, minutes, target = self.frames.site, self.injection.minutes, self.injection.target
        clean = np.stack([self._codes(time + 60 * minute) for minute in minutes])
        codes, kinds = clean, np.zeros(clean.shape[1:], np.uint8)
        if kind is not None:
            place = site.geometry.middle_px, site.geometry.range_px
            key = [self.injection.seed, *site.radar.encode(), time, ARTEFACT_KINDS.index(kind)]
            random, painting = np.random.default_rng([0, *key]), np.random.default_rng([1, *key])
            drawn = sample_artefacts(
                random, ArtefactInjection(1.0, self._ranges[kind]), clean.shape[1:], *place, len(minutes), target
            )
            injected = inject(clean, *place, drawn, int(painting.integers(2**63)), self.levels)
            codes, kinds = injected.codes, injected.kinds[target]
        this_radar: dict[float, Codes] = dict(zip(minutes, codes, strict=True))
        replaced = {time + 60 * minute: frame for minute, frame in zip(minutes, codes, strict=True)}
        source = InjectedSource(self.frames, replaced, time, self._shape, self.log_odds(codes[target]))
        others = self._other_radars.frame("reflectivity", time)
        others = self._nothing if others is None else others
        return Trial(Scene(site, time, codes[target], source), this_radar, clean[target], kinds, others)

    def log_odds(self, codes: Codes) -> Values:
        """Return (y, x) log-odds of the labelers of one frame and the atlas."""
        echoes = Echoes.of(codes)
        labels = {
            "colour": partial(prior_log_odds, echoes),
            "density": partial(self._density, echoes),
            "spoke": partial(self._spoke, echoes),
            "atlas": partial(atlas_log_odds, echoes, self.frames.site.echo_frequency),
        }
        evidence = {name: labels[name]() for name in self._weights}
        return decode_log_odds(combine(echoes, evidence, self._weights, min_confidence=0).evidence)

    def _codes(self, time: int) -> Codes:
        codes = self.frames.codes(time)
        return self._nothing if codes is None else codes


def class_ranks(dbz: NDArray[np.floating], levels_dbz: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the number of the nearest palette class of reflectivity (any shape), from 1 on.

    0 is undetect: below the weakest class by more than half a step. `levels_dbz` increase.
    """
    levels = levels_dbz.astype(np.float64)
    middles = (levels[1:] + levels[:-1]) / 2
    step = levels[1] - levels[0] if levels.size > 1 else 0.0
    edges = np.array([levels[0] - step / 2, *middles])
    return np.asarray(np.searchsorted(edges, dbz, side="right"), np.int64)


def _met(codes: Codes, truth: Codes) -> Mask:
    return np.asarray((truth == METEOROLOGICAL) & is_echo(codes))
