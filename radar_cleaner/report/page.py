"""What the report says and how it becomes one HTML page that needs nothing beside it.

Everything here takes values and gives values; the stage `write_report` reads and writes the files.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from radar_cleaner.errors import ConfigError
from radar_cleaner.evaluation.bins import ALL
from radar_cleaner.evaluation.tallies import whole_rows
from radar_cleaner.report.costs import duration
from radar_cleaner.storage.shards import to_datetime

APART_SECONDS = 3600  # frames nearer in time look much the same
KEPT_TOO_LITTLE = 0.01  # of the meteorological echo: a model that keeps less is of no use


@dataclass(frozen=True)
class FrameCount:
    """How many echo pixels of a radar's frame were kept and removed."""

    radar: str
    time: int  # seconds since 1970
    kept: int
    removed: int


@dataclass(frozen=True)
class Choice:
    """A frame to show, and why."""

    frame: FrameCount
    reason: str


def choose_frames(counts: Iterable[FrameCount], max_frames: int) -> list[Choice]:
    """Frames to show: those with most removed echo, and last the one with most rain; at most `max_frames`.

    The radars take turns, and frames of one radar are an hour apart as long as there are such. The same
    counts always give the same choice.
    """
    left = sorted(counts, key=lambda count: (count.time, count.radar))
    if not left or max_frames < 1:
        return []
    rainy = max(left, key=lambda count: count.kept)
    # A single picture shows what was removed, if anything was.
    shows_rain = max_frames > 1 or not any(count.removed for count in left)
    chosen: list[FrameCount] = [rainy] if shows_rain else []
    left = [count for count in left if count.removed and count not in chosen]
    removed: list[FrameCount] = []
    while left and len(chosen) < max_frames:

        def rank(count: FrameCount) -> tuple[bool, int, int]:
            near = any(
                count.radar == other.radar and abs(count.time - other.time) < APART_SECONDS for other in chosen
            )
            turns = sum(count.radar == other.radar for other in removed)
            return near, turns, -count.removed

        best = min(left, key=rank)
        left.remove(best)
        chosen.append(best)
        removed.append(best)
    choices = [Choice(count, f"{count_of(count.removed, 'pixel')} of echo removed") for count in removed]
    if shows_rain:
        choices.append(Choice(rainy, f"most rain: {count_of(rainy.kept, 'pixel')} of echo kept"))
    return choices


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of some items, evenly spread over them, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    if count < 2:
        return list(items[:count])
    return [items[round(index * (len(items) - 1) / (count - 1))] for index in range(count)]


def score_table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of metrics.json's `scores` with the cleaners side by side: over all, by reflectivity, by range.

    Those without a scored pixel are left out.
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


def reflectivity_table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of metrics.json's `reflectivity` side by side by measure: over all, by reflectivity, range, hole.

    Those without pixels are left out.
    """
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if sum(row[key] != ALL for key in ("hole_px", "range", "band")) > 1:
            continue
        part = _part(row)
        line = table.setdefault((row["radar"], part), {"radar": row["radar"], "part": part, "measures": {}})
        line["measures"][row["measure"]] = row
    return [line for line in table.values() if any(row["pixels"] for row in line["measures"].values())]


def _part(row: Mapping[str, Any]) -> str:
    """What of a radar's pixels a row is of: a size of hole, a range, a band, or all."""
    hole = row.get("hole_px", ALL)
    parts = (ALL if hole == ALL else f"holes of {hole} px", row["range"], row["band"])
    return next((part for part in parts if part != ALL), ALL)


