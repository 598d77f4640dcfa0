"""The config: what is wrong in it is said in one line with place and remedy, before any job starts."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from planning.archive import Plan
from planning.schema import checked
from workflow_cases import REPOSITORY, SMOKE, Workspace

from radar_cleaner.errors import ConfigError

SCHEMA = REPOSITORY / "workflow" / "schemas" / "config.schema.yaml"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The smoke config on the repository's own frames."""
    monkeypatch.chdir(REPOSITORY)
    config = copy.deepcopy(SMOKE)
    for radar in config["radars"]:
        radar["frames"] = f"resources/maritimes/frames/{radar['id']}"
    config["evaluation"]["reference"] = "resources/maritimes/truth"
    return config


def plan_of(config: dict[str, Any]) -> Plan:
    return Plan(checked(config, SCHEMA))


def put(*path: str | int, value: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        part: Any = config
        for key in path[:-1]:
            part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
        part[path[-1]] = value

    return change


MISTAKES: dict[str, tuple[Change, str, str]] = {
    # name: (change, place, remedy or reason)
    "typo in a key": (put("labels", "min_dbs", value=7), "labels.min_dbs", "did you mean 'min_dbz'?"),
    "typo in a section": (put("traning", value={}), "traning", "did you mean 'training'?"),
    "typo in a radar": (put("radars", 0, "lattitude", value=4), "radars[0].lattitude", "'latitude'"),
    "latitude 145": (put("radars", 0, "latitude", value=145), "radars[0].latitude", "at most 90"),
    "a text for a number": (put("training", "epochs", value="ten"), "training.epochs", "wants integer"),
    "a missing key": (lambda c: c["radars"][0].pop("range_km"), "radars[0].range_km", "is missing"),
    "no radars": (put("radars", value=[]), "radars", "at least 1"),
    "one id twice": (put("radars", 1, "id", value="CASGO"), "radars[0].id", "two radars"),
    "an id with a slash": (put("radars", 0, "id", value="a/b"), "radars[0].id", "letters"),
    "no such folder": (put("radars", 0, "frames", value="nowhere"), "radars[0].frames", "there is no folder"),
    "no frames found": (put("radars", 0, "frames", value="config"), "radars[0].frames", "no pictures found"),
    "a pattern that fits no name": (
        put("frames", "pattern", value=r"(\d{14})"),
        "radars[0].frames",
        "see frames.pattern",
    ),
    "a broken pattern": (put("frames", "pattern", value="(12"), "frames.pattern", "no regular expression"),
    "a pattern without group": (put("frames", "pattern", value=r"\d{12}"), "frames.pattern", "no group"),
    "a time format without minutes": (
        put("frames", "time_format", value="%Y%m%d%H"),
        "frames.time_format",
        "minute",
    ),
    "an unknown time zone": (put("frames", "time_zone", value="Mars/Base"), "frames.time_zone", "Asia/Bangkok"),
    "a box outside the picture": (
        put("frames", "plot_box_px", value=[100, 0, 581, 480]),
        "frames.plot_box_px",
        "does not lie inside the picture [0, 0, 580, 480]",
    ),
    "an overlay outside the picture": (
        put("frames", "overlay", "boxes_px", value=[[570, 0, 590, 5]]),
        "frames.overlay.boxes_px[0]",
        "inside the picture",
    ),
    "box and legend both": (put("frames", "legend_width_px", value=80), "frames.legend_width_px", "keep one"),
    "a centre outside the box": (
        put("radars", 0, "center_px", value=[20, 20]),
        "radars[0].center_px",
        "not in the plot box",
    ),
    "no palette": (put("labels", "palette", value=None), "labels.palette", "needs a CSV"),
    "a palette that is not there": (put("labels", "palette", value="x.csv"), "labels.palette", "no file"),
    "a legend without its box": (put("labels", "method", value="legend"), "labels.legend.box_px", "needs the box"),
    "a period off a shard boundary": (
        put("training", "period", value=["2024-07-10 22:30", "2024-07-11 00:00"]),
        "training.period",
        "not the start of a hour",
    ),
    "a period that ends before it starts": (
        put("training", "period", value=["2024-07-11 00:00", "2024-07-10 22:00"]),
        "training.period",
        "is not after",
    ),
    "overlapping periods": (
        put("evaluation", "period", value=["2024-07-10 23:00", "2024-07-11 14:00"]),
        "evaluation.period",
        "overlaps training.period",
    ),
    "a period without frames": (
        put("evaluation", "period", value=["2025-07-10 23:00", "2025-07-11 14:00"]),
        "evaluation.period",
        "no radar has a frame",
    ),
    "a time that is none": (put("frames", "period", value=["today", "2025-01-01"]), "frames.period", "no time"),
    "no training period": (lambda c: c["training"].pop("period"), "training.period", "cleaning.model"),
    "a model that is not there": (put("cleaning", "model", value="m.pt"), "cleaning.model", "there is no file"),
    "a window off the cadence": (
        put("samples", "input_minutes", value=[-5, 0, 5]),
        "samples.input_minutes",
        "no multiple of frames.cadence_minutes 6",
    ),
    "a window without the frame itself": (
        put("samples", "input_minutes", value=[-12, -6]),
        "samples.input_minutes",
        "hold 0",
    ),
    "a purge shorter than the window": (
        put("samples", "purge_minutes", value=6),
        "samples.purge_minutes",
        "write 12 or more",
    ),
    "a crop that cannot be halved": (put("training", "crop_px", value=100), "training.crop_px", "multiple of 8"),
    "bands that fall": (put("evaluation", "dbz_bands", value=[30, 10]), "evaluation.dbz_bands", "must rise"),
    "a folder without masks": (
        put("evaluation", "reference", value="config"),
        "evaluation.reference",
        "has no masks",
    ),
}


def complaint(config: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        plan_of(config).references()
    return str(error.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_place_and_remedy(mistake: str, config: dict[str, Any]) -> None:
    change, place, remedy = MISTAKES[mistake]
    change(config)
    message = complaint(config)
    assert "\n" not in message
    assert message.startswith(f"{place}: ")
    assert remedy in message


def test_every_mistake_of_the_schema_is_told_at_once(config: dict[str, Any]) -> None:
    config["labels"]["min_dbs"] = 3
    config["radars"][1]["longitude"] = 999
    lines = complaint(config).splitlines()
    assert [line.split(":")[0] for line in lines] == ["labels.min_dbs", "radars[1].longitude"]


def test_snakemake_stops_with_that_line_before_any_job(scratch: Workspace) -> None:
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["latitude"] = 145
    done = scratch.snakemake("--cores", "1", config=config, check=False)
    assert done.returncode == 1
    assert "config.yaml: radars[0].latitude: 145 must be at most 90" in done.stdout.splitlines()
    assert "Traceback" not in done.stdout
    assert not (scratch.root / "results").exists()


def test_the_shipped_configs_are_whole(config: dict[str, Any]) -> None:
    for name in ("config.yaml", "maritimes.yaml"):
        shipped = yaml.safe_load((REPOSITORY / "config" / name).read_text())
        plan = plan_of(shipped)
        assert plan.references() and plan.trains and plan.evaluates


def test_a_radar_overrides_the_common_keys_for_itself_alone(config: dict[str, Any]) -> None:
    config["radars"][1] |= {"legend_width_px": 90, "labels": {"min_dbz": 12}, "overlay": {"border_px": 7}}
    del config["radars"][1]["center_px"]
    plan = plan_of(config)
    first, second = plan.radars.values()
    assert first.box((580, 480)) == (100, 0, 580, 480) and second.box((580, 480)) == (90, 0, 580, 480)
    assert first.labels["min_dbz"] == 5 and second.labels["min_dbz"] == 12
    assert second.labels["palette"] == first.labels["palette"]
    assert (second.overlay["border_px"], len(second.overlay["boxes_px"])) == (7, 1)
    assert second.center((580, 480)) == ((90 + 579) / 2, 479 / 2)


def test_window_and_purge_follow_from_the_cadence(config: dict[str, Any]) -> None:
    config["frames"]["cadence_minutes"] = 15
    plan = plan_of(config)
    assert plan.config["samples"]["input_minutes"] == [-15, 0, 15]
    assert plan.config["samples"]["purge_minutes"] == 30


def test_the_frame_size_is_what_most_headers_say(config: dict[str, Any], tmp_path: Path) -> None:
    import numpy as np
    from imageio import v3 as iio

    for minute in range(5):
        size = (30, 40) if minute != 2 else (31, 40)
        iio.imwrite(tmp_path / f"{202407102200 + minute}.png", np.zeros((*size, 3), np.uint8))
    (tmp_path / "202407102259.png").write_bytes(b"")
    config["radars"] = [{**config["radars"][0], "frames": str(tmp_path), "center_px": None}]
    config["frames"] = {"shard": "hour"}
    config["training"]["period"] = ["2024-07-10 22:00", "2024-07-10 23:00"]
    del config["evaluation"]
    assert plan_of(config).sizes == {"CASGO": (40, 30)}


def test_unquoted_yaml_times_are_times(config: dict[str, Any]) -> None:
    config["frames"]["shard"] = "day"
    config["frames"].pop("period", None)
    config["training"]["period"] = yaml.safe_load("[2024-07-10, 2024-07-11]")
    config["evaluation"]["period"] = yaml.safe_load("[2024-07-11 00:00:00, 2024-07-12]")
    plan = plan_of(config)
    assert plan.shards("CASGO", "training") == ["20240710"]
    assert plan.shards("CASGO", "evaluation") == ["20240711"]


def test_the_readmes_worked_example_is_a_whole_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    from imageio import v3 as iio

    text = (REPOSITORY / "README.md").read_text()
    block = text.split("```yaml")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    for radar in ("nkm", "njk"):
        (tmp_path / "frames" / radar).mkdir(parents=True)
        for day in (1, 2):
            name = f"{radar}_202606{day:02d}0715.png"
            iio.imwrite(tmp_path / "frames" / radar / name, np.zeros((640, 720, 3), np.uint8))
    plan = plan_of(yaml.safe_load(block))
    assert plan.shards("NKM") == ["20260601", "20260602"]
    geometry = plan.radars["NKM"].geometry(plan.sizes["NKM"])
    assert (geometry.width, geometry.height, geometry.center_px) == (640, 640, (319.5, 319.5))
    assert geometry.metres_per_pixel == 120_000 / 320
    assert plan.config["samples"]["input_minutes"] == [-15, 0, 15]


def test_every_key_of_the_schema_is_in_the_manual() -> None:
    manual = (REPOSITORY / "config" / "README.md").read_text()

    def keys(schema: dict[str, Any]) -> set[str]:
        found = set(schema.get("properties", {}))
        for part in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]:
            if isinstance(part, dict):
                found |= keys(part) | (keys(part["items"]) if "items" in part else set())
        return found

    words = keys(yaml.safe_load(SCHEMA.read_text()))
    assert len(words) > 60
    named = {word: rf"`(\w+\.)*{word}[`.]|^## {word}$" for word in sorted(words)}
    assert [word for word, place in named.items() if not re.search(place, manual, re.MULTILINE)] == []
