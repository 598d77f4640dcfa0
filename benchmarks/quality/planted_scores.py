"""How methods do on planted frames: what they remove of each kind, what rain it costs, what they fill in.

Thresholds are read on the planted frames themselves, so that a kind is removed at the same rain kept; but the rain
that a plant costs is that which was kept without it, at the threshold of the frames as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import PLANT_KINDS, PlantKind
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation.metrics import MET, NON_MET
from radar_cleaner.reflectivity.colour_table import EchoShape

from .learned import NamedModel, join
from .methods import Answer, Kind, Method, own_methods
from .planted import ADDITIVE, NEIGHBOURS, Planter, Trial, class_ranks
from .scenes import Codes, Mask, Values, scored_pixels
from .scoring import SHARES, Choice, Curve, Histogram, choose, keeps

ALL_ADDITIVE, NOTHING = "all additive", "nothing"  # beside the kinds
HELD_SHARE = SHARES[0]  # of meteorological echo, at the threshold by which a plant's cost is told
UNSEEN = "unseen"
VOTES = "votes of a picture and the atlas"
FILL_SUMS = ("pixels", "error_dbz", "absolute_dbz", "error_classes", "absolute_classes", "within_one_class")

Counts = NDArray[np.int64]
Judge = Callable[[Trial], Answer]


@dataclass(frozen=True)
class Contestant:
    """A method on planted frames: its functions by parameter, and the kinds that it is asked about."""

    name: str
    role: Kind
    judges: Mapping[str, Judge]
    kinds: tuple[PlantKind, ...] = PLANT_KINDS


@dataclass(frozen=True)
class PlantScore:
    """A method on a kind in the frames of a radar; all numbers are pixels, and add up over radars.

    `rain` is meteorological echo that no plant covers, of which `kept` (4,) are kept where `planted` echo is
    `removed` (4,), for each of SHARES; `choices` are the parameters and thresholds. Of `held` pixels of rain, kept
    in the frames as they are, `lost` are lost with the plants. `fill` (2, 6) are FILL_SUMS over meteorological
    echo that is not seen as it is (of NEIGHBOURS and of NOTHING over all of it), and over the part of it where no
    other radar echoes. Of NOTHING `planted` is the other echo that the reference knows.
    """

    radar: str
    method: str
    role: Kind
    kind: str
    rain: int
    planted: int
    kept: Counts
    removed: Counts
    choices: tuple[Choice, ...]
    held: int
    lost: int
    fill: NDArray[np.float64]


@dataclass(frozen=True)
class UnseenModel:
    """A model that never saw some kinds."""

    kinds: tuple[PlantKind, ...]
    model: NamedModel

    @classmethod
    def from_flag(cls, text: str) -> UnseenModel:
        """Read `KIND[,KIND...]=PATH`. Raises ConfigError."""
        names, separator, path = text.partition("=")
        wrong = sorted(set(names.split(",")) - set(PLANT_KINDS))
        if wrong or not separator or not path:
            raise ConfigError(f"--unseen '{text}': write KIND[,KIND...]=PATH; kinds are {', '.join(PLANT_KINDS)}")
        kinds = tuple(kind for kind in PLANT_KINDS if kind in names.split(","))
        return cls(kinds, NamedModel.from_flag(f"{UNSEEN}={path}"))


def check_unseen(models: Sequence[UnseenModel]) -> None:
    """Raise ConfigError where two models are named for one kind."""
    named = [kind for model in models for kind in model.kinds]
    twice = sorted({kind for kind in named if named.count(kind) > 1})
    if twice:
        raise ConfigError(f"--unseen: two models for {', '.join(twice)}; name one for each kind")


def classical_contestants(shape: EchoShape) -> list[Contestant]:
    """What looks at one picture: areas, local density, and votes with the atlas."""
    names = {"despeckle by area": None, "local density": None, "votes": VOTES}
    methods = {method.name: method for method in own_methods(shape)}
    return [_on_scenes(methods[name], other or name) for name, other in names.items()]


def model_contestant(
    name: str, ask: Callable[..., Answer], kinds: tuple[PlantKind, ...] = PLANT_KINDS, votes: float = 0.0
) -> Contestant:
    """A model, joined with so much times the votes; `ask` is what `learned.load_models` gives.

    What it fills in is told of the model by itself alone.
    """

    def judge(trial: Trial) -> Answer:
        answer = trial.scene.once(ask, lambda: ask(trial.scene.time, trial.own))
        return replace(join(answer, trial.scene.votes, votes), dbz=None) if votes else answer

    return Contestant(name, "model", {"": judge}, kinds)


def score_plants(
    planter: Planter,
    contestants: Sequence[Contestant],
    times: Sequence[int],
    tell: Callable[[str], None] = lambda line: None,
) -> list[PlantScore]:
    """Score each contestant on each of its kinds, and on the frames as they are."""
    radar, started = planter.frames.radar, perf_counter()
    plain = _judge_plain(planter, contestants, times)
    found = [one.score for one in plain]
    curves: list[dict[str, list[Curve]]] = [{name: [] for name in one.judges} for one in contestants]
    for kind in PLANT_KINDS:
        asked = [index for index, one in enumerate(contestants) if kind in one.kinds]
        tallies = _judge_planted(planter, contestants, plain, asked, times, kind)
        for index in asked:
            of_kind = tallies[index].curves()
            found.append(_score(contestants[index], radar, kind, of_kind, tallies[index]))
            if kind in ADDITIVE:
                for name, curve in of_kind.items():
                    curves[index][name].append(curve)
        tell(f"{radar}: {kind} planted into {len(times)} frames, {perf_counter() - started:.0f} s so far")
    for one, of_kinds in zip(contestants, curves, strict=True):
        if set(ADDITIVE) <= set(one.kinds):
            parts = [score for score in found if score.method == one.name and score.kind in ADDITIVE]
            together = {name: pool(part) for name, part in of_kinds.items()}
            found.append(_score(one, radar, ALL_ADDITIVE, together, _Tally.of(parts)))
    return found


def pool(curves: Sequence[Curve]) -> Curve:
    """The curve of all that was counted for several curves of the same blocks."""
    grid = np.unique(np.concatenate([curve.thresholds for curve in curves]))
    kept = sum(curve.kept[..., np.searchsorted(curve.thresholds, grid)] for curve in curves)
    return Curve(grid, np.asarray(kept), np.asarray(sum(curve.total for curve in curves)))


def fill_sums(given: Values, true: Values, levels: Codes) -> NDArray[np.float64]:
    """FILL_SUMS (6,) of reflectivity in dBZ (pixels,); classes are those of the radar's `levels`."""
    known = decode_dbz(levels[is_echo(levels)])
    error = (given - true).astype(np.float64)
    steps = np.asarray(class_ranks(given, known) - class_ranks(true, known))
    away = np.abs(steps)
    return np.array([len(error), error.sum(), np.abs(error).sum(), steps.sum(), away.sum(), (away <= 1).sum()])


