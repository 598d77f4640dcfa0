"""The tables of an evaluation: scores, errors of reflectivity, reliability, the curve over thresholds.

Rows are by radar and by band of distance and of reflectivity. Each score has a 90 % interval (`bootstrap`) in
`{score}_low` and `{score}_high`. An undefined score or interval is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.evaluation.bins import ALL, with_totals
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
from radar_cleaner.evaluation.tallies import (
    AGREEMENT,
    MAX_SPREAD,
    MODEL,
    ON_HOLES,
    SPREAD_BINS,
    CleanerTally,
    Margins,
    RadarScores,
)

Sums = NDArray[np.float64]
Row = dict[str, Any]
# A score by its name: the values (...,), and the ends of their intervals (2, ...).
Scores = dict[str, tuple[Sums, Sums]]

ECE = "ece"
# If nearly all echo is meteorological, every model has a `pr_auc` near 1. The event of `pr_auc_other` is the rarer
# class.
RANKINGS: dict[str, Callable[[NDArray[np.number]], Sums]] = {
    "roc_auc": roc_auc,
    "pr_auc": average_precision,
    "pr_auc_other": lambda histogram: average_precision(histogram[..., ::-1, ::-1]),
}
_REFLECTIVITY = ("mae_dbz", "rmse_dbz", "bias_dbz", "r", "r2")
_NO_AREAS: Row = {f"{score}{end}": None for score in (*RANKINGS, ECE) for end in ("", "_low", "_high")}


def score_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """Return one row for each radar, cleaner, range and reflectivity band, and for all of each.

    `roc_auc`, `pr_auc`, `pr_auc_other` (its event is non-meteorological echo) and `ece` are those of cleaners that
    give probabilities. In rows of one range and one band the areas have no interval, and there is no `ece`.
    """
    return [
        row
        for radar, of_radar in scores.items()
        for name in of_radar.cleaners
        for row in _cleaner_rows(radar, name, of_radar)
    ]


def reflectivity_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """Return one row for each radar, measure, size of mask, range and band, and for all of each.

    Measures are the error in inpainting masks and the agreement with the label. Rows of one size of mask are by
    range and by band, not by both.
    """
    rows = []
    for radar, of_radar in scores.items():
        draws, sizes = _draws(of_radar), of_radar.bands.holes_px
        by_size = {size: _errors(of_radar, size) for size in sizes}
        agreement = _errors(of_radar, AGREEMENT)
        on_holes = np.sum([*by_size.values()], axis=0) if sizes else np.zeros_like(agreement)
        measures: list[tuple[str, int | str, NDArray[np.number]]] = [
            (ON_HOLES, ALL, on_holes),
            *((ON_HOLES, size, sums) for size, sums in by_size.items()),
            (AGREEMENT, ALL, agreement),
        ]
        for measure, size, sums in measures:
            pixels = sums[..., 0]
            ratios = _with_intervals(error_ratios, sums, draws, {score: [pixels] for score in _REFLECTIVITY})
            for place, band, *names in of_radar.bands.rows():
                if size == ALL or not (place and band):
                    head = {"radar": radar, "measure": measure, "hole_px": size} | _band_names(names)
                    counted = {"pixels": int(pixels[:, place, band].sum())}
                    rows.append(head | counted | _cells(ratios, (place, band)))
    return rows


def calibration_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """Return one row for each radar, probabilistic cleaner and bin of the probability (`reliability_rows`)."""
    rows = []
    for radar, of_radar in scores.items():
        for name in of_radar.probabilistic:
            blocks = _stack_margins(of_radar, name, "calibration").by_range.sum(axis=1)
            frequencies = observed_frequency(resample(_draws(of_radar), blocks))
            ends = interval(frequencies, count_holding(blocks[..., PIXELS]))
            of_bins = reliability_rows(np.asarray(blocks.sum(axis=0), np.float64), ends)
            rows += [{"radar": radar, "cleaner": name, **row} for row in of_bins]
    return rows


def curve_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """Return one row for each radar and threshold of the model's probability."""
    return [
        {"radar": radar, **row}
        for radar, of_radar in scores.items()
        for row in removal_curve(counts_at_thresholds(of_radar.fine.histogram[MODEL].sum(axis=(0, 1))), THRESHOLDS)
    ]


def spread_rows(scores: Mapping[str, RadarScores]) -> list[Row]:
    """Return one row for each radar and bin of an ensemble's spread: pixels and wrong decisions."""
    width = MAX_SPREAD / SPREAD_BINS
    return [
        {
            "radar": radar,
            "spread_from": index * width,
            "spread_to": (index + 1) * width,
            "pixels": int(pixels),
            "wrong": int(wrong),
            "wrong_share": wrong / pixels if pixels else None,
        }
        for radar, of_radar in scores.items()
        for index, (pixels, wrong) in enumerate(of_radar.fine.spread.tolist())
    ]


def calibration_error(blocks: Sums, draws: Sums) -> tuple[float, Sums]:
    """Return the calibration error of (block, bin, 3) sums and the (2,) ends of its interval.

    A resample is less even than the whole, so its error is larger. The interval is shifted by that bias.
    """
    value = expected_calibration_error(blocks.sum(axis=0))
    resampled = expected_calibration_error(resample(draws, blocks))
    ends = interval(resampled, count_holding(blocks[..., PIXELS].sum(axis=-1)))
    defined = resampled[np.isfinite(resampled)]
    shifted = np.clip(ends + value - np.median(defined), 0, 1) if defined.size else np.full(2, np.nan)
    return float(value), shifted


