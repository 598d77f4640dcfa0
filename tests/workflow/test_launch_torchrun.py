"""The launcher of the training: torchrun on this node, or on each node of a Slurm job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from workflow_cases import REPOSITORY

SCRIPT = REPOSITORY / "workflow/scripts/launch_torchrun.sh"
IN_JOB = {"SLURM_JOB_ID": "70001"}
ON_NODE = IN_JOB | {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_NODES": "2", "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1"}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Replace torchrun and srun by programs that print their process id, name and arguments."""
    for name in ("torchrun", "srun"):
        path = tmp_path / name
        path.write_text('#!/bin/sh\necho "$$ $(basename "$0") $*" TCP=$TORCH_DISABLE_SHARE_RDZV_TCP_STORE\n')
        path.chmod(0o755)
    return tmp_path


def launch(programs: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Process id of the launcher, its output and its error output."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    kept |= environment | {"PATH": f"{programs}:{os.environ['PATH']}"}
    with subprocess.Popen(
        [SCRIPT, *arguments], env=kept, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out, error = process.communicate(timeout=30)
    assert (process.returncode == 0) == (not error), error
    return process.pid, out, error


def test_one_node_runs_torchrun_alone_in_the_launchers_own_process(programs: Path) -> None:
    pid, out, _ = launch(programs, "1", "3", "-m", "radar_cleaner", "train-model", **IN_JOB)
    assert out.startswith(f"{pid} torchrun --nproc-per-node 3 ")
    assert "--signals-to-handle SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1 --shutdown-timeout 110 --standalone" in out
    assert "-m radar_cleaner train-model" in out


def test_several_nodes_call_the_launcher_on_each_by_srun(programs: Path) -> None:
    pid, out, _ = launch(programs, "2", "3", "-m", "radar_cleaner", **IN_JOB, OMP_NUM_THREADS="6")
    assert out.startswith(f"{pid} srun --nodes 2 --ntasks 2 --ntasks-per-node 1 --cpus-per-task 6 ")
    assert f"{SCRIPT} 2 3 -m radar_cleaner" in out


@pytest.mark.parametrize(("node", "host"), [("0", "True"), ("1", "False")])
def test_the_launchers_of_a_step_meet_on_its_first_node(programs: Path, node: str, host: str) -> None:
    pid, out, _ = launch(programs, "2", "3", "-m", "radar_cleaner", **ON_NODE, SLURM_NODEID=node)
    assert out.startswith(f"{pid} torchrun --nproc-per-node 3 ")
    assert "--nnodes 2 --rdzv-backend c10d --rdzv-id 70001.0 --rdzv-endpoint 10.0.0.1:30001" in out
    assert f"--rdzv-conf is_host={host} -m radar_cleaner" in out
    assert out.endswith("TCP=1\n")


def test_several_nodes_without_slurm_are_refused(programs: Path) -> None:
    assert "nodes=2 needs a Slurm job; see docs/how-to/slurm.md" in launch(programs, "2", "1", "-m", "x")[2]


def test_several_nodes_in_a_step_of_one_are_refused(programs: Path) -> None:
    wrong = ON_NODE | {"SLURM_STEP_NUM_NODES": "1"}
    error = launch(programs, "2", "1", "-m", "x", **wrong)[2]
    assert "needs the resources mpi=srun and tasks=2 too" in error
