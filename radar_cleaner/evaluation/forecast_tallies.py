"""Judge forecasts of one frame against what came, and add the frames up: the model beside what is carried on.

All methods are judged on the same pixels: where it is known what came, and each of them says something. Fields
are as in `extrapolation`: dBZ (y, x), NO_RAIN where there is no rain, NaN where nothing is known.

An event is rain at all, or rain of at least some dBZ. Scores are those of Wilks, Statistical Methods in the
Atmospheric Sciences, chapter 9. Intervals are of a bootstrap over blocks of time: pixels and frames beside each
other show the same weather. The same blocks are drawn for all methods, so that the draw does not blur differences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
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
from radar_cleaner.evaluation.tallies import ALL_RADARS, BLOCK_SECONDS

MODEL, PERSISTENCE, FLOW = "model", "persistence", "optical flow"
METHODS = (MODEL, PERSISTENCE, FLOW)  # the last where it is asked for
ANY_RAIN = "any rain"
SCORED, UNKNOWN_TRUTH, UNANSWERED = range(3)  # kinds of pixels

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class ForecastTally:
    """Sums over frames, by lead; `a + b` is the tally over both."""

    frames: Counts  # (lead)
    pixels: Counts  # (lead, kind)
    decisions: Counts  # (lead, method, event, class, decision): weather that came or not, forecast or not
    errors: Sums  # (lead, method, ERROR_SUMS), of dBZ where rain was forecast and came

    @classmethod
    def empty(cls, leads: int, methods: int, events: int) -> ForecastTally:
        """Of no frame."""
        return cls(
            np.zeros(leads, np.int64),
            np.zeros((leads, 3), np.int64),
            np.zeros((leads, methods, events, 2, 2), np.int64),
            np.zeros((leads, methods, ERROR_SUMS)),
        )

    def __add__(self, other: ForecastTally) -> ForecastTally:
        return ForecastTally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


class RadarForecasts:
    """The tallies of one radar by blocks of time."""

    def __init__(self, leads: int, methods: int, events: int) -> None:
        self.shape = leads, methods, events
        self.blocks: dict[int, ForecastTally] = defaultdict(lambda: ForecastTally.empty(*self.shape))

    def add(self, time: int, tally: ForecastTally) -> None:
        """Count the forecasts made at this time (seconds since 1970)."""
        self.blocks[time // BLOCK_SECONDS] += tally

    @property
    def total(self) -> ForecastTally:
        """Over all blocks."""
        return sum(self.blocks.values(), ForecastTally.empty(*self.shape))

    def __add__(self, other: RadarForecasts) -> RadarForecasts:
        both = RadarForecasts(*self.shape)
        for found in (self, other):
            for block, tally in found.blocks.items():
                both.blocks[block] += tally
        return both


def event_names(edges: Sequence[float]) -> list[str]:
    """Names of the events: rain at all, and rain of at least each of some dBZ."""
    return [ANY_RAIN, *(f"{edge:g} dBZ and more" for edge in edges)]


def true_field(codes: Codes, classes: Codes) -> Field:
    """What came, of a frame's codes and the reference's classes (y, x).

    Where the radar sees no echo there is no rain, whatever the reference has there; an echo that is no weather is
    no rain either. What is unknown of an echo is not known.
    """
    rain, nothing = classes == METEOROLOGICAL, classes == NON_METEOROLOGICAL
    kinds = [codes == NODATA, (codes == UNDETECT) | nothing, rain]
    return np.select(kinds, [np.float32(np.nan), NO_RAIN, decode_dbz(codes)], np.float32(np.nan)).astype(
        np.float32
    )


def model_field(probability: Field, dbz: Field, threshold: float) -> Field:
    """What a model forecasts: its reflectivity where rain is at least so probable.

    Raises ModelError where the model gave no number.
    """
    if not (np.isfinite(probability).all() and np.isfinite(dbz).all()):
        raise ModelError("the model's answer is not a number; train it again with a lower learning_rate")
    return np.where(probability >= threshold, np.maximum(dbz, np.float32(MIN_ECHO_DBZ)), NO_RAIN)


def score_forecasts(
    truths: Sequence[Field | None], forecasts: Sequence[Sequence[Field]], edges: Sequence[float]
) -> ForecastTally:
    """The tally of the forecasts made at one time: what came at each lead (None: not known), and of each method
    (model, persistence, flow) its field at each lead."""
    tally = ForecastTally.empty(len(truths), len(forecasts), 1 + len(edges))
    for lead, truth in enumerate(truths):
        if truth is None:
            continue
        said = [method[lead] for method in forecasts]
        answered = np.logical_and.reduce([np.isfinite(field) for field in said])
        told = np.isfinite(truth)
        scored = told & answered
        came = truth[scored]
        tally.frames[lead] = 1
        tally.pixels[lead] = [scored.sum(), (~told).sum(), (told & ~answered).sum()]
        for method, field in enumerate(said):
            own = field[scored]
            for event, edge in enumerate((MIN_ECHO_DBZ, *edges)):
                classes = np.where(came >= edge, METEOROLOGICAL, NON_METEOROLOGICAL).astype(np.uint8)
                nowhere = np.zeros(came.shape, np.int64)
                tally.decisions[lead, method, event] = count_decisions(own >= edge, classes, nowhere, 1)[0]
            both = (came > NO_RAIN) & (own > NO_RAIN)
            tally.errors[lead, method] = sum_errors(own[both], came[both], np.zeros(both.sum(), np.int64), 1)[0]
    return tally


def with_all_radars(scores: Mapping[str, RadarForecasts]) -> dict[str, RadarForecasts]:
    """The scores by radar, and over all radars where there is more than one."""
    if len(scores) < 2:
        return dict(scores)
    first, *others = scores.values()
    return {**scores, ALL_RADARS: sum(others, first)}


def forecast_rows(
    scores: Mapping[str, RadarForecasts], leads: Sequence[int], edges: Sequence[float]
) -> list[dict[str, Any]]:
    """One row a radar, lead, event and method.

    `csi_low` and `csi_high` are a 90 % interval; `model_minus` is the CSI of the model less that of this method,
    with its interval. `mae_dbz` and the like are of pixels where rain was forecast and came, beside rain at all.
    """
    names, rows = event_names(edges), []
    for radar, found in scores.items():
        total, ends = found.total, _intervals(found)
        for place in np.ndindex(len(leads), found.shape[1], len(names)):
            lead, method, event = place
            errors = error_scores(total.errors[lead, method])
            rows.append(
                {
                    "radar": radar,
                    "lead_minutes": leads[lead],
                    "event": names[event],
                    "method": METHODS[method],
                    **_event_scores(total.decisions[place]),
                    **{name: known(values[place]) for name, values in ends.items()},
                    **(dict.fromkeys(errors) if event else errors),
                }
            )
    return rows


def pixel_rows(scores: Mapping[str, RadarForecasts], leads: Sequence[int]) -> list[dict[str, Any]]:
    """One row a radar and lead: frames that were scored, and their pixels by why they were or not."""
    return [
        {
            "radar": radar,
            "lead_minutes": minutes,
            "frames": int(found.total.frames[lead]),
            **dict(zip(("scored", "truth_unknown", "unanswered"), found.total.pixels[lead].tolist(), strict=True)),
        }
        for radar, found in scores.items()
        for lead, minutes in enumerate(leads)
    ]


def _event_scores(counts: Counts) -> dict[str, Any]:
    """Numbers of a (class, decision) table, POD, FAR, CSI, Heidke's skill, frequency bias; None if undefined."""
    numbers, ratios = decision_counts(counts), decision_ratios(counts)
    came, forecast = counts[MET].sum(), counts[:, KEPT].sum()
    return {
        **{name: numbers[name] for name in ("hits", "misses", "false_alarms")},
        "correct_negatives": numbers["correct_removals"],
        **{name: known(ratios[name]) for name in ("pod", "far", "csi", "hss")},
        "bias": float(forecast / came) if came else None,
    }


def _intervals(found: RadarForecasts) -> dict[str, Sums]:
    """(lead, method, event) each: ends of the CSI's interval, by how much the model's is higher, and its ends.

    NaN where there are too few blocks, and of the model less itself.
    """
    blocks = np.stack([tally.decisions for _, tally in sorted(found.blocks.items())] or [found.total.decisions])
    drawn = decision_ratios(resample(draw_blocks(len(blocks), np.random.default_rng(0)), blocks))["csi"]
    holding = count_holding(blocks.sum(axis=(-2, -1)) - blocks[..., NON_MET, REMOVED])
    csi = decision_ratios(found.total.decisions)["csi"]
    model = slice(METHODS.index(MODEL), METHODS.index(MODEL) + 1)
    both = np.minimum(holding[:, model], holding)
    less, apart = csi[:, model] - csi, interval(drawn[:, :, model] - drawn, both)
    for values in (less, *apart):
        values[:, model] = np.nan
    low, high = interval(drawn, holding)
    return {
        "csi_low": low,
        "csi_high": high,
        "model_minus": less,
        "model_minus_low": apart[0],
        "model_minus_high": apart[1],
    }