def _cleaner_rows(radar: str, name: str, scores: RadarScores) -> Iterator[Row]:
    draws = _draws(scores)
    # (block, range, dBZ, class, decision), with totals
    blocks = with_totals(scores.blocks.stack(lambda tally: tally.cleaners[name].decisions), 1)
    held = {
        score: [(blocks * need).sum(axis=(-2, -1)) for need in needs] for score, needs in DECISION_NEEDS.items()
    }
    decisions = _with_intervals(decision_ratios, blocks, draws, held)
    total = blocks.sum(axis=0)
    areas: Scores = {}
    if name in scores.probabilistic:
        areas = _areas(scores, name, draws) | _calibration_errors(scores, name, draws)
    for place, band, *names in scores.bands.rows():
        yield (
            {"radar": radar, "cleaner": name}
            | _band_names(names)
            | decision_counts(total[place, band])
            | _cells(decisions, (place, band))
            | (_cells(areas, (place, band)) if areas else _NO_AREAS)
        )


def _areas(scores: RadarScores, name: str, draws: Sums) -> Scores:
    """Return the areas below the curves (range, dBZ, with totals).

    Their intervals come from coarse bins. They are shifted by the difference that coarse bins make to the whole.
    """
    histogram = with_totals(scores.fine.histogram[name], 0)
    values = {score: area(histogram) for score, area in RANKINGS.items()}
    ends = {score: np.full((2, *value.shape), np.nan) for score, value in values.items()}
    for place, blocks in _places(_stack_margins(scores, name, "ranks")):
        holding = count_holding(blocks.sum(axis=-1))  # (class,)
        resampled = resample(draws, blocks)
        for score, area in RANKINGS.items():
            shift = values[score][place] - area(blocks.sum(axis=0))
            both = interval(area(resampled), holding[[MET, NON_MET]].min()) + shift
            ends[score][:, *place] = np.clip(both, 0, 1)
    return {score: (values[score], ends[score]) for score in RANKINGS}


def _calibration_errors(scores: RadarScores, name: str, draws: Sums) -> Scores:
    """Return the calibration error (range, dBZ, with totals), NaN for one range and one band together."""
    shape = tuple(size + 1 for size in scores.bands.shape)
    values, ends = np.full(shape, np.nan), np.full((2, *shape), np.nan)
    for place, blocks in _places(_stack_margins(scores, name, "calibration")):
        values[place], ends[:, *place] = calibration_error(np.asarray(blocks, np.float64), draws)
    return {ECE: (values, ends)}


def _stack_margins(scores: RadarScores, name: str, field: str) -> Margins:
    """Return the margins of a field of `CleanerTally`, (block, range or dBZ, ...)."""

    def part(side: str) -> NDArray[np.number]:
        def pick(tally: CleanerTally) -> NDArray[np.number]:
            values: NDArray[np.number] = getattr(getattr(tally, field), side)
            return values

        return scores.blocks.stack(lambda tally: pick(tally.cleaners[name]))

    return Margins(part("by_range"), part("by_dbz"))


def _places(blocks: Margins) -> Iterator[tuple[tuple[int, int], NDArray[np.number]]]:
    """Yield (range, dBZ) in arrays with totals and its (block, ...) sums: of all, each range, each band."""
    yield (0, 0), blocks.by_range.sum(axis=1)
    for index in range(blocks.by_range.shape[1]):
        yield (index + 1, 0), blocks.by_range[:, index]
    for index in range(blocks.by_dbz.shape[1]):
        yield (0, index + 1), blocks.by_dbz[:, index]


def _errors(scores: RadarScores, key: int | str) -> NDArray[np.number]:
    """Return (block, range, dBZ, ERROR_SUMS), with totals, of a size of mask or of AGREEMENT."""
    return with_totals(scores.blocks.stack(lambda tally: tally.errors[key]), 1)


def _draws(scores: RadarScores) -> Sums:
    """Return the same draws at each call, so that cleaners and tables do not differ by the draw."""
    return draw_blocks(max(1, len(scores.blocks)), np.random.default_rng(0))


def _with_intervals(
    ratios: Callable[[Sums], dict[str, Sums]],
    blocks: NDArray[np.number],
    draws: Sums,
    held: Mapping[str, Sequence[NDArray[np.number]]],
) -> Scores:
    """Return scores of (block, ...) sums. `held` gives for each score the amounts (block, ...) that it needs."""
    values, resampled = ratios(blocks.sum(axis=0, dtype=np.float64)), ratios(resample(draws, blocks))
    return {
        name: (values[name], interval(resampled[name], np.min([count_holding(part) for part in parts], axis=0)))
        for name, parts in held.items()
    }


def _cells(scores: Scores, place: tuple[int, ...]) -> Row:
    row: Row = {}
    for name, (values, ends) in scores.items():
        low, high = (end[place] for end in ends)
        row |= {name: known(values[place]), f"{name}_low": known(low), f"{name}_high": known(high)}
    return row


def _band_names(names: Sequence[str]) -> Row:
    return {"range": names[0], "band": names[1]}