def labeler_table(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each labeler said, added up over the tables of shards (`votes.LabelerTable`), in the order they come.

    `speaks`, `yes` and `no` are shares of the echo, `agrees` is of what it speaks on; None where there is none.
    """
    sums: dict[str, list[float]] = {}
    for row in rows:
        spoken = row["for"] + row["against"]
        new = (row["for"], row["against"], row["silent"], spoken * row["mean_log_odds"], row["agrees"])
        sums[row["labeler"]] = [a + b for a, b in zip(sums.get(row["labeler"], [0] * 5), new, strict=True)]
    table = []
    for name, (yes, no, silent, log_odds, agrees) in sums.items():
        echo, spoken = yes + no + silent, yes + no
        of_echo = {"speaks": spoken, "yes": yes, "no": no}
        table.append(
            {"labeler": name}
            | {key: value / echo if echo else None for key, value in of_echo.items()}
            | {"agrees": agrees / spoken if spoken else None, "log_odds": log_odds / spoken if spoken else None}
        )
    return table


def list_warnings(metrics: Mapping[str, Any]) -> list[str]:
    """What whoever reads these scores (metrics.json) must know before them, a sentence or two each."""
    warnings = []
    if metrics.get("fast_dev_run"):
        warnings.append(
            "This was a fast development run (training.fast_dev_run): it shows that everything runs."
            " The model and its scores are worth nothing."
        )
    radars = [
        row["radar"]
        for row in whole_rows(metrics["scores"])
        if row["cleaner"] == "model" and row["retention"] is not None and row["retention"] < KEPT_TOO_LITTLE
    ]
    if radars:
        warnings.append(
            f"The model removes nearly all echo: of the weather it keeps less than {100 * KEPT_TOO_LITTLE:g} %"
            f" ({', '.join(radars)}). What it has cleaned is not fit for use."
        )
    return warnings


def count_of(number: int, what: str) -> str:
    """`1 frame`, `2,000 frames`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def count_made(written: Mapping[str, Sequence[float]], run_started: float | None) -> list[tuple[str, int, int]]:
    """(stage, made in this run, reused) from {stage: when its files were written}; without a start all are made.

    Times are seconds since 1970.
    """
    table = []
    for stage, times in written.items():
        made = sum(run_started is None or time >= run_started for time in times)
        table.append((stage, made, len(times) - made))
    return table


def utc(time: int) -> str:
    """A time, seconds since 1970, for readers: `2024-07-11 12:06`."""
    return to_datetime(time).strftime("%Y-%m-%d %H:%M")


def picture(png: bytes) -> str:
    """A PNG as the source of an HTML image."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def inline_svg(text: str, source: str) -> Markup:
    """An SVG drawing to be put in HTML: only its shapes and texts, nothing that runs or is fetched.

    Raises ConfigError that names `source` where it is no SVG.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ConfigError(f"{source}: not readable as SVG ({error}); draw it again with dot -Tsvg") from error
    if _local(root.tag) != "svg":
        raise ConfigError(f"{source}: is no SVG but <{_local(root.tag)}>; draw it again with dot -Tsvg")
    _strip(root)
    width, height = root.attrib.pop("width", None), root.attrib.pop("height", None)
    if "viewBox" not in root.attrib and width and height:
        root.set("viewBox", f"0 0 {width.rstrip('ptx')} {height.rstrip('ptx')}")
    root.set("role", "img")
    return Markup(ElementTree.tostring(root, encoding="unicode", method="html"))


def render_report(**values: Any) -> str:
    """The page. Every text is escaped; a value that the template lacks is an error, never a blank."""
    environment = Environment(
        loader=PackageLoader("radar_cleaner.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda value: "n/a" if value is None else f"{100 * value:.1f}"
    environment.filters["decimal"] = lambda value: "n/a" if value is None else f"{value:.2f}"
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["count_of"] = count_of
    environment.filters["duration"] = duration
    return environment.get_template("report.html").render(**values)


def _strip(element: ElementTree.Element) -> None:
    element.tag = _local(element.tag)
    for name in list(element.attrib):
        value = element.attrib.pop(name)
        local = _local(name)
        if not (local.startswith("on") or local in ("href", "src", "style") or "url(" in value.lower()):
            element.set(local, value)
    for child in list(element):
        if not isinstance(child.tag, str) or _local(child.tag) in _REFUSED:
            element.remove(child)
        else:
            _strip(child)


_REFUSED = {"script", "style", "image", "use", "foreignObject", "iframe", "animate", "set"}


def _local(name: str) -> str:
    return name.rpartition("}")[2]
