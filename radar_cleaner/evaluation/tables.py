"""The tables of an evaluation: scores, errors of reflectivity, reliability, the curve over thresholds.

Rows are by radar and by band of distance and of reflectivity, with 90 % intervals (`bootstrap`) beside each score,
as `{score}_low` and `{score}_high`. Where a score or an interval is undefined there is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.evaluation.bins import ALL, Bands, with_totals
from radar_cleaner.evaluation.bootstrap import count_holding, draw_blocks, interval, resample
from radar_cleaner.evaluation.metrics import (
    DECISION_NEEDS,
    MET,
    NON_MET,
    THRESHOLDS,
    average_precision,
    counts_at_thresholds,
    decision_counts,
    decision_ratios,
    known,
    removal_curve,
    roc_auc,
)
from radar_cleaner.evaluation.reflectivity_errors import error_ratios
from radar_cleaner.evaluation.reliability import (
    PIXELS,
    expected_calibration_error,
    observed_frequency,
    reliability_rows,
)
from radar_cleaner.evaluation.tallies import AGREEMENT, MOST_SPREAD, ON_HOLES, RULES, SPREAD_BINS, RadarScores

Sums = NDArray[np.float64]
Row = dict[str, Any]
# A score by its name: the values (...,), and the ends of their intervals (2, ...).
Found = dict[str, tuple[Sums, Sums]]

ECE = "ece"
# Where nearly all echo is meteorological any model has a `pr_auc` near 1: that of the other, rare echo tells.
RANKINGS: dict[str, Callable[[NDArray[np.number]], Sums]] = {
    "roc_auc": roc_auc,
    "pr_auc": average_precision,
    "pr_auc_other": lambda histogram: average_precision(histogram[..., ::-1, ::-1]),
}


def score_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """One row a radar, cleaner, range and band (and all of each), the last two each alone and together.

    `roc_auc`, `pr_auc`, `pr_auc_other` (the event is non-meteorological echo) and `ece` are those of models only.
    Where range and band go together the areas have no interval, and there is no `ece`.
    """
    return [row for radar, found in scores.items() for row in _radar_rows(radar, found)]


def reflectivity_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """One row a radar, measure (error on holes, label agreement), size of hole, range and band (and all of each).

    Holes of one size are told by range and by band, not by both together.
    """
    rows = []
    for radar, found in scores.items():
        bands, blocks = found.bands, with_totals(found.stack("errors"), 2)
        draws = _draws(found)
        sizes = len(bands.holes_px)
        measures: list[tuple[str, int | str, NDArray[np.number]]] = [
            (ON_HOLES, ALL, blocks[:, :sizes].sum(axis=1)),
            *((ON_HOLES, size, blocks[:, index]) for index, size in enumerate(bands.holes_px)),
            (AGREEMENT, ALL, blocks[:, sizes]),
        ]
        for measure, size, sums in measures:
            pixels = sums[..., 0]
            ratios = _with_intervals(error_ratios, sums, draws, {score: [pixels] for score in _REFLECTIVITY})
            for place, band, *names in bands.rows():
                if size == ALL or not (place and band):
                    head = {"radar": radar, "measure": measure, "hole_px": size} | _band_names(names)
                    counted = {"pixels": int(pixels[:, place, band].sum())}
                    rows.append(head | counted | _told(ratios, (place, band)))
    return rows


def calibration_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """One row a radar, model and bin of the probability (`calibration.reliability_rows`)."""
    rows = []
    for radar, found in scores.items():
        blocks = _over_all(found)
        ends = interval(observed_frequency(resample(_draws(found), blocks)), count_holding(blocks[..., PIXELS]))
        for model, name in enumerate(found.models):
            of_bins = reliability_rows(blocks[:, model].sum(axis=0), ends[:, model])
            rows += [{"radar": radar, "cleaner": name, **row} for row in of_bins]
    return rows


def curve_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """One row a radar and threshold of the model's probability."""
    return [
        {"radar": radar, **row}
        for radar, found in scores.items()
        for row in removal_curve(counts_at_thresholds(found.total.histogram[0].sum(axis=(0, 1))), THRESHOLDS)
    ]


def spread_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """One row a radar and bin of the spread of an ensemble: how many pixels have it, and how many of them the
    ensemble judges wrongly."""
    width = MOST_SPREAD / SPREAD_BINS
    return [
        {
            "radar": radar,
            "spread_from": index * width,
            "spread_to": (index + 1) * width,
            "pixels": int(pixels),
            "wrong": int(wrong),
            "wrong_share": wrong / pixels if pixels else None,
        }
        for radar, found in scores.items()
        for index, (pixels, wrong) in enumerate(found.total.spread.tolist())
    ]


_REFLECTIVITY = ("mae_dbz", "rmse_dbz", "bias_dbz", "r", "r2")