class _Tally:
    """What grows frame by frame of a contestant and a kind."""

    def __init__(self, parameters: Sequence[str]) -> None:
        self.histograms = {name: Histogram() for name in parameters}
        self.held = self.lost = 0
        self.fill = np.zeros((2, len(FILL_SUMS)))

    @classmethod
    def of(cls, scores: Sequence[PlantScore]) -> _Tally:
        """The sums of several scores; it has no curves."""
        found = cls([])
        for score in scores:
            found.held, found.lost = found.held + score.held, found.lost + score.lost
            found.fill += score.fill
        return found

    def curves(self) -> dict[str, Curve]:
        return {name: histogram.curve() for name, histogram in self.histograms.items()}

    def add_fill(self, given: Values | None, trial: Trial, where: Mask, levels: Codes) -> None:
        """Count the reflectivity that a method gives, if it gives any."""
        if given is not None:
            for row, part in enumerate((where, where & trial.alone)):
                self.fill[row] += fill_sums(given[part], decode_dbz(trial.clean[part]), levels)


@dataclass(frozen=True)
class _Plain:
    """A contestant on the frames as they are: its choice there, and what rain (y, x) it then keeps by time."""

    score: PlantScore
    choice: Choice
    kept: Mapping[int, Mask]


def _judge_plain(planter: Planter, contestants: Sequence[Contestant], times: Sequence[int]) -> list[_Plain]:
    """Without plants: instead of planted echo it is the reference's other echo by which parameters are chosen."""
    tallies = [_Tally(list(one.judges)) for one in contestants]
    rains: dict[int, Mask] = {}
    of_rain: list[dict[tuple[str, int], Values]] = [{} for _ in contestants]
    for time in times:
        trial, truth = planter.trial(time), planter.frames.truth(time)
        scored, rain = scored_pixels(trial.scene, truth), trial.rain(truth)
        rains[time] = rain
        for one, tally, scores in zip(contestants, tallies, of_rain, strict=True):
            for name, judge in one.judges.items():
                answer = judge(trial)
                scores[name, time] = answer.score[rain].astype(np.float32)
                tally.histograms[name].add(0, answer.score[scored], truth[scored])
                tally.add_fill(answer.dbz, trial, rain, planter.levels)
    found = []
    for one, tally, scores in zip(contestants, tallies, of_rain, strict=True):
        curves = tally.curves()
        choice, kept = choose(curves, HELD_SHARE), {}
        for time, rain in rains.items():
            kept[time] = np.zeros(rain.shape, bool)
            kept[time][rain] = keeps(scores[choice.parameter, time], choice.threshold)
            tally.held += int(kept[time].sum())
        found.append(_Plain(_score(one, planter.frames.radar, NOTHING, curves, tally), choice, kept))
    return found


