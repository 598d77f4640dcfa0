"""A run that is killed in the middle of each rule, and started again, ends as one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from workflow_cases import Workspace, make_workspace

SUBCOMMANDS = [
    "list-unplaced-frames",
    "build-rgb-store",
    "label-echoes",
    "build-clutter-atlas",
    "build-warp-grid",
    "align-others",
    "vote-echoes",
    "split-samples",
    "list-test-samples",
    "train-model",
    "evaluate-model",
    "clean-frames",
    "compose-radars",
    "write-report",
]
PATIENCE = 300  # seconds


def kill_in(workspace: Workspace, subcommand: str) -> bool:
    """Start a run up to the subcommand's rule, and kill all of its processes as soon as a job of that rule runs.

    False where the run ended before such a job was seen.
    """
    workspace.write_config()
    run = subprocess.Popen(
        workspace.command("--cores", "2", "--until", subcommand.replace("-", "_")),
        cwd=workspace.root,
        env=workspace.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        give_up = time.monotonic() + PATIENCE
        while run.poll() is None:
            assert time.monotonic() < give_up, f"no {subcommand} was seen"
            family = psutil.Process(run.pid).children(recursive=True)
            if any(is_stage(process, subcommand) for process in family):
                time.sleep(0.3)  # into the middle of it
                return True
            time.sleep(0.01)
        assert run.returncode == 0
        return False
    finally:
        kill_family(run)


def is_stage(process: psutil.Process, subcommand: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return subcommand in command and "radar_cleaner" in command


def kill_family(run: subprocess.Popen[bytes]) -> None:
    try:
        family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    run.wait()
    psutil.wait_procs(family, timeout=10)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_run_killed_in_each_rule_ends_with_the_same_stores(finished: Workspace, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "copy")
    for subcommand in SUBCOMMANDS:
        killed = kill_in(workspace, subcommand)
        assert killed, f"the run ended before {subcommand} was killed"
        workspace.snakemake("--unlock")
    workspace.run()
    ours, theirs = workspace.store_digests(), finished.store_digests()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    leftovers = [path for path in (workspace.root / "results").rglob(".*") if ".tmp-" in path.name]
    assert leftovers == []
