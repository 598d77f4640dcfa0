"""Near real time: each new frame makes exactly its jobs, none is lost, and what is older stays as it is."""

from __future__ import annotations

import copy
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from learning_cases import config as network
from rerun_cases import frame, jobs
from workflow_cases import RADARS, REPOSITORY, SAMPLE, SMOKE, Job, Workspace, make_workspace

from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model

PAGE = (REPOSITORY / "docs/how-to/near_real_time.md").read_text()
BEHIND, AROUND = [-12, -6, 0], [-6, 0, 6]


def config_of(window: list[int], minutes: float) -> dict[str, Any]:
    config = {key: value for key, value in copy.deepcopy(SMOKE).items() if key not in ("training", "evaluation")}
    config["frames"] |= {"shard": "frame", "newest_minutes": minutes}
    config["samples"] = {"input_minutes": window}
    config["cleaning"] = {"model": "mine.pt", "votes": 0}
    return config


@pytest.fixture
def watched(scratch: Workspace) -> Workspace:
    """Two folders without frames, and a small model that looks behind."""
    for radar in RADARS:
        shutil.rmtree(scratch.root / "frames" / radar)
        (scratch.root / "frames" / radar).mkdir()
    settings = network(input_minutes=tuple(BEHIND))
    model = build_model(settings)
    draw_weights(model, 0)
    save_model(scratch.root / "mine.pt", settings, model.state_dict(), {})
    return scratch


def arrive(workspace: Workspace, *times: str, radars: tuple[str, ...] = RADARS) -> None:
    for radar in radars:
        for when in times:
            name = f"{radar}_20240711{when}.png"
            shutil.copyfile(SAMPLE / "frames" / radar / name, frame(workspace, f"20240711{when}", radar))


def at(text: str, **shards: str) -> set[Job]:
    """`clean_frames CASGO/now` with names of shards for words."""
    for word, when in shards.items():
        text = text.replace(word, f"20240711T{when}")
    return jobs(text)


@pytest.mark.parametrize(
    ("window", "again"),
    [
        (BEHIND, ("", "")),
        (
            AROUND,
            (
                ", clean_frames CASGO/last, compose_radars last",
                ", clean_frames CASGO/last, clean_frames CASCM/last, compose_radars last",
            ),
        ),
    ],
    ids=["looking behind", "looking ahead too"],
)
def test_a_frame_makes_its_jobs_and_those_that_see_it(
    watched: Workspace, window: list[int], again: tuple[str, str]
) -> None:
    watched.config = config_of(window, 30)
    arrive(watched, "1300", "1306")
    watched.pretend("products")
    now = {"now": "1312", "last": "1306"}
    arrive(watched, "1312", radars=("CASGO",))
    own = (
        "build_rgb_store {0}/now, decode_reflectivity {0}/now, align_radars {0}/now, clean_frames {0}/now,"
        " check_frames {0}"
    )
    assert watched.dry_run("products") == at(own.format("CASGO") + ", compose_radars now" + again[0], **now)
    watched.pretend("products")
    arrive(watched, "1312", radars=("CASCM",))
    other = ", align_radars CASGO/now, clean_frames CASGO/now, compose_radars now"
    assert watched.dry_run("products") == at(own.format("CASCM") + other + again[1], **now)


@pytest.mark.parametrize(
    ("persistence", "again"),
    [(0, ""), (0.25, ", label_echoes CASGO/last, clean_frames CASGO/last, compose_radars last")],
    ids=["no neighbours in time", "the frame after"],
)
def test_labels_of_a_frame_are_made_with_it_and_again_where_the_next_frame_is_evidence_too(
    watched: Workspace, persistence: float, again: str
) -> None:
    watched.config = config_of(BEHIND, 30)
    watched.config["cleaning"]["votes"], watched.config["votes"] = 1, {"atlas": 0, "persistence": persistence}
    arrive(watched, "1300", "1306")
    watched.pretend("products")
    arrive(watched, "1312", radars=("CASGO",))
    own = "build_rgb_store {0}, decode_reflectivity {0}, align_radars {0}, label_echoes {0}, clean_frames {0}"
    wanted = own.format("CASGO/now") + ", compose_radars now, check_frames CASGO" + again
    assert watched.dry_run("products") == at(wanted, now="1312", last="1306")


