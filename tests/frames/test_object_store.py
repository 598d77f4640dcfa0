"""Frames in an object store, on a real S3 server: one request lists them, and every refusal is one line."""

from __future__ import annotations

import builtins
import copy
import importlib.util
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_cases import put
from picture_cases import loop_file
from s3_cases import CREDENTIALS, Server, serving
from workflow_cases import REPOSITORY, SMOKE, sample_frames

from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.listings import StoredObject, save_objects
from radar_cleaner.frames.loops import list_pictures
from radar_cleaner.frames.object_store import LISTINGS, ObjectStore
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.planning.plan import Plan

FRAMES = sample_frames("CASGO")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("s3"), "radar", "mixed", "loops") as server:
        for path in FRAMES:
            server.put("radar", f"archive/{path.name[6:14]}/{path.name}", path.read_bytes())
        server.put("radar", "archive/latest.png", b"x")
        server.put("radar", "archive_of_others/CASGO_202407102200.png", b"x")
        yield server


@pytest.fixture
def config(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The smoke config with the first radar's frames in the store, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["frames"] = "s3://radar/archive"
    config["radars"][1]["frames"] = str(REPOSITORY / "resources/maritimes/frames/CASCM")
    config["labels"]["palette"] = str(REPOSITORY / "config/palettes/eccc.csv")
    config["evaluation"]["reference"] = None
    config["s3"] = {"endpoint_url": server.url}
    return config


def plan_of(config: dict[str, Any], answers: str | None = None) -> Plan:
    return Plan(read_config(copy.deepcopy(config)), answers)


def complaint(config: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        plan_of(config)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_plan_lists_the_objects_below_an_address_by_one_request(server: Server, config: dict[str, Any]) -> None:
    before = len(server.requests())
    plan = plan_of(config)
    asked = [line for line in server.requests()[before:] if line.startswith(("LIST", "GET", "HEAD"))]
    assert asked == ["LIST BUCKET"]
    assert plan.unplaced["CASGO"] == ["archive/latest.png"]
    assert plan.files("CASGO", "20240710T22") == [
        f"s3://radar/archive/20240710/{path.name}" for path in FRAMES if path.name[6:16] == "2024071022"
    ]
    assert sum(len(plan.frames("CASGO", shard)) for shard in plan.shards("CASGO")) == len(FRAMES)


def test_without_a_size_a_few_headers_are_read(server: Server, config: dict[str, Any]) -> None:
    config["frames"]["size_px"] = None
    before = len(server.requests())
    assert plan_of(config).sizes["CASGO"] == (580, 480)
    asked = [line for line in server.requests()[before:] if line.startswith("GET")]
    assert 1 <= len(asked) <= 21


def test_a_run_keeps_its_lists_while_the_store_changes(server: Server, config: dict[str, Any]) -> None:
    config["frames"]["size_px"] = None
    first = plan_of(config)
    server.put("radar", "archive/CASGO_202407102203.png", b"x")
    try:
        before = len(server.requests())
        other = plan_of(config)
        assert len(server.requests()) > before
        before = len(server.requests())
        job = plan_of(config, first.listings("CASGO"))  # a process of the first run on another machine
        assert len(server.requests()) == before
    finally:
        server.client().delete_object(Bucket="radar", Key="archive/CASGO_202407102203.png")
    assert job.listings("CASGO") == first.listings("CASGO") != other.listings("CASGO")
    assert job.sizes == first.sizes
    names = first.radars["CASGO"].names
    counts = [
        len(list_frames("s3://radar/archive", names, Path(p.listings("CASGO"))).frames) for p in (first, other)
    ]
    assert counts == [len(FRAMES), len(FRAMES) + 1]
    assert first.listings("CASCM") == str(LISTINGS)


def test_a_missing_folder_of_answers_is_made_anew(config: dict[str, Any], tmp_path: Path) -> None:
    assert plan_of(config, str(tmp_path / "gone")).shards("CASGO")
    assert not (tmp_path / "gone").exists()


def test_the_folders_of_killed_runs_are_removed_later(config: dict[str, Any]) -> None:
    for name, age in (("run-old", 40 * 86400), ("run-new", 86400)):
        (LISTINGS / name / "x").mkdir(parents=True)
        os.utime(LISTINGS / name, (time.time() - age,) * 2)
    plan_of(config)
    assert not (LISTINGS / "run-old").exists() and (LISTINGS / "run-new").exists()


def test_animations_are_counted_by_one_request_each_until_they_change(
    server: Server, config: dict[str, Any], tmp_path: Path
) -> None:
    for hour, count in ((10, 3), (11, 4)):
        server.put("loops", f"loops/r_20240710{hour}00.gif", loop_file(range(count)))
    config["radars"] = [config["radars"][0] | {"frames": "s3://loops/loops", "range_km": 60, "center_px": None}]
    config["frames"] = {"cadence_minutes": 6, "shard": "hour", "loop": {"step_minutes": 6}}
    config |= {
        "training": {},
        "evaluation": {},
        "cleaning": {"model": "pretrained"},
        "samples": {"atlas": "channel"},
    }

    def requests(plan: Plan) -> list[str]:
        assert len(plan.readable_frames("CASGO")) in (7, 8)
        asked = [line for line in server.requests()[before:] if "loops/r_" in line and line.startswith("GET")]
        return [line for line in asked if line.endswith(".gif")]

    before = len(server.requests())
    plan = plan_of(config)
    counted = requests(plan)
    assert [frame.picture for frame in plan.readable_frames("CASGO")] == [0, 1, 2, 0, 1, 2, 3]
    job = list_pictures("s3://loops/loops", plan.radars["CASGO"].names, Path(plan.listings("CASGO")), "copies")
    assert [frame.full_name for frame in job.frames][2:4] == [
        "copies/loops/loops/r_202407101000.gif#3",
        "copies/loops/loops/r_202407101100.gif#1",
    ]
    before = len(server.requests())
    again = requests(plan_of(config))
    assert len(again) == len(counted) - 2  # those of the headers alone
    server.put("loops", "loops/r_202407101100.gif", loop_file(range(5)))
    before = len(server.requests())
    assert len(requests(plan_of(config))) == len(again) + 1


def test_without_the_counts_of_a_run_animations_are_refused_in_one_line(tmp_path: Path) -> None:
    names = NameFormat(r"(\d{12})", "%Y%m%d%H%M", loop_minutes=6)
    save_objects(tmp_path, "s3://a/b", [StoredObject("b/r_202407101000.gif", "1")])
    with pytest.raises(ConfigError, match=r"pictures of b/r_202407101000.gif are not counted .* by snakemake"):
        list_pictures("s3://a/b", names, tmp_path)


def test_globs_pick_objects(config: dict[str, Any]) -> None:
    config["radars"][0]["frames"] = "s3://radar/*/202407??/CASGO_*.png"
    assert len(plan_of(config).frames("CASGO", "20240710T22")) == 10
    config["radars"][0]["frames"] = "s3://radar/**/20240711/*.png"
    config["training"]["period"] = ["2024-07-11 00:00", "2024-07-11 01:00"]
    plan = plan_of(config)
    assert plan.shards("CASGO") == ["20240711T00", "20240711T13"]
    assert plan.unplaced["CASGO"] == []


def test_objects_that_are_not_pictures_or_not_readable_have_a_problem(
    server: Server, config: dict[str, Any]
) -> None:
    keys = {
        "a_202407110000.png": "",
        "notes.txt": None,
        ".hidden/a_202407110000.png": None,
        "what?_202407110006.png": "cannot be fetched",
        "part#1_202407110012.png": "cannot be fetched",
        "{x}_202407110018.png": "cannot be fetched",
        "<x>_202407110024.png": "cannot be fetched",
    }
    for key in keys:
        server.put("mixed", key, b"x")
    found = {item.key: item.problem for item in ObjectStore(server.url, "us-east-1").objects("s3://mixed")}
    assert found.keys() == {key for key, reason in keys.items() if reason is not None}
    for key, problem in found.items():
        assert (keys[key] or "") in problem and bool(problem) == bool(keys[key]), key


def test_a_long_list_comes_in_pages(
    server: Server, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ObjectStore(server.url, "us-east-1")
    plain = store._client.get_paginator
    sizes = {"PaginationConfig": {"PageSize": 7}}
    monkeypatch.setattr(
        store._client,
        "get_paginator",
        lambda name: type("Pages", (), {"paginate": lambda _, **given: plain(name).paginate(**given, **sizes)})(),
    )
    assert len(store.objects("s3://radar/archive")) == len(FRAMES) + 1


def test_a_missing_bucket_is_one_line(config: dict[str, Any]) -> None:
    config["radars"][0]["frames"] = "s3://nowhere/archive"
    assert "radars[0].frames: s3://nowhere/archive: there is no bucket nowhere at http" in complaint(config)


def test_an_address_without_pictures_is_one_line(config: dict[str, Any]) -> None:
    config["radars"][0]["frames"] = "s3://radar/nothing"
    assert "radars[0].frames: no pictures found in s3://radar/nothing" in complaint(config)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_wrong_credentials_are_one_line(
    config: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "wrong")
    message = complaint(config)
    assert "refuses these credentials (" in message and "check AWS_ACCESS_KEY_ID" in message
    assert "of-the-tests" not in message


def test_no_credentials_are_one_line(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    assert "no credentials for http" in complaint(config)


def test_a_server_that_does_not_answer_is_one_line(config: dict[str, Any]) -> None:
    put("s3", "endpoint_url", value="http://127.0.0.1:9")(config)
    assert "http://127.0.0.1:9 does not answer (" in complaint(config)


@pytest.mark.parametrize("bucket", ["", "a b", "UPPER_case!"])
def test_an_impossible_bucket_is_one_line(config: dict[str, Any], bucket: str) -> None:
    config["radars"][0]["frames"] = f"s3://{bucket}/archive"
    assert complaint(config).startswith(f"radars[0].frames: s3://{bucket}/archive: ")


def test_without_its_packages_the_message_names_the_command_to_install_them(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = importlib.util.find_spec
    monkeypatch.setattr(
        "radar_cleaner.frames.object_store.find_spec",
        lambda name: None if name == "snakemake_storage_plugin_s3" else plain(name),
    )
    assert "pip install 'radar-cleaner[s3]'" in complaint(config)


def test_boto3_is_imported_only_for_addresses(config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    config["radars"][0]["frames"] = str(REPOSITORY / "resources/maritimes/frames/CASGO")
    plain = builtins.__import__

    def watched(name: str, *given: Any, **named: Any) -> Any:
        assert name.partition(".")[0] not in ("boto3", "botocore")
        return plain(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", watched)
    assert plan_of(config).trains
