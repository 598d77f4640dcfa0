"""Score forecasts of the model beside persistence and optical flow."""

from __future__ import annotations

import logging
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Literal

import pandas as pd

from radar_cleaner.errors import ConfigError, ModelError, SampleError
from radar_cleaner.evaluation.forecast_scorer import Forecasting, RadarForecaster
from radar_cleaner.evaluation.forecast_tallies import (
    METHODS,
    RadarForecasts,
    event_names,
    forecast_rows,
    pixel_rows,
    with_all_radars,
)
from radar_cleaner.evaluation.nowcast_baselines import require_pysteps
from radar_cleaner.evaluation.scorer import Masks, Targets
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.inference.ensemble import load_ensemble
from radar_cleaner.plotting.forecasts import forecast_figure
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_json
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.targets.splits import read_samples

log = logging.getLogger(__name__)

_FAST_DEV_SAMPLES = 2


def evaluate_forecasts(
    *,
    results: Path,
    stores: list[str],
    samples: Path,
    model: list[Path],
    input_minutes: list[int],
    lead_minutes: list[int],
    atlas: Literal["mask", "channel", "none"],
    reference: Path | None = None,
    radars: list[str] | None = None,
    pattern: list[str] | None = None,
    time_format: list[str] | None = None,
    time_zone: list[str] | None = None,
    threshold: float,
    dbz_bands: list[float],
    optical_flow: bool,
    tta: bool,
    static: bool,
    fast_dev_run: bool,
    threads: int,
    output: Path,
    scores: Path,
    figure: Path,
    code: Path | None = None,
    calibrated: bool = False,
) -> None:
    """Score what the model says of the frames ahead, beside its own cleaned frames as they lie, and moved on.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    samples
        Table of the (time, radar) to forecast from.
    model
        Model files; of several, an ensemble, the mean counts.
    input_minutes
        Minutes from a frame to those that the model reads with it.
    lead_minutes
        Minutes from a frame to those that the model is asked for; they must be the model's.
    atlas
        What the clutter atlas does: `mask`, `channel` or `none`; it must be the model's.
    reference
        Folder with a folder of masks for each radar (1 meteorological, 2 non-meteorological, anything else of
        an echo not scored), pictures of the plot box's size. Where a radar has none the training targets are its
        reference.
    radars
        The radars, in the order of the next three.
    pattern
        Of each radar: regular expression whose first group is the time in a mask's file name.
    time_format
        Of each radar: how that time is written, as strptime has it.
    time_zone
        Of each radar: time zone of the names.
    threshold
        Rain is forecast where it is at least so probable; an echo of at least this probability is carried on.
    dbz_bands
        Increasing dBZ from each of which on rain is an event that is scored.
    optical_flow
        Whether to score what moves on by optical flow, too (pysteps).
    tta
        Whether the model judges each frame eight times, flipped and turned, and answers by the mean.
    static
        Whether the radars' static stores were made for this run.
    fast_dev_run
        Whether to score only the first two samples, to see that all of it runs.
    threads
        Threads of one process.
    output
        forecasts.json.
    scores
        Table of scores by radar, lead, event and method.
    figure
        Picture of the scores.
    code
        Python file of a network of your own.
    calibrated
        Whether models are as sure of a frame's own echoes as their training found that they may be.
    """
    if optical_flow:
        require_pysteps()
    if sorted(set(dbz_bands)) != dbz_bands:
        raise ConfigError(f"evaluation.dbz_bands {dbz_bands}: the edges must increase, as in [20, 35, 50]")
    ensemble = load_ensemble(model, threads, code, calibrated)
    inputs = ensemble.inputs_for(input_minutes)
    ensemble.check_atlas(atlas)
    for path, one in zip(model, inputs, strict=True):
        if tuple(lead_minutes) != one.lead_minutes or not one.ahead:
            raise ModelError(
                f"{path}: forecasts {list(one.ahead)} minutes ahead, samples.lead_minutes says {lead_minutes};"
                " set it to the model's, or train a model with yours"
            )
    ahead = inputs[0].ahead
    how = Forecasting(threshold, dbz_bands, tta, static, optical_flow)
    shards, wanted = decode_stores(stores), read_samples(samples)
    if fast_dev_run:
        wanted = wanted[:_FAST_DEV_SAMPLES]
        log.warning("fast_dev_run: only the first %d samples are scored", len(wanted))
    names = {
        radar: NameFormat(*parts)
        for radar, *parts in zip(radars or [], pattern or [], time_format or [], time_zone or [], strict=True)
    }
    kinds: dict[str, str] = {}
    unknown: dict[str, int] = {}
    by_radar: dict[str, RadarForecasts] = {}
    methods = METHODS if optical_flow else METHODS[:-1]
    for radar, of_radar in groupby(sorted(wanted, key=itemgetter(1, 0)), key=itemgetter(1)):
        if radar not in shards:
            raise SampleError(f"{samples}: radar {radar} has no stores; they hold {sorted(shards)}")
        truth: Masks | Targets = Targets(Layout(results), radar, shards[radar])
        if reference and (reference / radar).is_dir():
            truth = Masks(reference / radar, names[radar])
        kinds[radar], unknown[radar] = truth.kind, 0
        by_radar[radar] = RadarForecasts(len(ahead), len(methods), len(event_names(dbz_bands)))
        forecaster = RadarForecaster(Layout(results), radar, shards[radar], (ensemble, inputs), truth, how)
        for time, tally in forecaster.score(time for time, _ in of_radar):
            if tally is None:
                unknown[radar] += 1
            else:
                by_radar[radar].add(time, tally)
        log.info("%s: scored %s frames by lead", radar, by_radar[radar].total.frames.tolist())
    found = with_all_radars(by_radar)
    rows = forecast_rows(found, ahead, dbz_bands)
    write_json(
        output,
        {
            "references": kinds,
            "model": ensemble.digest,
            "methods": list(methods),
            "lead_minutes": list(ahead),
            "threshold": threshold,
            "calibrated": calibrated,
            "dbz_bands": dbz_bands,
            "tta": tta,
            "fast_dev_run": fast_dev_run,
            "samples": {"listed": len(wanted), "nothing_came_known": unknown},
            "pixels": pixel_rows(found, ahead),
            "scores": rows,
        },
    )
    write_csv(scores, pd.DataFrame(rows, columns=None if rows else ["radar", "lead_minutes"]))
    write_png(figure, forecast_figure(rows))
