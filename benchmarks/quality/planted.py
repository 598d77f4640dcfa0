"""Test frames with artefacts planted into them, one kind at a time: what is no weather is then known for sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import PLANT_KINDS, PlantKind, read_plant_ranges
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, decode_log_odds, is_echo
from radar_cleaner.datasets.artefacts.inject import Planting, draw_plants, plant
from radar_cleaner.datasets.artefacts.kinds import PAINTERS
from radar_cleaner.reflectivity.colour_table import EchoShape, classify_echoes
from radar_cleaner.storage.reader import TimeSeries
from radar_cleaner.targets import labelers
from radar_cleaner.targets.label_model import Weights, vote

from .scenes import REACH, Codes, Frames, Mask, Scene, Values

# A frozen block adds the echo that another time had there, and hides rain: it is judged as both.
ADDITIVE: tuple[PlantKind, ...] = tuple(kind for kind in PLANT_KINDS if kind in PAINTERS or kind == "frozen")
NEIGHBOURS: tuple[PlantKind, ...] = ("repeated", "missing")  # they change no pixel of the frame that is judged
VOTING = ("colour", "density", "spoke", "atlas")  # what a picture alone and the atlas tell


@dataclass(frozen=True)
class Plants:
    """What is planted: the file of ranges, the input times in minutes, and the seed of all draws."""

    ranges: Path
    minutes: tuple[int, ...]
    seed: int = 0

    @property
    def target(self) -> int:
        """Position of the input time that is judged."""
        return int(np.argmin(np.abs(self.minutes)))


@dataclass(frozen=True)
class Trial:
    """A planted frame as methods see it, and the truth; pictures are (y, x).

    `scene` is planted, also its label, its votes and those of its neighbours that are input times. `own` are the
    radar's frames by input time in minutes, no data where one is missing. `clean` is the frame without plants.
    `kinds` is above 0 where what is planted adds or removes an echo of the frame (`Planted`).
    `others` is what the other radars see.
    """

    scene: Scene
    own: Mapping[float, Codes]
    clean: Codes
    kinds: Codes
    others: Codes

    @property
    def planted(self) -> Mask:
        """Echo that is surely no weather."""
        return np.asarray((self.kinds > 0) & is_echo(self.scene.codes))

    @property
    def alone(self) -> Mask:
        """Where no other radar echoes, whose reflectivity a model may give as well."""
        return ~is_echo(self.others)

    def rain(self, truth: Codes) -> Mask:
        """Meteorological echo by the reference classes `truth` that no plant covers or hides."""
        return _met(self.clean, truth) & is_echo(self.scene.codes) & (self.kinds == 0)

    def hidden(self, truth: Codes) -> Mask:
        """Meteorological echo that is not seen as it is: a plant covers it, or took it away."""
        return _met(self.clean, truth) & (self.scene.codes != self.clean)


class Planter:
    """Plants into the frames of a radar. What is drawn hangs on seed, radar, time and kind, and on nothing else.

    `weights` are those of the votes by labeler, `shape` that of the single-picture label; `others` are aligned
    stores of the radar. Raises ConfigError where the file of ranges lacks a kind.
    """

    def __init__(
        self,
        frames: Frames,
        plants: Plants,
        weights: Mapping[str, float],
        shape: EchoShape,
        others: Sequence[Path] = (),
    ) -> None:
        self._others = TimeSeries(list(others), "aligned")
        self.frames, self.plants, self._shape = frames, plants, shape
        silent = {field.name: 0.0 for field in fields(Weights)}
        self._weights = Weights(**silent | {f"{name}_weight": weights[name] for name in VOTING})
        self._ranges = {kind: read_plant_ranges(plants.ranges, [kind]) for kind in PLANT_KINDS}
        found = np.zeros(256, bool)
        observed = np.zeros(frames.site.clutter.shape, bool)
        for codes in frames.codes.values():
            found |= np.bincount(codes.reshape(-1), minlength=256) > 0
            observed |= codes != NODATA
        self.levels: Codes = np.flatnonzero(found).astype(np.uint8)
        site = frames.site
        self._density = labelers.DensityJudge(observed)
        self._spoke = labelers.SpokeJudge(observed, site.center_px, site.range_px)

    def trial(self, time: int, kind: PlantKind | None = None) -> Trial:
        """The frame of a time with a kind planted into it and its input times; None plants nothing."""
        frames, minutes, target = self.frames, self.plants.minutes, self.plants.target
        clean = self._own(time)
        codes, kinds = clean, np.zeros(clean.shape[1:], np.uint8)
        if kind is not None:
            site = frames.site
            place = site.center_px, site.range_px
            key = [self.plants.seed, *frames.radar.encode(), time, PLANT_KINDS.index(kind)]
            random, painting = np.random.default_rng([0, *key]), np.random.default_rng([1, *key])
            planting = Planting(1.0, self._ranges[kind])
            drawn = draw_plants(random, planting, clean.shape[1:], *place, len(minutes), target)
            planted = plant(clean, *place, drawn, int(painting.integers(2**63)), self.levels)
            codes, kinds = planted.codes, planted.kinds[target]
        own: dict[float, Codes] = dict(zip(minutes, codes, strict=True))
        others = self._others.frame("reflectivity", time)
        if others is None:
            others = np.full(clean.shape[1:], NODATA, np.uint8)
        return Trial(self._scene(time, codes[target], own), own, clean[target], kinds, others)

    def votes(self, codes: Codes) -> Values:
        """(y, x) log-odds: the sum of what a picture alone and the atlas tell of its echoes."""
        echoes = labelers.Echoes.of(codes)
        asked = {
            "colour": partial(labelers.judge_colour, echoes),
            "density": partial(self._density, echoes),
            "spoke": partial(self._spoke, echoes),
            "atlas": partial(labelers.judge_atlas, echoes, self.frames.site.echo_frequency),
        }
        evidence = {name: asked[name]() for name in self._weights.counting}
        return decode_log_odds(vote(echoes, evidence, self._weights, min_confidence=0).evidence)

    def _own(self, time: int) -> Codes:
        """(K, y, x): the radar's frames at the input times."""
        nothing = np.full(self.frames.site.clutter.shape, NODATA, np.uint8)
        return np.stack([self.frames.codes.get(time + 60 * minutes, nothing) for minutes in self.plants.minutes])

    def _scene(self, time: int, codes: Codes, own: Mapping[float, Codes]) -> Scene:
        frames, neighbours = self.frames, {}
        for step in [step for step in range(-REACH, REACH + 1) if step]:
            moment = time + step * frames.step
            if moment in frames.codes:
                neighbours[step] = own.get(step * frames.step / 60, frames.codes[moment])
        label = classify_echoes(codes, self._shape)
        return Scene(frames.site, time, codes, label, neighbours, self.votes(codes))


def class_ranks(dbz: NDArray[np.floating], levels_dbz: NDArray[np.floating]) -> NDArray[np.int64]:
    """The number of the palette class, from 1 on, that reflectivity (any shape) is nearest to.

    0 is less than the weakest class by more than half the step to the next: no echo. `levels_dbz` increase.
    """
    levels = levels_dbz.astype(np.float64)
    middles = (levels[1:] + levels[:-1]) / 2
    step = levels[1] - levels[0] if levels.size > 1 else 0.0
    edges = np.array([levels[0] - step / 2, *middles])
    return np.asarray(np.searchsorted(edges, dbz, side="right"), np.int64)


def _met(codes: Codes, truth: Codes) -> Mask:
    return np.asarray((truth == METEOROLOGICAL) & is_echo(codes))
