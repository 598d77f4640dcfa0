"""Scores on frames with artefacts: the echo removed of each kind, its cost in rain, the errors of filled gaps.

Thresholds are read on the frames with artefacts, at equal shares of rain kept. The cost is rain that is kept
without the artefact and lost with it, at the threshold of the frames as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.evaluation.cleaners.networks import NetworkCleaner, predict_each
from radar_cleaner.evaluation.cleaners.registry import Cleaner
from radar_cleaner.evaluation.cleaners.scene import Codes, Mask, Values
from radar_cleaner.evaluation.metrics import MET, NON_MET, is_scored
from radar_cleaner.evaluation.references import Reference
from radar_cleaner.evaluation.removal import ranking_score
from radar_cleaner.evaluation.threshold_sweep import SHARES, Choice, Curve, ScoreHistogram, choose, keeps
from radar_cleaner.inference.ensemble import mean_prediction

from .injected import ADDITIVE, NEIGHBOURS, InjectedFusion, InjectedReader, Injector, Trial, class_ranks

ALL_ADDITIVE, NOTHING = "all additive", "nothing"  # beside the kinds
HELD_SHARE = SHARES[0]  # of meteorological echo, at the threshold of an artefact's cost
FILL_SUMS = ("pixels", "error_dbz", "absolute_dbz", "error_classes", "absolute_classes", "within_one_class")

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Contestant:
    """A cleaner on frames with artefacts, the kinds that it is scored on, and what must know each trial.

    `fills`: whether its reflectivity is scored.
    """

    name: str
    cleaner: Cleaner
    kinds: tuple[ArtefactKind, ...] = ARTEFACT_KINDS
    readers: tuple[InjectedReader | InjectedFusion, ...] = ()
    fills: bool = False

    @property
    def role(self) -> str:
        """`model` for probabilities, else `filter`."""
        return "model" if self.cleaner.probabilistic else "filter"

    def score(self, trial: Trial, setting: str) -> Values:
        """Return (y, x) scores of a trial."""
        for reader in self.readers:
            reader.trial = trial
        return ranking_score(self.cleaner, trial.scene, setting)

    def dbz(self, trial: Trial) -> Values | None:
        """Return (y, x) reflectivity of a trial, None of cleaners that give none."""
        if not self.fills or not isinstance(self.cleaner, NetworkCleaner):
            return None
        for reader in self.readers:
            reader.trial = trial
        each = predict_each(self.cleaner.network, trial.scene, self.cleaner.tta)
        return mean_prediction(each).dbz


@dataclass(frozen=True)
class InjectedScore:
    """A cleaner on a kind in the frames of a radar; all numbers are pixels, and add up over radars.

    `rain` is meteorological echo that no artefact covers. For each of SHARES, `kept` (4,) of it are kept where
    `removed` (4,) of the `injected` echo are removed; `choices` are the settings and thresholds. Of `held`
    pixels of rain, kept in the frames as they are, `lost` are lost with the artefacts. `fill` (2, 6) are
    FILL_SUMS over hidden meteorological echo (of NEIGHBOURS and of NOTHING over all of it), and over its part
    without an echo of other radars. Of NOTHING `injected` is the other echo of the reference.
    """

    radar: str
    cleaner: str
    role: str
    kind: str
    rain: int
    injected: int
    kept: Counts
    removed: Counts
    choices: tuple[Choice, ...]
    held: int
    lost: int
    fill: NDArray[np.float64]


def score_injected(
    injector: Injector,
    reference: Reference,
    contestants: Sequence[Contestant],
    times: Sequence[int],
    log: Callable[[str], None] = lambda line: None,
) -> list[InjectedScore]:
    """Score each contestant on each of its kinds, and on the frames as they are."""
    radar, started = injector.frames.site.radar, perf_counter()
    plain = _score_plain(injector, reference, contestants, times)
    scores = [one.score for one in plain]
    curves: list[dict[str, list[Curve]]] = [{name: [] for name in one.cleaner.settings} for one in contestants]
    for kind in ARTEFACT_KINDS:
        chosen = [index for index, one in enumerate(contestants) if kind in one.kinds]
        tallies = _score_kind(injector, reference, contestants, plain, chosen, times, kind)
        for index in chosen:
            of_kind = tallies[index].curves()
            scores.append(_score(contestants[index], radar, kind, of_kind, tallies[index]))
            if kind in ADDITIVE:
                for name, curve in of_kind.items():
                    curves[index][name].append(curve)
        log(f"{radar}: {kind} injected into {len(times)} frames, {perf_counter() - started:.0f} s so far")
    for one, of_kinds in zip(contestants, curves, strict=True):
        if set(ADDITIVE) <= set(one.kinds):
            parts = [score for score in scores if score.cleaner == one.name and score.kind in ADDITIVE]
            together = {name: pool(part) for name, part in of_kinds.items()}
            scores.append(_score(one, radar, ALL_ADDITIVE, together, _Tally.of(parts)))
    return scores


def pool(curves: Sequence[Curve]) -> Curve:
    """Return the curve of all pixels of several curves of the same blocks."""
    grid = np.unique(np.concatenate([curve.thresholds for curve in curves]))
    kept = sum(curve.kept[..., np.searchsorted(curve.thresholds, grid)] for curve in curves)
    return Curve(grid, np.asarray(kept), np.asarray(sum(curve.total for curve in curves)))


def fill_sums(given: Values, true: Values, levels: Codes) -> NDArray[np.float64]:
    """Return FILL_SUMS (6,) of reflectivity in dBZ (pixels,); classes are those of the radar's `levels`."""
    known = decode_dbz(levels[is_echo(levels)])
    error = (given - true).astype(np.float64)
    steps = np.asarray(class_ranks(given, known) - class_ranks(true, known))
    away = np.abs(steps)
    return np.array([len(error), error.sum(), np.abs(error).sum(), steps.sum(), away.sum(), (away <= 1).sum()])