def _judge_planted(
    planter: Planter,
    contestants: Sequence[Contestant],
    plain: Sequence[_Plain],
    asked: Sequence[int],
    times: Sequence[int],
    kind: PlantKind,
) -> dict[int, _Tally]:
    """With a kind planted, for each of the contestants that are `asked`."""
    tallies = {index: _Tally(list(contestants[index].judges)) for index in asked}
    for time in times:
        trial, truth = planter.trial(time, kind), planter.frames.truth(time)
        planted, rain, hidden = trial.planted, trial.rain(truth), trial.hidden(truth)
        counted = planted | rain
        classes = np.where(planted[counted], NON_METEOROLOGICAL, METEOROLOGICAL).astype(np.uint8)
        filled = rain if kind in NEIGHBOURS else hidden
        for index, tally in tallies.items():
            one, before = contestants[index], plain[index]
            held = before.kept[time] & rain
            for name, judge in one.judges.items():
                answer = judge(trial)
                tally.histograms[name].add(0, answer.score[counted], classes)
                tally.add_fill(answer.dbz, trial, filled, planter.levels)
                if name == before.choice.parameter:
                    tally.held += int(held.sum())
                    tally.lost += int((~keeps(answer.score[held], before.choice.threshold)).sum())
    return tallies


def _score(one: Contestant, radar: str, kind: str, curves: Mapping[str, Curve], tally: _Tally) -> PlantScore:
    choices = tuple(choose(curves, share) for share in SHARES)
    total = next(iter(curves.values())).total.sum(axis=0)
    rain, planted = int(total[MET]), int(total[NON_MET])
    shares = np.nan_to_num([(choice.kept, choice.removed) for choice in choices], nan=0.0)  # of no pixels
    kept, removed = np.rint(shares * (rain, planted)).astype(np.int64).T
    return PlantScore(
        radar, one.name, one.role, kind, rain, planted, kept, removed, choices, tally.held, tally.lost, tally.fill
    )


def _on_scenes(method: Method, name: str) -> Contestant:
    def on_trial(judge: Callable[..., Answer]) -> Judge:
        return lambda trial: judge(trial.scene)

    judges = {parameter: on_trial(judge) for parameter, judge in method.judges.items()}
    return Contestant(name, method.kind, judges)
