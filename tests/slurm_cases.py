"""Run workspaces on the Slurm of tests/slurm/start.sh, and query that Slurm."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml
from workflow_cases import BY_DAY, Workspace, make_workspace

T = TypeVar("T")
START = Path(__file__).parent / "slurm" / "start.sh"
STATE = Path(os.environ.get("SLURM_TEST_DIR", "/var/tmp/radar-cleaner-slurm"))
PATIENCE = 500  # seconds

# Enough epochs for a signal to come between.
LONGER = copy.deepcopy(BY_DAY)
LONGER["training"] |= {"epochs": 60}

# The plugin checks its jobs in intervals that grow by 10 s up to 3 minutes, without a setting. The tests would
# mostly wait. Python imports this file at its start; nothing else in snakemake sleeps that long.
ASK_OFTEN = """
import sys
from pathlib import Path

if Path(sys.orig_argv[1] if len(sys.orig_argv) > 1 else "").name == "snakemake":
    import asyncio

    sleep = asyncio.sleep
    asyncio.sleep = lambda seconds, *rest: sleep(min(seconds, 3), *rest)
"""


def ask(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@dataclass(frozen=True)
class ClusterJob:
    """A job that squeue knows, also an ended one: `what` is the rule and its wildcards, by the executor plugin."""

    id: int
    state: str
    what: str
    nodes: str
    cpus: int
    memory: str
    limit: str


def jobs_in(folder: Path, name: str = "") -> list[ClusterJob]:
    """The jobs of the last hour that ran in a folder and have the name in their comment, oldest first."""
    lines = ask("squeue", "-h", "-a", "-t", "all", "-o", "%A|%T|%k|%N|%C|%m|%l|%Z").splitlines()
    rows = [line.split("|") for line in lines]
    found = [ClusterJob(int(row[0]), *row[1:4], int(row[4]), *row[5:7]) for row in rows if row[7] == str(folder)]
    return sorted((job for job in found if name in job.what), key=lambda job: job.id)


def cancel_all() -> None:
    """Cancel all jobs, so that none of an earlier test blocks the nodes."""
    waiting = ask("squeue", "-h", "-o", "%A").split()
    if waiting:
        ask("scancel", *waiting)
        until(lambda: not ask("squeue", "-h").strip(), "an empty queue", 60)


def until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Wait for a condition, and return its value."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {patience} s"
        time.sleep(0.2)
    return found


class Cluster(Workspace):
    """A workspace whose config is the default one, so that `snakemake --profile slurm` typed just so does."""

    def write_config(self, config: dict[str, Any] | None = None) -> None:
        text = yaml.safe_dump(config or self.config, sort_keys=False)
        (self.root / "config/config.yaml").write_text(text, encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return ["snakemake", *arguments]

    def edit_profile(self, *, retries: int = 0, **rules: dict[str, Any]) -> None:
        """Edit the profile as a site does: rules' resources and `threads`. Check jobs often."""
        path = self.root / "profiles/slurm/config.yaml"
        profile = yaml.safe_load(path.read_text())
        profile |= {"retries": retries, "slurm-init-seconds-before-status-checks": 2, "latency-wait": 5}
        for rule, resources in rules.items():
            if "threads" in resources:
                profile["set-threads"][rule] = resources["threads"]
            others = {key: value for key, value in resources.items() if key != "threads"}
            profile["set-resources"][rule] = profile["set-resources"].get(rule, {}) | others
        path.write_text(yaml.safe_dump(profile, sort_keys=False))

    def copied_to(self, root: Path, config: dict[str, Any]) -> Cluster:
        """Copy the results, with another config and only the outputs of the training."""
        shutil.copytree(self.root, root, symlinks=True)
        copied = Cluster(root, config)
        copied.forget_training()
        return copied

    def forget_training(self) -> None:
        """Let the next training begin anew instead of reading a finished checkpoint."""
        for name in ("checkpoints", "runs"):
            shutil.rmtree(self.results / name, ignore_errors=True)

    def jobs(self, name: str = "") -> list[ClusterJob]:
        return jobs_in(self.root, name)

    def queue(self) -> list[int]:
        """List its jobs that wait, run, or end."""
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        return [job.id for job in self.jobs() if job.state not in over]

    def ranks(self) -> list[dict[str, str]]:
        """The environments of its training's processes, which run on this machine."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                command = process.cmdline()
                if "train-model" in command and "-u" in command[:2] and process.cwd() == str(self.root):
                    found.append(process.environ())
        return found

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def weights(self) -> bytes:
        return (self.results / "model/best.pt").read_bytes()

    @property
    def training_log(self) -> str:
        """The log of its training. Empty before a job starts: Snakemake removes the log of an earlier attempt."""
        path = self.results / "logs/train_model.log"
        with contextlib.suppress(FileNotFoundError):
            return path.read_text()
        return ""

    def steps_logged(self) -> int:
        return sum(path.read_text().count('"kind": "step"') for path in self.results.glob("runs/*/log.jsonl"))

    @contextmanager
    def started(self, *targets: str) -> Iterator[Started]:
        """`snakemake --profile slurm` in the background; interrupted at the end, if it still runs."""
        self.write_config()
        with (self.root / "output.txt").open("w") as output:
            process = subprocess.Popen(
                self.command("--profile", "slurm", *targets),
                cwd=self.root,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                # Where the tests themselves run behind a `&`, Ctrl-C is ignored by all that they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            try:
                yield Started(process, self.root / "output.txt")
            finally:
                _interrupt(process)

    def submit(self, *targets: str) -> Started:
        """`snakemake --profile slurm` to its end."""
        with self.started(*targets) as run:
            run.wait()
        return run


@dataclass(frozen=True)
class Started:
    """A run of Snakemake, and the file of its output."""

    process: subprocess.Popen[bytes]
    file: Path

    @property
    def output(self) -> str:
        return self.file.read_text()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def ends_well(self) -> str:
        assert self.wait() == 0, self.output[-6000:]
        return self.output

    def fails(self) -> str:
        assert self.wait() != 0, self.output[-6000:]
        return self.output


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM would wait for the jobs; SIGINT cancels them."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()


def make_cluster(root: Path) -> Cluster:
    work = Cluster(make_workspace(root).root, BY_DAY)
    (work.root / "sitecustomize.py").write_text(ASK_OFTEN, encoding="utf-8")
    work.edit_profile()
    return work


def error_of(output: str, rule: str) -> str:
    """The message of Snakemake about the failure of a rule."""
    found = re.search(rf"^Error in (rule|group) .*?{rule}.*?(?=^\[\w\w\w |\Z)", output, re.MULTILINE | re.DOTALL)
    assert found, output[-6000:]
    return found.group()
