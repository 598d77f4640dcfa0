"""The tables of the report, from the rows of metrics.json and the tables of the labelers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from radar_cleaner.evaluation.bins import ALL
from radar_cleaner.evaluation.tallies import whole_rows
from radar_cleaner.products.cf import PRODUCT_VARIABLES

KEPT_TOO_LITTLE = 0.01  # of the meteorological echo: a model that keeps less is useless

Row = Mapping[str, Any]


def score_table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Arrange rows of metrics.json's `scores` with the cleaners side by side: over all, by reflectivity, by range.

    Rows without a scored pixel are left out.
    """
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if ALL not in (row["range"], row["band"]):
            continue
        meteorological = row["hits"] + row["misses"]
        other = row["false_alarms"] + row["correct_removals"]
        part = _part(row)
        if not meteorological + other and part != ALL:
            continue
        line = table.setdefault(
            (row["radar"], part),
            {
                "radar": row["radar"],
                "part": part,
                "meteorological": meteorological,
                "other": other,
                "cleaners": {},
            },
        )
        line["cleaners"][row["cleaner"]] = row
    return list(table.values())


def reflectivity_table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Arrange rows of metrics.json's `reflectivity` side by side by measure: over all, by dBZ, range, mask size.

    Rows without pixels are left out.
    """
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if sum(row[key] != ALL for key in ("hole_px", "range", "band")) > 1:
            continue
        part = _part(row)
        line = table.setdefault((row["radar"], part), {"radar": row["radar"], "part": part, "measures": {}})
        line["measures"][row["measure"]] = row
    return [line for line in table.values() if any(row["pixels"] for row in line["measures"].values())]


def _part(row: Row) -> str:
    """Name the pixels of a row: a size of inpainting mask, a range, a band, or all."""
    hole = row.get("hole_px", ALL)
    parts = (ALL if hole == ALL else f"masks of {hole} px", row["range"], row["band"])
    return next((part for part in parts if part != ALL), ALL)


def labeler_table(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Add up the evidence of each labeler over the tables of shards, in the order of the rows.

    `covered`, `positive` and `negative` are shares of the echo pixels, `agrees` of the covered ones; None
    without a pixel.
    """
    sums: dict[str, list[float]] = {}
    for row in rows:
        covered = row["for"] + row["against"]
        new = (row["for"], row["against"], row["silent"], covered * row["mean_log_odds"], row["agrees"])
        sums[row["labeler"]] = [a + b for a, b in zip(sums.get(row["labeler"], [0] * 5), new, strict=True)]
    table = []
    for name, (positive, negative, silent, log_odds, agrees) in sums.items():
        echo, covered = positive + negative + silent, positive + negative
        of_echo = {"covered": covered, "positive": positive, "negative": negative}
        table.append(
            {"labeler": name}
            | {key: value / echo if echo else None for key, value in of_echo.items()}
            | {
                "agrees": agrees / covered if covered else None,
                "log_odds": log_odds / covered if covered else None,
            }
        )
    return table


def product_table(names: Iterable[str]) -> list[dict[str, str]]:
    """Describe the variables of a product."""
    held = set(names)
    rows = {name: variable.attrs for name, variable in PRODUCT_VARIABLES.items() if name in held}
    return [
        {"name": name, "long_name": str(attrs["long_name"]), "units": str(attrs.get("units", "flag"))}
        for name, attrs in rows.items()
    ]


def list_warnings(metrics: Mapping[str, Any]) -> list[str]:
    """Return warnings to read before the scores of metrics.json, a sentence or two each."""
    warnings = []
    if metrics.get("fast_dev_run"):
        warnings.append(
            "This was a fast development run (training.fast_dev_run), which only proves that everything runs."
            " Its model and scores are worthless."
        )
    radars = [
        row["radar"]
        for row in whole_rows(metrics["scores"])
        if row["cleaner"] == "model" and row["retention"] is not None and row["retention"] < KEPT_TOO_LITTLE
    ]
    if radars:
        warnings.append(
            f"The model removes nearly all echo: it keeps less than {100 * KEPT_TOO_LITTLE:g} % of the weather"
            f" ({', '.join(radars)}). Its products are unfit for use."
        )
    return warnings


def count_made(written: Mapping[str, Sequence[float]], run_started: float | None) -> list[tuple[str, int, int]]:
    """Return (stage, made in this run, reused) from the write times of each stage's files.

    Times are seconds since 1970. Without the start of a run all files count as made.
    """
    table = []
    for stage, times in written.items():
        made = sum(run_started is None or time >= run_started for time in times)
        table.append((stage, made, len(times) - made))
    return table
