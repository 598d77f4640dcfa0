"""The workflow on a real Slurm: `snakemake --profile slurm`, typed just so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from slurm_cases import Cluster, until
from workflow_cases import BY_DAY

pytestmark = pytest.mark.slurm
ON_TWO_NODES = {"nodes": 2, "tasks": 2, "mpi": "srun", "processes": 1, "threads": 1, "mem_mb": 3000}


def test_every_rule_runs_as_a_job_and_shards_share_one(made: Cluster) -> None:
    assert (made.results / "report/report.html").exists()
    done = [job.what for job in made.jobs()]
    assert {job.state for job in made.jobs()} == {"COMPLETED"}
    for rule in ("build_clutter_atlas", "split_samples", "train_model", "evaluate_model", "write_report"):
        assert any(what.startswith(f"rule_{rule}") for what in done), done
    # Four shards: one job.
    assert done.count("rule_read_build_rgb_store") == done.count("rule_decode_decode_reflectivity") == 1
    assert len(list(made.results.glob("rgb/*/*.zarr"))) == 4
    assert len(done) <= 13
    assert not made.queue()


def test_a_job_of_many_shards_requests_cpus_and_memory_of_one_and_time_of_all(made: Cluster) -> None:
    job = made.jobs("rule_decode")[0]
    assert (job.cpus, job.memory, job.limit) == (1, "1000M", "8:00")


def test_the_training_ran_on_one_node_in_two_processes(made: Cluster) -> None:
    assert "2 process(es) of 1 thread(s) on cpu" in made.training_log
    job = made.jobs("rule_train_model")[0]
    assert (job.cpus, len(job.nodes)) == (2, len("n1"))


def test_two_nodes_one_node_and_no_slurm_train_the_same_weights(made: Cluster, tmp_path: Path) -> None:
    nodes = made.copied_to(tmp_path / "nodes", BY_DAY)
    gpus = made.copied_to(tmp_path / "gpus", BY_DAY)
    nodes.edit_profile(train_model=ON_TWO_NODES)
    gpus.edit_profile(train_model=ON_TWO_NODES | {"slurm_partition": "gpu", "gres": "gpu:1"})
    again = ("train", "--forcerun", "train_model")
    with nodes.started(*again) as first, gpus.started(*again) as second:
        seen: dict[str, set[str]] = {}

        def watched() -> bool:
            for rank in nodes.ranks() + gpus.ranks():
                place = f"{rank['SLURMD_NODENAME']} gpu {rank.get('CUDA_VISIBLE_DEVICES')}"
                seen.setdefault(rank["SLURM_JOB_ID"], set()).add(place)
            return first.process.poll() is not None and second.process.poll() is not None

        until(watched, "two trainings")
        first.ends_well()
        second.ends_well()
    assert sorted(map(sorted, seen.values())) == [["n1 gpu 0", "n2 gpu 0"], ["n1 gpu None", "n2 gpu None"]]
    for work in (nodes, gpus):
        assert [job.nodes for job in work.jobs()] == ["n[1-2]"]
        assert "2 process(es) of 1 thread(s) on cpu" in work.training_log and "epoch 1/2:" in work.training_log
        assert work.weights == made.weights

    local = made.copied_to(tmp_path / "local", BY_DAY)
    local.run(*again)
    assert "2 process(es) of 1 thread(s) on cpu" in local.training_log and "epoch 1/2:" in local.training_log
    assert local.weights == made.weights
    assert not nodes.queue() and not gpus.queue()


def test_where_the_training_runs_reruns_nothing(made: Cluster, tmp_path: Path) -> None:
    work = made.copied_to(tmp_path / "work", BY_DAY)
    work.edit_profile(train_model=ON_TWO_NODES | {"slurm_partition": "gpu", "runtime": 30, "mem_mb": 9000})
    work.write_config()
    output = work.snakemake("--profile", "slurm", "--dry-run").stdout
    assert "Nothing to be done" in output, re.findall(r"^.*reason:.*$", output, re.MULTILINE)
