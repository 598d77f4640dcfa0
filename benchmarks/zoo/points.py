"""The settings and thresholds at which cleaners are compared, radar by radar and over radars of a kind.

A share of the meteorological echo is kept in one of WAYS:

- OWN: each radar with the setting and threshold that are best for it;
- MEAN: one setting and threshold for all radars, which keep the share in their mean;
- EACH: one setting and threshold for all radars; each keeps the share;
- DEFAULT: the default setting and threshold of a cleaner, whatever they keep.

Dirty radars with weather choose; the other radars are scored with the same settings and thresholds. No echo is
pooled over radars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radar_cleaner.evaluation.bootstrap import count_holding, draw_blocks, interval
from radar_cleaner.evaluation.certain_part import PARTS
from radar_cleaner.evaluation.metrics import MET, NON_MET
from radar_cleaner.evaluation.removal import LOST
from radar_cleaner.evaluation.threshold_sweep import SHARES, STEP, Curve, choose

from .radars import DIRTY
from .scoring import RadarSweep

OWN, MEAN, EACH, DEFAULT = WAYS = ("own", "one, mean", "one, each", "default")

Floats = NDArray[np.float64]
Settings = Mapping[str, Curve]  # by setting


@dataclass(frozen=True)
class OnAll:
    """Shares kept and removed (radar, threshold) of several radars at the same rising thresholds (threshold,)."""

    thresholds: Floats
    kept: Floats
    removed: Floats

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> OnAll:
        """Read the curves of several radars; shares of no echo are NaN."""
        grid = np.unique(np.concatenate([curve.thresholds for curve in curves]))
        shares = np.full((2, len(curves), grid.size), np.nan)
        for row, curve in enumerate(curves):
            kept, total = curve.kept.sum(axis=0), curve.total.sum(axis=0)
            places = np.searchsorted(curve.thresholds, grid)
            for one in (MET, NON_MET):
                if total[one]:
                    shares[one, row] = kept[one, places] / total[one]
        return cls(grid, shares[MET], 1 - shares[NON_MET])

    @cached_property
    def mean_removed(self) -> Floats:
        """(threshold,) the mean of the radars' shares removed; NaN without other echo."""
        return _mean(self.removed)

    def find(self, shares: Sequence[float], way: str) -> NDArray[np.int64]:
        """Return (share,) thresholds at which the radars keep a share: in their mean (MEAN), or each (EACH).

        Of the thresholds that remove most they are the first, which keep most.
        """
        known = self.kept[~np.isnan(self.kept).any(axis=1)]
        if not len(known):
            return np.zeros(len(shares), np.int64)
        level = known.mean(axis=0) if way == MEAN else known.min(axis=0)
        last = np.searchsorted(-level, 1e-9 - np.asarray(shares), side="right") - 1
        last = np.maximum(last, 0)
        if np.isnan(self.mean_removed).any():
            return np.asarray(last)
        return np.asarray(np.searchsorted(self.mean_removed, self.mean_removed[last]))


def share_at(curve: Curve, threshold: float) -> tuple[float, float]:
    """Return the shares kept and removed at a threshold in units of 1 / STEP."""
    return curve.point(int(np.searchsorted(curve.thresholds, threshold)))


def choose_for_all(by_radar: Sequence[Settings], share: float, way: str) -> tuple[str, float]:
    """Return the setting and threshold (in 1 / STEP) that keep a share and remove most in the mean over radars."""
    best: tuple[float, str, float] | None = None
    for setting in by_radar[0]:
        on_all = OnAll.of([of_radar[setting] for of_radar in by_radar])
        index = on_all.find([share], way)[0]
        removed = float(np.nan_to_num(on_all.mean_removed[index], nan=-1.0))
        if best is None or removed > best[0]:
            best = removed, setting, float(on_all.thresholds[index])
    assert best is not None, "a cleaner without a setting"
    return best[1], best[2]


