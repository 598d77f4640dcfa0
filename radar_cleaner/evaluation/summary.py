"""Everything that an evaluation writes: metrics, tables and figures of the scores of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radar_cleaner.evaluation.accumulation import with_all_radars
from radar_cleaner.evaluation.bins import ALL
from radar_cleaner.evaluation.reflectivity_errors import DBZ_EDGES
from radar_cleaner.evaluation.scorer import RadarScorer, Run, Scored
from radar_cleaner.evaluation.tables import (
    calibration_rows,
    curve_rows,
    reflectivity_rows,
    score_rows,
    spread_rows,
)
from radar_cleaner.evaluation.tallies import (
    AGREEMENT,
    MEMBER,
    MODEL,
    ON_HOLES,
    RadarScores,
    references_in_words,
    whole_rows,
)
from radar_cleaner.evaluation.worst_frames import (
    RANGE_EDGES_KM,
    FrameScore,
    choose_worst,
    describe_wrong,
    frame_rows,
    which_frames,
)
from radar_cleaner.plotting import reliability as reliability_figures
from radar_cleaner.plotting import scores as score_figures
from radar_cleaner.plotting import worst_frames as worst_figures
from radar_cleaner.plotting.maps import extent_km
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_json
from radar_cleaner.storage.shards import format_time, to_datetime

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """The rows of each table."""

    scores: list[Row]
    curve: list[Row]
    reflectivity: list[Row]
    calibration: list[Row]
    spread: list[Row]
    frames: list[Row]

    @classmethod
    def of(cls, scored: Scored) -> Tables:
        """Make all tables, with those of all radars together."""
        scores = with_all_radars(scored.by_radar)
        return cls(
            score_rows(scores),
            curve_rows(scores),
            reflectivity_rows(scores),
            calibration_rows(scores),
            spread_rows(scores),
            frame_rows(scored.frames),
        )


def write_evaluation(
    folder: Path, run: Run, scored: Scored, models: Mapping[str, Sequence[Path]], listed: int, fast_dev_run: bool
) -> None:
    """Write metrics.json, the tables and the figures. `models` are the files by model, `listed` the samples."""
    tables = Tables.of(scored)
    worst, panels = _worst_frames(scored.frames, scored.scorers)
    whole, threshold = whole_rows(tables.scores), run.threshold
    write_json(
        folder / "metrics.json",
        {
            **_settings(run, scored, models),
            "fast_dev_run": fast_dev_run,
            "samples": {
                "listed": listed,
                "scored": {radar: scores.frames for radar, scores in scored.by_radar.items()},
                "without_reference": {
                    radar: scores.without_reference for radar, scores in scored.by_radar.items()
                },
            }
            | which_frames(scored.frames),
            "ece": {row["radar"]: row["ece"] for row in whole if row["cleaner"] == MODEL},
            "scores": tables.scores,
            "reflectivity": tables.reflectivity,
            "spread": tables.spread if len(models[MODEL]) > 1 else None,
            "worst_frames": worst,
        },
    )
    _write_table(folder / "scores.csv", [*tables.scores, *tables.reflectivity])
    _write_table(folder / "curve.csv", tables.curve, ["radar", "threshold"])
    _write_table(folder / "calibration.csv", tables.calibration, ["radar", "cleaner"])
    _write_table(folder / "frames.csv", tables.frames, ["radar", "time"])
    figures = {
        "scores": score_figures.scores_figure(whole),
        "curve": score_figures.removal_curve_figure(tables.curve, whole, threshold),
        "calibration": reliability_figures.calibration_figure(tables.calibration, whole),
        "reflectivity": _draw_reflectivity(with_all_radars(scored.by_radar), tables.reflectivity),
        "worst_frames": worst_figures.worst_frames_figure(
            panels,
            RANGE_EDGES_KM,
            "no scored frame has a wrong pixel" if scored.frames else "no frame was scored",
        ),
    }
    for name, png in figures.items():
        write_png(folder / f"{name}.png", png)


def _settings(run: Run, scored: Scored, models: Mapping[str, Sequence[Path]]) -> Row:
    """Return what was scored, against what, and how."""
    members = models[MODEL] if len(models[MODEL]) > 1 else ()
    scores, decision = run.scores, run.decision
    return {
        "reference": references_in_words(scored.references),
        "references": scored.references,
        "model": run.models[MODEL][0].digest,
        "models": {name: ", ".join(map(str, paths)) for name, paths in models.items()}
        | {f"{MEMBER} {number}": str(path) for number, path in enumerate(members, 1)},
        "threshold": run.threshold,
        "votes": decision.votes,
        "dbz_bands": list(scores.dbz_bands),
        "range_bands_km": list(scores.range_bands_km),
        "hole_sizes_px": list(scores.hole_sizes_px) if scores.holes else None,
        "tta": scores.tta,
        "calibrated": decision.calibrated,
    }


def _write_table(path: Path, rows: Sequence[Row], columns_without_rows: Sequence[str] = ()) -> None:
    write_csv(path, pd.DataFrame(rows, columns=None if rows else list(columns_without_rows)))


def _draw_reflectivity(scores: Mapping[str, RadarScores], rows: Sequence[Row]) -> bytes:
    """Draw the estimates by radar, of all radars last as in the other figures."""
    bins = DBZ_EDGES.size - 1
    nothing = dict.fromkeys((ON_HOLES, AGREEMENT), np.zeros((bins, bins), np.int64))
    pairs = {radar: dict(of_radar.fine.pairs) for radar, of_radar in scores.items()} or {"": nothing}
    shown = [row for row in whole_rows(rows) if row["hole_px"] == ALL]
    return reliability_figures.reflectivity_figure(pairs, DBZ_EDGES, shown)


def _worst_frames(
    scores: Sequence[FrameScore], scorers: Mapping[str, RadarScorer]
) -> tuple[list[Row], list[worst_figures.ErrorRow]]:
    """Return the worst frames as rows of metrics.json and as panels of their figure."""
    by_frame = {(row["radar"], row["time"]): row for row in frame_rows(scores)}
    rows, panels = [], []
    for rank, score in enumerate(choose_worst(scores), 1):
        scorer = scorers[score.radar]
        decisions = scorer.decide(score.time)
        lost, left = describe_wrong(decisions, list(scorer.bands.dbz))
        rows.append({**by_frame[score.radar, format_time(score.time)], "lost": lost, "left": left})
        height, width = decisions.codes.shape
        panels.append(
            worst_figures.ErrorRow(
                title=f"{rank}. {score.radar}, {to_datetime(score.time):%Y-%m-%d %H:%M} UTC: "
                f"{score.wrong:,} of {score.scored:,} scored px wrong",
                words=(lost, left),
                picture=scorer.published(score.time),
                codes=decisions.codes,
                reference=decisions.reference,
                lost=decisions.lost,
                left=decisions.left,
                reference_name="the mask" if scorer.reference.kind == "masks" else "the labels (no masks)",
                extent=extent_km((height, width), decisions.geometry.middle_px, decisions.geometry.pixel_km),
            )
        )
    return rows, panels
