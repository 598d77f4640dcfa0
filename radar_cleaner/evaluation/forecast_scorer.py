"""Score the forecasts of one radar: by the model, by persistence and by optical flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from radar_cleaner.config.cleaning import THRESHOLD, ModelDecision
from radar_cleaner.config.evaluation import ForecastScores
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import decode_dbz, is_echo
from radar_cleaner.errors import SampleError
from radar_cleaner.evaluation.accumulation import Blocks
from radar_cleaner.evaluation.forecast_tallies import (
    FLOW,
    METHODS,
    MODEL,
    PERSISTENCE,
    ForecastTally,
    empty_blocks,
    model_field,
    score_forecasts,
    true_field,
)
from radar_cleaner.evaluation.nowcast_baselines import NO_RAIN, Field, carry_on, find_motion, persist
from radar_cleaner.evaluation.references import open_reference
from radar_cleaner.frames.reference_masks import ReferenceSource
from radar_cleaner.inference.ensemble import Ensemble, EnsembleReader
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.storage.paths import Layout


@dataclass(frozen=True)
class ForecastRun:
    """A results folder and the model whose forecasts are scored; `inputs` are those of its members.

    `shards` are those of the evaluation period by radar. `static`: the run has static stores.
    """

    layout: Layout
    shards: Mapping[str, Sequence[str]]
    references: Sequence[ReferenceSource]
    ensemble: Ensemble
    inputs: list[Inputs]
    decision: ModelDecision
    scores: ForecastScores
    static: bool

    @property
    def threshold(self) -> float:
        """The probability from which rain is forecast; operating points are those of echo that is seen."""
        return THRESHOLD if self.decision.threshold is None else self.decision.threshold

    @property
    def lead_minutes(self) -> tuple[int, ...]:
        """The lead times of the forecasts."""
        return self.inputs[0].ahead

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are scored."""
        return METHODS if self.scores.optical_flow else tuple(name for name in METHODS if name != FLOW)


@dataclass(frozen=True)
class ScoredForecasts:
    """By radar: the tallies, the kind of reference, and the samples without any known observation."""

    by_radar: dict[str, Blocks[ForecastTally]]
    references: dict[str, str]
    unknown: dict[str, int]


class RadarForecaster:
    """One radar's stores of the evaluation period, the frames that followed each frame, and the forecasts."""

    def __init__(self, run: ForecastRun, radar: str) -> None:
        layout, shards = run.layout, run.shards[radar]
        self._run = run
        self.reference = open_reference(layout, radar, shards, run.references)
        self._past = sorted(-minutes for minutes in run.inputs[0].input_minutes if minutes < 0)
        self._frames = EnsembleReader(
            [layout.reflectivity(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
            run.inputs,
            layout.atlas(radar),
            layout.static(radar) if run.static else None,
        )
        self._times = set(self._frames.first.times)
        self._cleaned: dict[int, Field] = {}

    def score(self, times: Iterable[int]) -> Iterator[tuple[int, ForecastTally | None]]:
        """Yield each of the rising times and the tally of its forecasts.

        None without a first frame, or without any known observation.
        """
        for time in times:
            observed = [self._observed(time + 60 * lead) for lead in self._run.lead_minutes]
            if time not in self._times or all(field is None for field in observed):
                yield time, None
            else:
                yield time, score_forecasts(observed, self._forecast(time), self._run.scores.dbz_bands)

    def _observed(self, time: int) -> Field | None:
        """Return the observed field of a time, None without a frame or a reference."""
        if time not in self._times:
            return None
        codes = self._frames.codes(time)
        classes = self.reference.classes(time, codes.shape)
        return None if classes is None else true_field(codes, classes)

    def _forecast(self, time: int) -> dict[str, Sequence[Field]]:
        """Return the fields of each method, one for each lead time."""
        run, leads = self._run, self._run.lead_minutes
        now, *later = run.ensemble.forecast(self._frames.inputs(time), run.scores.tta)
        self._keep(time, now)
        cleaned = self._cleaned[time]
        threshold = run.threshold
        fields: dict[str, Sequence[Field]] = {
            MODEL: [model_field(one.probability, one.dbz, threshold) for one in later],
            PERSISTENCE: list(persist(cleaned, len(leads))),
        }
        if run.scores.optical_flow:
            past, step = self._steps(time)
            fields[FLOW] = list(carry_on(cleaned, find_motion(past), [lead / step for lead in leads]))
        return fields

    def _steps(self, time: int) -> tuple[list[Field], int]:
        """Return cleaned frames of equal steps up to a time, and the step in minutes; only times of the inputs.

        The step is that to the newest past frame that exists.
        """
        existing = [minutes for minutes in self._past if time - 60 * minutes in self._times]
        if not existing:
            return [self._clean(time)], 1
        step = existing[0]
        before = [minutes for minutes in (2 * step, step) if minutes in existing]
        return [*(self._clean(time - 60 * minutes) for minutes in before), self._clean(time)], step

    def _clean(self, time: int) -> Field:
        """Return this radar's cleaned reflectivity, without evidence of the labelers, which use a later frame."""
        if time not in self._cleaned:
            inputs = self._frames.inputs(time)
            self._keep(time, self._run.ensemble.predict_all([inputs], self._run.scores.tta)[0])
        return self._cleaned[time]

    def _keep(self, time: int, prediction: Prediction) -> None:
        """Remember a cleaned frame, and drop those that are too old."""
        codes = self._frames.codes(time)
        removed = is_echo(codes) & (prediction.probability < self._run.ensemble.threshold(self._run.decision))
        oldest = time - 60 * max(self._past, default=0)
        self._cleaned = {known: field for known, field in self._cleaned.items() if known >= oldest}
        self._cleaned[time] = np.where(removed, NO_RAIN, decode_dbz(codes)).astype(np.float32)


def score_forecast_samples(run: ForecastRun, samples: Sequence[tuple[int, str]], table: Path) -> ScoredForecasts:
    """Score the forecasts of the samples (time, radar) of a table. Raises SampleError."""
    scored = ScoredForecasts({}, {}, {})
    for radar, group in groupby(sorted(samples, key=itemgetter(1, 0)), key=itemgetter(1)):
        if radar not in run.shards:
            raise SampleError(f"{table}: radar {radar} has no stores; only {sorted(run.shards)} have")
        forecaster = RadarForecaster(run, radar)
        scored.references[radar], scored.unknown[radar] = forecaster.reference.kind, 0
        blocks = scored.by_radar[radar] = empty_blocks(len(run.lead_minutes), run.methods, run.scores.dbz_bands)
        for time, tally in forecaster.score(time for time, _ in group):
            if tally is None:
                scored.unknown[radar] += 1
            else:
                blocks.add(time, tally)
    return scored
