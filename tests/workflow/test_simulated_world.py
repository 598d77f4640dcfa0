"""The workflow runs on the world of the subcommand `simulate` as it is."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from workflow_cases import Workspace

from radar_cleaner.stages.simulate import simulate

SMALL: dict[str, Any] = {"size": 96, "range_km": 60.0, "rain": 0.4}


def workspace_of(root: Path, **options: Any) -> Workspace:
    """The project beside a world in the folder `world`, with the world's config."""
    simulate(output=root / "world", **SMALL, **options)
    config = yaml.safe_load((root / "world/config.yaml").read_text().replace(f"{root}/", ""))
    return Workspace(root, config)


@pytest.fixture
def scratch_world(scratch: Workspace) -> Workspace:
    """A workspace with a world in it."""
    return workspace_of(scratch.root, hours=3, cadence_minutes=15)


def test_a_dry_run_plans_everything_and_trains_on_nothing_of_the_evaluation(scratch_world: Workspace) -> None:
    planned = scratch_world.dry_run()
    assert {"train_model", "evaluate_model", "clean_frames", "compose_radars", "write_report"} <= {
        job.rule for job in planned
    }
    assert {job.wildcards for job in planned if job.rule == "decode_reflectivity"} == {
        f"{radar}/20260601T{hour:02d}" for radar in ("SIM1", "SIM2") for hour in range(3)
    }
    trained = scratch_world.dry_run("train")
    assert not [job for job in trained if job.wildcards.endswith("T02")]


@pytest.mark.slow  # a training of a minute
def test_the_workflow_runs_on_a_world_and_scores_every_radar(scratch: Workspace) -> None:
    workspace = workspace_of(scratch.root, hours=3, cadence_minutes=6)
    config = copy.deepcopy(workspace.config)
    config["training"].update(model={"base_width": 4}, epochs=2, crop_px=64)
    workspace.run("prepare", config=config)
    workspace.run("evaluate", config=config)
    results = scratch.root / config["results"]
    metrics = json.loads((results / "evaluation" / "metrics.json").read_text())
    assert metrics["samples"]["scored"].keys() == {"SIM1", "SIM2"}
    assert min(metrics["samples"]["scored"].values()) >= 8
    assert metrics["reference"] == "masks"
    assert len(pd.read_csv(results / "model" / "history.csv")) == 2
    for row in metrics["scores"]:
        if row["cleaner"] == "label" and row["band"] == "all":
            assert row["retention"] > 0.99  # it reads what was painted
