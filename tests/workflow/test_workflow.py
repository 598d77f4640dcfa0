"""The workflow as a whole: its graphs and profile, its named targets, and that it never leaks the test period."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from picture_cases import write_zoo
from workflow_cases import REPOSITORY, SMOKE, Workspace, jobs_of

from radar_cleaner.config.labelers import declared_labelers

LABELERS = tuple(labeler.name for labeler in declared_labelers())

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)  # what the plan takes for a model file
UP_TO_TRAINING = {
    "list_unplaced_frames",
    "build_rgb_store",
    "learn_picture",
    "decode_reflectivity",
    "build_clutter_atlas",
    "build_warp_grid",
    "align_radars",
    "label_echoes",
    "split_samples",
    "train_model",
}


def test_no_input_up_to_the_training_is_of_the_evaluation_period_or_the_reference(scratch: Workspace) -> None:
    config = yaml.safe_load((REPOSITORY / "config/maritimes.yaml").read_text())
    for radar in config["radars"]:
        radar["frames"] = str(REPOSITORY / radar["frames"])
    config["evaluation"]["reference"] = str(REPOSITORY / config["evaluation"]["reference"])
    output = scratch.forked("--dry-run", "train", config=config)
    assert {job.rule for job in jobs_of(output)} == UP_TO_TRAINING
    inputs = [name for line in re.findall(r"^    input: (.*)$", output, re.MULTILINE) for name in line.split(", ")]
    hours = re.findall(r"20240711T(\d\d)", " ".join(inputs))
    minutes = re.findall(r"_20240711(\d\d)\d\d\.png", " ".join(inputs))
    assert hours and minutes
    assert max(hours) == max(minutes) == "11"
    assert not [name for name in inputs if "truth" in name]


def test_no_target_reads_frames_of_another_period_or_masks_of_the_evaluation(scratch: Workspace) -> None:
    """With every labeler on: neighbours in time and reference masks are those of the shard's own period."""
    config = yaml.safe_load((REPOSITORY / "config/maritimes.yaml").read_text())
    truth = str(REPOSITORY / config["evaluation"]["reference"])
    for radar in config["radars"]:
        radar["frames"] = str(REPOSITORY / radar["frames"])
    config["evaluation"]["reference"] = truth
    config["votes"] = dict.fromkeys(LABELERS[:-1], 1) | {"reference": truth}
    output = scratch.forked("--dry-run", "evaluate", config=config)
    seen = {False: set[str](), True: set[str]()}  # by whether the target is of the evaluation
    masks: list[tuple[bool, str]] = []
    for block in re.split(r"\n(?=rule )", output):
        if not block.startswith("rule label_echoes:"):
            continue
        found = re.search(r"^    input: (.*)$", block, re.MULTILINE)
        shard = re.search(r"^    wildcards: .*shard=(\w+)", block, re.MULTILINE)
        assert found and shard
        late = shard[1] >= "20240711T12"
        seen[late] |= set(re.findall(r"/(\d{8}T\d\d)\.zarr", found[1]))
        masks += [(late, name) for name in re.findall(r"truth/\w+/\w+_(\d{12})\.png", found[1])]
    assert max(seen[False]) == "20240711T11" and min(seen[True]) == "20240711T12"
    assert len(seen[False]) == 17 and len(seen[True]) == 12
    assert len(masks) > 200 and not any(late for late, _ in masks)
    assert max(time for _, time in masks) < "202407111200"


def test_the_training_reads_no_frame_of_an_evaluation_that_begins_where_it_ends(scratch: Workspace) -> None:
    settings = copy.deepcopy(SMOKE)
    settings["samples"] = {"lead_minutes": [0, 6, 18], "block_minutes": 60, "validation": 0}
    settings["evaluation"] = {"period": ["2024-07-11 00:00", "2024-07-11 01:00"]}
    output = scratch.forked("--dry-run", "--printshellcmds", config=settings)
    assert "rule evaluate_forecasts:" in output
    for rule in ("split_samples", "train_model"):
        job = output.split(f"rule {rule}:")[1].split("\n\n")[0]
        assert "20240710T23" in job and "20240711T00" not in job


def test_named_targets_make_their_part(scratch: Workspace) -> None:
    preparing = UP_TO_TRAINING - {"train_model"} | {"check_frames"}
    assert scratch.rules("prepare") == preparing
    assert scratch.rules("train") == UP_TO_TRAINING
    assert "train_model" in scratch.rules("evaluate") and "clean_frames" not in scratch.rules("evaluate")
    assert "compose_radars" in scratch.rules("products") and "write_report" not in scratch.rules("products")
    assert "write_report" in scratch.rules("report")


def test_cleaning_with_a_given_model_needs_neither_training_nor_evaluation(scratch: Workspace) -> None:
    config = copy.deepcopy(SMOKE)
    (scratch.root / "mine.pt").write_bytes(EMPTY_ZIP)
    config["cleaning"] = {"model": "mine.pt"}
    del config["training"], config["evaluation"]
    assert scratch.rules("products", config=config) == {
        "list_unplaced_frames",
        "build_rgb_store",
        "learn_picture",
        "decode_reflectivity",
        "build_warp_grid",
        "align_radars",
        "build_clutter_atlas",
        "label_echoes",
        "clean_frames",
        "compose_radars",
        "check_frames",
        "check_place",
    }
    config["cleaning"]["votes"] = 0
    assert not scratch.rules("products", config=config) & {"build_clutter_atlas", "label_echoes"}
    config["cleaning"]["votes"], config["votes"] = 1, {"atlas": 0}
    assert "build_clutter_atlas" not in scratch.rules("products", config=config)


