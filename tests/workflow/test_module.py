"""The workflow from other places: by its own Snakefile, and as a module of another workflow in another folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from workflow_cases import REPOSITORY, SMOKE, Workspace, in_fork, jobs_of, make_workspace

SNAKEFILE = """
configfile: "mine.yaml"

module radar_cleaner:
    snakefile: {snakefile}
    config: config

use rule * from radar_cleaner as rc_*

rule mine:
    default_target: True
    input: rules.rc_products.input, rules.rc_report.input
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def elsewhere(checkout: Workspace, tmp_path: Path) -> Path:
    """A folder with a workflow of its own that uses the checkout's as a module; the checkout is not installed."""
    for name in ("frames", "truth"):
        (tmp_path / name).symlink_to(checkout.root / name)
    config = {**SMOKE, "labels": {"method": "palette", "palette": str(checkout.root / "config/palettes/eccc.csv")}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(snakefile=repr(f"{checkout.root}/workflow/Snakefile")))
    return tmp_path


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def test_both_snakefiles_of_a_checkout_are_the_same_workflow(checkout: Workspace) -> None:
    jobs = checkout.dry_run()
    assert len(jobs) > 50 and checkout.dry_run("--snakefile", "workflow/Snakefile") == jobs


def test_a_module_plans_the_same_jobs_under_other_names(checkout: Workspace, elsewhere: Path) -> None:
    code, output = in_fork(elsewhere, environment(), ["--dry-run"])
    assert code == 0, output
    wanted = {(f"rc_{job.rule}", job.wildcards) for job in checkout.dry_run("products", "report")}
    assert {(job.rule, job.wildcards) for job in jobs_of(output)} - {("mine", "")} == wanted


def test_a_module_of_a_repository_runs_the_installed_package(checkout: Workspace, elsewhere: Path) -> None:
    """As snakedeploy writes it, with a local repository in the place of a remote one."""
    git = ("git", "-c", "user.name=tests", "-c", "user.email=tests@localhost")
    for command in (("init", "-q", "-b", "main"), ("add", "workflow"), ("commit", "-q", "-m", "All")):
        subprocess.run((*git, *command), cwd=checkout.root, check=True)
    repository = f'gitfile("{checkout.root}", path="workflow/Snakefile", ref="main")'
    (elsewhere / "Snakefile").write_text(SNAKEFILE.format(snakefile=repository))
    code, output = in_fork(elsewhere, environment() | {"PYTHONPATH": str(REPOSITORY)}, ["--dry-run"])
    assert code == 0, output
    assert {job.rule for job in jobs_of(output)} >= {"rc_build_rgb_store", "rc_train_model", "rc_clean_frames"}


def test_a_modules_jobs_run_with_the_package_of_its_checkout(elsewhere: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "results/rgb/CASGO/20240710T22.zarr/zarr.json"]
    done = subprocess.run(command, cwd=elsewhere, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "results/rgb/CASGO/20240710T22.zarr/zarr.json").is_file()