def test_calls_that_were_missed_lose_no_frame_of_the_newest_minutes_and_nothing_older_is_made(
    watched: Workspace,
) -> None:
    watched.config = config_of(BEHIND, 12)
    # Of a fixed period, what the pictures show is learned once. By default it is that of the first frame.
    watched.config["picture"] = {"period": ["2024-07-11 12:48", "2024-07-11 12:49"]}
    arrive(watched, "1248", "1300")
    watched.pretend("products")
    came = ("1306", "1312", "1318", "1324", "1330")
    arrive(watched, *came)
    found = watched.dry_run("products")
    products = {job.wildcards for job in found if job.rule == "compose_radars"}
    assert products == {f"20240711T{when}" for when in ("1318", "1324", "1330")}
    # The first of them is labelled with the two before it, which are labelled for that alone.
    labelled = {job.wildcards for job in found if job.rule == "decode_reflectivity"}
    assert labelled == {f"{radar}/20240711T{when}" for radar in RADARS for when in came}
    cleaned = {job.wildcards.split("/")[1] for job in found if job.rule == "clean_frames"}
    assert cleaned == products
    watched.pretend("products")
    arrive(watched, "1254", radars=("CASGO",))  # far too late
    shutil.copyfile(frame(watched, "202407111306"), frame(watched, "202407111300"))
    assert watched.dry_run("products") == set()


def test_a_radar_without_frames_delays_no_other(watched: Workspace) -> None:
    watched.config = config_of(BEHIND, 12)
    arrive(watched, "1300", radars=("CASCM",))
    arrive(watched, "1354", radars=("CASGO",))
    cleaned = {job.wildcards for job in watched.dry_run("all") if job.rule == "clean_frames"}
    assert cleaned == {"CASGO/20240711T1354"}


def loop() -> list[str]:
    return shlex.split(re.findall(r"^    (flock .*)$", PAGE, re.MULTILINE)[0])


def test_the_page_calls_one_and_the_same_loop() -> None:
    calls = re.findall(r"snakemake products .*--quiet all", PAGE)
    assert len(calls) == 4 and set(calls) == {shlex.join(loop()[loop().index("snakemake") :])}


def test_the_example_is_a_config_that_the_workflow_takes(tmp_path: Path) -> None:
    config = yaml.safe_load((REPOSITORY / "config/realtime.yaml").read_text())
    for radar in config["radars"]:
        radar["frames"] = str(REPOSITORY / radar["frames"])
    workspace = make_workspace(tmp_path, config)
    (tmp_path / "results/model").mkdir(parents=True)
    (tmp_path / "results/model/best.pt").write_bytes(b"PK\x05\x06" + bytes(18))
    found = workspace.dry_run("products")
    assert len([job for job in found if job.rule == "compose_radars"]) == 6  # half an hour's
    assert "write_report" not in {job.rule for job in found}


def products(workspace: Workspace) -> dict[str, int]:
    """The time of each product that there is."""
    root = workspace.root / "results"
    made = [*root.glob("cleaned/*/*.zarr/zarr.json"), *root.glob("composite/*.zarr/zarr.json")]
    return {str(path.parent.relative_to(root)): path.stat().st_mtime_ns for path in made}


@pytest.mark.slow
def test_the_loop_makes_the_products_of_new_frames_and_touches_no_others(watched: Workspace) -> None:
    watched.config = config_of(BEHIND, 12)
    command = [word.replace("config/realtime.yaml", "config.yaml") for word in loop()]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def call() -> int:
        watched.write_config()
        environment = {**watched.environment(), "PATH": path}
        return subprocess.run(command, cwd=watched.root, env=environment, timeout=400).returncode

    def new(before: dict[str, int]) -> set[str]:
        return {name for name, made in products(watched).items() if before.get(name) != made}

    def own(when: str) -> set[str]:
        shard = f"20240711T{when}.zarr"
        return {f"composite/{shard}", *(f"cleaned/{radar}/{shard}" for radar in RADARS)}

    arrive(watched, "1300")
    assert call() == 0
    assert new({}) == own("1300")
    arrive(watched, "1306")
    before = products(watched)
    with (watched.root / "realtime.lock").open("w") as lock:  # another call is at work
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        assert call() == 1
        assert time.monotonic() - started < 5
    assert products(watched) == before
    assert call() == 0
    assert new(before) == own("1306")
    before = products(watched)
    arrive(watched, "1312", "1318")  # of two times, a call was missed
    assert call() == 0
    assert new(before) == own("1312") | own("1318")
    before = products(watched)
    assert call() == 0
    assert products(watched) == before
    watched.run("report")
    coverage = (watched.root / "results/report/coverage.csv").read_text()
    assert products(watched) == before and "CASGO" in coverage and "CASCM" in coverage
