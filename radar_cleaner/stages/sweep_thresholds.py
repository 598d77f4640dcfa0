"""Find how much other echo each cleaner removes at fixed shares of meteorological echo kept."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import pandas as pd

from radar_cleaner.config.cleaning import Decision
from radar_cleaner.config.evaluation import CleaningScores
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.evaluation.certain_part import CERTAIN, WHOLE
from radar_cleaner.evaluation.removal import LOST, removal_rows, save_removals, sweep_radar
from radar_cleaner.evaluation.scorer import Run
from radar_cleaner.evaluation.tallies import COMPARED, MODEL
from radar_cleaner.evaluation.threshold_sweep import SHARES
from radar_cleaner.frames.reference_masks import NO_REFERENCES, References
from radar_cleaner.plotting.removal import removal_figure
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv
from radar_cleaner.storage.shards import decode_stores

logger = logging.getLogger(__name__)


def sweep_thresholds(
    *,
    results: Path,
    stores: list[str],
    scored: list[str],
    model: list[Path],
    compare_model: list[Path] | None = None,
    inputs: ModelInputs,
    decision: Decision,
    evaluation: CleaningScores,
    references: References = NO_REFERENCES,
    static: bool = False,
    threads: int = 1,
    code: Path | None = None,
    output: Path,
) -> None:
    """Sweep the cleaners of `evaluation.cleaners` over settings and thresholds on the frames with a reference.

    The whole reference is swept, and the part of it that is certain.

    Parameters
    ----------
    results
        Folder of the stores.
    stores
        Shards of the evaluation period and their neighbours, RADAR=SHARD,FIRST..LAST,...
    scored
        Shards of the evaluation period.
    model
        Model file. Several form an ensemble; its mean and its members are scored.
    compare_model
        Model file of a second model to score. It may use other channels.
    inputs
        Keys of `samples`: input times and use of the clutter atlas. They must be the model's.
    decision
        Keys of `cleaning`: the weight of the labelers.
    evaluation
        Keys of `evaluation`: cleaners.
    references
        Reference masks. The labels are the reference of a radar without masks.
    static
        Use the static stores of the radars.
    threads
        Threads of one process.
    code
        Python file of a user's own network.
    output
        Folder for removal.csv, removal.npz, removal_certain.npz and removal.png.
    """
    cv2.setNumThreads(threads)
    models = {MODEL: model} | ({COMPARED: compare_model} if compare_model else {})
    run = Run.load(results, stores, models, inputs, decision, evaluation, references, static, threads, code)
    sweeps = {}
    for radar, shards in decode_stores(scored).items():
        sweeps[radar] = sweep_radar(run, radar, shards)
        logger.info("%s: all cleaners swept", radar)
    rows = []
    for part, name in ((WHOLE, "removal.npz"), (CERTAIN, "removal_certain.npz")):
        removals = {radar: parts[part].removals for radar, parts in sweeps.items()}
        rows += [{"part": part, **row} for row in removal_rows(removals)]
        save_removals(output / name, removals)
    write_csv(output / "removal.csv", pd.DataFrame(rows))
    envelopes = {radar: parts[WHOLE].envelopes for radar, parts in sweeps.items()}
    thick = [name for parts in sweeps.values() for name in parts[WHOLE].probabilistic]
    write_png(output / "removal.png", removal_figure(envelopes, LOST, SHARES, thick))
