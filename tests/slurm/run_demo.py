"""The demo on the tests' Slurm: `snakemake --profile slurm` as it is, then its training again on two nodes.

make verify-slurm
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from slurm_cases import Cluster, ask  # noqa: E402
from workflow_cases import make_workspace  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="radar-cleaner-demo-") as folder:
        demo = Cluster(
            make_workspace(Path(folder) / "demo").root,
            yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8")),
        )
        (demo.root / "resources").symlink_to(REPOSITORY / "resources")
        run(demo, "snakemake --profile slurm")
        one = tell_training(demo)
        demo.edit_profile(
            train_model={"nodes": 2, "tasks": 2, "mpi": "srun", "processes": 1, "threads": 1},
        )
        demo.forget_training()
        run(demo, "the training on two nodes", "train", "--forcerun", "train_model")
        if tell_training(demo) != one:
            sys.exit("the two trainings made different weights")
        print("equal weights", flush=True)


def run(demo: Cluster, what: str, *targets: str) -> None:
    """Run snakemake to its end, and show the jobs that Slurm then knows."""
    known = {job.id for job in demo.jobs()}
    start = time.monotonic()
    with demo.started(*targets) as started:
        code = started.process.wait()
    seconds = time.monotonic() - start
    if code != 0:
        sys.exit(started.output[-6000:])
    print(f"\n{what}: {seconds:.0f} s")
    shown = ask("squeue", "-h", "-a", "-t", "all", "-o", "%.5A %.10T %.2D %.2C %.6m %.10l %.6M %N %k")
    ids = {str(job.id) for job in demo.jobs() if job.id not in known}
    print("\n".join(line for line in reversed(shown.splitlines()) if line.split()[0] in ids))


def tell_training(demo: Cluster) -> str:
    """The training's processes by its own log, and the digest of its weights."""
    world = re.search(r"\d+ process\(es\) of \d+ thread\(s\) on \w+", demo.training_log)
    digest = hashlib.sha256(demo.weights).hexdigest()
    print(f"{world.group() if world else '?'}; best.pt {digest[:16]}")
    if not world or not world.group().startswith("2 process(es) of 1 thread(s)"):
        sys.exit("not two processes of one thread")
    return digest


if __name__ == "__main__":
    main()
