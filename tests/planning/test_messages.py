"""Each mistake in a config, in names, times and layouts is a line before any job that names the key to change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_cases import PALETTE, encode, loop_file, small
from PIL import Image

from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.image import header_size
from radar_cleaner.planning.plan import Plan
from radar_cleaner.storage.shards import format_time

NOON = 1_704_110_400  # 2024-01-01 12:00 UTC
DAY = 86400
Make = Callable[[Path], object]


def stamp(minutes: float, since: float = NOON, form: str = "") -> str:
    text = format_time(int(since + 60 * minutes))
    return text[:16].translate(dict.fromkeys(map(ord, "-T:"))) + form


def save(folder: Path, names: Iterable[str], size: tuple[int, int] = (24, 16), first: int = 0) -> None:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(small(first + number, size)))


def every(minutes: float, count: int = 12, first: float = 0, name: str = "a_{}.png", folder: str = "a") -> Make:
    """Return a function that saves frames this many minutes apart."""
    times = [first + minutes * number for number in range(count)]
    return lambda root: save(root / folder, [name.format(stamp(at)) for at in times])


def config_of(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the config of one radar A with other sections, and other keys of the radar below `radar`."""
    entry = {"id": "A", "frames": "a", "latitude": 36, "longitude": -84, "range_km": 60}
    entry = {key: value for key, value in (entry | changes.get("radar", {})).items() if value is not None}
    others = {key: value for key, value in changes.items() if key != "radar"}
    return {
        "radars": [entry],
        "labels": {"method": "palette", "palette": str(PALETTE)},
        "samples": {"atlas": "channel"},
        "cleaning": {"model": "pretrained"},
    } | others


@dataclass(frozen=True)
class Case:
    """Pictures and changes of a config; the key that the line begins with, and words in it."""

    key: str
    words: tuple[str, ...]
    make: Make | None = None  # by default 12 frames, 6 minutes apart
    changes: dict[str, Any] | None = None


def place(**keys: Any) -> dict[str, Any]:
    return {"radar": {"range_km": None, **keys}}


BOUNDS = [-85, 35, -83, 37]
SECOND = {"id": "B", "frames": "b", "latitude": 36.2, "longitude": -84, "range_km": 60}


def both(*makes: Make) -> Make:
    return lambda root: [make(root) for make in makes]


def two_radars(**sections: Any) -> dict[str, Any]:
    return {"radars": [config_of({})["radars"][0], SECOND], **sections}


def table(text: str) -> Make:
    return both(every(6), lambda root: (root / "pal.csv").write_text(text))


def palette(**keys: Any) -> dict[str, Any]:
    return {"labels": {"method": "palette", "palette": "pal.csv", **keys}}


def animations(counts: Iterable[int], pause: int = 0) -> Make:
    """Return a function that saves a TIFF of several pages an hour, the last of them `pause` times more."""

    def make(root: Path) -> None:
        (root / "a").mkdir()
        for hour, count in enumerate(counts):
            pages = [Image.fromarray(small(10 * hour + number)) for number in range(count)]
            pages += pages[-1:] * pause
            path = root / "a" / f"a_{stamp(60 * hour)}.tif"
            pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:])

    return make


def written(after: float, step: float = 0, first: float = NOON) -> Make:
    """Return a function that saves 20 frames of an hour each, with dates this many hours after their names."""

    def make(root: Path) -> None:
        for number in range(20):
            save(root / "a", [f"a_{stamp(60 * number, first)}.png"], first=number)
            date = first + 3600 * (number + after) + step * number
            os.utime(root / "a" / f"a_{stamp(60 * number, first)}.png", (date, date))

    return make


