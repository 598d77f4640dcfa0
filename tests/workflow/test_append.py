"""An archive that grows: new frames make their own stores and products, and leave alone what was learned."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from rerun_cases import FROM_PICTURE, changed, frame, jobs
from workflow_cases import RADARS, SAMPLE, SMOKE, Workspace, make_workspace


def files_of(results: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of all files that rules declare, and of the content of their stores."""
    left_out = ("logs", "benchmarks", "runs", "checkpoints", "run_started")
    return {
        str(path.relative_to(results)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in results.rglob("*")
        if path.is_file() and path.relative_to(results).parts[0] not in left_out
    }


def touched(before: dict[str, tuple[int, bytes]], results: Path) -> set[str]:
    """Return stores and tables with a file that is new, gone or written again: `labels/CASGO/20240711T00`."""
    after = files_of(results)
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {name.split(".")[0] for name in names}


@pytest.mark.slow
def test_new_frames_touch_their_own_files_and_those_that_see_them(finished: Workspace, tmp_path: Path) -> None:
    workspace = finished.copied(tmp_path / "grown")
    results = workspace.root / "results"
    before = files_of(results)
    for radar in RADARS:  # an hour of its own; no other hour reads a frame of it
        shutil.copy2(SAMPLE / f"frames/{radar}/{radar}_202407110330.png", workspace.root / f"frames/{radar}")
    late = frame(workspace, "202407110033")  # of the hour after midnight, of one radar
    shutil.copyfile(frame(workspace, "202407110330"), late)
    workspace.run()
    kinds = ("rgb", "reflectivity", "aligned", "labels", "cleaned")
    hour, last_hour = "20240711T00", "20240710T23"  # its window reaches over midnight
    # No training, and no label of the training period, which ends with the last hour.
    assert touched(before, results) == {
        "report/report",
        "report/coverage",
        *(f"rgb/{radar}/refused" for radar in RADARS),
        *(f"{kind}/{radar}/20240711T03" for kind in kinds for radar in RADARS),
        "composite/20240711T03",
        *(f"{kind}/CASGO/{hour}" for kind in ("rgb", "reflectivity")),
        *(f"{kind}/{radar}/{hour}" for kind in ("aligned", "labels") for radar in RADARS),
        *(f"cleaned/{radar}/{name}" for radar in RADARS for name in (hour, last_hour)),
        *(f"composite/{name}" for name in (hour, last_hour)),
    }
    after = files_of(results)
    content = f"cleaned/CASGO/{last_hour}.zarr/zarr.json"
    assert after[content][1] == before[content][1]  # made again, and the same
    assert workspace.dry_run() == set()


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two days of July and one of August as shards, all of it made, as Snakemake thinks; July is trained on."""
    config: dict[str, Any] = copy.deepcopy(SMOKE)
    del config["evaluation"]
    config["frames"]["shard"] = "day"
    config["training"]["period"] = ["2024-07-01", "2024-08-01"]
    workspace = make_workspace(tmp_path_factory.mktemp("days"), config)
    for radar in RADARS:
        shutil.rmtree(workspace.root / "frames" / radar)
        (workspace.root / "frames" / radar).mkdir()
        for day in ("20240730", "20240731", "20240801"):
            add_day(workspace, radar, day)
    workspace.pretend()
    return workspace


def add_day(workspace: Workspace, radar: str, day: str) -> None:
    for time in ("0000", "0600", "2354"):
        shutil.copyfile(SAMPLE / f"frames/{radar}/{radar}_202407110330.png", frame(workspace, day + time, radar))


def remove_day(workspace: Workspace, radar: str, day: str) -> None:
    for path in workspace.root.glob(f"frames/{radar}/{radar}_{day}*.png"):
        path.unlink()


def products(radar: str, day: str, *others: str) -> set[Any]:
    text = ", ".join(f"clean_frames {name}/{day}" for name in (radar, *others))
    return jobs(f"{text}, compose_radars {day}, write_report")


def test_a_new_day_makes_its_own_stores_and_product(days: Workspace) -> None:
    rules = ("build_rgb_store", "decode_reflectivity", "align_radars", "label_echoes")
    count = jobs("check_frames CASGO")
    own = jobs(", ".join(f"{rule} CASGO/20240802" for rule in rules))
    add_day(days, "CASGO", "20240802")
    try:
        # The last frame of the day before has its neighbour now.
        before = jobs("label_echoes CASGO/20240801") | products("CASGO", "20240801")
        assert days.dry_run() == own | count | products("CASGO", "20240802") | before
        # Without a frame after as input, nothing of an older day is made again.
        behind = changed(days.config, "samples.input_minutes", [-12, -6, 0])
        assert {job for job in days.dry_run("products", config=behind) if "20240802" in job.wildcards} == (
            own | products("CASGO", "20240802") - jobs("write_report")
        )
    finally:
        remove_day(days, "CASGO", "20240802")


def test_a_late_frame_of_an_old_day_remakes_that_day_and_what_sees_it(days: Workspace) -> None:
    late = frame(days, "202408011200", "CASGO")
    shutil.copyfile(frame(days, "202408010600", "CASGO"), late)
    try:
        own = jobs("build_rgb_store CASGO/20240801, decode_reflectivity CASGO/20240801, check_frames CASGO")
        both = jobs(
            ", ".join(f"{rule} {radar}/20240801" for rule in ("align_radars", "label_echoes") for radar in RADARS)
        )
        # Midnight's frames are the neighbours of the day before.
        seen = products("CASGO", "20240801", "CASCM") | products("CASGO", "20240731", "CASCM")
        assert days.dry_run() == own | both | seen
    finally:
        late.unlink()


def test_a_training_period_moved_on_by_a_month_retrains(days: Workspace) -> None:
    config = changed(days.config, "training.period", ["2024-08-01", "2024-09-01"])
    found = days.dry_run(config=config)
    # The picture is learned from the frames of the atlas, by default those of the training.
    assert {job.rule for job in found} == FROM_PICTURE - {"evaluate_model", "list_test_samples"} | {
        "split_samples"
    }
    # The atlas is of the training period, and is evidence for every echo.
    every = {f"{radar}/{day}" for radar in RADARS for day in ("20240730", "20240731", "20240801")}
    assert {job.wildcards for job in found if job.rule == "label_echoes"} == every