def _radar_rows(radar: str, found: RadarScores) -> Iterator[Row]:
    draws = _draws(found)
    blocks = with_totals(found.stack("decisions"), 2)  # (block, cleaner, range, dBZ, class, decision)
    held = {name: [(blocks * need).sum(axis=(-2, -1)) for need in needs] for name, needs in DECISION_NEEDS.items()}
    decisions = _with_intervals(decision_ratios, blocks, draws, held)
    areas = _areas(found, draws)
    errors = _calibration_errors(found, draws)
    total = with_totals(found.total.block.decisions, 1)
    for cleaner, name in enumerate(found.cleaners):
        model = cleaner - len(RULES)
        for place, band, *names in found.bands.rows():
            of_model = model >= 0
            scores = (*RANKINGS, ECE)
            nothing: Row = dict.fromkeys(f"{score}{end}" for score in scores for end in ("", "_low", "_high"))
            yield (
                {"radar": radar, "cleaner": name}
                | _band_names(names)
                | decision_counts(total[cleaner, place, band])
                | _told(decisions, (cleaner, place, band))
                | (_told(areas | errors, (model, place, band)) if of_model else nothing)
            )


def _areas(found: RadarScores, draws: Sums) -> Found:
    """Areas below the curves (model, range, dBZ, with totals).

    Their intervals are those of coarser bins, moved by what coarser bins make of the whole.
    """
    histogram, ranks = with_totals(found.total.histogram, 1), found.stack("ranks")
    values = {name: area(histogram) for name, area in RANKINGS.items()}
    ends = {name: np.full((2, *value.shape), np.nan) for name, value in values.items()}
    for (model, place, band), rows in _alone(found.bands, ranks):
        holding = count_holding(rows.sum(axis=-1))  # (class,)
        drawn = resample(draws, rows)
        for name, area in RANKINGS.items():
            there = (model, place, band)
            moved = values[name][there] - area(rows.sum(axis=0))
            both = interval(area(drawn), holding[[MET, NON_MET]].min()) + moved
            ends[name][:, *there] = np.clip(both, 0, 1)
    return {name: (values[name], ends[name]) for name in RANKINGS}


def _calibration_errors(found: RadarScores, draws: Sums) -> Found:
    """The expected calibration error (model, range, dBZ, with totals), NaN of range and band together."""
    blocks = found.stack("calibration")
    shape = (len(found.models), *(size + 1 for size in found.bands.shape))
    values, ends = np.full(shape, np.nan), np.full((2, *shape), np.nan)
    for there, rows in _alone(found.bands, blocks):
        values[there], ends[:, *there] = calibration_error(np.asarray(rows, np.float64), draws)
    return {ECE: (values, ends)}


def calibration_error(blocks: Sums, draws: Sums) -> tuple[float, Sums]:
    """The error of (block, bin, 3) sums and the (2,) ends of its interval.

    A draw is less even than the whole, so that its error is larger: the interval is moved by that.
    """
    value, drawn = (
        expected_calibration_error(blocks.sum(axis=0)),
        expected_calibration_error(resample(draws, blocks)),
    )
    ends, told = interval(drawn, count_holding(blocks[..., PIXELS].sum(axis=-1))), drawn[np.isfinite(drawn)]
    return float(value), np.clip(ends + value - np.median(told), 0, 1) if told.size else np.full(2, np.nan)


def _over_all(found: RadarScores) -> Sums:
    """(block, model, bin, 3) of the calibration over all ranges and reflectivities."""
    return np.asarray(found.stack("calibration")[:, :, : found.bands.shape[0]].sum(axis=2), np.float64)


def _alone(bands: Bands, ranks: NDArray[np.number]) -> Iterator[tuple[tuple[int, int, int], NDArray[np.number]]]:
    """(model, range, dBZ) in arrays with totals, and its part (block, ...) of (block, model, range then dBZ, ...):
    over all, each range, each band."""
    ranges, dbz = bands.shape
    for model in range(ranks.shape[1]):
        yield (model, 0, 0), ranks[:, model, :ranges].sum(axis=1)
        for index in range(ranges):
            yield (model, index + 1, 0), ranks[:, model, index]
        for index in range(dbz):
            yield (model, 0, index + 1), ranks[:, model, ranges + index]


def _draws(found: RadarScores) -> Sums:
    """The same at each call: cleaners and tables differ by what they are, and not by the draw."""
    return draw_blocks(max(1, len(found.blocks)), np.random.default_rng(0))


def _with_intervals(
    ratios: Callable[[Sums], dict[str, Sums]],
    blocks: NDArray[np.number],
    draws: Sums,
    held: Mapping[str, Sequence[NDArray[np.number]]],
) -> Found:
    """Scores of (block, ...) sums; `held` says for each score what of each block (block, ...) it needs."""
    values, drawn = ratios(blocks.sum(axis=0, dtype=np.float64)), ratios(resample(draws, blocks))
    return {
        name: (values[name], interval(drawn[name], np.min([count_holding(part) for part in parts], axis=0)))
        for name, parts in held.items()
    }


def _told(found: Found, place: tuple[int, ...]) -> Row:
    row: Row = {}
    for name, (values, ends) in found.items():
        low, high = (end[place] for end in ends)
        row |= {name: known(values[place]), f"{name}_low": known(low), f"{name}_high": known(high)}
    return row


def _band_names(names: Sequence[str]) -> Row:
    return {"range": names[0], "band": names[1]}
