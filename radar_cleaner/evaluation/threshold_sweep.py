"""The share of other echo that a score removes at each share of meteorological echo kept, over all thresholds.

Echo is kept if its score is at least a threshold, so echoes of equal score are kept or removed together. Scores
are rounded to a thousandth; probabilities are compared as log-odds. A share kept that no threshold meets is read
at the next higher one. A cleaner with several settings has, for each share, the setting that removes most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL
from radar_cleaner.evaluation.bootstrap import count_holding, draw_blocks, interval
from radar_cleaner.evaluation.metrics import MET, NON_MET, is_scored

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

SHARES = (0.995, 0.99, 0.98, 0.95)  # of meteorological echo kept
STEP = 1000  # scores are rounded to 1 / STEP
_LARGEST = 2.0**52  # in place of an infinite score
_MIN_PROBABILITY = 1e-7  # a probability of 0 or 1 has no log-odds


@dataclass(frozen=True)
class Curve:
    """The echo kept at each threshold (n,); thresholds increase, and the last one is infinite and keeps none.

    `kept` is (block, class, n) pixels with at least that score, `total` (block, class) all of them.
    """

    thresholds: Floats
    kept: Counts
    total: Counts

    def point(self, index: int) -> tuple[float, float]:
        """Return the shares of meteorological echo kept and of other echo removed at a threshold; NaN of none."""
        kept, total = self.kept[..., index].sum(axis=0), self.total.sum(axis=0)
        with np.errstate(invalid="ignore"):
            shares = kept / np.where(total > 0, total, np.nan)
        return float(shares[MET]), float(1 - shares[NON_MET])

    def threshold(self, index: int) -> float:
        """Return a threshold in the unit of the score."""
        value = float(self.thresholds[index])
        return value / STEP if abs(value) < _LARGEST else float(np.copysign(np.inf, value))


@dataclass(frozen=True)
class Choice:
    """A setting and the threshold that keeps a share, the share that it really keeps, and the share it removes."""

    setting: str
    threshold: float
    kept: float
    removed: float


class ScoreHistogram:
    """Scored echo by block of time, class and score; it grows frame by frame."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, int, Floats, Counts]] = []

    def add(self, block: int, score: NDArray[np.floating], classes: NDArray[np.uint8]) -> None:
        """Count echo pixels (pixels,); those of neither class are not counted. Raises ValueError for NaN."""
        scored = is_scored(classes)
        score, met = _rounded(score[scored]), classes[scored] == METEOROLOGICAL
        for row, part in ((MET, met), (NON_MET, ~met)):
            values, counts = np.unique(score[part], return_counts=True)
            self._parts.append((block, row, values, counts))

    def curve(self) -> Curve:
        """Return the curve of all that was counted, blocks in their order."""
        blocks = {block: number for number, block in enumerate(sorted({block for block, *_ in self._parts}))}
        values = np.unique(np.concatenate([values for *_, values, _ in self._parts] or [np.zeros(0)]))
        histogram = np.zeros((len(blocks), 2, values.size + 1), np.int64)
        for block, row, part, counts in self._parts:
            histogram[blocks[block], row, np.searchsorted(values, part)] += counts
        kept = histogram[..., ::-1].cumsum(axis=2)[..., ::-1]
        return Curve(np.append(values, np.inf), kept, histogram.sum(axis=2))


