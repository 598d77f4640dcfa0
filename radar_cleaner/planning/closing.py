"""The lines on the terminal at the end of a run: what was refused, and what looks wrong in the plan."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from radar_cleaner.frames.refusals import Refusals
from radar_cleaner.storage.paths import Layout


def closing_lines(results: Path, radars: Iterable[str], warnings: Iterable[str]) -> list[str]:
    """Return the warnings of the plan and those of each radar: its place, other products, many refused frames."""
    lines = [f"WARNING {line}" for line in warnings]
    for radar in radars:
        place = _wrong_place(Layout(results), radar)
        lines += [f"WARNING {place}"] if place else []
        other = _other_product(Layout(results).picture(radar) / "zarr.json")
        lines += [f"WARNING {other}"] if other else []
        table = Layout(results).refused(radar)
        counts = read_refusals(table)
        if counts is not None and counts.refused and counts.are_many:
            lines.append(f"WARNING {counts.describe(radar)}; see {table}")
    return lines


def _other_product(metadata: Path) -> str:
    """Return the warning in a picture store about frames of another product, empty if there is none."""
    text = metadata.read_text(encoding="utf-8") if metadata.exists() else ""
    return str(json.loads(text)["attributes"].get("other_product", "")) if text else ""  # empty: only pretended


def _wrong_place(layout: Layout, radar: str) -> str:
    """Return the warning of the rule `check_place`; empty if it did not run or the place is right."""
    file = layout.place(radar)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    found = json.loads(text) if text else {"warns": False}  # empty: only pretended
    return f"{radar}: {found['sentence']}; see {layout.place_figure(radar)}" if found["warns"] else ""


def read_refusals(table: Path) -> Refusals | None:
    """Read the table of the rule `check_frames`; None if there is none, or none with rows."""
    if not table.exists():
        return None
    with table.open(encoding="utf-8", newline="") as file:
        rows = [(row["reason"], int(row["frames"]), row["example"]) for row in csv.DictReader(file)]
    return Refusals(rows[0][1], tuple(rows[1:])) if rows else None