HOURLY = {"frames": {"cadence_minutes": 60}}
REFUSED = {
    "unknown CRS": Case(
        "radars[0].grid.crs",
        ("EPSG:99999", "EPSG:3857"),
        changes=place(grid={"crs": "EPSG:99999", "bounds": BOUNDS}),
    ),
    "bounds the wrong way round": Case(
        "radars[0].grid.bounds", ("west, south, east, north",), changes=place(grid={"bounds": [-83, 37, -85, 35]})
    ),
    "two control points": Case(
        "radars[0].grid.control_points",
        ("3",),
        changes=place(grid={"control_points": [[0, 0, -85, 37], [23, 15, -83, 35]]}),
    ),
    "control points that contradict each other": Case(
        "radars[0].grid.control_points",
        ("px",),
        changes=place(
            grid={"control_points": [[0, 0, -85, 37], [23, 15, -83, 35], [23, 0, -83, 37], [0, 15, -84, 35]]}
        ),
    ),
    "palette that falls": Case(
        "labels.palette",
        ("rise", "30"),
        table("colour,dbz_min\n#0000ff,10\n#00ff00,40\n#ff0000,30\n"),
        palette(),
    ),
    "palette with a colour twice": Case(
        "labels.palette",
        ("#0000ff",),
        table("colour,dbz_min\n#0000ff,10\n#0000ff,20\n#ff0000,30\n"),
        palette(),
    ),
    "unknown unit": Case("labels.unit", ("'mm'", "mm/h"), changes=palette(unit="mm")),
    "accumulation": Case("labels.unit", ("accumulation",), changes=palette(unit="mm/24h")),
    "velocity": Case("labels.unit", ("velocit",), changes=palette(unit="m/s")),
    "unknown service": Case("radars[0].service", ("bom_128km",), changes={"radar": {"service": "bom_128"}}),
    "unknown zone": Case(
        "frames.time_zone", ("ICT+7", "Asia/Bangkok"), changes={"frames": {"time_zone": "ICT+7"}}
    ),
    "format without the hour": Case(
        "frames.time_format", ("%Y%m%d%H%M",), changes={"frames": {"time_format": "%Y%m%d"}}
    ),
    "pattern without a group": Case("frames.pattern", ("( )",), changes={"frames": {"pattern": r"\d{12}"}}),
    "snap of more than half the cadence": Case(
        "frames.snap_minutes", ("at most 3",), changes={"frames": {"snap_minutes": 4}}
    ),
    "names of seconds with the default pattern": Case(
        "radars[0].frames",
        ("none of 12", "frames.pattern", "init"),
        every(6, name="a_{}00.png"),
    ),
    "table with other columns": Case(
        "radars[0].frames",
        ("time_from", "columns file, time"),
        both(every(6), lambda root: (root / "t.csv").write_text("name;when\na.png;2024-01-01\n")),
        {"frames": {"time_from": "t.csv"}},
    ),
    "files of no picture": Case(
        "radars[0].frames",
        (".txt (1)", ".png"),
        lambda root: [(root / "a").mkdir(), (root / "a/readme.txt").write_text("x")],
    ),
    "no file is readable": Case(
        "radars[0].frames",
        ("none of the pictures looked at",),
        lambda root: [(root / "a").mkdir(), (root / f"a/a_{stamp(0)}.png").write_bytes(b"<html>")],
    ),
    "animations without the key": Case(
        "frames.loop",
        ("an animation of 3", "step_minutes"),
        lambda root: [(root / "a").mkdir(), (root / f"a/a_{stamp(0)}.gif").write_bytes(loop_file(range(3)))],
    ),
    "two layouts of the same pictures": Case(
        "radars[0].layouts[1].period",
        ("radars[0].layouts[0]", "2024-01-01T12:30"),
        changes={
            "radar": {
                "layouts": [
                    {"period": ["2024-01-01", "2024-01-02"]},
                    {"period": ["2024-01-01 12:30", "2024-01-03"]},
                ]
            }
        },
    ),
    "layout without frames": Case(
        "radars[0].layouts[0].period",
        ("no frame",),
        changes={"radar": {"layouts": [{"period": ["2023-01-01", "2023-01-02"]}]}},
    ),
    "layouts that take all frames": Case(
        "radars[0].layouts",
        ("radar A", "the radar itself"),
        changes={"radar": {"layouts": [{"period": ["2024-01-01", "2024-01-02"]}]}},
    ),
    "box of a layout outside its picture": Case(
        "radars[0].layouts[0].plot_box_px",
        ("[0, 0, 40, 16]", "[0, 0, 24, 16]"),
        changes={
            "radar": {"layouts": [{"period": ["2024-01-01", "2024-01-01 12:30"], "plot_box_px": [0, 0, 40, 16]}]}
        },
    ),
    "radar outside its own picture": Case(
        "radars[0].latitude", ("-84", "grid.bounds"), changes=place(grid={"bounds": [5, 45, 6, 46]})
    ),
    "empty legend": Case(
        "labels.legend.dbz",
        ("rise or fall",),
        changes={"labels": {"method": "legend", "legend": {"box_px": [0, 0, 5, 9]}}},
    ),
}

