"""The workflow on archives, globs and an object store: equal results, and a change makes just its shard again."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from archive_cases import files_of, pack
from s3_cases import CREDENTIALS, Server, serving
from slurm_cases import ask, make_cluster, until
from workflow_cases import BY_DAY, RADARS, SAMPLE, SMOKE, Job, Workspace, make_workspace

SHARDS = ("20240710T22", "20240710T23", "20240711T00", "20240711T13")
STORES = [f"results/rgb/CASGO/{shard}.zarr/zarr.json" for shard in SHARDS]
TABLES = ["results/rgb/CASGO/unplaced.rejected.csv"]
NEW = SAMPLE / "frames/CASGO/CASGO_202407110300.png"


def built(*shards: str) -> set[Job]:
    return {Job("build_rgb_store", f"CASGO/{shard}") for shard in shards}


def sources(workspace: Workspace, shard: str) -> list[str]:
    table = pd.read_csv(workspace.root / f"results/rgb/CASGO/{shard}.zarr/sources.csv")
    return list(table["file"])


def dated(name: str) -> str:
    """`CASGO_202407102206.png` as `2024/07/10/2206.png`."""
    time = name[6:18]
    return f"{time[:4]}/{time[4:6]}/{time[6:8]}/{time[8:]}.png"


@pytest.mark.slow
def test_a_zip_and_a_tree_of_days_give_what_folders_give(finished: Workspace, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, copy.deepcopy(SMOKE))
    frames = tmp_path / "frames"
    pack(tmp_path / "archive/CASGO.zip", files_of(frames / "CASGO"))
    for path in (frames / "CASCM").iterdir():
        place = tmp_path / "archive/CASCM" / dated(path.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    shutil.rmtree(frames)
    workspace.config["radars"][0]["frames"] = "archive/CASGO.zip"
    workspace.config["radars"][1] |= {
        "frames": "archive/CASCM/20??/*/*/*.png",
        "pattern": r"(\d{4}/\d\d/\d\d/\d{4})\.",
        "time_format": "%Y/%m/%d/%H%M",
    }
    workspace.config["evaluation"]["reference"] = None  # its masks are named as the frames were
    stores = [name.replace("CASGO", radar) for radar in RADARS for name in STORES]
    workspace.run(*stores)
    found, wanted = workspace.store_digests(), finished.store_digests()
    arrays = [name for name in found if name.startswith("rgb/") and name.endswith("zarr.json")]
    assert {f"results/{name}" for name in arrays} >= set(stores)
    assert [name for name in arrays if found[name] != wanted[name]] == []
    assert sources(workspace, SHARDS[0])[0] == "CASGO.zip/CASGO_202407102200.png"
    assert "Nothing to be done" in workspace.forked("--dry-run", *stores)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_change_in_an_archive_makes_just_the_shards_of_changed_members(tmp_path: Path, kind: str) -> None:
    workspace = make_workspace(tmp_path, copy.deepcopy(SMOKE))
    files = files_of(tmp_path / "frames/CASGO")
    archive = tmp_path / f"CASGO.{kind}"
    pack(archive, files | {"latest.png": b"x"})
    workspace.config["radars"][0]["frames"] = archive.name
    workspace.run(*STORES, *TABLES)
    assert pd.read_csv(tmp_path / TABLES[0])["file"].tolist() == [f"CASGO.{kind}/latest.png"]

    def now(members: dict[str, bytes]) -> set[Job]:
        pack(archive, members)
        return workspace.dry_run(*STORES, *TABLES)

    files["latest.png"] = b"x"
    assert now(dict(reversed(files.items()))) == set()  # packed again
    os.utime(archive)
    assert now(files) == set()
    assert now(files | {"new/CASGO_202407110300.png": NEW.read_bytes()}) == set()  # of another shard
    assert now(files | {"new/CASGO_202407110003.png": NEW.read_bytes()}) == built("20240711T00")
    assert now(files | {"CASGO_202407102230.png": NEW.read_bytes()}) == built("20240710T22")
    left = {name: data for name, data in files.items() if name != "CASGO_202407111300.png"}
    assert now(left) == built("20240711T13")
    del files["latest.png"]
    assert now(files) == {Job("list_unplaced_frames", "CASGO")}


def test_a_broken_archive_is_one_line_before_any_job(scratch: Workspace) -> None:
    archive = pack(scratch.root / "CASGO.tar.gz", files_of(scratch.root / "frames/CASGO"))
    archive.write_bytes(archive.read_bytes()[:50_000])
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["frames"] = archive.name
    output = scratch.forked("--dry-run", config=config, refused=True)
    assert "Traceback" not in output
    assert "radars[0].frames: the archive CASGO.tar.gz cannot be read to its end" in output


@pytest.mark.parametrize(("place", "glob"), [("", ""), ("2024/", "**/")])
def test_a_folder_of_archives_alone_is_told_what_to_write(scratch: Workspace, place: str, glob: str) -> None:
    for name in ("a", "b"):
        pack(scratch.root / f"packed/{place}{name}.zip", files_of(scratch.root / "frames/CASGO"))
    config = copy.deepcopy(SMOKE)
    config["radars"][0]["frames"] = "packed"
    output = scratch.forked("--dry-run", config=config, refused=True)
    assert "no pictures found in packed" in output and f"write packed/{glob}*.zip" in output


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with serving(tmp_path / "s3", "radar") as server:
        yield server


@pytest.fixture
def stored(server: Server, tmp_path: Path) -> Workspace:
    """A workspace whose first radar's frames are objects."""
    workspace = make_workspace(tmp_path / "work", copy.deepcopy(SMOKE))
    for name, data in files_of(workspace.root / "frames/CASGO").items():
        server.put("radar", f"archive/{name[6:14]}/{name}", data)
    workspace.config["radars"][0]["frames"] = "s3://radar/archive"
    workspace.config["s3"] = {"endpoint_url": server.url}
    return workspace


