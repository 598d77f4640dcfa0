"""The config file and Snakemake: a mistake stops it before any job, and no key of the demo is merged."""

from __future__ import annotations

import copy

from workflow_cases import SAMPLE, SMOKE, Workspace, in_fork, jobs_of


def test_a_mistake_is_one_line_before_any_job(scratch: Workspace) -> None:
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["latitude"] = 145
    output = scratch.forked("--dry-run", config=config, refused=True)
    assert "config.yaml: radars[0].latitude: 145 must be at most 90" in output.splitlines()
    assert "Traceback" not in output
    assert not (scratch.root / "results").exists()


def test_a_config_file_of_the_command_line_replaces_the_demo_and_the_run_reports_it(scratch: Workspace) -> None:
    config = copy.deepcopy(SMOKE)
    config["cleaning"] = {"model": "pretrained"}
    config["samples"] = {"atlas": "channel"}
    config["atlas"] = {"period": config["training"]["period"]}
    del config["training"], config["evaluation"], config["report"]  # the demo has other values for these
    output = scratch.forked("--dry-run", config=config)
    lines = [line for line in output.splitlines() if not line.startswith("Using ")]
    assert lines[0] == "config.yaml: takes the place of config/config.yaml, which is not read."
    rules = {job.rule for job in jobs_of(output)}
    assert "clean_frames" in rules
    assert not rules & {"train_model", "evaluate_model", "export_geotiff"}  # the demo has them


def test_single_values_of_the_command_line_are_merged_over_the_demos_config(scratch: Workspace) -> None:
    (scratch.root / "resources/maritimes").symlink_to(SAMPLE)
    command = ["train", "--dry-run", "--config", "results=elsewhere"]
    code, output = in_fork(scratch.root, scratch.environment(), command)
    assert code == 0, output
    assert "elsewhere/rgb/CASGO" in output and "takes the place" not in output


def test_the_old_name_of_the_products_is_refused_with_the_new_one(scratch: Workspace) -> None:
    output = scratch.forked("clean", "--dry-run", refused=True)
    assert "snakemake products" in output and "make clean" in output
