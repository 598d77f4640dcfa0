"""The Slurm profile: shards share jobs, every rule of a shard is in a group, the training is warned."""

from __future__ import annotations

import copy
import re
from collections import Counter

import pytest
import yaml
from workflow_cases import REPOSITORY, Workspace, make_workspace

PROFILE = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
SHARDS = 4


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which nothing ran yet, for plans only."""
    return make_workspace(tmp_path_factory.mktemp("fresh"))


def test_shards_share_jobs_and_a_caller_can_change_how_many(fresh: Workspace) -> None:
    def groups(*arguments: str) -> list[str]:
        output = fresh.forked("--profile", "slurm", "--dry-run", *arguments)
        return sorted(re.findall(r"Group job (\w+) ", output))

    assert groups() == sorted(PROFILE["group-components"])
    assert groups("--group-components", "decode=4").count("decode") == 2


def test_every_rule_that_runs_once_per_shard_is_in_a_group(fresh: Workspace) -> None:
    config = copy.deepcopy(fresh.config)
    config["cleaning"] = {"geotiff": True}
    counts = Counter(job.rule for job in fresh.dry_run(config=config))
    assert {rule for rule, count in counts.items() if count >= SHARDS} <= PROFILE["groups"].keys()


def test_no_rule_of_a_group_has_a_resource_of_text(fresh: Workspace) -> None:
    """Snakemake refuses a group whose jobs differ in one; it adds up numbers."""
    output = fresh.forked("--dry-run")
    found = re.findall(r"^rule (\w+):.*?^    resources: (.*?)$", output, re.MULTILINE | re.DOTALL)
    assert {rule for rule, _ in found} >= {"build_rgb_store", "clean_frames"}
    for rule, resources in found:
        given = dict(item.split("=", 1) for item in resources.split(", "))
        own = given.keys() - {"tmpdir", "mem", "mem_mib", "disk", "disk_mb", "disk_mib"}
        assert rule not in PROFILE["groups"] or all(given[name].isdigit() for name in own), (rule, given)


def test_the_profile_warns_the_training_before_its_time_limit(fresh: Workspace) -> None:
    output = fresh.forked("--profile", "slurm", "--dry-run", "train")
    line = next(line for line in output.splitlines() if "processes=2" in line)
    assert "slurm_extra=--signal=TERM@120" in line and "nodes=1" in line and "mem_mb=8000" in line
