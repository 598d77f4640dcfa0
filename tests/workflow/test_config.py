"""The config file and Snakemake: a mistake stops it before any job, and nothing of the demo is merged."""

from __future__ import annotations

import copy

from workflow_cases import SMOKE, Workspace, jobs_of


def test_snakemake_stops_with_that_line_before_any_job(scratch: Workspace) -> None:
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
