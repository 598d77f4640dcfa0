"""How many shards a cluster job holds, and what it asks for: a year of small shards is tens of jobs."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import pytest
import yaml
from workflow_cases import REPOSITORY, Workspace

from radar_cleaner.planning.batches import ASKED_MINUTES, count_frames, group_components, minutes

PROFILE = REPOSITORY / "profiles/slurm/config.yaml"


class Archive:
    """What the batches ask of a plan: two radars, one of them with fewer frames."""

    def __init__(
        self,
        shards: int,
        frames: int,
        *,
        geotiff: bool = False,
        tta: bool = False,
        size: tuple[int, int] = (580, 480),
    ) -> None:
        self.radars = {"AAA": None, "BBB": None}
        self.sizes = {"AAA": size, "BBB": (580, 480)}
        self.config: dict[str, Any] = {"cleaning": {"geotiff": geotiff, "tta": tta}}
        self._shards, self._frames = [str(number) for number in range(shards)], frames

    def pairs(self) -> list[tuple[str, str]]:
        return [(radar, shard) for radar in self.radars for shard in self._shards]

    def having(self, shard: str) -> list[str]:
        return list(self.radars)

    def frames(self, radar: str, shard: str) -> range:
        return range(self._frames - (radar == "BBB"))


def cluster_jobs(archive: Archive) -> dict[str, int]:
    """The jobs of a run over the archive, by group."""
    shards = len(archive._shards)
    parts = {"decode": 2 * shards, "label": 2 * shards, "clean": shards}
    return {group: math.ceil(count / group_components(archive)[group]) for group, count in parts.items()}


def test_a_year_of_two_radars_by_day_is_tens_of_jobs():
    jobs = cluster_jobs(Archive(shards=365, frames=96))
    assert 10 < sum(jobs.values()) < 100
    assert all(count > 1 for count in jobs.values())


@pytest.mark.parametrize("frames", [1, 4, 96, 240, 3000, 30_000])
@pytest.mark.parametrize("geotiff", [False, True])
def test_no_job_asks_for_more_than_its_share_unless_one_shard_does(frames, geotiff):
    held = group_components(Archive(shards=500, frames=frames, geotiff=geotiff))
    decode = minutes("build_rgb_store", frames) + minutes("decode_reflectivity", frames)
    assert held["decode"] == 1 or held["decode"] * decode <= ASKED_MINUTES
    clean = 2 * minutes("clean_frames", frames) + minutes("compose_radars", frames)
    assert held["clean"] == 1 or held["clean"] * clean <= ASKED_MINUTES
    assert min(held.values()) >= 1


def test_larger_shards_make_fewer_a_job_and_more_work_too():
    days, months = (group_components(Archive(12, frames)) for frames in (96, 2976))
    assert all(months[group] < days[group] for group in ("decode", "label", "clean"))
    assert group_components(Archive(12, 96, geotiff=True))["clean"] < days["clean"]


def test_larger_pictures_and_eight_turns_make_fewer_a_job():
    plain = group_components(Archive(12, 500))
    large = group_components(Archive(12, 500, size=(1920, 1080)))
    assert all(large[group] < plain[group] for group in ("decode", "label", "clean"))
    turned = group_components(Archive(12, 500, tta=True))
    assert turned["clean"] < plain["clean"] and turned["decode"] == plain["decode"]


def test_what_is_done_once_fits_a_job_too():
    assert group_components(Archive(12, 96))["once"] * 10 <= ASKED_MINUTES


def test_time_follows_frames_and_grows_with_each_attempt():
    asked = [minutes("clean_frames", 2976, attempt) for attempt in (1, 2, 3)]
    assert asked[0] < asked[1] < asked[2] <= 3 * asked[0]
    assert minutes("clean_frames", 6) < asked[0]
    assert minutes("label_echoes", 1) >= 2


def test_the_composite_counts_the_radar_with_most_frames():
    archive = Archive(shards=3, frames=10)
    assert count_frames(archive, "BBB", "0") == 9
    assert count_frames(archive, "composite", "0") == 10


def test_shards_share_jobs_and_a_caller_can_say_how_many(scratch: Workspace):
    """In the graph that Snakemake makes of the smoke config."""

    def groups(*arguments: str) -> list[str]:
        output = scratch.snakemake("--profile", "slurm", "--dry-run", *arguments).stdout
        return sorted(re.findall(r"Group job (\w+) ", output))

    assert groups() == ["clean", "decode", "once", "label"]
    assert groups("--group-components", "decode=4").count("decode") == 2


def test_every_rule_that_runs_once_a_shard_is_in_a_group(scratch: Workspace):
    profile = yaml.safe_load(PROFILE.read_text())
    config = copy.deepcopy(scratch.config)
    config["cleaning"] = {"geotiff": True}
    counted: dict[str, int] = {}
    for job in scratch.dry_run(config=config):
        counted[job.rule] = counted.get(job.rule, 0) + 1
    shards = 4
    assert {rule for rule, count in counted.items() if count >= shards} <= profile["groups"].keys()


def test_no_rule_of_a_group_has_a_resource_of_text(scratch: Workspace):
    """Snakemake refuses a group of which not all jobs have the same; numbers it adds up."""
    groups = yaml.safe_load(PROFILE.read_text())["groups"]
    output = scratch.snakemake("--dry-run").stdout
    found = re.findall(r"^rule (\w+):.*?^    resources: (.*?)$", output, re.MULTILINE | re.DOTALL)
    assert {rule for rule, _ in found} >= {"build_rgb_store", "clean_frames"}
    for rule, resources in found:
        given = dict(item.split("=", 1) for item in resources.split(", "))
        own = given.keys() - {"tmpdir", "mem", "mem_mib", "disk", "disk_mb", "disk_mib"}
        assert rule not in groups or all(given[name].isdigit() for name in own), (rule, given)


def test_the_profile_sets_up_a_training_that_is_warned(scratch: Workspace):
    output = scratch.snakemake("--profile", "slurm", "--dry-run", "train").stdout
    line = next(line for line in output.splitlines() if "processes=2" in line)
    assert "slurm_extra=--signal=TERM@120" in line and "nodes=1" in line and "mem_mb=8000" in line
    assert "slurm_partition" not in output  # the cluster's own default
