"""A training that a signal stops resumes in the rule's retry, and a finished one is not repeated."""

from __future__ import annotations

import contextlib
import copy
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from workflow_cases import Workspace

PATIENCE = 200  # seconds


def torchrun_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The launcher below snakemake whose processes have logged a few steps."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # the short ones of other rules
                if any("torchrun" in word for word in child.cmdline()[:2]):
                    return child
        time.sleep(0.1)
    raise AssertionError("no torchrun was started")


def wait_for_steps(results: Path, wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(path.read_text().count('"kind": "step"') for path in results.glob("runs/*/log.jsonl")) < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow  # two trainings of half a minute
def test_the_retry_resumes_an_interrupted_training_and_repeats_no_finished_one(
    finished: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(finished.root, tmp_path / "work", symlinks=True)
    config = copy.deepcopy(finished.config)
    config["training"] |= {"epochs": 12, "averaging": {"ema": 0.9}}
    work = Workspace(tmp_path / "work", config)
    results = work.root / config["results"]
    shutil.rmtree(results / "runs")
    work.write_config()
    with (tmp_path / "output.txt").open("w+") as output:
        process = subprocess.Popen(
            work.command("train", "--cores", "2", "--retries", "1"),
            cwd=work.root,
            env=work.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        launcher = torchrun_of(process)
        wait_for_steps(results, 10)
        launcher.send_signal(signal.SIGUSR1)
        assert process.wait(PATIENCE) == 0, (tmp_path / "output.txt").read_text()
    assert "Trying to restart job" in (tmp_path / "output.txt").read_text()
    log = (results / "logs/train_model.log").read_text()
    assert "resumes after epoch" in log and "epoch 1/12" not in log
    assert len(pd.read_csv(results / "model/history.csv")) == 12
    assert not (results / "checkpoints/again").exists()
    assert "train_model" not in work.rules("train")

    # The same weights as a run that nobody stopped.
    interrupted = (results / "model/best.pt").read_bytes()
    shutil.rmtree(results / "checkpoints")
    work.run("train", "--forcerun", "train_model")
    assert (results / "model/best.pt").read_bytes() == interrupted
