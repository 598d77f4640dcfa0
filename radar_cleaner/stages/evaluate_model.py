"""Score the model and other cleaners on the test samples."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.cleaning import Decision
from radar_cleaner.config.evaluation import CleaningScores
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.evaluation.scorer import Run, score_samples
from radar_cleaner.evaluation.summary import write_evaluation
from radar_cleaner.evaluation.tallies import COMPARED, MODEL
from radar_cleaner.frames.reference_masks import NO_REFERENCES, References
from radar_cleaner.targets.splits import read_samples

logger = logging.getLogger(__name__)

FAST_DEV_SAMPLES = 2


def evaluate_model(
    *,
    results: Path,
    stores: list[str],
    samples: Path,
    model: list[Path],
    compare_model: list[Path] | None = None,
    inputs: ModelInputs,
    decision: Decision,
    evaluation: CleaningScores,
    references: References = NO_REFERENCES,
    static: bool = False,
    fast_dev_run: bool = False,
    threads: int = 1,
    code: Path | None = None,
    output: Path,
) -> None:
    """Score the cleaners of `evaluation.cleaners` on each radar's own grid, and examine the model.

    Parameters
    ----------
    results
        Folder of the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    samples
        Table of the (time, radar) to score.
    model
        Model file. Several form an ensemble; its mean and its members are scored.
    compare_model
        Model file of a second model to score. It may use other channels.
    inputs
        Keys of `samples`: input times and use of the clutter atlas. They must be the model's.
    decision
        Keys of `cleaning`: the decision that keeps or removes an echo.
    evaluation
        Keys of `evaluation`: cleaners, bands, inpainting masks.
    references
        Reference masks (1 meteorological, 2 non-meteorological, anything else not scored), pictures of the plot
        box's size. The labels are the reference of a radar without masks.
    static
        Use the static stores of the radars.
    fast_dev_run
        Score only the first two samples.
    threads
        Threads of one process.
    code
        Python file of a user's own network.
    output
        Folder for metrics.json, tables and figures.
    """
    models = {MODEL: model} | ({COMPARED: compare_model} if compare_model else {})
    run = Run.load(results, stores, models, inputs, decision, evaluation, references, static, threads, code)
    listed = read_samples(samples)
    if fast_dev_run:
        listed = listed[:FAST_DEV_SAMPLES]
        logger.warning("fast_dev_run: only the first %d samples are scored", len(listed))
    scored = score_samples(run, listed, samples)
    write_evaluation(output, run, scored, models, len(listed), fast_dev_run)
    frames = {radar: scores.frames for radar, scores in scored.by_radar.items()}
    without = {radar: scores.without_reference for radar, scores in scored.by_radar.items()}
    logger.info("frames scored: %s; without a reference: %s", frames, without)
    if not sum(frames.values()):
        logger.warning("no sample of %s has a reference: there are no scores", samples)
