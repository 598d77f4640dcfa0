"""Curves of what a keep score removes and keeps, their envelopes over parameters, and intervals by bootstrap.

An echo is kept where its score is at least a threshold, so that echoes of equal score share their fate. Scores are
told apart to a thousandth. A share kept that no threshold gives exactly is read at the next higher one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL
from radar_cleaner.evaluation.metrics import MET, NON_MET, is_scored

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

SHARES = (0.995, 0.99, 0.98, 0.95)  # of meteorological echo kept
STEP = 1000  # scores are told apart to 1 / STEP
LEVEL = 0.9  # of the intervals
_LARGEST = 2.0**52  # stands for an infinite score


@dataclass(frozen=True)
class Curve:
    """What is kept at each threshold (n,), which increase; nothing is kept at the last one, which is infinite.

    `kept` is (block, class, n) pixels with at least that score, `total` (block, class) all of them.
    """

    thresholds: Floats
    kept: Counts
    total: Counts

    def point(self, index: int) -> tuple[float, float]:
        """Share of meteorological echo kept and of other echo removed at a threshold; NaN where there is none."""
        kept, total = self.kept[..., index].sum(axis=0), self.total.sum(axis=0)
        with np.errstate(invalid="ignore"):
            shares = kept / np.where(total > 0, total, np.nan)
        return float(shares[MET]), float(1 - shares[NON_MET])

    def threshold(self, index: int) -> float:
        """A threshold in the score's own unit."""
        value = float(self.thresholds[index])
        return value / STEP if abs(value) < _LARGEST else float(np.copysign(np.inf, value))

    def index_of(self, threshold: float) -> int:
        """Where the curve keeps what a threshold in the score's own unit keeps."""
        return int(np.searchsorted(self.thresholds, _rounded(np.array([threshold]))[0]))


@dataclass(frozen=True)
class Choice:
    """A parameter and the threshold that keeps a share: what it really keeps and what it removes."""

    parameter: str
    threshold: float
    kept: float
    removed: float


class Histogram:
    """Scored echo by block of time, class and score; it grows frame by frame."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, int, Floats, Counts]] = []

    def add(self, block: int, score: NDArray[np.floating], classes: NDArray[np.uint8]) -> None:
        """Count echo pixels (pixels,): those of neither class are not counted. Raises ValueError for NaN."""
        scored = is_scored(classes)
        score, met = _rounded(score[scored]), classes[scored] == METEOROLOGICAL
        for row, part in ((MET, met), (NON_MET, ~met)):
            values, counts = np.unique(score[part], return_counts=True)
            self._parts.append((block, row, values, counts))

    @property
    def blocks(self) -> list[int]:
        """The blocks of time that were counted, increasing."""
        return sorted({block for block, *_ in self._parts})

    def curve(self) -> Curve:
        """The curve of all that was counted, its blocks in the order of `blocks`."""
        blocks = {block: number for number, block in enumerate(self.blocks)}
        found = np.unique(np.concatenate([values for *_, values, _ in self._parts] or [np.zeros(0)]))
        histogram = np.zeros((len(blocks), 2, found.size + 1), np.int64)
        for block, row, values, counts in self._parts:
            histogram[blocks[block], row, np.searchsorted(found, values)] += counts
        kept = histogram[..., ::-1].cumsum(axis=2)[..., ::-1]
        return Curve(np.append(found, np.inf), kept, histogram.sum(axis=2))


def keeps(score: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Whether scores (any shape) reach a threshold, told apart as the curves tell them apart."""
    return np.asarray(_rounded(score) >= _rounded(np.array([threshold])))


def _rounded(score: NDArray[np.floating]) -> Floats:
    """Scores to a thousandth, in thousandths; infinite ones are larger or smaller than all others."""
    values = np.asarray(score, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("a keep score is not a number; a filter must say something of every echo")
    return np.clip(np.rint(values * STEP), -_LARGEST, _LARGEST)


def choose(curves: Mapping[str, Curve], share: float) -> Choice:
    """The parameter and threshold that remove most of what keeps at least a share; of equals what keeps most."""
    best: Choice | None = None
    for parameter, curve in curves.items():
        met, other = curve.kept.sum(axis=0)
        last = int(_last_that_keeps(met, curve.total[:, MET].sum(), share))
        index = int((other > other[last]).sum())  # the first that removes as much
        kept, removed = curve.point(index)
        if best is None or (removed, kept) > (best.removed, best.kept):
            best = Choice(parameter, curve.threshold(index), kept, removed)
    assert best is not None, "nothing to choose from"
    return best


def read_envelope(curves: Mapping[str, Curve], shares: Sequence[float]) -> Floats:
    """(shares,) the most that any parameter removes at each share kept."""
    return np.array([choose(curves, share).removed for share in shares])


def draw_blocks(blocks: int, resamples: int, generator: np.random.Generator) -> Counts:
    """(resamples, blocks): how often each block of time is drawn, with replacement."""
    drawn = generator.integers(blocks, size=(resamples, blocks))
    return np.stack([np.bincount(row, minlength=blocks) for row in drawn]).astype(np.int64)


def resample_envelope(curves: Mapping[str, Curve], share: float, draws: Counts) -> Floats:
    """(resamples,) what `choose` would remove of each draw of blocks, parameter and threshold chosen anew."""
    best = np.full(len(draws), -np.inf)
    for curve in curves.values():
        weights = draws.astype(np.float64)  # sums of counts below 2^53 are exact
        met, other = (weights @ curve.kept[:, row].astype(np.float64) for row in (MET, NON_MET))
        totals = weights @ curve.total.astype(np.float64)
        index = _last_that_keeps(met, totals[:, MET], share)
        kept = np.take_along_axis(other, index[:, None], axis=1)[:, 0]
        with np.errstate(invalid="ignore"):
            removed = 1 - kept / np.where(totals[:, NON_MET] > 0, totals[:, NON_MET], np.nan)
        best = np.fmax(best, removed)
    return np.where(np.isfinite(best), best, np.nan)


def resample_point(curve: Curve, index: int, draws: Counts) -> Floats:
    """(resamples, 2): share of meteorological echo kept and of other echo removed at a threshold, of each draw."""
    kept, total = draws @ curve.kept[..., index], draws @ curve.total
    with np.errstate(invalid="ignore"):
        shares = kept / np.where(total > 0, total, np.nan)
    return np.stack([shares[:, MET], 1 - shares[:, NON_MET]], axis=1)


def interval(values: Floats, blocks: int, least_blocks: int = 5) -> tuple[float, float] | None:
    """90 % interval of resampled values, a little wider than their quantiles: blocks are few.

    The quantiles are moved out as Student's t is wider than the normal distribution (Hesterberg, What Teachers
    Should Know About the Bootstrap, 2015, section 5.3). None where there are too few blocks to say anything.
    """
    known = values[np.isfinite(values)]
    if blocks < least_blocks or not known.size:
        return None
    tail = NormalDist().cdf(-_student(1 - (1 - LEVEL) / 2, blocks - 1) * np.sqrt(blocks / (blocks - 1)))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _student(probability: float, freedom: int) -> float:
    """Quantile of Student's t by its expansion about the normal one (Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))


def _last_that_keeps(kept: NDArray[np.number], total: NDArray[np.number], share: float) -> NDArray[np.int64]:
    """(...) the last of the thresholds (..., n) that keeps at least a share of the total (...)."""
    wanted = np.ceil(share * np.asarray(total, dtype=np.float64) - 1e-6)  # 0.95 * 20 is 19
    return np.asarray((kept >= wanted[..., None]).sum(axis=-1) - 1)
