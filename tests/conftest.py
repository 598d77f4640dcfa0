"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from slurm_cases import Cluster, ask, make_cluster
from workflow_cases import Workspace, make_workspace

settings.register_profile("patient", deadline=None)  # these machines are noisy
settings.load_profile("patient")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which the smoke config ran to its end. Tests leave it as they found it."""
    workspace = make_workspace(tmp_path_factory.mktemp("finished"))
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
