"""Score labels, classical mask and model on the test samples."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pandas as pd

from radar_cleaner.errors import SampleError
from radar_cleaner.evaluation.bins import ALL, Bands
from radar_cleaner.evaluation.reflectivity_errors import DBZ_EDGES
from radar_cleaner.evaluation.scorer import Masks, RadarScorer, Scoring, Targets
from radar_cleaner.evaluation.tables import (
    calibration_rows,
    curve_rows,
    reflectivity_rows,
    score_rows,
    spread_rows,
)
from radar_cleaner.evaluation.tallies import (
    AGREEMENT,
    COMPARED,
    MEMBER,
    MODEL,
    ON_HOLES,
    RadarScores,
    references_in_words,
    whole_rows,
    with_total,
)
from radar_cleaner.evaluation.worst_frames import (
    RANGE_EDGES_KM,
    FrameScore,
    choose_worst,
    describe_wrong,
    frame_rows,
    which_frames,
)
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.inference.ensemble import load_ensemble
from radar_cleaner.plotting import reliability as accuracy_figures
from radar_cleaner.plotting import scores as figures
from radar_cleaner.plotting import worst_frames as error_figures
from radar_cleaner.plotting.maps import extent_km
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_json
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import decode_stores, format_time, to_datetime
from radar_cleaner.targets.splits import read_samples

log = logging.getLogger(__name__)

_FAST_DEV_SAMPLES = 2
_LINES = 5  # on its progress in the log, at most


def evaluate_model(
    *,
    results: Path,
    stores: list[str],
    samples: Path,
    model: list[Path],
    compare_model: Path | None = None,
    input_minutes: list[int],
    atlas: Literal["mask", "channel", "none"],
    reference: Path | None = None,
    radars: list[str] | None = None,
    pattern: list[str] | None = None,
    time_format: list[str] | None = None,
    time_zone: list[str] | None = None,
    threshold: float,
    votes: float,
    dbz_bands: list[float],
    range_bands: list[float],
    holes: bool,
    hole_sizes: list[int],
    tta: bool,
    static: bool,
    fast_dev_run: bool,
    threads: int,
    output: Path,
    scores: Path,
    curve: Path,
    calibration: Path,
    scores_figure: Path,
    curve_figure: Path,
    calibration_figure: Path,
    reflectivity_figure: Path,
    frames: Path,
    worst_figure: Path,
    calibrated: bool = False,
    code: Path | None = None,
) -> None:
    """Score the weak label, the label with the clutter mask, and the model, on each radar's own grid.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        Shards of the evaluation period, RADAR=SHARD,FIRST..LAST,...
    samples
        Table of the (time, radar) to score.
    model
        Model file; several are an ensemble, whose mean is scored, and its members beside it.
    compare_model
        Model file of a second model, to be scored beside it. It may use other channels.
    input_minutes
        Minutes from a frame to those that the model reads with it.
    atlas
        What the clutter atlas does: `mask`, `channel` or `none`; it must be the model's.
    reference
        Folder with a folder of masks for each radar (1 meteorological, 2 non-meteorological, anything else
        not scored), pictures of the plot box's size. Where a radar has none the training targets are its
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
        Echo with at least this probability of being meteorological is kept.
    votes
        What the votes count beside a model: their log-odds times this are added to its; 0 leaves them out.
    dbz_bands
        Increasing edges in dBZ of the bands of reflectivity that are scored apart.
    range_bands
        Increasing edges in km of the bands of distance from the radar that are scored apart.
    holes
        Whether to hide parts of the frames from the model, and score its reflectivity there.
    hole_sizes
        Increasing widths of such holes in pixels; all are in each frame, in parts of it.
    static
        Whether the radars' static stores were made for this run.
    tta
        Whether the model judges each frame eight times, flipped and turned, and answers by the mean.
    fast_dev_run
        Whether to score only the first two samples, to see that all of it runs.
    threads
        Threads of one process.
    output
        metrics.json.
    scores
        Table of scores by radar, cleaner, range and band.
    curve
        Table of removal against retention over thresholds.
    calibration
        Table of how often echo of a probability is meteorological.
    scores_figure
        Picture of the scores.
    curve_figure
        Picture of the curve.
    calibration_figure
        Picture of that frequency against the probability.
    reflectivity_figure
        Picture of the model's reflectivity against the radar's.
    frames
        Table of the frames: scored echo, what the model judges wrongly.
    worst_figure
        Picture of the worst of them.
    calibrated
        Whether models are as sure as their training found that they may be (their temperature).
    code
        Python file of a network of your own.
    """
    bands = Bands(tuple(dbz_bands), tuple(range_bands), tuple(hole_sizes) if holes else ())
    layout, groups = Layout(results), [model, *([[compare_model]] if compare_model else [])]
    ensembles = [load_ensemble(paths, threads, code, calibrated) for paths in groups]
    models = [(ensemble, ensemble.inputs_for(input_minutes)) for ensemble in ensembles]
    ensembles[0].check_atlas(atlas)
    names = {
        radar: NameFormat(*parts)
        for radar, *parts in zip(radars or [], pattern or [], time_format or [], time_zone or [], strict=True)
    }
    how = Scoring(threshold, votes, bands, tta, static)
    kinds: dict[str, str] = {}
    by_radar: dict[str, RadarScores] = {}
    scorers: dict[str, RadarScorer] = {}
    by_frame: list[FrameScore] = []
    shards, wanted = decode_stores(stores), read_samples(samples)
    if fast_dev_run:
        wanted = wanted[:_FAST_DEV_SAMPLES]
        log.warning("fast_dev_run: only the first %d samples are scored", len(wanted))
    for radar, of_radar in groupby(_told(sorted(wanted, key=itemgetter(1))), key=itemgetter(1)):
        if radar not in shards:
            raise SampleError(f"{samples}: radar {radar} has no stores; they hold {sorted(shards)}")
        truth: Masks | Targets = Targets(layout, radar, shards[radar])
        if reference and (reference / radar).is_dir():
            truth = Masks(reference / radar, names[radar])
        kinds[radar] = truth.kind
        scorers[radar] = RadarScorer(layout, radar, shards[radar], models, truth, how)
        by_radar[radar] = RadarScores(bands, scorers[radar].names)
        for time, tally in scorers[radar].score(time for time, _ in of_radar):
            if tally is None:
                by_radar[radar].without_reference += 1
            else:
                by_radar[radar].add(time, tally)
                by_frame.append(FrameScore.of(radar, time, tally))
    found = with_total(by_radar)
    rows, curve_points = score_rows(found), curve_rows(found)
    reflectivity, reliability = reflectivity_rows(found), calibration_rows(found)
    whole = whole_rows(rows)
    scored = {radar: found.frames for radar, found in by_radar.items()}
    worst_rows, worst_picture = _show_worst(by_frame, scorers)
    without = {radar: found.without_reference for radar, found in by_radar.items()}
    write_json(
        output,
        {
            "reference": references_in_words(kinds),
            "references": kinds,
            "model": ensembles[0].digest,
            "models": _name_models(model, compare_model),
            "threshold": threshold,
            "votes": votes,
            "dbz_bands": dbz_bands,
            "range_bands_km": range_bands,
            "hole_sizes_px": hole_sizes if holes else None,
            "tta": tta,
            "calibrated": calibrated,
            "fast_dev_run": fast_dev_run,
            "samples": {"listed": len(wanted), "scored": scored, "without_reference": without}
            | which_frames(by_frame),
            "ece": {row["radar"]: row["ece"] for row in whole if row["cleaner"] == "model"},
            "scores": rows,
            "reflectivity": reflectivity,
            "spread": spread_rows(found) if len(model) > 1 else None,
            "worst_frames": worst_rows,
        },
    )
    write_csv(scores, pd.DataFrame([*rows, *reflectivity]))
    write_csv(curve, pd.DataFrame(curve_points, columns=None if curve_points else ["radar", "threshold"]))
    write_csv(calibration, pd.DataFrame(reliability, columns=None if reliability else ["radar", "cleaner"]))
    write_png(scores_figure, figures.scores_figure(whole))
    write_png(curve_figure, figures.removal_curve_figure(curve_points, whole, threshold))
    write_png(calibration_figure, accuracy_figures.calibration_figure(reliability, whole))
    write_png(reflectivity_figure, _draw_reflectivity(found, reflectivity))
    frame_table = pd.DataFrame(frame_rows(by_frame), columns=None if by_frame else ["radar", "time"])
    write_csv(frames, frame_table)
    write_png(worst_figure, worst_picture)
    log.info("frames scored: %s; without a reference: %s", scored, without)
    if not sum(scored.values()):
        log.warning("no sample of %s has a reference: there are no scores", samples)


def _name_models(model: Sequence[Path], compared: Path | None) -> dict[str, str]:
    """The files of the models by their names in the tables."""
    told = {MODEL: ", ".join(map(str, model))} | ({COMPARED: str(compared)} if compared else {})
    members = {f"{MEMBER} {number}": str(path) for number, path in enumerate(model, 1)}
    return told | (members if len(model) > 1 else {})


def _told(samples: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The samples, while the log is told how far they are."""
    started = perf_counter()
    for done, sample in enumerate(samples, 1):
        yield sample
        if done * _LINES % len(samples) < _LINES:  # as often as done / len(samples) passes a fifth
            log.info("%d of %d samples done, %.2f s each", done, len(samples), (perf_counter() - started) / done)


