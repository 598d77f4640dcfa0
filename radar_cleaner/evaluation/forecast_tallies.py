"""Score the forecasts of one frame against the frames that followed, and add frames up.

All methods are scored on the same pixels: where the observed frame has data and each method gives a forecast.
Fields are those of `nowcast_baselines`: dBZ (y, x), NO_RAIN without rain, NaN if unknown.

An event is any rain, or rain of at least some dBZ. Scores are those of Wilks, Statistical Methods in the
Atmospheric Sciences, chapter 9. Intervals come from a bootstrap over blocks of time, with equal draws for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    MIN_ECHO_DBZ,
    NODATA,
    NON_METEOROLOGICAL,
    UNDETECT,
    decode_dbz,
)
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.accumulation import Blocks
from radar_cleaner.evaluation.bootstrap import count_holding, draw_blocks, interval, resample
from radar_cleaner.evaluation.metrics import (
    KEPT,
    MET,
    NON_MET,
    REMOVED,
    Counts,
    Sums,
    count_decisions,
    decision_counts,
    decision_ratios,
    known,
)
from radar_cleaner.evaluation.nowcast_baselines import NO_RAIN, Field
from radar_cleaner.evaluation.reflectivity_errors import ERROR_SUMS, error_scores, sum_errors

MODEL, PERSISTENCE, FLOW = "model", "persistence", "optical flow"
METHODS = (MODEL, PERSISTENCE, FLOW)  # the last one only on request
ANY_RAIN = "any rain"
SCORED, UNKNOWN_TRUTH, WITHOUT_FORECAST = range(3)  # kinds of pixels

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class ForecastTally:
    """Sums over frames, by lead time."""

    frames: Counts  # (lead)
    pixels: Counts  # (lead, kind)
    decisions: Mapping[str, Counts]  # by method: (lead, event, class, decision), observed and forecast
    errors: Mapping[str, Sums]  # by method: (lead, ERROR_SUMS), of dBZ where rain was forecast and observed

    @classmethod
    def empty(cls, leads: int, methods: Sequence[str], events: int) -> ForecastTally:
        """Return the tally of no frame."""
        return cls(
            np.zeros(leads, np.int64),
            np.zeros((leads, 3), np.int64),
            {method: np.zeros((leads, events, 2, 2), np.int64) for method in methods},
            {method: np.zeros((leads, ERROR_SUMS)) for method in methods},
        )


def empty_blocks(leads: int, methods: Sequence[str], edges: Sequence[float]) -> Blocks[ForecastTally]:
    """Return the tallies of a radar without any forecast; `edges` in dBZ begin the events beside any rain."""
    return Blocks(ForecastTally.empty(leads, methods, 1 + len(edges)))


def event_names(edges: Sequence[float]) -> list[str]:
    """Name the events: any rain, and rain of at least each of some dBZ."""
    return [ANY_RAIN, *(f"{edge:g} dBZ and more" for edge in edges)]


def true_field(codes: Codes, classes: Codes) -> Field:
    """Return the observed field of a frame's codes and reference classes (y, x).

    There is no rain where the radar has no echo, for any reference, or where the echo is
    non-meteorological. An echo of unknown class is unknown.
    """
    rain, other = classes == METEOROLOGICAL, classes == NON_METEOROLOGICAL
    kinds = [codes == NODATA, (codes == UNDETECT) | other, rain]
    return np.select(kinds, [np.float32(np.nan), NO_RAIN, decode_dbz(codes)], np.float32(np.nan)).astype(
        np.float32
    )


def model_field(probability: Field, dbz: Field, threshold: float) -> Field:
    """Return a model's forecast: its reflectivity where rain has at least the threshold's probability.

    Raises ModelError if an output is not finite.
    """
    if not (np.isfinite(probability).all() and np.isfinite(dbz).all()):
        raise ModelError("the model's output is not finite; train it again with a lower learning_rate")
    return np.where(probability >= threshold, np.maximum(dbz, np.float32(MIN_ECHO_DBZ)), NO_RAIN)


def score_forecasts(
    observed: Sequence[Field | None], forecasts: Mapping[str, Sequence[Field]], edges: Sequence[float]
) -> ForecastTally:
    """Tally the forecasts made at one time: the observed field of each lead time (None if unknown), and by method
    its field for each lead time."""
    tally = ForecastTally.empty(len(observed), list(forecasts), 1 + len(edges))
    for lead, field in enumerate(observed):
        if field is None:
            continue
        has_truth = np.isfinite(field)
        has_forecast = np.logical_and.reduce([np.isfinite(fields[lead]) for fields in forecasts.values()])
        scored = has_truth & has_forecast
        truth = field[scored]
        tally.frames[lead] = 1
        tally.pixels[lead] = [scored.sum(), (~has_truth).sum(), (has_truth & ~has_forecast).sum()]
        for method, fields in forecasts.items():
            forecast = fields[lead][scored]
            one_band = np.zeros(truth.shape, np.int64)
            for event, edge in enumerate((MIN_ECHO_DBZ, *edges)):
                classes = np.where(truth >= edge, METEOROLOGICAL, NON_METEOROLOGICAL).astype(np.uint8)
                tally.decisions[method][lead, event] = count_decisions(forecast >= edge, classes, one_band, 1)[0]
            both = (truth > NO_RAIN) & (forecast > NO_RAIN)
            tally.errors[method][lead] = sum_errors(forecast[both], truth[both], one_band[both], 1)[0]
    return tally


def forecast_rows(
    scores: Mapping[str, Blocks[ForecastTally]], leads: Sequence[int], edges: Sequence[float]
) -> list[dict[str, Any]]:
    """Return one row for each radar, lead time, event and method.

    `csi_low` and `csi_high` are a 90 % interval. `model_minus` is the model's CSI less the method's, with its
    interval. `mae_dbz` and the like are of pixels with rain in forecast and observation, in rows of any rain.
    """
    rows = []
    for radar, blocks in scores.items():
        total = blocks.total()
        ends = {method: _intervals(blocks, method) for method in total.decisions}
        for lead, minutes in enumerate(leads):
            for method in total.decisions:
                for event, name in enumerate(event_names(edges)):
                    errors = error_scores(total.errors[method][lead])
                    rows.append(
                        {
                            "radar": radar,
                            "lead_minutes": minutes,
                            "event": name,
                            "method": method,
                            **_event_scores(total.decisions[method][lead, event]),
                            **{key: known(values[lead, event]) for key, values in ends[method].items()},
                            **(dict.fromkeys(errors) if event else errors),
                        }
                    )
    return rows


def pixel_rows(scores: Mapping[str, Blocks[ForecastTally]], leads: Sequence[int]) -> list[dict[str, Any]]:
    """Return one row for each radar and lead time: scored frames, and pixels by kind."""
    kinds = ("scored", "truth_unknown", "unanswered")
    totals = {radar: blocks.total() for radar, blocks in scores.items()}
    return [
        {
            "radar": radar,
            "lead_minutes": minutes,
            "frames": int(total.frames[lead]),
            **dict(zip(kinds, total.pixels[lead].tolist(), strict=True)),
        }
        for radar, total in totals.items()
        for lead, minutes in enumerate(leads)
    ]


def _event_scores(counts: Counts) -> dict[str, Any]:
    """Return the counts of a (class, decision) table, POD, FAR, CSI, HSS and frequency bias; None if undefined."""
    numbers, ratios = decision_counts(counts), decision_ratios(counts)
    observed, forecast = counts[MET].sum(), counts[:, KEPT].sum()
    return {
        **{name: numbers[name] for name in ("hits", "misses", "false_alarms")},
        "correct_negatives": numbers["correct_removals"],
        **{name: known(ratios[name]) for name in ("pod", "far", "csi", "hss")},
        "bias": float(forecast / observed) if observed else None,
    }


def _intervals(blocks: Blocks[ForecastTally], method: str) -> dict[str, Sums]:
    """Return (lead, event) each: the interval of the method's CSI, the model's CSI less it, and its interval.

    NaN without enough blocks, and for the model less itself.
    """
    resampled, holding = _resample_csi(blocks, method)
    of_model, model_holding = _resample_csi(blocks, MODEL)
    total = blocks.total().decisions
    difference = decision_ratios(total[MODEL])["csi"] - decision_ratios(total[method])["csi"]
    apart = interval(of_model - resampled, np.minimum(model_holding, holding))
    if method == MODEL:
        difference, apart = np.full_like(difference, np.nan), np.full_like(apart, np.nan)
    low, high = interval(resampled, holding)
    return {
        "csi_low": low,
        "csi_high": high,
        "model_minus": difference,
        "model_minus_low": apart[0],
        "model_minus_high": apart[1],
    }


def _resample_csi(blocks: Blocks[ForecastTally], method: str) -> tuple[Sums, Counts]:
    """Return the CSI of each draw (resamples, lead, event), and the blocks with an event (lead, event)."""
    counts = blocks.stack(lambda tally: tally.decisions[method])
    draws = draw_blocks(max(1, len(blocks)), np.random.default_rng(0))
    holding = count_holding(counts.sum(axis=(-2, -1)) - counts[..., NON_MET, REMOVED])
    return decision_ratios(resample(draws, counts))["csi"], holding
