"""Score forecasts of the model beside persistence and optical flow."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from radar_cleaner.config.cleaning import ModelDecision
from radar_cleaner.config.evaluation import ForecastScores
from radar_cleaner.config.samples import ForecastInputs
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.accumulation import with_all_radars
from radar_cleaner.evaluation.forecast_scorer import ForecastRun, score_forecast_samples
from radar_cleaner.evaluation.forecast_tallies import forecast_rows, pixel_rows
from radar_cleaner.evaluation.nowcast_baselines import require_pysteps
from radar_cleaner.frames.reference_masks import NO_REFERENCES, References
from radar_cleaner.inference.ensemble import load_ensemble
from radar_cleaner.plotting.forecasts import forecast_figure
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_json
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.targets.splits import read_samples

logger = logging.getLogger(__name__)

FAST_DEV_SAMPLES = 2


def evaluate_forecasts(
    *,
    results: Path,
    stores: list[str],
    samples: Path,
    model: list[Path],
    inputs: ForecastInputs,
    decision: ModelDecision,
    evaluation: ForecastScores,
    references: References = NO_REFERENCES,
    static: bool = False,
    fast_dev_run: bool = False,
    threads: int = 1,
    code: Path | None = None,
    output: Path,
) -> None:
    """Score a model's forecasts for each lead time, beside persistence and optical flow of its cleaned frames.

    Parameters
    ----------
    results
        Folder of the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    samples
        Table of the (time, radar) to forecast from.
    model
        Model file. Several form an ensemble; its mean is scored.
    inputs
        Keys of `samples`: input and lead times, use of the clutter atlas. They must be the model's.
    decision
        Keys of `cleaning`: the probability from which rain is forecast and echo is kept.
    evaluation
        Keys of `evaluation`: events in dBZ, optical flow.
    references
        Reference masks (1 meteorological, 2 non-meteorological, anything else unknown), pictures of the plot box's
        size. The labels are the reference of a radar without masks.
    static
        Use the static stores of the radars.
    fast_dev_run
        Score only the first two samples.
    threads
        Threads of one process.
    code
        Python file of a user's own network.
    output
        Folder for forecasts.json, the table and the figure.
    """
    if evaluation.optical_flow:
        require_pysteps()
    ensemble = load_ensemble(model, threads, code, decision.calibrated)
    members = ensemble.inputs_for(inputs.input_minutes or ())
    ensemble.check_atlas(inputs.atlas)
    for path, member in zip(model, members, strict=True):
        if inputs.lead_minutes != member.lead_minutes or not member.ahead:
            raise ModelError(
                f"{path}: forecasts {list(member.ahead)} minutes ahead, samples.lead_minutes is"
                f" {list(inputs.lead_minutes)}; set it to the model's, or train a model with yours"
            )
    run = ForecastRun(
        Layout(results), decode_stores(stores), references.sources, ensemble, members, decision, evaluation, static
    )
    listed = read_samples(samples)
    if fast_dev_run:
        listed = listed[:FAST_DEV_SAMPLES]
        logger.warning("fast_dev_run: only the first %d samples are scored", len(listed))
    scored = score_forecast_samples(run, listed, samples)
    scores = with_all_radars(scored.by_radar)
    rows = forecast_rows(scores, run.lead_minutes, evaluation.dbz_bands)
    write_json(
        output / "forecasts.json",
        {
            "references": scored.references,
            "model": ensemble.digest,
            "methods": list(run.methods),
            "lead_minutes": list(run.lead_minutes),
            "threshold": run.threshold,
            "calibrated": decision.calibrated,
            "dbz_bands": list(evaluation.dbz_bands),
            "tta": evaluation.tta,
            "fast_dev_run": fast_dev_run,
            "samples": {"listed": len(listed), "without_observation": scored.unknown},
            "pixels": pixel_rows(scores, run.lead_minutes),
            "scores": rows,
        },
    )
    write_csv(output / "forecasts.csv", pd.DataFrame(rows, columns=None if rows else ["radar", "lead_minutes"]))
    write_png(output / "forecasts.png", forecast_figure(rows))
