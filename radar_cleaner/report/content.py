"""Collect the values of the report's template from a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from radar_cleaner import __version__
from radar_cleaner.evaluation.accumulation import ALL_RADARS
from radar_cleaner.evaluation.tallies import AGREEMENT, MODEL, ON_HOLES, WEAK_LABEL, shown_cleaners, whole_rows
from radar_cleaner.plotting.training import learning_curves_figure
from radar_cleaner.products.credit import merge_credits
from radar_cleaner.report.choice import Choice, choose_frames
from radar_cleaner.report.learned import show_learned, warn_of_pictures
from radar_cleaner.report.page import count_of, embed_png, utc
from radar_cleaner.report.pictures import RadarPictures, Shown, draw_composite, draw_overlap
from radar_cleaner.report.run import FinishedRun
from radar_cleaner.report.tables import (
    count_made,
    labeler_table,
    list_warnings,
    product_table,
    reflectivity_table,
    score_table,
)
from radar_cleaner.storage.reader import open_store

SHOWN_REJECTS = 500
SHOWN_OVERLAPS = 6


def collect_values(
    run: FinishedRun, coverage: pd.DataFrame, rejects: Sequence[dict[str, str]], max_frames: int
) -> dict[str, Any]:
    """Return all values of the template but the cadence and the rule graph; `max_frames` are shown."""
    radars = {radar: RadarPictures.open(radar, run) for radar in run.shards}
    chosen = choose_frames([count for radar in radars.values() for count in radar.count_frames()], max_frames)
    totals = {name: int(coverage[name].sum()) for name in ("found", "read", "rejected", "missing")}
    times = [time for radar in radars.values() for time in radar.rgb.times]
    products = [store for radar in radars.values() for store in radar.cleaned.stores[:1]]
    return {
        "version": __version__,
        "radars": sorted(radars),
        "period": (utc(min(times)), utc(max(times))) if times else None,
        "started": utc(int(run.started)) if run.started else None,
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "warnings": [
            *_warn_of_places(run),
            *warn_of_pictures(run),
            *(list_warnings(run.metrics) if run.metrics else []),
        ],
        "cards": _cards(run, totals),
        "frames": [radars[choice.frame.radar].draw_cleaning(choice) for choice in chosen],
        "composites": _draw_composite(run, radars, chosen),
        "labels": _draw_label(radars, chosen),
        "atlases": _draw_atlases(run, radars),
        "labelers": labeler_table(run.labeler_rows()),
        "places": _show_places(run),
        "learned": show_learned(run),
        "overlaps": _draw_overlaps(run, radars),
        "coverage": coverage.to_dict("records"),
        "totals": totals,
        "rejects": rejects[:SHOWN_REJECTS],
        "rejects_left_out": max(0, len(rejects) - SHOWN_REJECTS),
        "made_table": count_made(run.write_times(), run.started),
        "products": _products(run),
        "credits": {
            name: merge_credits(store.attrs for store in radar.cleaned.stores)
            for name, radar in sorted(radars.items())
        },
        "variables": product_table(name for store in products for name in store.group),
        **_score_values(run),
        **_training_values(run),
    }


def _draw_composite(run: FinishedRun, radars: dict[str, RadarPictures], chosen: Sequence[Choice]) -> list[Shown]:
    """Draw the composite of several radars at the last chosen time that it has."""
    series = run.composite()
    if series is None:
        return []
    times = [choice.frame.time for choice in chosen[::-1] if choice.frame.time in set(series.times)]
    return [draw_composite(series, time, radars) for time in times[:1]]


def _draw_label(radars: dict[str, RadarPictures], chosen: Sequence[Choice]) -> list[Shown]:
    """Draw the weak label of the first chosen frame that has one."""
    frames = [(radars[choice.frame.radar], choice.frame.time) for choice in chosen]
    return [radar.draw_label(time) for radar, time in frames if time in radar.labels.times][:1]


def _draw_atlases(run: FinishedRun, radars: dict[str, RadarPictures]) -> list[Shown]:
    stores = sorted(
        (open_store(path, "atlas") for path in run.atlases), key=lambda store: str(store.attrs["radar"])
    )
    drawn = [(radars[store.attrs["radar"]], store) for store in stores]
    return [radar.draw_atlas(store) for radar, store in drawn if radar.background is not None]


def _show_places(run: FinishedRun) -> list[Shown]:
    """Return the picture of the place of each radar and layout, and the sentence about it."""
    return [
        Shown(radar, place["sentence"], embed_png(run.layout.place_figure(radar).read_bytes()))
        for radar, place in run.places.items()
    ]


def _warn_of_places(run: FinishedRun) -> list[str]:
    return [f"{radar}: {place['sentence']}." for radar, place in run.places.items() if place["warns"]]


def _draw_overlaps(run: FinishedRun, radars: dict[str, RadarPictures]) -> list[Shown]:
    """Draw each two radars that have a background, each on the other's grid."""
    names = sorted(name for name, radar in radars.items() if radar.background is not None)
    couples = [(first, second) for first in names for second in names if first < second]
    return [
        draw_overlap(
            [
                (radars[target], radars[radar], open_store(run.layout.warp(target, radar), "warp"))
                for target, radar in (couple, couple[::-1])
            ]
        )
        for couple in couples[:SHOWN_OVERLAPS]
    ]