def _draw_reflectivity(found: Mapping[str, RadarScores], rows: Sequence[dict[str, Any]]) -> bytes:
    """The estimates by radar, of all radars last as in the other pictures."""
    nothing = np.zeros((2, DBZ_EDGES.size - 1, DBZ_EDGES.size - 1), np.int64)
    pairs = {radar: scores.total.pairs for radar, scores in found.items()} or {"": nothing}
    by_measure = {radar: dict(zip((ON_HOLES, AGREEMENT), both, strict=True)) for radar, both in pairs.items()}
    told = [row for row in whole_rows(rows) if row["hole_px"] == ALL]
    return accuracy_figures.reflectivity_figure(by_measure, DBZ_EDGES, told)


def _show_worst(
    scores: Sequence[FrameScore], scorers: dict[str, RadarScorer]
) -> tuple[list[dict[str, Any]], bytes]:
    """The worst frames as rows of metrics.json, and their picture."""
    by_frame = {(row["radar"], row["time"]): row for row in frame_rows(scores)}
    rows, panels = [], []
    for rank, score in enumerate(choose_worst(scores), 1):
        scorer = scorers[score.radar]
        judged = scorer.judge(score.time)
        lost, left = describe_wrong(judged, list(scorer.how.bands.dbz))
        rows.append({**by_frame[score.radar, format_time(score.time)], "lost": lost, "left": left})
        height, width = judged.codes.shape
        panels.append(
            error_figures.ErrorRow(
                title=f"{rank}. {score.radar}, {to_datetime(score.time):%Y-%m-%d %H:%M} UTC: "
                f"{score.wrong:,} of {score.scored:,} scored px wrong",
                words=(lost, left),
                picture=scorer.picture(score.time),
                codes=judged.codes,
                reference=judged.reference,
                lost=judged.lost,
                left=judged.left,
                judge="the mask says" if scorer.truth.kind == "masks" else "the labels say (there are no masks)",
                extent=extent_km((height, width), judged.center_px, judged.metres_per_pixel),
            )
        )
    why_none = "no scored frame has a wrong pixel" if scores else "no frame was scored"
    return rows, error_figures.worst_frames_figure(panels, RANGE_EDGES_KM, why_none)
