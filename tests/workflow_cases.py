"""Make a small working copy of the project with a few real frames, in which tests run the workflow."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLE = REPOSITORY / "resources" / "maritimes"
RADARS = ("CASGO", "CASCM")
TARGETS = ("default", "all", "prepare", "train", "evaluate", "products", "clean", "report")
TIMEOUT = 900

# Two training hours up to midnight, one hour after it that is only cleaned, one to be scored on.
PERIODS = [["2024-07-10 22:00", "2024-07-11 01:00"], ["2024-07-11 13:00", "2024-07-11 14:00"]]
SMOKE: dict[str, Any] = {
    "results": "results",
    "radars": [
        {
            "id": "CASGO",
            "frames": "frames/CASGO",
            "latitude": 45.0985,
            "longitude": -63.70433,
            "range_km": 240,
            "center_px": [340, 239],
        },
        {
            "id": "CASCM",
            "frames": "frames/CASCM",
            "latitude": 46.22232,
            "longitude": -65.69924,
            "range_km": 240,
            "center_px": [340, 239],
        },
    ],
    "frames": {
        "size_px": [580, 480],
        "plot_box_px": [100, 0, 580, 480],
        "overlay": {"border_px": 3, "boxes_px": [[334, 233, 347, 246]]},
        "cadence_minutes": 6,
        "shard": "hour",
    },
    "stores": {"codec": "fast"},
    "labels": {"method": "palette", "palette": "config/palettes/eccc.csv"},
    "atlas": {"quiet_fraction": 0.5, "min_quiet_frames": 5, "threshold": 0.5},
    "samples": {"block_minutes": 30, "validation": 0.25},
    "training": {
        "period": ["2024-07-10 22:00", "2024-07-11 00:00"],
        "model": {"base_width": 4},
        "epochs": 2,
        "global_batch_size": 8,
        "crop_px": 64,
        "crops_per_sample": 1,
    },
    "evaluation": {"period": ["2024-07-11 13:00", "2024-07-11 14:00"], "reference": "truth"},
    "report": {"frames": 1},
}
# The smoke config by days: few shards, one of them to be scored on.
BY_DAY: dict[str, Any] = copy.deepcopy(SMOKE)
BY_DAY["frames"]["shard"] = "day"
BY_DAY["training"]["period"] = ["2024-07-10", "2024-07-11"]
BY_DAY["evaluation"]["period"] = ["2024-07-11", "2024-07-12"]


@dataclass(frozen=True)
class Job:
    """A job of a dry run: its rule and its wildcards' values, joined by '/'."""

    rule: str
    wildcards: str = ""

    def __str__(self) -> str:
        return f"{self.rule}({self.wildcards})"


