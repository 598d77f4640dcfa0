"""One radar, two, three: the same workflow, and one model file for all of them."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from workflow_cases import BY_DAY, SMOKE, Workspace, make_workspace, without_midnight


def with_radars(count: int, workspace: Workspace, base: dict[str, Any]) -> dict[str, Any]:
    """Change the number of radars of a config; the third has the frames of Chipman, a little east of it."""
    config = copy.deepcopy(base)
    if count == 1:
        config["radars"] = config["radars"][:1]
    if count == 3:
        for folder in ("frames", "truth"):
            shutil.copytree(workspace.root / folder / "CASCM", workspace.root / folder / "THIRD")
        config["radars"].append(
            {**config["radars"][1], "id": "THIRD", "frames": "frames/THIRD", "longitude": -65.5}
        )
    return config


def check_products(workspace: Workspace, config: dict[str, Any], shard: str) -> None:
    """Check that every radar has its product with kept echo, and that the composite has the echo of all."""
    results = workspace.root / "results"
    kept = {}
    for radar in config["radars"]:
        with xr.open_zarr(results / f"cleaned/{radar['id']}/{shard}.zarr") as product:
            assert product.sizes["time"] == 10
            kept[radar["id"]] = int((product.quality_flag == 1).sum())
    with xr.open_zarr(results / f"composite/{shard}.zarr") as composite:
        assert int((composite.quality_flag == 1).sum()) >= max(kept.values()) * 0.95
        values = composite.reflectivity.values
    assert np.isfinite(values).any()


@pytest.mark.slow
def test_a_model_of_two_radars_cleans_three(finished: Workspace, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "copy")
    config = with_radars(3, workspace, SMOKE)
    config["frames"]["period"] = ["2024-07-11 13:00", "2024-07-11 14:00"]
    model = finished.root / "results/model/best.pt"
    config["cleaning"] = {"model": str(model), "threshold": 0.0}
    del config["training"], config["evaluation"]
    output = workspace.run(config=config)
    assert "train_model" not in output
    check_products(workspace, config, "20240711T13")
    assert "Nothing to be done" in workspace.forked("--dry-run", config=config)


@pytest.mark.slow
def test_one_radar_runs_through_the_whole_workflow(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "copy")
    without_midnight(workspace)
    config = with_radars(1, workspace, BY_DAY)
    config["cleaning"] = {"threshold": 0.0}
    workspace.run(config=config)
    check_products(workspace, config, "20240711")
    assert (workspace.root / "results/report/report.html").stat().st_size > 10_000
    assert "Nothing to be done" in workspace.forked("--dry-run", config=config)
