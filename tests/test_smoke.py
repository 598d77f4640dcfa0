"""The smoke config runs from frames to the report: the one run of the whole workflow in `make test`."""

from __future__ import annotations

import json
from pathlib import Path

from workflow_cases import BY_DAY, RADARS, make_workspace, without_midnight


def test_the_smoke_config_runs_from_frames_to_the_report(tmp_path: Path) -> None:
    """By days, of two training hours and one hour to be scored on."""
    workspace = make_workspace(tmp_path, BY_DAY)
    without_midnight(workspace)
    workspace.run()
    results = workspace.root / "results"
    assert (results / "report/report.html").exists()
    assert json.loads((results / "evaluation/metrics.json").read_text())
    for radar in RADARS:
        assert stores(results / "cleaned" / radar) == ["20240710", "20240711"]
    assert stores(results / "composite") == ["20240710", "20240711"]


def stores(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in folder.glob("*.zarr"))
