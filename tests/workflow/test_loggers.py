"""The output of a run: bars on a terminal, few lines in a file, and always the error."""

from __future__ import annotations

import os
import pty
import re
import subprocess

import pytest
from workflow_cases import REPOSITORY, Workspace

TABLES = [f"results/rgb/CASGO/{shard}.rejected.csv" for shard in ("20240710T22", "20240710T23")]
REASON = "the picture is truncated"


@pytest.fixture
def broken(scratch: Workspace) -> Workspace:
    """A workspace that stops at its first bad frame, and has one."""
    frame = scratch.root / "frames/CASGO/CASGO_202407102206.png"
    frame.write_bytes(frame.read_bytes()[:300])
    return Workspace(
        scratch.root, {**scratch.config, "frames": {**scratch.config["frames"], "on_bad_frame": "fail"}}
    )


def on_a_terminal(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    """Exit code, and what a terminal of 80 columns was sent."""
    workspace.write_config()
    ours, theirs = pty.openpty()
    environment = {**workspace.environment(), "TERM": "xterm", "COLUMNS": "80"}
    command = workspace.command(*arguments)
    with subprocess.Popen(command, cwd=workspace.root, env=environment, stdout=theirs, stderr=theirs) as run:
        os.close(theirs)
        sent = b""
        try:
            while part := os.read(ours, 65536):
                sent += part
        except OSError:  # the other end was closed
            pass
    os.close(ours)
    return run.returncode, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sent.decode())


def test_on_a_terminal_each_rule_has_a_bar(scratch: Workspace) -> None:
    code, printed = on_a_terminal(scratch, *TABLES, "--cores", "2", "--logger", "rich")
    assert code == 0, printed
    assert re.search(r"Total Progress .*━", printed) and re.search(r"build rgb store .*━", printed)
    assert "Workflow Finished" in printed and "Traceback" not in printed
    assert all((scratch.root / table).is_file() for table in TABLES)


def test_a_failed_job_shows_the_stages_own_words(broken: Workspace) -> None:
    code, printed = on_a_terminal(broken, TABLES[0], "--cores", "2", "--logger", "rich")
    assert code != 0 and REASON in printed and "Traceback" not in printed


def test_in_a_file_a_run_is_few_lines_and_its_error(broken: Workspace) -> None:
    done = broken.snakemake(*TABLES, "--cores", "2", "--keep-going", "--logger", "rich", check=False)
    assert done.returncode != 0 and REASON in done.stdout
    assert "CASGO_202407102206.png" in done.stdout and "results/logs/build_rgb_store/CASGO" in done.stdout
    assert len(done.stdout.splitlines()) < 40 and "━" not in done.stdout


def test_the_demo_hides_no_error() -> None:
    """`--quiet rules` of Snakemake 9.27 hides which job failed, and its log, too."""
    done = subprocess.run(
        ["make", "--dry-run", "demo"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    command = next(line for line in done.stdout.splitlines() if "--cores" in line)
    assert "--logger rich" in command and "--quiet" not in command