def _score_values(run: FinishedRun) -> dict[str, Any]:
    metrics = run.metrics
    if metrics is None:
        return {"metrics": None}
    pictures = {
        "scores_picture": "scores.png",
        "curve_picture": "curve.png",
        "calibration_picture": "calibration.png",
        "reflectivity_picture": "reflectivity.png",
        "worst_picture": "worst_frames.png",
    }
    return {
        "metrics": metrics,
        "cleaners": shown_cleaners(metrics["scores"]),
        "intervals": any(row["retention_low"] is not None for row in metrics["scores"]),
        "measures": (ON_HOLES, AGREEMENT),
        "score_table": score_table(metrics["scores"]),
        "reflectivity_table": reflectivity_table(metrics["reflectivity"]),
        "areas": [row for row in whole_rows(metrics["scores"]) if row["roc_auc"] is not None],
        **{name: embed_png((run.evaluation / file).read_bytes()) for name, file in pictures.items()},
    }


def _training_values(run: FinishedRun) -> dict[str, Any]:
    if run.history is None:
        return {"history_picture": None, "history_note": None}
    epochs = count_of(len(run.history), "epoch")
    return {
        "history_picture": embed_png(learning_curves_figure(run.history)),
        "history_note": f"{epochs}. Training: crops, while the weights changed. Validation: whole frames, after"
        " the epoch.",
    }


def _cards(run: FinishedRun, totals: dict[str, int]) -> list[dict[str, str]]:
    """Return the few numbers at the top."""
    cards = [
        ("frames read", f"{totals['read']:,}", f"of {totals['found']:,} found"),
        ("rejected", f"{totals['rejected']:,}", f"and {totals['missing']:,} missing"),
    ]
    if run.history is not None:
        epochs = count_of(len(run.history), "epoch")
        note = f"{run.count_samples('val'):,} for validation, {epochs}"
        cards.append(("training samples", f"{run.count_samples('train'):,}", note))
    whole = whole_rows(run.metrics["scores"]) if run.metrics else []
    if whole:
        radar = ALL_RADARS if any(row["radar"] == ALL_RADARS for row in whole) else whole[0]["radar"]
        by_name = {row["cleaner"]: row for row in whole if row["radar"] == radar}
        for score, name in (("retention", "weather kept"), ("removal", "other echo removed")):
            value, label = (_percent(by_name.get(cleaner, {}).get(score)) for cleaner in (MODEL, WEAK_LABEL))
            cards.append((f"{name} by the model", value, f"weak label alone: {label}"))
    return [{"name": name, "value": value, "note": note} for name, value, note in cards]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _products(run: FinishedRun) -> list[tuple[str, str]]:
    """Return the names and places of the products."""
    layout = run.layout
    places = [(f"cleaned, {radar}", layout.cleaned(radar, "*").as_posix()) for radar in sorted(run.shards)]
    if layout.composite("x").parent.exists():
        places.append(("composite", layout.composite("*").as_posix()))
    return places
