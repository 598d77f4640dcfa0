"""A run that is killed in the middle of a rule, and started again, ends as one that was not."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil
import pytest
from workflow_cases import SMOKE, Workspace, make_workspace

PATIENCE = 300  # seconds

# Python imports this at its start. A half-written output exists for milliseconds only. So an audit hook of Python
# stops the stage HOLD_STAGE there and writes the place to a file in the folder HOLD_MARKERS. Moments:
#   writing: a store's data are about to be written, of the HOLD_COUNTth file
#   placing: all is written, and about to be renamed to its place, for the HOLD_COUNTth time
HOLD = """
import os
import sys
import time
from pathlib import Path

held = []


def hold(event, args):
    if event == "open" and isinstance(args[0], int):
        return  # of a file that is open already
    if event == "open" and os.environ["HOLD_MOMENT"] == "writing" and "w" in (args[1] or ""):
        parts = Path(os.fsdecode(args[0])).parts
        inside = [index for index, part in enumerate(parts) if ".zarr.tmp-" in part]
        if not inside or "c" not in parts[inside[0] :]:
            return
        temporary = Path(*parts[: inside[0] + 1])
    elif event == "os.rename" and os.environ["HOLD_MOMENT"] == "placing":
        temporary = Path(os.fsdecode(args[0]))
    else:
        return
    place, found, _ = temporary.name.removeprefix(".").rpartition(".tmp-")
    if not found or not place.endswith(os.environ["HOLD_AT"]):
        return
    held.append(place)
    if len(held) == int(os.environ["HOLD_COUNT"]):
        marker = Path(os.environ["HOLD_MARKERS"], str(os.getpid()))
        marker.write_text(str(temporary), encoding="utf-8")
        marker.rename(marker.with_suffix(".held"))
        time.sleep(60)


if os.environ.get("HOLD_STAGE") in sys.orig_argv:
    sys.addaudithook(hold)
"""


@dataclass(frozen=True)
class Kill:
    """Where to kill: in a subcommand, at the `count`th time that something whose name ends as `at` is written."""

    subcommand: str
    moment: str = "placing"
    at: str = ""
    count: int = 1

    @property
    def rule(self) -> str:
        return self.subcommand.replace("-", "_")


# tests/storage/test_kills.py kills the writers themselves, at each of their system calls.
KILLS = [
    Kill("build-rgb-store", "writing", count=2),
    Kill("train-model", at="current.pt", count=2),  # after the first epoch, which is not lost
    Kill("compose-radars"),
]


def kill(workspace: Workspace, where: Kill, scratch: Path) -> Path:
    """Start a run up to the rule and kill all of its processes in the middle of it: where it was writing then."""
    workspace.write_config()
    scratch.mkdir()
    hold = {
        "HOLD_STAGE": where.subcommand,
        "HOLD_MOMENT": where.moment,
        "HOLD_AT": where.at,
        "HOLD_COUNT": str(where.count),
        "HOLD_MARKERS": str(scratch),
        "TMPDIR": str(scratch),  # so that what it leaves there goes with the test
    }
    with open(scratch / "output", "w+", encoding="utf-8") as output:
        run = subprocess.Popen(
            # The kill before left its lock: users unlock, which would be a call more for each kill here.
            workspace.command("--cores", "2", "--until", where.rule, "--nolock"),
            cwd=workspace.root,
            env=workspace.environment() | hold,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            give_up = time.monotonic() + PATIENCE
            while not (held := sorted(scratch.glob("*.held"))):
                assert run.poll() is None, f"it ended before {where}:\n{tail(output)}"
                assert time.monotonic() < give_up, f"it never came to {where}:\n{tail(output)}"
                time.sleep(0.02)
        finally:
            kill_family(run, workspace.root)
    return workspace.root / held[0].read_text(encoding="utf-8")


def tail(file: TextIO) -> str:
    file.seek(0)
    return file.read()[-4000:]


def kill_family(run: subprocess.Popen[bytes], root: Path) -> None:
    """Kill a run's processes: all that work in its folder, those too that lost their parent meanwhile."""
    while family := [process for process in psutil.process_iter() if works_in(process, root)]:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        run.poll()
        psutil.wait_procs(family, timeout=10)
    run.wait()


def works_in(process: psutil.Process, root: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(root)
    except psutil.Error:
        return False


def declared(temporary: Path) -> Path:
    """The declared output of a temporary file; for a checkpoint, the model."""
    place = temporary.with_name(temporary.name.removeprefix(".").rpartition(".tmp-")[0])
    if place.name == "current.pt":
        return place.parents[1] / "model/best.pt"
    return place / "zarr.json" if place.suffix == ".zarr" else place


def temporaries(workspace: Workspace) -> list[Path]:
    found = (workspace.root / "results").rglob(".*")
    return [path for path in found if ".tmp-" in path.name or ".old-" in path.name]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_run_killed_in_three_rules_ends_with_the_same_stores(finished: Workspace, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "killed", SMOKE)
    (workspace.root / "sitecustomize.py").write_text(HOLD, encoding="utf-8")
    for number, where in enumerate(KILLS):
        temporary = kill(workspace, where, tmp_path / str(number))
        assert temporary in temporaries(workspace), where
        if temporary.is_dir():
            complete = "content_digest" in (temporary / "zarr.json").read_text()
            assert complete == (where.moment == "placing"), where
        assert not declared(temporary).exists(), f"{where}: half of it is taken for whole"
    (workspace.root / "sitecustomize.py").unlink()
    workspace.snakemake("--unlock")
    workspace.run()

    ours, theirs = workspace.store_digests(), finished.store_digests()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    assert temporaries(workspace) == []
    assert "resumes after epoch 1 and 0 step(s)" in (workspace.root / "results/logs/train_model.log").read_text()
