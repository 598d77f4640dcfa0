"""Score labels, classical mask and model on the test samples."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import pandas as pd

from radar_cleaner import error_figures, figures
from radar_cleaner.errors import ConfigError, SampleError
from radar_cleaner.evaluation import (
    ALL_BANDS,
    CLEANERS,
    RadarScores,
    curve_rows,
    reflectivity_rows,
    score_rows,
    with_total,
)
from radar_cleaner.inference import load_cleaner
from radar_cleaner.layout import Layout
from radar_cleaner.map_figures import extent_km
from radar_cleaner.names import NameFormat
from radar_cleaner.radar_scoring import Masks, RadarScorer, Scoring, Targets
from radar_cleaner.samples import read_samples
from radar_cleaner.shards import decode_stores, format_time, to_datetime
from radar_cleaner.tables import write_csv, write_json
from radar_cleaner.worst_frames import (
    RANGE_EDGES_KM,
    FrameScore,
    choose_worst,
    describe_wrong,
    frame_rows,
)

log = logging.getLogger(__name__)

_FAST_DEV_SAMPLES = 2
_LINES = 5  # on its progress in the log, at most


def evaluate_model(
    *,
    results: Path,
    stores: list[str],
    samples: Path,
    model: Path,
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
    holes: bool,
    hole_size: int,
    tta: bool,
    static: bool,
    fast_dev_run: bool,
    threads: int,
    output: Path,
    scores: Path,
    curve: Path,
    scores_figure: Path,
    curve_figure: Path,
    frames: Path,
    worst_figure: Path,
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
        Model file.
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
        Increasing edges of the bands of reflectivity that are scored apart.
    holes
        Whether to hide parts of the frames from the model, and score its reflectivity there.
    hole_size
        Width of such a hole in pixels.
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
        Table of scores by radar, cleaner and band.
    curve
        Table of removal against retention over thresholds.
    scores_figure
        Picture of the scores.
    curve_figure
        Picture of the curve.
    frames
        Table of the frames: scored echo, what the model judges wrongly.
    worst_figure
        Picture of the worst of them.
    """
    if sorted(set(dbz_bands)) != dbz_bands:
        raise ConfigError(f"evaluation.dbz_bands {dbz_bands}: the edges must increase, as in [20, 35, 50]")
    layout, paths = Layout(results), [model, *([compare_model] if compare_model else [])]
    cleaners = [load_cleaner(path, threads) for path in paths]
    models = [(cleaner, cleaner.inputs_for(input_minutes)) for cleaner in cleaners]
    cleaners[0].check_atlas(atlas)
    names = {
        radar: NameFormat(*parts)
        for radar, *parts in zip(radars or [], pattern or [], time_format or [], time_zone or [], strict=True)
    }
    how = Scoring(threshold, votes, dbz_bands, hole_size if holes else None, tta, static)
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
        by_radar[radar] = RadarScores(len(dbz_bands) + 1, cleaners=2 + len(models))
        for time, tally in scorers[radar].score(time for time, _ in of_radar):
            if tally is None:
                by_radar[radar].without_reference += 1
            else:
                by_radar[radar].add(time, tally)
                by_frame.append(FrameScore.of(radar, time, tally))
    found = with_total(by_radar)
    rows, curve_points = score_rows(found, dbz_bands), curve_rows(found)
    reflectivity = reflectivity_rows(found, dbz_bands)
    scored = {radar: found.total.frames for radar, found in by_radar.items()}
    worst_rows, worst_picture = _show_worst(by_frame, scorers)
    without = {radar: found.without_reference for radar, found in by_radar.items()}
    write_json(
        output,
        {
            "reference": _in_words(kinds),
            "references": kinds,
            "model": cleaners[0].digest,
            "models": dict(zip(CLEANERS[2:], map(str, paths), strict=False)),
            "threshold": threshold,
            "votes": votes,
            "dbz_bands": dbz_bands,
            "hole_size": how.hole_size,
            "tta": tta,
            "fast_dev_run": fast_dev_run,
            "samples": {"listed": len(wanted), "scored": scored, "without_reference": without},
            "scores": rows,
            "reflectivity": reflectivity,
            "worst_frames": worst_rows,
        },
    )
    write_csv(scores, pd.DataFrame([*rows, *reflectivity]))
    write_csv(curve, pd.DataFrame(curve_points, columns=None if curve_points else ["radar", "threshold"]))
    whole = [row for row in rows if row["band"] == ALL_BANDS]
    figures.write_png(scores_figure, figures.scores_figure(whole))
    figures.write_png(curve_figure, figures.removal_curve_figure(curve_points, whole, threshold))
    frame_table = pd.DataFrame(frame_rows(by_frame), columns=None if by_frame else ["radar", "time"])
    write_csv(frames, frame_table)
    figures.write_png(worst_figure, worst_picture)
    log.info("frames scored: %s; without a reference: %s", scored, without)
    if not sum(scored.values()):
        log.warning("no sample of %s has a reference: there are no scores", samples)


def _told(samples: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The samples, while the log is told how far they are."""
    started = perf_counter()
    for done, sample in enumerate(samples, 1):
        yield sample
        if done * _LINES % len(samples) < _LINES:  # as often as done / len(samples) passes a fifth
            log.info("%d of %d samples done, %.2f s each", done, len(samples), (perf_counter() - started) / done)


def _in_words(kinds: dict[str, str]) -> str:
    """`masks`, `labels`, or which radars have which."""
    if len(set(kinds.values())) == 1:
        return next(iter(kinds.values()))
    parts = {kind: [radar for radar in kinds if kinds[radar] == kind] for kind in ("masks", "labels")}
    return "; ".join(f"{kind} of {', '.join(names)}" for kind, names in parts.items())


def _show_worst(
    scores: Sequence[FrameScore], scorers: dict[str, RadarScorer]
) -> tuple[list[dict[str, Any]], bytes]:
    """The worst frames as rows of metrics.json, and their picture."""
    by_frame = {(row["radar"], row["time"]): row for row in frame_rows(scores)}
    rows, panels = [], []
    for rank, score in enumerate(choose_worst(scores), 1):
        scorer = scorers[score.radar]
        judged = scorer.judge(score.time)
        lost, left = describe_wrong(judged, scorer.how.dbz_bands)
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
