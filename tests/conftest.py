"""Fixtures of several test files, and the selection of tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from slurm_cases import Cluster, ask, make_cluster
from workflow_cases import SMOKE, Workspace, make_workspace

# No deadlines, because a busy machine is slow. `make test` draws the same few examples at each run: a new failure
# is then caused by a change. `make verify` draws more (`--hypothesis-profile thorough`), and others with `SEED=1`.
settings.register_profile("fast", deadline=None, max_examples=20, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("fast")

# Folders whose tests run in other targets than `make test`: folder, marker.
MARKED_FOLDERS = {"tests/workflow": "workflow", "tests/slurm": "slurm", "benchmarks/tests": "slow"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Mark the tests of a folder, and start those first that wait for the smoke run."""
    for item in items:
        folder = item.path.parent.relative_to(config.rootpath).as_posix()
        if folder in MARKED_FOLDERS:
            item.add_marker(MARKED_FOLDERS[folder])
    items.sort(key=lambda item: item.path.name != "test_smoke.py" and "finished" not in item.fixturenames)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workspace:
    """Run the smoke config to its end in a workspace. Tests leave the workspace unchanged.

    It runs once. The other processes of pytest have copies, which Snakemake accepts like the first. If the run
    fails, each process reports the reason.
    """
    base = tmp_path_factory.getbasetemp()
    own, shared = base / "finished", base.parent / "finished"
    if worker_id == "master":
        return run_smoke(own)
    with FileLock(shared.with_suffix(".lock")):
        if shared.exists():
            return Workspace(shared, SMOKE).copied(own)
        workspace = run_smoke(own)
        workspace.copied(shared)
        return workspace


def run_smoke(root: Path) -> Workspace:
    workspace = make_workspace(root)
    workspace.run()
    return workspace


@pytest.fixture
def scratch(tmp_path: Path) -> Workspace:
    """Make a workspace of the test's own, in which nothing ran yet."""
    return make_workspace(tmp_path)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A run of the smoke config by `snakemake --profile slurm`. Tests leave it as they found it."""
    ask("sinfo")  # no Slurm is a failure: `make test-slurm` starts one
    cluster = make_cluster(tmp_path_factory.mktemp("made"))
    cluster.submit().ends_well()
    return cluster
