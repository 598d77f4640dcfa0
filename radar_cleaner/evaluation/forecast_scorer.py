"""Forecast from the frames of one radar, read from its stores, by the model and by what carries its frames on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import decode_dbz, is_echo
from radar_cleaner.evaluation.forecast_tallies import ForecastTally, model_field, score_forecasts, true_field
from radar_cleaner.evaluation.nowcast_baselines import NO_RAIN, Field, carry_on, find_motion, persist
from radar_cleaner.evaluation.scorer import Masks, Targets
from radar_cleaner.inference.ensemble import Ensemble, EnsembleReader
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.storage.paths import Layout


@dataclass(frozen=True)
class Forecasting:
    """How forecasts are made and scored: with an `optical_flow` or not, at which dBZ (`edges`) events begin."""

    threshold: float
    edges: list[float]
    tta: bool
    static: bool
    optical_flow: bool


class RadarForecaster:
    """One radar's stores of the evaluation period, what came after each frame, and the models that forecast it."""

    def __init__(
        self,
        layout: Layout,
        radar: str,
        shards: Sequence[str],
        models: tuple[Ensemble, list[Inputs]],
        truth: Masks | Targets,
        how: Forecasting,
    ) -> None:
        self._ensemble, inputs = models
        self._truth, self._how = truth, how
        self._ahead = inputs[0].ahead
        self._past = sorted(-minutes for minutes in inputs[0].input_minutes if minutes < 0)
        self._frames = EnsembleReader(
            [layout.reflectivity(radar, shard) for shard in shards],
            [layout.aligned(radar, shard) for shard in shards],
            inputs,
            layout.atlas(radar),
            layout.static(radar) if how.static else None,
        )
        self._times = set(self._frames.first.times)
        self._cleaned: dict[int, Field] = {}

    def score(self, times: Iterable[int]) -> Iterator[tuple[int, ForecastTally | None]]:
        """Each time, in rising order, and the tally of the forecasts made at it.

        None where it is not known what came, or there is no frame to begin with.
        """
        for time in times:
            truths = [self._came(time + 60 * lead) for lead in self._ahead]
            if time not in self._times or all(truth is None for truth in truths):
                yield time, None
            else:
                yield time, score_forecasts(truths, self._forecast(time), self._how.edges)

    def _came(self, time: int) -> Field | None:
        """What came at a time, None where there is no frame or no reference."""
        if time not in self._times:
            return None
        codes = self._frames.codes(time)
        classes = self._truth.classes(time, codes.shape)
        return None if classes is None else true_field(codes, classes)

    def _forecast(self, time: int) -> list[Sequence[Field]]:
        """What each method says of each lead."""
        now, *ahead = self._ensemble.forecast(self._frames.inputs(time), self._how.tta)
        self._keep(time, now)
        cleaned = self._cleaned[time]
        said: list[Sequence[Field]] = [
            [model_field(one.probability, one.dbz, self._how.threshold) for one in ahead],
            list(persist(cleaned, len(ahead))),
        ]
        if self._how.optical_flow:
            fields, step = self._steps(time)
            said.append(list(carry_on(cleaned, find_motion(fields), [lead / step for lead in self._ahead])))
        return said

    def _steps(self, time: int) -> tuple[list[Field], int]:
        """Cleaned frames of equal steps up to a time, of those that the model reads, and the step in minutes.

        The step is that to the newest past frame that there is.
        """
        there = [minutes for minutes in self._past if time - 60 * minutes in self._times]
        if not there:
            return [self._clean(time)], 1
        step = there[0]
        wanted = [minutes for minutes in (2 * step, step) if minutes in there]
        return [*(self._clean(time - 60 * minutes) for minutes in wanted), self._clean(time)], step

    def _clean(self, time: int) -> Field:
        """The radar's own reflectivity as the model leaves it, without votes, which look a frame ahead."""
        if time not in self._cleaned:
            self._keep(time, self._ensemble.predict_all([self._frames.inputs(time)], self._how.tta)[0])
        return self._cleaned[time]

    def _keep(self, time: int, answer: Prediction) -> None:
        """Remember a cleaned frame, and those before it that are still of use."""
        codes = self._frames.codes(time)
        removed = is_echo(codes) & (answer.probability < self._how.threshold)
        oldest = time - 60 * max(self._past, default=0)
        self._cleaned = {known: field for known, field in self._cleaned.items() if known >= oldest}
        self._cleaned[time] = np.where(removed, NO_RAIN, decode_dbz(codes)).astype(np.float32)
