"""The smoke config runs from frames to the report: the one run of the whole workflow in `make test`."""

from __future__ import annotations

import json
from pathlib import Path

from workflow_cases import RADARS, Workspace


def test_the_smoke_config_runs_from_frames_to_the_report(finished: Workspace) -> None:
    results = finished.root / "results"
    assert (results / "report/report.html").exists()
    assert json.loads((results / "evaluation/metrics.json").read_text())
    for radar in RADARS:
        assert stores(results / "cleaned" / radar) == ["20240710T22", "20240710T23", "20240711T00", "20240711T13"]
    assert len(stores(results / "composite")) == 4


def stores(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in folder.glob("*.zarr"))
