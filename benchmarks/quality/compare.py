"""Every method on every scene of a radar: curves, chosen points, what they do, how long they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.evaluation.metrics import KEPT, MET, NON_MET, REMOVED, decision_scores
from radar_cleaner.evaluation.tallies import BLOCK_SECONDS
from radar_cleaner.reflectivity.colour_table import EchoShape

from .details import Detail, detail_of
from .methods import Kind, Method, judge_shape
from .scenes import Frames, Scene, scored_pixels
from .scoring import (
    SHARES,
    Choice,
    Curve,
    Floats,
    Histogram,
    choose,
    draw_blocks,
    interval,
    keeps,
    read_envelope,
    resample_envelope,
    resample_point,
)

OPERATING_SHARE = 0.99  # kept on the validation frames; also where the details are looked at
LOST = np.geomspace(1e-3, 0.12, 120)  # shares of meteorological echo lost that the figure shows
RESAMPLES = 1000
TIMED_SCENES = 9
Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Point:
    """One decision: a parameter and a threshold, and how it scores."""

    named: str
    parameter: str
    threshold: float
    scores: Mapping[str, float | int | None]  # of `metrics.decision_scores`
    kept_interval: Interval
    removed_interval: Interval


@dataclass(frozen=True)
class Scored:
    """A method on a radar; `resampled` (share, resample) is what the envelope removes of each draw of hours."""

    radar: str
    method: str
    kind: Kind
    choices: tuple[Choice, ...]
    intervals: tuple[Interval, ...]
    resampled: Floats
    points: tuple[Point, ...]
    detail: Detail
    envelope: Floats  # at LOST
    blocks: int
    to_label: float  # time of a frame over that of the single-picture label


def compare_on_radar(
    frames: Frames,
    methods: Sequence[Method],
    times: Sequence[int],
    validation: Sequence[int],
    edges: Sequence[float],
    shape: EchoShape,
    tell: Callable[[str], None] = lambda line: None,
) -> list[Scored]:
    """Score methods on the frames of a radar at `times`; operating points are chosen at those of `validation`.

    `edges` are those of the bands of dBZ, `shape` is that of the label in whose time times are told. Raises
    ValueError where a method says nothing of an echo.
    """
    tell(f"{frames.radar}: {len(times)} frames to score, {len(validation)} to choose by, {len(methods)} methods")
    chosen_by = read_curves(frames, methods, validation)
    tell(f"{frames.radar}: operating points chosen")
    curves = read_curves(frames, methods, times)
    tell(f"{frames.radar}: curves read")
    choices = {method.name: tuple(choose(curves[method.name], share) for share in SHARES) for method in methods}
    looked_at = {name: of_method[SHARES.index(OPERATING_SHARE)] for name, of_method in choices.items()}
    details = _details(frames, methods, looked_at, times, edges)
    found = []
    for method in methods:
        own, name = curves[method.name], method.name
        blocks = len(next(iter(own.values())).total)
        draws = draw_blocks(blocks, RESAMPLES, np.random.default_rng(0))  # the same for all methods
        resampled = np.stack([resample_envelope(own, share, draws) for share in SHARES])
        found.append(
            Scored(
                frames.radar,
                name,
                method.kind,
                choices[name],
                tuple(interval(values, blocks) for values in resampled),
                resampled,
                tuple(_points(method, own, chosen_by[name], draws)),
                details[name],
                read_envelope(own, [1 - lost for lost in LOST]),
                blocks,
                _to_label(frames, method, looked_at[name].parameter, partial(judge_shape, shape=shape), times),
            )
        )
    return found


def read_curves(frames: Frames, methods: Sequence[Method], times: Iterable[int]) -> dict[str, dict[str, Curve]]:
    """Curves by method and parameter."""
    histograms = {method.name: {parameter: Histogram() for parameter in method.judges} for method in methods}
    for time in times:
        scene, truth = frames.scene(time), frames.truth(time)
        scored = scored_pixels(scene, truth)
        for method in methods:
            for parameter, judge in method.judges.items():
                score = judge(scene).score
                histograms[method.name][parameter].add(time // BLOCK_SECONDS, score[scored], truth[scored])
    return {
        name: {parameter: histogram.curve() for parameter, histogram in of_method.items()}
        for name, of_method in histograms.items()
    }


def _details(
    frames: Frames,
    methods: Sequence[Method],
    choices: Mapping[str, Choice],
    times: Iterable[int],
    edges: Sequence[float],
) -> dict[str, Detail]:
    found = {method.name: Detail.empty(len(edges) + 1) for method in methods}
    for time in times:
        scene, truth = frames.scene(time), frames.truth(time)
        scored = scored_pixels(scene, truth)
        for method in methods:
            choice = choices[method.name]
            answer = method.judges[choice.parameter](scene)
            kept: NDArray[np.bool_] = np.zeros(scored.shape, bool)
            kept[scored] = keeps(answer.score[scored], choice.threshold)
            found[method.name] += detail_of(scene, truth, kept, answer.dbz, edges)
    return found


def _points(
    method: Method, curves: Mapping[str, Curve], chosen_by: Mapping[str, Curve], draws: NDArray[np.int64]
) -> Iterable[Point]:
    """The point that was chosen on the validation frames, and the default where there is one."""
    named = []
    if all(len(curve.total) for curve in chosen_by.values()):
        chosen = choose(chosen_by, OPERATING_SHARE)
        named.append((f"{100 * OPERATING_SHARE:g} % kept on validation", chosen.parameter, chosen.threshold))
    if method.default is not None:
        named.append(("default", *method.default))
    for name, parameter, threshold in named:
        curve = curves[parameter]
        index = curve.index_of(threshold)
        kept, total = curve.kept[..., index].sum(axis=0), curve.total.sum(axis=0)
        table = np.zeros((2, 2), np.int64)
        table[:, KEPT], table[:, REMOVED] = kept, total - kept
        shares, blocks = resample_point(curve, index, draws), len(curve.total)
        intervals = (interval(shares[:, MET], blocks), interval(shares[:, NON_MET], blocks))
        yield Point(name, parameter, threshold, decision_scores(table), *intervals)


def _to_label(
    frames: Frames, method: Method, parameter: str, label: Callable[[Scene], object], times: Sequence[int]
) -> float:
    """Median over some frames of the method's time over that of the label, taken one right after the other."""
    work, ratios = method.work or method.judges[parameter], []
    for time in times[:: max(1, len(times) // TIMED_SCENES)]:
        scene = frames.scene(time)
        taken = []
        for what in (label, work):
            started = perf_counter()
            what(scene)
            taken.append(perf_counter() - started)
        ratios.append(taken[1] / taken[0])
    return median(ratios)
