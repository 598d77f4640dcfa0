"""Print the numbers of a finished run: frames, samples, scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radar_cleaner.errors import StoreError
from radar_cleaner.evaluation.tallies import COMPARED, MODEL, whole_rows
from radar_cleaner.report.tables import list_warnings
from radar_cleaner.storage.atomic import read_csv


def show_summary(*, results: Path) -> None:
    """Print the numbers of a finished run: frames, samples, scores.

    Parameters
    ----------
    results
        Folder of the run.
    """
    report = results / "report" / "report.html"
    coverage = results / "report" / "coverage.csv"  # made with it
    if not coverage.is_file():
        raise StoreError(f"{coverage}: missing; run snakemake to make the report first")
    scored = results / "evaluation" / "metrics.json"
    metrics = json.loads(scored.read_text(encoding="utf-8")) if scored.is_file() else None
    for warning in list_warnings(metrics) if metrics else []:
        print(f"WARNING: {warning}")
    stale = _is_older(coverage, results / "run_started")
    if stale:
        print("WARNING: The last run did not write its report: report and counts of frames are of an earlier run.")
    lines = [*_count_frames(read_csv(coverage)), *_count_samples(results)]
    lines += _list_scores(metrics) if metrics else []
    lines += [("report", f"{report} (of an earlier run)" if stale else str(report))]
    for name in ("cleaned", "composite"):
        if (results / name).is_dir():
            lines.append((f"{name} data", str(results / name)))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:<{width}}  {value}")


def _is_older(path: Path, run_started: Path) -> bool:
    """Whether a file is older than the last run, if its start is known."""
    return run_started.is_file() and path.stat().st_mtime < run_started.stat().st_mtime


def _count_frames(table: pd.DataFrame) -> list[tuple[str, str]]:
    read, rejected, missing = (int(table[name].sum()) for name in ("read", "rejected", "missing"))
    radars = ", ".join(f"{radar} {int(rows['read'].sum()):,}" for radar, rows in table.groupby("radar", sort=True))
    return [
        ("frames read", f"{read:,} ({radars})" if radars else "0"),
        ("frames rejected", f"{rejected:,}"),
        ("frames missing", f"{missing:,}"),
    ]


def _count_samples(results: Path) -> list[tuple[str, str]]:
    lines = []
    counts = [
        f"{len(pd.read_csv(path)):,} {name}"
        for name in ("train", "val", "test")
        if (path := results / "samples" / f"{name}.csv").is_file()
    ]
    if counts:
        lines.append(("samples", ", ".join(counts)))
    history = results / "model" / "history.csv"
    if history.is_file():
        lines.append(("epochs", f"{len(pd.read_csv(history))}"))
    return lines


def _list_scores(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the number of scored frames, the reference and the method, then a line per radar and cleaner."""
    samples = metrics["samples"]
    radars = ", ".join(f"{radar} {frames:,}" for radar, frames in samples["scored"].items())
    total, without = (sum(samples[name].values()) for name in ("scored", "without_reference"))
    unscored = f"; {without:,} more without a reference" if without else ""
    against = {"masks": "reference masks"}.get(metrics["reference"], metrics["reference"])
    lines = [("frames scored", (f"{total:,} ({radars})" if radars else "0") + unscored)]
    if metrics.get("tta"):
        lines.append(("scores by", "the model's mean over eight flips and rotations (evaluation.tta)"))
    if len(metrics["models"]) > 1:
        lines += [(name, metrics["models"][name]) for name in sorted(metrics["models"], key=_rank)]
    lines.append(("scores against", f"{against}, all reflectivities: weather kept / other echo removed"))
    for row in whole_rows(metrics["scores"]):
        scores = f"{_percent(row['retention'])} / {_percent(row['removal'])}"
        lines.append((f"  {row['radar']}, {row['cleaner']}", scores))
    return lines


def _percent(value: Any) -> str:
    return "   n/a" if value is None else f"{100 * value:5.1f} %"


def _rank(name: str) -> tuple[int, str]:
    """Order the model first, then the compared model, then the members."""
    return (MODEL, COMPARED).index(name) if name in (MODEL, COMPARED) else 2, name
