"""The layout of the workflow catalog, the small test config and the jobs of CI."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import yaml
from rerun_cases import changed
from workflow_cases import REPOSITORY, SMOKE, in_fork, jobs_of


def test_the_test_config_is_the_smoke_config_on_the_whole_sample() -> None:
    config = yaml.safe_load((REPOSITORY / ".test/config/config.yaml").read_text())
    config["frames"].pop("period")
    expected = changed(SMOKE, "labels.palette", "../config/palettes/eccc.csv")
    expected = changed(expected, "evaluation.reference", "../resources/maritimes/truth")
    for index, radar in enumerate(SMOKE["radars"]):
        expected = changed(expected, f"radars.{index}.frames", f"../resources/maritimes/frames/{radar['id']}")
    assert str(config) == str(expected)


def test_the_test_config_plans_the_smoke_runs_jobs(tmp_path: Path) -> None:
    for name in ("resources", "config"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copytree(
        REPOSITORY / ".test", tmp_path / ".test", ignore=shutil.ignore_patterns(".snakemake", "results")
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    snakefile = str(REPOSITORY / "workflow/Snakefile")
    code, output = in_fork(tmp_path / ".test", environment, ["--dry-run", "--snakefile", snakefile])
    assert code == 0, output
    shards = {job.wildcards for job in jobs_of(output) if job.rule == "compose_radars"}
    assert shards == {"20240710T22", "20240710T23", "20240711T00", "20240711T13"}
    assert "config/config.yaml" not in output.split("SNAKEMAKE")[0]


def test_ci_runs_the_same_targets_in_parallel() -> None:
    serial = re.findall(r"(?:^|; )make ([\w-]+)", (REPOSITORY / ".ci/run").read_text(), re.MULTILINE)
    jobs = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())["jobs"]
    slurm = re.findall(r"make ([\w-]+)", " ".join(step.get("run", "") for step in jobs["slurm"]["steps"]))
    assert sorted([*jobs["make"]["strategy"]["matrix"]["target"], *slurm]) == sorted(serial)


def test_the_catalog_finds_the_files_it_requires() -> None:
    usage = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] and list((REPOSITORY / "workflow/envs").glob("*.yaml"))
    for name in ("workflow/Snakefile", "config/README.md", "config/config.yaml", ".test/config/config.yaml"):
        assert (REPOSITORY / name).is_file(), name