class _Tally:
    """Sums of a contestant on a kind, frame by frame."""

    def __init__(self, settings: Sequence[str]) -> None:
        self.histograms = {name: ScoreHistogram() for name in settings}
        self.held = self.lost = 0
        self.fill = np.zeros((2, len(FILL_SUMS)))

    @classmethod
    def of(cls, scores: Sequence[InjectedScore]) -> _Tally:
        """Return the sums of several scores, without curves."""
        tally = cls([])
        for score in scores:
            tally.held, tally.lost = tally.held + score.held, tally.lost + score.lost
            tally.fill += score.fill
        return tally

    def curves(self) -> dict[str, Curve]:
        return {name: histogram.curve() for name, histogram in self.histograms.items()}

    def add_fill(self, dbz: Values | None, trial: Trial, where: Mask, levels: Codes) -> None:
        """Count the reflectivity of a cleaner, if it gives any."""
        if dbz is not None:
            for row, part in enumerate((where, where & trial.alone)):
                self.fill[row] += fill_sums(dbz[part], decode_dbz(trial.clean[part]), levels)


@dataclass(frozen=True)
class _Plain:
    """A contestant on the frames as they are: its choice, and the rain (y, x) that it keeps by time."""

    score: InjectedScore
    choice: Choice
    kept: Mapping[int, Mask]


def _truth(injector: Injector, reference: Reference, time: int) -> Codes:
    truth = reference.classes(time, injector.frames.site.clutter.shape)
    assert truth is not None, time
    return truth


def _score_plain(
    injector: Injector, reference: Reference, contestants: Sequence[Contestant], times: Sequence[int]
) -> list[_Plain]:
    """Score without artefacts: settings are chosen by the other echo of the reference."""
    tallies = [_Tally(one.cleaner.settings) for one in contestants]
    rains: dict[int, Mask] = {}
    of_rain: list[dict[tuple[str, int], Values]] = [{} for _ in contestants]
    for time in times:
        trial, truth = injector.trial(time), _truth(injector, reference, time)
        scored, rain = is_echo(trial.scene.codes) & is_scored(truth), trial.rain(truth)
        rains[time] = rain
        for one, tally, scores in zip(contestants, tallies, of_rain, strict=True):
            for name in one.cleaner.settings:
                score = one.score(trial, name)
                scores[name, time] = score[rain].astype(np.float32)
                tally.histograms[name].add(0, score[scored], truth[scored])
            tally.add_fill(one.dbz(trial), trial, rain, injector.levels)
    plain = []
    for one, tally, scores in zip(contestants, tallies, of_rain, strict=True):
        curves = tally.curves()
        choice, kept = choose(curves, HELD_SHARE), {}
        for time, rain in rains.items():
            kept[time] = np.zeros(rain.shape, bool)
            kept[time][rain] = keeps(scores[choice.setting, time], choice.threshold)
            tally.held += int(kept[time].sum())
        plain.append(_Plain(_score(one, injector.frames.site.radar, NOTHING, curves, tally), choice, kept))
    return plain


def _score_kind(
    injector: Injector,
    reference: Reference,
    contestants: Sequence[Contestant],
    plain: Sequence[_Plain],
    chosen: Sequence[int],
    times: Sequence[int],
    kind: ArtefactKind,
) -> dict[int, _Tally]:
    """Score the chosen contestants with a kind injected."""
    tallies = {index: _Tally(contestants[index].cleaner.settings) for index in chosen}
    for time in times:
        trial, truth = injector.trial(time, kind), _truth(injector, reference, time)
        injected, rain, hidden = trial.injected, trial.rain(truth), trial.hidden(truth)
        counted = injected | rain
        classes = np.where(injected[counted], NON_METEOROLOGICAL, METEOROLOGICAL).astype(np.uint8)
        filled = rain if kind in NEIGHBOURS else hidden
        for index, tally in tallies.items():
            one, before = contestants[index], plain[index]
            held = before.kept[time] & rain
            for name in one.cleaner.settings:
                score = one.score(trial, name)
                tally.histograms[name].add(0, score[counted], classes)
                if name == before.choice.setting:
                    tally.held += int(held.sum())
                    tally.lost += int((~keeps(score[held], before.choice.threshold)).sum())
            tally.add_fill(one.dbz(trial), trial, filled, injector.levels)
    return tallies


def _score(one: Contestant, radar: str, kind: str, curves: Mapping[str, Curve], tally: _Tally) -> InjectedScore:
    choices = tuple(choose(curves, share) for share in SHARES)
    total = next(iter(curves.values())).total.sum(axis=0)
    rain, injected = int(total[MET]), int(total[NON_MET])
    shares = np.nan_to_num([(choice.kept, choice.removed) for choice in choices], nan=0.0)  # of no pixels
    kept, removed = np.rint(shares * (rain, injected)).astype(np.int64).T
    return InjectedScore(
        radar, one.name, one.role, kind, rain, injected, kept, removed, choices, tally.held, tally.lost, tally.fill
    )
