"""The lines on the terminal at the end of a run: what was refused, and what looks wrong in the plan."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from radar_cleaner.frames.refusals import Refusals
from radar_cleaner.reflectivity.picture import PICTURE_WARNINGS
from radar_cleaner.reflectivity.repeats import describe_repeats
from radar_cleaner.reflectivity.unmatched import Unmatched, add_unmatched, read_unmatched
from radar_cleaner.storage.paths import Layout

Stores = Mapping[str, Sequence[tuple[str, str]]]  # of each radar (radar or layout, shard)


def closing_lines(results: Path, stores: Stores, warnings: Iterable[str]) -> list[str]:
    """Return the warnings of the plan and those of each radar.

    They are about place, other products, doubtful colours and too few frames of each of its layouts, unmatched
    colours, repeated frames, and many refused frames. `stores` are the stores of each radar and of its layouts.
    """
    lines = [f"WARNING {line}" for line in warnings]
    for radar, pairs in stores.items():
        for name in dict.fromkeys([radar, *(name for name, _ in pairs)]):
            place = _wrong_place(Layout(results), name)
            lines += [f"WARNING {place}"] if place else []
            file = Layout(results).picture(name) / "zarr.json"
            lines += [f"WARNING {line}" for line in _picture_warnings(file)]
        unmatched = read_unmatched_colours([Layout(results).reflectivity(*pair) / "zarr.json" for pair in pairs])
        lines += [f"WARNING {unmatched.describe(radar)}"] if unmatched.are_many else []
        own = [Layout(results).reflectivity(*pair) / "zarr.json" for pair in pairs if pair[0] == radar]
        repeats = describe_repeats(radar, (attrs for attrs in _read_attrs(own) if "repeated_frames" in attrs))
        lines += [f"WARNING {repeats}"] if repeats else []
        table = Layout(results).refused(radar)
        counts = read_refusals(table)
        if counts is not None and counts.refused and counts.are_many:
            lines.append(f"WARNING {counts.describe(radar)}; see {table}")
    return lines


def read_unmatched_colours(stores: Iterable[Path]) -> Unmatched:
    """Add the counts of unmatched colours in the stores with this metadata, as far as they are made."""
    return add_unmatched(read_unmatched(found) for found in _read_attrs(stores) if "unmatched_colours" in found)


def _read_attrs(stores: Iterable[Path]) -> Iterator[Mapping[str, object]]:
    """Yield the attributes of the stores with this metadata, as far as they are made and not only pretended."""
    texts = (path.read_text(encoding="utf-8") for path in stores if path.exists())
    return (json.loads(text)["attributes"] for text in texts if text)


def _picture_warnings(metadata: Path) -> list[str]:
    """Return the warnings in a picture store: another product, doubtful echo, too few frames."""
    text = metadata.read_text(encoding="utf-8") if metadata.exists() else ""
    attrs = json.loads(text)["attributes"] if text else {}  # empty: only pretended
    return [str(attrs[name]) for name in PICTURE_WARNINGS if attrs.get(name)]


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