@dataclass(frozen=True)
class Removal:
    """The choices of a cleaner at SHARES, and what is removed in each resample of the hours.

    `resampled` is (share, resample), `total` (hour, class) pixels.
    """

    choices: tuple[Choice, ...]
    resampled: Floats
    total: Counts

    @classmethod
    def of(cls, curves: Mapping[str, Curve]) -> Removal:
        """Read the curves of a cleaner, by setting. The draws are the same for all curves of as many hours."""
        total = next(iter(curves.values())).total
        draws = draw_blocks(max(1, len(total)), np.random.default_rng(0))
        return cls(
            tuple(choose(curves, share) for share in SHARES),
            np.stack([resample_removed(curves, share, draws) for share in SHARES]),
            total,
        )

    def intervals(self) -> Floats:
        """Return the 90 % intervals of the shares removed, (2, share)."""
        return interval(self.resampled.T, self._hours())

    def minus(self, base: Removal) -> tuple[Floats, Floats]:
        """Return by how much more is removed than by another cleaner (share,), and its intervals (2, share).

        Both must be of the same pixels.
        """
        assert np.array_equal(self.total, base.total), "removals of different frames"
        more = [choice.removed - other.removed for choice, other in zip(self.choices, base.choices, strict=True)]
        return np.array(more), interval((self.resampled - base.resampled).T, self._hours())

    def _hours(self) -> Counts:
        """Return (share,) the number of hours with echo of both classes, or of the rarer one."""
        return np.full(len(SHARES), count_holding(self.total).min())


def log_odds(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the log-odds of probabilities (any shape), of at most 1 - 1e-7."""
    bounded = np.clip(probability.astype(np.float64), _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    return np.asarray(np.log(bounded / (1 - bounded)), dtype=np.float32)


def keeps(score: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Return whether scores (any shape) reach a threshold, rounded as in the curves."""
    return np.asarray(_rounded(score) >= _rounded(np.array([threshold])))


def choose(curves: Mapping[str, Curve], share: float) -> Choice:
    """Return the setting and threshold that remove most and keep at least a share; of equals, the most is kept."""
    best: Choice | None = None
    for setting, curve in curves.items():
        met, other = curve.kept.sum(axis=0)
        last = int(_last_that_keeps(met, curve.total[:, MET].sum(), share))
        index = int((other > other[last]).sum())  # the first that removes as much
        kept, removed = curve.point(index)
        if best is None or (removed, kept) > (best.removed, best.kept):
            best = Choice(setting, curve.threshold(index), kept, removed)
    assert best is not None, "no curve to choose from"
    return best


def removed_shares(curves: Mapping[str, Curve], shares: Sequence[float]) -> Floats:
    """Return (shares,) the most that any setting removes at each share kept."""
    return np.array([choose(curves, share).removed for share in shares])


def resample_removed(curves: Mapping[str, Curve], share: float, draws: Floats) -> Floats:
    """Return (resamples,) what `choose` removes in each draw of blocks; setting and threshold are chosen anew."""
    best = np.full(len(draws), -np.inf)
    for curve in curves.values():
        if not len(curve.total):
            continue
        met, other = (draws @ curve.kept[:, row].astype(np.float64) for row in (MET, NON_MET))
        totals = draws @ curve.total.astype(np.float64)
        index = _last_that_keeps(met, totals[:, MET], share)
        kept = np.take_along_axis(other, index[:, None], axis=1)[:, 0]
        with np.errstate(invalid="ignore"):
            removed = 1 - kept / np.where(totals[:, NON_MET] > 0, totals[:, NON_MET], np.nan)
        best = np.fmax(best, removed)
    return np.where(np.isfinite(best), best, np.nan)


def _rounded(score: NDArray[np.floating]) -> Floats:
    """Return scores in thousandths; infinite ones are larger or smaller than all others."""
    values = np.asarray(score, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("a score is not a number; a cleaner must score every echo")
    return np.clip(np.rint(values * STEP), -_LARGEST, _LARGEST)


def _last_that_keeps(kept: NDArray[np.number], total: NDArray[np.number], share: float) -> NDArray[np.int64]:
    """Return (...) the last of the thresholds (..., n) that keeps at least a share of the total (...)."""
    wanted = np.ceil(share * np.asarray(total, dtype=np.float64) - 1e-6)  # 0.95 * 20 is 19
    return np.asarray((kept >= wanted[..., None]).sum(axis=-1) - 1)
