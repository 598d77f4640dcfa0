"""Compare several runs: the rows of their evaluations, and a figure of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter

from radar_cleaner.errors import StoreError
from radar_cleaner.evaluation.bins import ALL
from radar_cleaner.evaluation.tallies import AGREEMENT, MODEL, ON_HOLES, whole_rows
from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    explain_empty,
    handles_of,
    panel_grid,
    percent_axis,
    to_png,
)
from radar_cleaner.storage.atomic import read_csv

# The scores that a comparison lists.
SCORES = ("retention", "removal", "f1", "csi", "hss", "roc_auc", "pr_auc_other", "ece")
_ENDS = ("", "_low", "_high")  # a score and its interval
ERRORS = {"hole_mae_dbz": ON_HOLES, "agreement_mae_dbz": AGREEMENT}
# Keys of metrics.json that must be equal in two evaluations that are compared.
_SAME = ("references", "samples", "dbz_bands", "range_bands_km", "hole_sizes_px")
# Columns that a comparison reads: of the rows of metrics.json, and of the curve.
_COLUMNS = {
    "scores": {"radar", "cleaner", "range", "band"},
    "reflectivity": {"radar", "measure", "hole_px", "range", "band"},
}
_CURVE = {"radar": str, "retention": float, "removal": float}
_COLOURS = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "D"), (ORANGE, "^"), (SKY, "v"), (INK, "P"))


@dataclass(frozen=True)
class Run:
    """A finished evaluation: metrics.json, and the rows of curve.csv."""

    name: str
    metrics: Mapping[str, Any]
    curve: pd.DataFrame


def read_run(path: Path, name: str) -> Run:
    """Read the evaluation of a results folder. Raise StoreError if it is missing or has another structure."""
    folder = path / "evaluation"
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        _expect_shape(metrics)
        return Run(name, metrics, _read_curve(folder / "curve.csv"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder}: no evaluation to compare ({error}); run snakemake evaluate there") from None


def _expect_shape(metrics: Any) -> None:
    """Raise ValueError if that is not a metrics.json with the data of a comparison."""
    if not isinstance(metrics, dict):
        raise ValueError(f"metrics.json is a {type(metrics).__name__}, wanted a dict")
    for part, wanted in _COLUMNS.items():
        rows = metrics.get(part)
        if not isinstance(rows, list):
            raise ValueError(f"metrics.json has no list of {part}")
        for row in rows:
            if not isinstance(row, dict) or not wanted <= row.keys():
                raise ValueError(f"a row of the {part} in metrics.json lacks one of {', '.join(sorted(wanted))}")
    if not isinstance(metrics.get("threshold"), int | float):
        raise ValueError("metrics.json has no threshold")


def _read_curve(path: Path) -> pd.DataFrame:
    """Read the columns of `_CURVE`; raise ValueError if one is missing. Without samples there are no rows."""
    curve = read_csv(path)
    missing = [name for name in _CURVE if name not in curve]
    if missing and len(curve):
        raise ValueError(f"{path.name} has no column {', '.join(missing)}")
    return curve.reindex(columns=list(_CURVE)).astype(_CURVE)


def unlike(runs: Sequence[Run]) -> list[str]:
    """Return the settings in which the evaluations differ, so that their scores are not of the same task."""
    first, *others = runs
    return [name for name in _SAME if any(run.metrics.get(name) != first.metrics.get(name) for run in others)]


def comparison_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one row per radar and run: the model's scores over all ranges and bands, with intervals."""
    radars = list(dict.fromkeys(row["radar"] for run in runs for row in run.metrics["scores"]))
    return [_row(radar, run) for radar in radars for run in runs]


def _row(radar: str, run: Run) -> dict[str, Any]:
    scores = {row["radar"]: row for row in whole_rows(run.metrics["scores"]) if row["cleaner"] == MODEL}.get(
        radar, {}
    )
    errors = {
        row["measure"]: row
        for row in whole_rows(run.metrics["reflectivity"])
        if row["radar"] == radar and row["hole_px"] == ALL
    }
    row: dict[str, Any] = {"radar": radar, "run": run.name, "threshold": run.metrics["threshold"]}
    for score in SCORES:
        row |= {f"{score}{end}": scores.get(f"{score}{end}") for end in _ENDS}
    for name, measure in ERRORS.items():
        row |= {f"{name}{end}": errors.get(measure, {}).get(f"mae_dbz{end}") for end in _ENDS}
    return row


def comparison_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the rows as a text table; shares in percent."""
    columns = ("radar", "run", *SCORES, *ERRORS)
    shares = {*SCORES} - {"hss"}
    table = [columns, *([_shown(row[name], name in shares) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(columns))]
    return ["  ".join(_cells(line, widths)) for line in table]


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Align texts to the left, numbers to the right."""
    pairs = list(zip(line, widths, strict=True))
    return [text.ljust(width) for text, width in pairs[:2]] + [text.rjust(width) for text, width in pairs[2:]]


def _shown(value: Any, share: bool) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    return f"{100 * value:.2f} %" if share else f"{value:.3f}"


def comparison_figure(runs: Sequence[Run], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw removal against retention, a panel per radar: a line per run, with a point at its threshold."""
    radars = list(dict.fromkeys(str(row["radar"]) for row in rows))
    figure, panels = panel_grid(len(radars), width=4.2, height=4.0)
    for axes, radar in zip(panels, radars, strict=False):
        low = [0.98]
        for number, run in enumerate(runs):
            colour, marker = _COLOURS[number % len(_COLOURS)]
            line = run.curve[run.curve["radar"] == radar].dropna(subset=["retention", "removal"])
            axes.plot(line["retention"], line["removal"], color=colour, linewidth=1.6, zorder=2)
            row = next(row for row in rows if row["radar"] == radar and row["run"] == run.name)
            if row["retention"] is None or row["removal"] is None:
                continue
            axes.errorbar(
                row["retention"],
                row["removal"],
                xerr=_whiskers(row, "retention"),
                yerr=_whiskers(row, "removal"),
                fmt=marker,
                color=colour,
                markeredgecolor=INK,
                markersize=8,
                linewidth=1.2,
                label=run.name,
                zorder=3,
            )
            low.append((row["retention"] if row["retention_low"] is None else row["retention_low"]) - 0.01)
        axes.set_xlim(max(0.0, min(low)), 1.0)
        axes.set_ylim(0, 1)
        axes.set_title(radar, loc="left", fontweight="bold", fontsize=11)
        axes.set_xlabel("meteorological echo kept (retention)")
        axes.set_ylabel("non-meteorological echo removed")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(PercentFormatter(1))  # with as many digits as the ticks need
        percent_axis(axes.yaxis)
        if len(low) == 1:
            explain_empty(axes, "nothing to score")
    named = handles_of(panels)
    if shown := [run.name for run in runs if run.name in named]:
        handles = [named[name] for name in shown]
        figure.legend(handles, shown, loc="outside lower center", ncols=3, frameon=False)
    return to_png(figure)


def _whiskers(row: Mapping[str, Any], score: str) -> Any:
    """Return (2, 1) the distances of an interval's ends below and above, None without one."""
    low, value, high = row[f"{score}_low"], row[score], row[f"{score}_high"]
    return None if low is None or high is None else np.array([[max(0, value - low)], [max(0, high - value)]])
