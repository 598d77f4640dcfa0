"""Write the report, one HTML page that needs nothing beside it, and the coverage table."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from radar_cleaner import __version__
from radar_cleaner.evaluation.accumulation import ALL_RADARS
from radar_cleaner.evaluation.tallies import AGREEMENT, MODEL, ON_HOLES, WEAK_LABEL, shown_cleaners, whole_rows
from radar_cleaner.plotting.training import learning_curves_figure
from radar_cleaner.report.costs import add_costs, read_costs
from radar_cleaner.report.coverage import ShardFrames, count_coverage
from radar_cleaner.report.page import (
    choose_frames,
    count_made,
    count_of,
    inline_svg,
    labeler_table,
    list_warnings,
    picture,
    reflectivity_table,
    render_report,
    score_table,
    utc,
)
from radar_cleaner.report.pictures import RadarPictures, Shown, draw_composite, draw_overlap
from radar_cleaner.storage.atomic import write_csv, write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries, open_store, store_path
from radar_cleaner.storage.shards import decode_stores, parse_time

log = logging.getLogger(__name__)

SHOWN_REJECTS = 500
SHOWN_OVERLAPS = 6


def write_report(
    *,
    results: Path,
    stores: list[str],
    cadence_minutes: float,
    period: list[str] | None = None,
    evaluated: bool = False,
    trained: bool = False,
    labelled: list[str] | None = None,
    learned_from: list[str] | None = None,
    atlases: list[Path] | None = None,
    max_frames: int,
    rule_graph: Path | None = None,
    run_started: Path | None = None,
    coverage: Path,
    output: Path,
) -> None:
    """Write the report and the coverage table.

    Parameters
    ----------
    results
        Folder that holds the stores.
    stores
        All shards of the run, RADAR=SHARD,FIRST..LAST,...
    cadence_minutes
        Minutes from one frame to the next.
    period
        START/END, ... (ISO 8601) in which frames are expected; without it from a radar's first frame to its last.
    evaluated
        Whether the run has scores.
    trained
        Whether the run has trained its model, and so has a history.
    labelled
        Shards whose echoes are labelled, as `stores`.
    learned_from
        Shards of the training, as `stores`: the report counts what the labelers found in them.
    atlases
        Atlas stores to show, where the run has them.
    max_frames
        How many frames to show before and after cleaning.
    rule_graph
        Drawing of the rules as SVG.
    run_started
        File written when the run began: older stores count as reused. Without it all are made.
    coverage
        Coverage table to write.
    output
        HTML page to write.
    """
    layout, shards = Layout(results), decode_stores(stores)
    table, rejects = _read_coverage(layout, shards, cadence_minutes, [_parse_part(part) for part in period or []])
    write_csv(coverage, table)
    started = run_started.stat().st_mtime if run_started and run_started.exists() else None
    with_labels = decode_stores(labelled or [])
    radars = {
        radar: _open_radar(layout, radar, names, with_labels.get(radar, [])) for radar, names in shards.items()
    }
    counts = [count for radar in radars.values() for count in radar.count_frames()]
    times = [time for radar in radars.values() for time in radar.rgb.times]
    metrics = json.loads((results / "evaluation" / "metrics.json").read_text()) if evaluated else None
    history = pd.read_csv(results / "model" / "history.csv") if trained else None
    costs = [cost for cost in read_costs(results / "benchmarks") if cost.rule != "write_report"]  # not at its end
    totals = {name: int(table[name].sum()) for name in ("found", "read", "rejected", "missing")}
    chosen = choose_frames(counts, max_frames)
    text = render_report(
        version=__version__,
        radars=sorted(shards),
        period=(utc(min(times)), utc(max(times))) if times else None,
        started=utc(int(started)) if started else None,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        warnings=list_warnings(metrics) if metrics else [],
        cards=_cards(results, totals, metrics, history),
        frames=[radars[choice.frame.radar].draw_cleaning(choice) for choice in chosen],
        composites=_draw_composites(layout, shards, radars, [choice.frame.time for choice in chosen[::-1]]),
        labels=_draw_label(radars, [(choice.frame.radar, choice.frame.time) for choice in chosen]),
        atlases=_draw_atlases(atlases or [], radars),
        labelers=labeler_table(_labeler_rows(layout, decode_stores(learned_from or []))),
        overlaps=_draw_overlaps(layout, radars),
        metrics=metrics,
        **(_score_values(results, metrics) if metrics else {}),
        history_picture=None if history is None else picture(learning_curves_figure(history)),
        history_note=None if history is None else _history_note(history),
        cadence=f"{cadence_minutes:g}",
        coverage=table.to_dict("records"),
        totals=totals,
        rejects=rejects[:SHOWN_REJECTS],
        rejects_left_out=len(rejects) - len(rejects[:SHOWN_REJECTS]),
        made_table=_made_table(layout, shards, atlases or [], trained, evaluated, started),
        costs=[*costs, add_costs("all", costs)] if costs else [],
        rule_graph=inline_svg(rule_graph.read_text("utf-8"), str(rule_graph)) if rule_graph else None,
        places=_places(layout, shards),
    )
    write_text(output, text)
    log.info("report of %s, %d of them shown: %s", count_of(totals["read"], "frame"), len(chosen), output)


def _read_coverage(
    layout: Layout, shards: dict[str, list[str]], cadence_minutes: float, period: list[tuple[int, int]]
) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """The coverage table, and every reject as radar, file, reason."""
    rejects: list[dict[str, str]] = []

    def read(path: Path, radar: str) -> int:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        rejects.extend(
            {"radar": radar, "file": file, "reason": reason}
            for file, reason in zip(table["file"], table["reason"], strict=True)
        )
        return len(table)

    parts = {
        radar: [
            ShardFrames(
                shard,
                open_store(layout.rgb(radar, shard), "rgb").times.tolist(),
                read(layout.rejects(radar, shard), radar),
            )
            for shard in names
        ]
        for radar, names in shards.items()
    }
    unplaced = {radar: read(layout.unplaced(radar), radar) for radar in shards if layout.unplaced(radar).exists()}
    return count_coverage(parts, unplaced, cadence_minutes, period), rejects


def _parse_part(text: str) -> tuple[int, int]:
    start, _, end = text.partition("/")
    return parse_time(start), parse_time(end)


def _open_radar(layout: Layout, radar: str, shards: Sequence[str], labelled: Sequence[str]) -> RadarPictures:
    return RadarPictures.of(
        radar,
        TimeSeries([layout.rgb(radar, shard) for shard in shards], "rgb"),
        TimeSeries([layout.reflectivity(radar, shard) for shard in shards], "reflectivity"),
        TimeSeries([layout.labels(radar, shard) for shard in labelled], "labels"),
        TimeSeries([layout.cleaned(radar, shard) for shard in shards], "product"),
    )


def _draw_label(radars: dict[str, RadarPictures], frames: Sequence[tuple[str, int]]) -> list[Shown]:
    """The weak label of the first of these frames that has one, if any."""
    labelled = [(radar, time) for radar, time in frames if time in radars[radar].labels.times]
    return [radars[radar].draw_label(time) for radar, time in labelled[:1]]


def _labeler_rows(layout: Layout, shards: dict[str, list[str]]) -> Iterator[dict[Any, Any]]:
    for radar, names in shards.items():
        for shard in names:
            yield from pd.read_csv(layout.labelers(radar, shard)).to_dict("records")


def _draw_atlases(paths: Sequence[Path], radars: dict[str, RadarPictures]) -> list[Shown]:
    stores = [open_store(path, "atlas") for path in paths]
    return [
        radars[store.attrs["radar"]].draw_atlas(store)
        for store in sorted(stores, key=lambda store: str(store.attrs["radar"]))
        if radars[store.attrs["radar"]].world is not None
    ]


def _draw_overlaps(layout: Layout, radars: dict[str, RadarPictures]) -> list[Shown]:
    """Each two radars that have a map, each on the other's grid."""
    names = sorted(name for name, radar in radars.items() if radar.world is not None)
    couples = [(first, second) for first in names for second in names if first < second]
    return [
        draw_overlap(
            [
                (radars[target], radars[radar], open_store(layout.warp(target, radar), "warp"))
                for target, radar in (couple, couple[::-1])
            ]
        )
        for couple in couples[:SHOWN_OVERLAPS]
    ]