@pytest.mark.slow
def test_objects_are_fetched_for_their_shard_and_their_changes_make_just_that_again(
    server: Server, stored: Workspace
) -> None:
    server.put("radar", "archive/latest.png", b"x")
    stored.run(*STORES, *TABLES)
    copies = stored.root / ".snakemake/storage/s3/radar"
    assert [path for path in copies.rglob("*") if path.is_file()] == []
    assert sources(stored, SHARDS[0])[:2] == [
        "archive/20240710/CASGO_202407102200.png",
        "archive/20240710/CASGO_202407102206.png",
    ]
    assert pd.read_csv(stored.root / TABLES[0])["file"].tolist() == ["archive/latest.png"]
    first = {store: (stored.root / store).read_bytes() for store in STORES}

    before = len(server.requests())
    assert stored.dry_run(*STORES, *TABLES) == set()
    asked = [line for line in server.requests()[before:] if line.startswith(("LIST", "GET", "HEAD"))]
    assert asked == ["LIST BUCKET"]  # however many objects there are

    key = "archive/20240710/CASGO_202407102230.png"
    old = (SAMPLE / "frames/CASGO/CASGO_202407102230.png").read_bytes()
    server.put("radar", key, old)  # newer, of equal content
    assert stored.dry_run(*STORES) == set()
    server.put("radar", key, NEW.read_bytes())
    assert stored.dry_run(*STORES) == built("20240710T22")
    stored.run(*STORES)
    assert (stored.root / STORES[0]).read_bytes() != first[STORES[0]]
    assert {store: (stored.root / store).read_bytes() for store in STORES[1:]} == {s: first[s] for s in STORES[1:]}

    # A deleted object whose copy a killed run has left is not read.
    (copies / key).parent.mkdir(parents=True, exist_ok=True)
    (copies / key).write_bytes(old)
    server.client().delete_object(Bucket="radar", Key=key)
    assert stored.dry_run(*STORES) == built("20240710T22")
    stored.run(*STORES)
    assert key not in sources(stored, SHARDS[0]) and len(sources(stored, SHARDS[0])) == 9