def all_points(sweeps: Mapping[str, RadarSweep], kinds: Mapping[str, str]) -> pd.DataFrame:
    """Return a row for each radar, cleaner, part of the reference, way and share: what is kept and removed."""
    rows: list[dict[str, Any]] = []
    dirty = [radar for radar in sweeps if kinds[radar] == DIRTY]
    for part in PARTS:
        for name in _cleaners(sweeps):
            of_cleaner = {radar: sweep.parts[part].curves[name] for radar, sweep in sweeps.items()}
            deciding = [of_cleaner[radar] for radar in dirty]
            head = {"part": part, "cleaner": name}
            for share in SHARES if dirty else ():
                for radar in dirty:
                    choice = choose(of_cleaner[radar], share)
                    point = (choice.setting, choice.threshold, choice.kept, choice.removed)
                    rows.append(head | {"radar": radar, "way": OWN, "share": share} | _point(*point))
                for way in (MEAN, EACH):
                    setting, threshold = choose_for_all(deciding, share, way)
                    here = head | {"way": way, "share": share}
                    rows += [here | row for row in _rows_at(of_cleaner, setting, threshold)]
            setting, threshold = next(iter(sweeps.values())).defaults[name]
            here = head | {"way": DEFAULT, "share": np.nan}
            rows += [here | row for row in _rows_at(of_cleaner, setting, np.rint(threshold * STEP))]
    table = pd.DataFrame(rows)
    table.insert(1, "kind", table.radar.map(kinds))
    return table


def lines(sweeps: Mapping[str, RadarSweep], kinds: Mapping[str, str], part: str) -> dict[str, dict[str, Floats]]:
    """Return the shares removed where each share of LOST is lost, means over dirty radars, by way and cleaner."""
    dirty = [sweep.parts[part] for radar, sweep in sweeps.items() if kinds[radar] == DIRTY]
    found: dict[str, dict[str, Floats]] = {OWN: {}, MEAN: {}}
    for name in _cleaners(sweeps):
        of_radars, shares = [sweep.curves[name] for sweep in dirty], 1 - LOST
        together, alone = np.full(LOST.size, np.nan), np.full((len(dirty), LOST.size), np.nan)
        for setting in of_radars[0]:
            curves = [of_radar[setting] for of_radar in of_radars]
            on_all = OnAll.of(curves)
            together = np.fmax(together, on_all.mean_removed[on_all.find(shares, MEAN)])
            for row, curve in enumerate(curves):
                one = OnAll.of([curve])
                alone[row] = np.fmax(alone[row], one.mean_removed[one.find(shares, MEAN)])
        found[OWN][name], found[MEAN][name] = _mean(alone), together
    return found


def mean_with_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean over radars and the ends of its 90 % interval; radars are drawn with replacement."""
    known = np.array([value for value in values if not np.isnan(value)], dtype=np.float64)
    if not known.size:
        return (float("nan"),) * 3
    draws = draw_blocks(known.size, np.random.default_rng(0))
    low, high = interval(draws @ known / known.size, count_holding(np.ones(known.size)))
    return float(known.mean()), float(low), float(high)


def _mean(by_radar: Floats) -> Floats:
    """Return the mean (...,) over radars (radar, ...) without those that have NaN; NaN of none."""
    known = by_radar[~np.isnan(by_radar).any(axis=1)]
    return np.asarray(known.mean(axis=0)) if len(known) else np.full(by_radar.shape[1], np.nan)


def _cleaners(sweeps: Mapping[str, RadarSweep]) -> list[str]:
    return list(next(iter(sweeps.values())).defaults)


def _rows_at(of_cleaner: Mapping[str, Settings], setting: str, threshold: float) -> list[dict[str, Any]]:
    return [
        {"radar": radar} | _point(setting, threshold / STEP, *share_at(curves[setting], threshold))
        for radar, curves in of_cleaner.items()
    ]


def _point(setting: str, threshold: float, kept: float, removed: float) -> dict[str, Any]:
    return {"setting": setting, "threshold": threshold, "kept": kept, "removed": removed}
