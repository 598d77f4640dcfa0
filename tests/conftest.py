"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from slurm_cases import Cluster, ask, make_cluster
from workflow_cases import SMOKE, Workspace, make_workspace

settings.register_profile("patient", deadline=None)  # these machines are noisy
settings.load_profile("patient")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workspace:
    """A workspace in which the smoke config ran to its end. Tests leave it as they found it.

    It runs once: each of pytest's processes has a copy, of which Snakemake thinks as of the first.
    """
    own = tmp_path_factory.getbasetemp() / "finished"
    if worker_id == "master":
        return run_smoke(own)
    shared = own.parents[1] / "finished"
    with FileLock(shared.with_suffix(".lock")):
        first = Workspace(shared, SMOKE) if shared.exists() else run_smoke(shared)
    return first.copied(own)


def run_smoke(root: Path) -> Workspace:
    workspace = make_workspace(root)
    workspace.run()
    return workspace


@pytest.fixture
def scratch(tmp_path: Path) -> Workspace:
    """A workspace of the test's own, in which nothing ran yet."""
    return make_workspace(tmp_path)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """What `snakemake --profile slurm` made of the smoke config. Tests leave it as they found it."""
    ask("sinfo")  # no Slurm is a failure: `make test-slurm` starts one
    cluster = make_cluster(tmp_path_factory.mktemp("made"))
    cluster.submit().ends_well()
    return cluster