@pytest.mark.slow
def test_a_running_workflow_reads_what_it_was_planned_with(server: Server, stored: Workspace) -> None:
    stage = stored.root / "radar_cleaner/stages/build_rgb_store.py"
    waiting = """
    import os, time
    Path("started.txt").write_text(os.environ["RADAR_CLEANER_ANSWERS"])
    while not Path("go").exists():
        time.sleep(0.05)
"""
    text = stage.read_text()
    assert text.count("    start, end = shard_start") == 1
    stage.write_text(text.replace("    start, end = shard_start", f"{waiting}    start, end = shard_start"))
    stored.write_config()
    command = stored.command(STORES[0], "--cores", "1")
    with (stored.root / "run.log").open("w") as log:
        run = subprocess.Popen(command, cwd=stored.root, env=stored.environment(), stdout=log, stderr=log)
    try:
        started = stored.root / "started.txt"

        def first_text() -> str:
            assert run.poll() is None, (stored.root / "run.log").read_text()
            return started.read_text() if started.exists() else ""

        kept = stored.root / until(first_text, "the start of a job", 120)
        server.put("radar", "archive/20240710/CASGO_202407102203.png", NEW.read_bytes())
        assert "build_rgb_store" in stored.snakemake(STORES[0], "--dry-run").stdout
        assert list(kept.parent.glob("run-*")) == [kept]  # the dry run's is removed

        # An inner process of the run, as Slurm starts it.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RADAR_CLEANER_ANSWERS", started.read_text())
            before = len(server.requests())
            stored.snakemake(STORES[0], "--mode", "remote", "--dry-run", "--nolock")
            assert "LIST BUCKET" not in server.requests()[before:]
        assert kept.is_dir()
        (stored.root / "go").touch()
        assert run.wait(120) == 0, (stored.root / "run.log").read_text()
    finally:
        run.kill()
        run.wait()
    assert len(sources(stored, SHARDS[0])) == 10
    assert not kept.exists()


@pytest.mark.slurm
def test_jobs_of_slurm_send_no_request_to_the_store(server: Server, tmp_path: Path) -> None:
    ask("sinfo")  # no Slurm is a failure
    cluster = make_cluster(tmp_path / "cluster")
    for name, data in files_of(cluster.root / "frames/CASGO").items():
        server.put("radar", name, data)
    cluster.config = copy.deepcopy(BY_DAY) | {"s3": {"endpoint_url": server.url}}
    cluster.config["radars"][0]["frames"] = "s3://radar"
    cluster.config["frames"]["size_px"] = None
    days = ("20240710", "20240711")
    stores = [f"results/rgb/CASGO/{day}.zarr/zarr.json" for day in days]
    with cluster.started(*stores) as run:
        until(lambda: run.output.count("submitted with SLURM jobid"), "a job")
        before = len(server.requests())
        server.put("radar", "CASGO_202407102203.png", b"came later")
        run.ends_well()
    assert server.requests()[before:] == ["CREATE OBJECT: radar CASGO_202407102203.png"]
    assert sum(len(sources(cluster, day)) for day in days) == len(files_of(cluster.root / "frames/CASGO"))
    server.client().delete_object(Bucket="radar", Key="CASGO_202407102203.png")
    assert "Nothing to be done" in cluster.snakemake("--dry-run", *stores).stdout


@pytest.mark.slow
def test_the_stores_of_objects_are_those_of_a_folder(server: Server, stored: Workspace, tmp_path: Path) -> None:
    stored.run(*STORES)
    kept = {store: (stored.root / store).read_bytes() for store in STORES}
    config = copy.deepcopy(SMOKE) | {"results": "from_folder"}
    stored.run(*(store.replace("results", "from_folder") for store in STORES), config=config)
    for store, data in kept.items():
        assert (stored.root / store.replace("results", "from_folder")).read_bytes() == data


@pytest.mark.parametrize("wrong", ["credentials", "endpoint", "bucket"])
def test_a_store_that_refuses_is_one_line_before_any_job(
    server: Server, scratch: Workspace, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = copy.deepcopy(SMOKE) | {"s3": {"endpoint_url": server.url}}
    config["radars"][0]["frames"] = "s3://nowhere/archive" if wrong == "bucket" else "s3://radar/archive"
    if wrong == "endpoint":
        config["s3"]["endpoint_url"] = "http://127.0.0.1:9"
    if wrong == "credentials":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    output = scratch.forked("--dry-run", config=config, refused=True)
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if "s3://" in line]
    remedy = {"credentials": "check AWS_ACCESS_KEY_ID", "endpoint": "does not answer", "bucket": "no bucket"}
    assert len(lines) == 1 and remedy[wrong] in lines[0]