def _draw_composites(
    layout: Layout, shards: dict[str, list[str]], radars: dict[str, RadarPictures], times: Sequence[int]
) -> list[Shown]:
    """The composite of several radars at the first of these times that it has, if any."""
    names = sorted({shard for shards_of in shards.values() for shard in shards_of})
    paths = [layout.composite(name) for name in names if layout.composite(name).exists()]
    if len(radars) < 2 or not paths:
        return []
    series = TimeSeries(paths, "product")
    known = set(series.times)
    shown = [time for time in times if time in known][:1]
    return [draw_composite(series, time, radars) for time in shown]


def _score_values(results: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    folder = results / "evaluation"
    return {
        "cleaners": shown_cleaners(metrics["scores"]),
        "intervals": any(row["retention_low"] is not None for row in metrics["scores"]),
        "measures": (ON_HOLES, AGREEMENT),
        "score_table": score_table(metrics["scores"]),
        "reflectivity_table": reflectivity_table(metrics["reflectivity"]),
        "scores_picture": picture((folder / "scores.png").read_bytes()),
        "curve_picture": picture((folder / "curve.png").read_bytes()),
        "calibration_picture": picture((folder / "calibration.png").read_bytes()),
        "reflectivity_picture": picture((folder / "reflectivity.png").read_bytes()),
        "areas": [row for row in whole_rows(metrics["scores"]) if row["roc_auc"] is not None],
        "worst_picture": picture((folder / "worst_frames.png").read_bytes()),
    }


def _history_note(history: pd.DataFrame) -> str:
    epochs = count_of(len(history), "epoch")
    return f"{epochs}. Training: crops, while the weights changed; validation: whole frames, at the epoch's end."


def _cards(
    results: Path, totals: dict[str, int], metrics: dict[str, Any] | None, history: pd.DataFrame | None
) -> list[dict[str, str]]:
    """The few numbers at the top."""
    cards = [
        ("frames read", f"{totals['read']:,}", f"of {totals['found']:,} found"),
        ("rejected", f"{totals['rejected']:,}", f"and {totals['missing']:,} missing"),
    ]
    if history is not None:
        train, val = (len(pd.read_csv(results / "samples" / f"{name}.csv")) for name in ("train", "val"))
        epochs = count_of(len(history), "epoch")
        cards.append(("samples learnt from", f"{train:,}", f"{val:,} to validate, {epochs}"))
    whole = whole_rows(metrics["scores"]) if metrics else []
    if whole:
        radar = ALL_RADARS if any(row["radar"] == ALL_RADARS for row in whole) else whole[0]["radar"]
        by_name = {row["cleaner"]: row for row in whole if row["radar"] == radar}
        for score, name in (("retention", "weather kept"), ("removal", "other echo removed")):
            value, label = (_percent(by_name.get(cleaner, {}).get(score)) for cleaner in (MODEL, WEAK_LABEL))
            cards.append((f"{name} by the model", value, f"weak label alone: {label}"))
    return [{"name": name, "value": value, "note": note} for name, value, note in cards]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _made_table(
    layout: Layout,
    shards: dict[str, list[str]],
    atlases: Sequence[Path],
    trained: bool,
    evaluated: bool,
    started: float | None,
) -> list[tuple[str, int, int]]:
    every = [(radar, shard) for radar, names in shards.items() for shard in names]
    files = {
        "build_rgb_store": [layout.rgb(*one) / "zarr.json" for one in every],
        "decode_reflectivity": [layout.reflectivity(*one) / "zarr.json" for one in every],
        "build_clutter_atlas": [store_path(path) / "zarr.json" for path in atlases],
        "build_warp_grid": [
            layout.warp(target, radar) / "zarr.json" for target in (*shards, "composite") for radar in shards
        ],
        "align_radars": [layout.aligned(*one) / "zarr.json" for one in every],
        "label_echoes": [layout.labels(*one) / "zarr.json" for one in every],
        "train_model": [layout.results / "model" / "best.pt"] * trained,
        "evaluate_model": [layout.results / "evaluation" / "metrics.json"] * evaluated,
        "clean_frames": [layout.cleaned(*one) / "zarr.json" for one in every],
        "compose_radars": [
            layout.composite(shard) / "zarr.json" for shard in sorted({shard for _, shard in every})
        ],
    }
    written = {stage: [path.stat().st_mtime for path in paths if path.exists()] for stage, paths in files.items()}
    return count_made({stage: times for stage, times in written.items() if times}, started)


def _places(layout: Layout, shards: dict[str, list[str]]) -> list[tuple[str, str]]:
    places = [(f"cleaned, {radar}", f"{layout.cleaned(radar, '*').as_posix()}") for radar in sorted(shards)]
    if layout.composite("x").parent.exists():
        places.append(("composite", layout.composite("*").as_posix()))
    return places