class Workspace:
    """A working copy: `config` is written to config.yaml before each call of snakemake."""

    def __init__(self, root: Path, config: dict[str, Any]) -> None:
        self.root = root
        self.config = config

    def write_config(self, config: dict[str, Any] | None = None) -> None:
        text = yaml.safe_dump(config or self.config, sort_keys=False)
        (self.root / "config.yaml").write_text(text, encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments, "--configfile", "config.yaml"]

    def environment(self) -> dict[str, str]:
        # Find the package of the copy, not that of the repository, which the tests import.
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "OMP_NUM_THREADS")}
        return {**kept, "PYTHONPATH": str(self.root)}

    def snakemake(
        self, *arguments: str, config: dict[str, Any] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run snakemake; stdout and stderr come together as stdout."""
        self.write_config(config)
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
        )
        if check:
            assert done.returncode == 0, done.stdout[-6000:]
        return done

    def run(self, *targets: str, config: dict[str, Any] | None = None) -> str:
        return self.snakemake(*targets, "--cores", "2", config=config).stdout

    def forked(self, *arguments: str, config: dict[str, Any] | None = None, refused: bool = False) -> str:
        """The output of snakemake, which ends well or is refused, by a fork of a process that has imported it."""
        self.write_config(config)
        code, output = in_fork(self.root, self.environment(), self.command(*arguments)[3:])
        assert (code != 0) == refused, output[-6000:]
        return output

    def dry_run(self, *arguments: str, config: dict[str, Any] | None = None) -> set[Job]:
        """Return the jobs that a run would do now."""
        return jobs_of(self.forked("--dry-run", *arguments, config=config))

    def rules(self, *arguments: str, config: dict[str, Any] | None = None) -> set[str]:
        return {job.rule for job in self.dry_run(*arguments, config=config)}

    def pretend(self, *targets: str, config: dict[str, Any] | None = None) -> None:
        """Pretend a finished run: missing outputs become empty files, and all are recorded as made."""
        planned = self.forked("--dry-run", *targets, config=config)
        for line in re.findall(r"^    output: (.*)$", planned, re.MULTILINE):
            for path in (self.root / name for name in line.split(", ")):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        self.forked("--touch", "--forceall", "--cores", "1", *targets, config=config)

    def copied(self, root: Path) -> Workspace:
        """Copy the workspace with the times of all files: Snakemake plans the same in the copy."""
        shutil.copytree(self.root, root, symlinks=True)
        return Workspace(root, self.config)

    def store_digests(self) -> dict[str, bytes]:
        """Read every zarr.json, table and model below the results, by relative path."""
        results = self.root / self.config["results"]
        kinds = ("zarr.json", "*.csv", "*.pt", "metrics.json", "card.md")
        paths = [path for kind in kinds for path in results.rglob(kind)]
        left_out = {"logs", "benchmarks", "checkpoints", "report"}
        return {
            str(path.relative_to(results)): path.read_bytes()
            for path in sorted(paths)
            if path.relative_to(results).parts[0] not in left_out
        }


@cache
def _dry_run_server() -> subprocess.Popen[str]:
    """Start one process for all dry runs of the tests; it ends when its input does."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    script = str(REPOSITORY / "tests/dry_run_server.py")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, script], env=environment, text=True, **pipes)


def in_fork(folder: Path, environment: dict[str, str], arguments: list[str]) -> tuple[int, str]:
    """Return exit code and output of `snakemake ARGUMENTS` in a folder, without the time of imports."""
    server = _dry_run_server()
    assert server.stdin is not None and server.stdout is not None
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
        call = {"folder": str(folder), "environment": environment, "arguments": arguments, "output": output.name}
        server.stdin.write(json.dumps(call) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline()), output.read()


def jobs_of(output: str) -> set[Job]:
    """Parse the jobs in the output of a dry run, without target rules."""
    jobs = set()
    for block in re.split(r"\n(?=(?:local)?rule )", output):
        head = re.match(r"(?:local)?rule (\w+):", block)
        if head and head.group(1) not in TARGETS:
            wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
            values = [item.split("=")[1] for item in wildcards.group(1).split(", ")] if wildcards else []
            jobs.add(Job(head.group(1), "/".join(values)))
    return jobs


def sample_frames(radar: str, folder: str = "frames") -> list[Path]:
    """List the sample's frames (or reference masks) of the smoke config's hours."""
    hours = ("2024071022", "2024071023", "2024071100", "2024071113")
    return [path for path in sorted((SAMPLE / folder / radar).glob("*.png")) if path.name[6:16] in hours]


def make_workspace(root: Path, config: dict[str, Any] | None = None) -> Workspace:
    """Copy the project's code and the smoke config's frames to `root`."""
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("radar_cleaner", "workflow", "config", "profiles", "envs", "docs", "resources/pretrained"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=left_out)
    shutil.copy2(REPOSITORY / "Snakefile", root)
    (root / "slurm").symlink_to("profiles/slurm")
    for radar in RADARS:
        for folder, source in (("frames", "frames"), ("truth", "truth")):
            (root / folder / radar).mkdir(parents=True)
            for path in sample_frames(radar, source):
                shutil.copy2(path, root / folder / radar)
    return Workspace(root, config or SMOKE)


def without_midnight(workspace: Workspace) -> None:
    """Remove the frames and masks of the hour that is neither trained nor scored on."""
    for path in workspace.root.glob("*/*/*_2024071100*.png"):
        path.unlink()
