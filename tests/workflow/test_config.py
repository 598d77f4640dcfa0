"""A mistake in the config stops Snakemake before any job."""

from __future__ import annotations

import copy

from workflow_cases import SMOKE, Workspace


def test_snakemake_stops_with_that_line_before_any_job(scratch: Workspace) -> None:
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["latitude"] = 145
    done = scratch.snakemake("--cores", "1", config=config, check=False)
    assert done.returncode == 1
    assert "config.yaml: radars[0].latitude: 145 must be at most 90" in done.stdout.splitlines()
    assert "Traceback" not in done.stdout
    assert not (scratch.root / "results").exists()