@pytest.mark.parametrize(("key", "needed"), [("time_of_day", True), ("coordinates", True), ("day_of_year", False)])
def test_places_are_made_where_a_channel_needs_them_and_only_there(
    scratch: Workspace, key: str, needed: bool
) -> None:
    config = copy.deepcopy(SMOKE)
    config["samples"][key] = True
    assert ("place_static_fields" in scratch.rules("prepare", config=config)) == needed
    (scratch.root / "mine.pt").write_bytes(EMPTY_ZIP)
    config["cleaning"] = {"model": "mine.pt"}
    del config["training"], config["evaluation"]
    assert ("place_static_fields" in scratch.rules("products", config=config)) == needed


@pytest.fixture
def zoo(scratch: Workspace) -> Workspace:
    """A workspace whose one radar has two good frames among bad ones of every kind."""
    config = {
        "radars": [{"id": "ZOO", "frames": "zoo", "latitude": 45.0, "longitude": -63.0, "range_km": 100}],
        "labels": {"palette": "config/palettes/eccc.csv"},
        "cleaning": {"model": "mine.pt"},
    }
    (scratch.root / "mine.pt").write_bytes(EMPTY_ZIP)
    return Workspace(scratch.root, config)


TABLES = ["results/rgb/ZOO/20240711.rejected.csv", "results/rgb/ZOO/unplaced.rejected.csv"]


def test_every_bad_frame_is_in_a_rejects_table_with_its_reason_and_the_rest_is_done(zoo: Workspace) -> None:
    reasons, good = write_zoo(zoo.root / "zoo")
    zoo.run(*TABLES)
    rejects = pd.concat([pd.read_csv(zoo.root / table) for table in TABLES])
    found = {Path(file).name: reason for file, reason in zip(rejects["file"], rejects["reason"], strict=True)}
    assert found.keys() == {*reasons, "r_latest.png"}
    assert all(reason in found[name] for name, reason in reasons.items())
    assert "no time in the name" in found["r_latest.png"]
    sources = pd.read_csv(zoo.root / "results/rgb/ZOO/20240711.zarr/sources.csv")
    assert [Path(file).name for file in sources["file"]] == good


def test_on_bad_frame_fail_stops_with_file_and_reason(zoo: Workspace) -> None:
    write_zoo(zoo.root / "zoo")
    config = {**zoo.config, "frames": {"on_bad_frame": "fail"}}
    done = zoo.snakemake(*TABLES, "--cores", "2", "--keep-going", config=config, check=False)
    assert done.returncode != 0
    assert re.search(r"r_latest.png.*no time in the name", done.stdout)
    assert re.search(r"r_202407110006.png.*truncated", done.stdout)
    assert "Traceback" not in done.stdout
    assert not any((zoo.root / table).exists() for table in TABLES)


def test_no_shell_stands_between_snakemake_and_the_training(scratch: Workspace) -> None:
    """A shell would die of a signal to all processes of the job, and the training be killed with it."""
    output = scratch.forked("--dry-run", "--printshellcmds", "train")
    command = next(line for line in output.splitlines() if "train-model" in line)
    assert command.startswith("Shell command: exec workflow/scripts/launch_torchrun.sh 1 2 -m radar_cleaner ")


def test_the_default_profile_sets_nothing_that_the_slurm_profile_sets() -> None:
    default, slurm = (
        yaml.safe_load((REPOSITORY / "profiles" / name / "config.yaml").read_text())
        for name in ("default", "slurm")
    )
    assert not default.keys() & slurm.keys()


def test_the_lint_is_clean(scratch: Workspace) -> None:
    assert "Congratulations" in scratch.forked("--lint")


@pytest.fixture
def make(scratch: Workspace) -> Workspace:
    """A workspace in which `make` finds its environment made, and plain programs for the tests' python."""
    shutil.copy2(REPOSITORY / "Makefile", scratch.root)
    shutil.copy2(REPOSITORY / "pyproject.toml", scratch.root)
    folder = scratch.root / ".venv/bin"
    folder.mkdir(parents=True)
    for name, words in (("snakemake", scratch.command()[:3]), ("python", [sys.executable])):
        (folder / name).write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
        (folder / name).chmod(0o755)
    for stamp in ("python", "installed", "installed-dev"):
        (scratch.root / ".venv" / stamp).touch()
    scratch.write_config()
    return scratch


def run_make(workspace: Workspace, *arguments: str, path: str | None = None) -> str:
    environment = {**workspace.environment(), **({"PATH": path} if path else {})}
    done = subprocess.run(
        ["make", *arguments, "CONFIG=config.yaml"],
        cwd=workspace.root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_make_why_names_each_rule_and_its_reason(make: Workspace) -> None:
    lines = run_make(make, "why").splitlines()
    assert any(line.startswith("train_model: reason: Missing output files") for line in lines)


def test_make_dag_draws_mermaid_where_there_is_no_dot(make: Workspace, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "bash", "make", "mkdir", "cat", "rm", "git", "which"):
        (programs / name).symlink_to(str(shutil.which(name)))
    printed = run_make(make, "dag", "TARGET=train", path=str(programs))
    assert "install graphviz" in printed
    for graph in ("rulegraph", "dag"):
        drawn = (make.root / "dag" / f"{graph}.mmd").read_text()
        assert "train_model" in drawn and "clean_frames" not in drawn
    assert not list((make.root / "dag").glob("*.svg"))


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    assert {"demo", "test", "verify", "check", "lint", "dag", "rulegraph", "costs", "run-report", "why"} <= listed