WARNED = {
    "cadence that the names contradict": Case(
        "frames.cadence_minutes", ("11 of 11", "10 minutes", "write 10"), every(10)
    ),
    "two cadences": Case(
        "frames.cadence_minutes",
        ("12 of 25", "10 minutes", "frames.period"),
        both(every(6, 14), every(10, 12, 88)),
    ),
    "neighbours that are never there": Case(
        "samples.input_minutes",
        ("no frame of radar A", "-6, +6", "snap_minutes"),
        lambda root: save(root / "a", [f"a_{stamp(at)}.png" for at in (0, 10, 21, 33, 46, 60)]),
    ),
    "neighbours that are seldom there": Case(
        "samples.input_minutes",
        ("at most", "of 12 frames", "-6, +6"),
        lambda root: save(
            root / "a", [f"a_{stamp(at)}.png" for at in (0, 6, 12, 17, 24, 29, 34, 41, 48, 53, 58, 65)]
        ),
    ),
    "radars that are 2.5 minutes apart": Case(
        "overlap.max_offset_minutes",
        ("radar A", "Write 3"),
        both(every(5, name="a_{}00.png"), every(5, first=2.5, name="b_{}30.png", folder="b")),
        two_radars(frames={"pattern": r"(\d{14})", "time_format": "%Y%m%d%H%M%S", "cadence_minutes": 5}),
    ),
    "radars of other days": Case(
        "frames.period",
        ("A, B", "time_zone"),
        both(every(6), every(6, first=9000, name="b_{}.png", folder="b")),
        two_radars(),
    ),
    "two radars in one folder": Case(
        "radars[0].frames",
        ("2 kinds", "a_#.png (12)", "b_#.png (12)", "a/a_*.png"),
        both(every(6), every(6, first=3, name="b_{}.png")),
        {"frames": {"cadence_minutes": 3}},
    ),
    "gap between two layouts": Case(
        "radars[0].layouts[1].period",
        ("2 frames", "2024-01-01T12:30", "radars[0].layouts[0]"),
        changes={
            "radar": {
                "layouts": [
                    {"period": ["2024-01-01", "2024-01-01 12:30"]},
                    {"period": ["2024-01-01 12:40", "2024-01-03"]},
                ]
            }
        },
    ),
    "bounds with a wrong number": Case(
        "radars[0].grid.bounds", ("km wide", "plot box"), changes=place(grid={"bounds": [-85, 20, -83, 52]})
    ),
    "local names saved at once": Case("frames.time_zone", ("is UTC", "7.0 hours"), written(-7), HOURLY),
    "local names west of Greenwich": Case("frames.time_zone", ("is UTC", "5.0 hours after"), written(5), HOURLY),
    "names in the future": Case(
        "frames.time_zone",
        ("in the future",),
        lambda root: save(root / "a", [f"a_{stamp(60 * n, round(time.time(), -2))}.png" for n in range(8)]),
        HOURLY,
    ),
    "names of another century": Case(
        "frames.pattern",
        ("12 of 12", "2401-01-12"),
        every(1, name="a_20{}00.png"),
        {"frames": {"pattern": r"\d{4}(\d{12})\.", "cadence_minutes": 1}},
    ),
    "animation of fewer pictures": Case(
        "frames.loop",
        ("1 of 4", "do not have 5", "(4)"),
        animations([5, 5, 4, 5]),
        {"frames": {"loop": {"step_minutes": 6}}},
    ),
    "animations that pause": Case(
        "frames.loop.pause_pictures",
        ("end with 3 equal", "write 2"),
        animations([5, 5], pause=2),
        {"frames": {"loop": {"step_minutes": 6}}},
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    header_size.cache_clear()  # paths are relative to another folder in each test
    return tmp_path


def is_about(case: Case, line: str) -> bool:
    return line.startswith(f"{case.key}:") and all(word in line for word in case.words)


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_refused_in_a_line_with_its_key(name: str, folder: Path) -> None:
    case = REFUSED[name]
    (case.make or every(6))(folder)
    with pytest.raises(ConfigError) as refusal:
        Plan(read_config(config_of(case.changes or {})))
    print(refusal.value)
    lines = str(refusal.value).splitlines()
    assert any(is_about(case, line) for line in lines), lines


@pytest.mark.parametrize("name", WARNED)
def test_a_contradiction_is_warned_of_in_a_line_with_its_key(name: str, folder: Path) -> None:
    case = WARNED[name]
    (case.make or every(6))(folder)
    lines = Plan(read_config(config_of(case.changes or {}))).warnings
    print("\n".join(lines))
    assert any(is_about(case, line) for line in lines), lines


@pytest.mark.parametrize("make", [written(0.1), written(3000), written(0.1, step=4000)])
def test_dates_of_files_that_are_written_in_time_or_copied_later_are_not_warned_of(
    make: Make, folder: Path
) -> None:
    make(folder)
    assert Plan(read_config(config_of(HOURLY))).warnings == []


def test_names_that_changed_once_are_of_one_kind_at_a_time(folder: Path) -> None:
    every(6)(folder)
    every(6, first=72, name="new_{}.png")(folder)
    assert Plan(read_config(config_of({}))).warnings == []


def test_pictures_that_an_encoder_joined_are_a_note_at_the_start(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / f"a/a_{stamp(0)}.gif").write_bytes(loop_file([0, 1, 2, 2, 3, 4]))
    plan = Plan(read_config(config_of({"frames": {"loop": {"step_minutes": 6}}})))
    assert [frame.picture for frame in plan.readable_frames("A")] == [0, 1, 2, 2, 3, 4]
    (note,) = plan.notes
    assert note.startswith("frames.loop: 1 pictures in animations of radar A")
    every(6, name="b_{}.png", folder="b")(folder)
    assert Plan(read_config(config_of({"radar": {"frames": "b"}}))).notes == []


def test_pause_pictures_give_the_others_their_own_times(folder: Path) -> None:
    animations([5, 5], pause=2)(folder)
    plan = Plan(read_config(config_of({"frames": {"loop": {"step_minutes": 6, "pause_pictures": 2}}})))
    assert plan.warnings == []
    frames = plan.readable_frames("A")
    assert [frame.picture for frame in frames] == [0, 1, 2, 3, 4] * 2
    assert np.diff([frame.time for frame in frames]).tolist() == [360] * 4 + [36 * 60] + [360] * 4
