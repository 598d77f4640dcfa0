"""A mistake in the config stops Snakemake before any job."""

from __future__ import annotations

import copy

from workflow_cases import SMOKE, Workspace


def test_snakemake_stops_with_that_line_before_any_job(scratch: Workspace) -> None:
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["latitude"] = 145
    said = scratch.forked("--dry-run", config=config, refused=True)
    assert "config.yaml: radars[0].latitude: 145 must be at most 90" in said.splitlines()
    assert "Traceback" not in said
    assert not (scratch.root / "results").exists()
