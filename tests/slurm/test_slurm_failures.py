"""Failures of a cluster, provoked on a real Slurm: their messages, and that the work resumes."""

from __future__ import annotations

import contextlib
import copy
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from slurm_cases import LONGER, START, STATE, Cluster, Started, ask, cancel_all, error_of, until
from workflow_cases import BY_DAY

pytestmark = pytest.mark.slurm
TRAINING_LOG = "results/logs/train_model.log"
GOES_ON = "resumes after epoch"


@pytest.fixture(scope="module")
def undisturbed(made: Cluster, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights of the longer training, as two local processes make them."""
    local = made.copied_to(tmp_path_factory.mktemp("local") / "work", LONGER)
    local.run("train")
    return local.weights


@pytest.fixture(autouse=True)
def _free_nodes() -> Iterator[None]:
    yield
    cancel_all()


@contextlib.contextmanager
def training(work: Cluster, steps: int = 6) -> Iterator[tuple[Started, int]]:
    """A run whose training has done a few steps, and its Slurm job."""
    with work.started("train") as run:
        until(lambda: run.process.poll() is not None or work.steps_logged() >= steps, "the first steps")
        assert run.process.poll() is None, run.output
        yield run, work.jobs("rule_train_model")[-1].id


def nothing_is_left(work: Cluster) -> None:
    """No job in the queue, no file of a broken job."""
    until(lambda: not work.queue(), "an empty queue", 90)
    assert not list(work.results.rglob(".*tmp-*"))
    assert not work.ranks()


def check_resumed(work: Cluster, after: str, output: str, undisturbed: bytes) -> None:
    """Check that the training resumed after a failed job: its message, from its state, to the same weights."""
    assert [job.state for job in work.jobs()] == [after, "COMPLETED"]
    error = error_of(output, "train_model")
    assert after in error and TRAINING_LOG in error
    assert GOES_ON in work.training_log
    assert work.weights == undisturbed
    nothing_is_left(work)


def test_a_failed_job_names_rule_wildcards_and_log_and_leaves_nothing_half_written(
    made: Cluster, tmp_path: Path
) -> None:
    config = copy.deepcopy(BY_DAY)
    config["frames"]["on_bad_frame"] = "fail"
    work = made.copied_to(tmp_path / "work", config)
    frame = work.root / "frames/CASCM/CASCM_202407111300.png"
    whole = frame.read_bytes()
    frame.write_bytes(whole[:1000])
    stores = [f"results/reflectivity/{radar}/20240711.zarr/zarr.json" for radar in ("CASCM", "CASGO")]
    output = work.submit(*stores).fails()
    error = error_of(output, "build_rgb_store")
    assert "results/logs/build_rgb_store/CASCM/20240711.log" in error
    assert re.search(r"CASCM_202407111300.png.*truncated", output)
    assert not (work.results / "rgb/CASCM/20240711.zarr/zarr.json").exists()
    nothing_is_left(work)

    frame.write_bytes(whole)
    work.submit(*stores).ends_well()
    assert (work.root / stores[0]).read_bytes() == (made.root / stores[0]).read_bytes()


def test_a_job_out_of_memory_is_retried_with_more(made: Cluster, tmp_path: Path) -> None:
    work = made.copied_to(tmp_path / "work", BY_DAY)
    work.edit_profile(retries=1, build_clutter_atlas={"mem_mb": "40 if attempt == 1 else 1500"})
    store = "results/atlas/CASGO.zarr/zarr.json"
    output = work.submit(store, "--forcerun", store).ends_well()
    first, second = work.jobs("build_clutter_atlas")
    assert (first.memory, second.memory) == ("40M", "1500M")
    assert first.state in ("FAILED", "OUT_OF_MEMORY") and second.state == "COMPLETED"
    error = error_of(output, "build_clutter_atlas")
    assert "results/logs/build_clutter_atlas/CASGO.log" in error
    assert "exceeded memory limit" in output
    assert (work.root / store).read_bytes() == (made.root / store).read_bytes()
    nothing_is_left(work)


def test_the_next_attempt_resumes_a_cancelled_training(made: Cluster, tmp_path: Path, undisturbed: bytes) -> None:
    work = made.copied_to(tmp_path / "work", LONGER)
    work.edit_profile(retries=1)
    with training(work) as (run, job):
        ask("scancel", str(job))
        output = run.ends_well()
    check_resumed(work, "CANCELLED", output, undisturbed)


def test_ctrl_c_cancels_the_jobs_and_the_next_run_resumes(
    made: Cluster, tmp_path: Path, undisturbed: bytes
) -> None:
    work = made.copied_to(tmp_path / "work", LONGER)
    work.edit_profile()
    with training(work) as (run, _):
        run.process.send_signal(signal.SIGINT)
        run.fails()
    nothing_is_left(work)
    assert not (work.results / "model/best.pt").exists()
    work.submit("train").ends_well()
    assert GOES_ON in work.training_log
    assert work.weights == undisturbed


def test_after_a_killed_snakemake_scancel_and_unlock_are_enough(made: Cluster, tmp_path: Path) -> None:
    work = made.copied_to(tmp_path / "work", LONGER)
    work.edit_profile()
    with training(work) as (run, job):
        run.process.kill()
        run.process.wait()
    assert work.queue() == [job]
    assert "locked" in work.submit("train").fails()
    ask("scancel", "--name", ask("squeue", "-h", "-j", str(job), "-o", "%j").strip())
    until(lambda: not work.queue(), "an empty queue", 90)
    work.submit("--unlock").ends_well()
    work.submit("train").ends_well()
    assert GOES_ON in work.training_log
    nothing_is_left(work)


def test_a_training_is_warned_of_its_time_limit_on_one_node_and_on_two(made: Cluster, tmp_path: Path) -> None:
    """The signal passes sbatch, snakemake or srun, torchrun and each rank; the next attempt then resumes."""
    config = copy.deepcopy(LONGER)
    config["training"]["epochs"] = 5000  # never ends in time
    # Slurm sends the warning up to a minute early.
    limit = {"mem_mb": 3000, "runtime": "2 if attempt == 1 else 15", "slurm_extra": "'--signal=TERM@15'"}
    one = made.copied_to(tmp_path / "one", config)
    one.edit_profile(retries=1, train_model=limit)
    two = made.copied_to(tmp_path / "two", config)
    several = {"nodes": 2, "tasks": 2, "mpi": "srun", "processes": 1, "threads": 1}
    two.edit_profile(retries=1, train_model=limit | several)
    with one.started("train") as first, two.started("train") as second:
        for work in (one, two):
            until(lambda work=work: len(work.jobs()) == 2 and GOES_ON in work.training_log, "the next attempt")
    for work, run in ((one, first), (two, second)):
        before, after = work.jobs()
        assert before.state in ("FAILED", "TIMEOUT")
        assert (before.limit, after.limit) == ("2:00", "15:00")
        assert TRAINING_LOG in error_of(run.output, "train_model")
        assert "stopped by SIGTERM after epoch" in run.output
        assert "2 process(es)" in work.training_log
        nothing_is_left(work)


def test_a_job_that_lost_its_node_is_done_again_on_another(
    made: Cluster, tmp_path: Path, undisturbed: bytes
) -> None:
    work = made.copied_to(tmp_path / "work", LONGER)
    work.edit_profile(retries=1)
    try:
        with training(work, steps=12) as (run, job):
            node = ask("squeue", "-h", "-j", str(job), "-o", "%N").strip()
            switch_off(node, job)
            output = run.ends_well()
    finally:
        subprocess.run([START], check=True, timeout=120)
    check_resumed(work, "NODE_FAIL", output, undisturbed)
    assert work.jobs()[-1].nodes != node


def switch_off(node: str, job: int) -> None:
    """Simulate a node without power: end its slurmd and the processes of its job."""
    slurmd = psutil.Process(int((STATE / f"run/slurmd-{node}.pid").read_text()))
    assert slurmd.name() == "slurmd"
    doomed = [slurmd]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if f"[{job}." in " ".join(process.cmdline()[:2]) and process.name().startswith("slurmstepd"):
                doomed += [process, *process.children(recursive=True)]
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
