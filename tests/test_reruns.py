"""The rerun table: what each change makes run again after a finished run, and nothing else."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from planning.archive import Plan
from planning.schema import checked
from rasterio.transform import Affine
from workflow_cases import REPOSITORY, SAMPLE, Job, Workspace, jobs_of

PRODUCTS = {"clean_frames", "compose_radars", "write_report"}
FROM_MODEL = {"train_model", "evaluate_model"} | PRODUCTS
FROM_TARGETS = {"vote_echoes"} | FROM_MODEL
FROM_LABELS = {
    "label_echoes",
    "build_clutter_atlas",
    "align_others",
    "split_samples",
    "list_test_samples",
} | FROM_TARGETS

# Config key: the value it changes to, and exactly the rules that run again.
KEYS: dict[str, tuple[Any, set[str]]] = {
    "labels.min_dbz": (10, FROM_LABELS),
    # 5 is another key's value already: Snakemake compares a rule's params as a set.
    "labels.closing_px": (5, FROM_LABELS),
    "frames.overlay.border_px": (5, FROM_LABELS),
    "frames.on_bad_frame": ("fail", {"list_unplaced_frames", "build_rgb_store"} | FROM_LABELS),
    "atlas.threshold": (0.8, {"build_clutter_atlas"} | FROM_TARGETS),
    "votes.area": (1.0, FROM_TARGETS),
    "samples.atlas": ("mask", {"align_others"} | FROM_MODEL),
    "samples.reflectivity": ("mean", FROM_MODEL),
    "samples.block_minutes": (24, {"split_samples"} | FROM_MODEL),
    "samples.day_of_year": (True, FROM_MODEL),
    "samples.coordinates": (True, {"place_static_fields"} | FROM_MODEL),
    "training.learning_rate": (0.001, FROM_MODEL),
    "training.schedule.name": ("one_cycle", FROM_MODEL),
    "training.averaging.ema": (0.9, FROM_MODEL),
    "training.precision": ("bf16", FROM_MODEL),
    "training.holes.shapes": (["blocks", "sectors"], FROM_MODEL),
    "training.fast_dev_run": (True, FROM_MODEL),
    "training.loss.dice": (0.25, FROM_MODEL),
    # How a training is run changes nothing that it learns.
    "training.micro_batch_size": (2, set()),
    "training.on_out_of_memory": ("stop", set()),
    "training.checkpoint_minutes": (0.5, set()),
    "training.tracker": ("tensorboard", set()),
    "evaluation.dbz_bands": ([20], {"evaluate_model", "write_report"}),
    "evaluation.tta": (True, {"evaluate_model", "write_report"}),
    "cleaning.tta": (True, PRODUCTS),
    "cleaning.fill": (False, PRODUCTS),
    "cleaning.geotiff": (True, {"export_geotiff", "write_report"}),
    "cleaning.threshold": (0.4, {"evaluate_model"} | PRODUCTS),
    "composite.grid": ("union", {"build_warp_grid", "compose_radars", "write_report"}),
    "report.frames": (2, {"write_report"}),
}


def changed(config: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(config)
    *path, leaf = key.split(".")
    part = config
    for name in path:
        part = part.setdefault(name, {})
    part[leaf] = value
    return config


def test_a_finished_run_has_nothing_to_do(finished: Workspace) -> None:
    assert "Nothing to be done" in finished.snakemake("--dry-run").stdout


@pytest.mark.parametrize("key", KEYS)
def test_a_changed_key_reruns_exactly_what_it_changes(finished: Workspace, key: str) -> None:
    value, rules = KEYS[key]
    assert finished.rules(config=changed(finished.config, key, value)) == rules


@pytest.mark.parametrize(
    ("keys", "rules"),
    [
        (("labels.opening_px", "labels.closing_px"), FROM_LABELS),
        (("labels.min_dbz", "labels.min_area_px"), FROM_LABELS),
        (("votes.colour", "votes.atlas"), FROM_TARGETS),
        (("training.drop_neighbours", "training.drop_others"), FROM_MODEL),
        (("training.weight_decay", "training.input_noise_dbz"), FROM_MODEL),
    ],
    ids=" and ".join,
)
def test_two_keys_that_swap_their_values_rerun_what_they_change(
    finished: Workspace, keys: tuple[str, str], rules: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.root)
    filled = Plan(checked(finished.config, REPOSITORY / "workflow/schemas/config.schema.yaml")).config
    (section, first), (_, second) = (key.split(".") for key in keys)
    config = changed(finished.config, keys[0], filled[section][second])
    config = changed(config, keys[1], filled[section][first])
    assert finished.rules(config=config) == rules


def test_a_rate_to_be_found_reruns_the_training_which_then_makes_its_curve(finished: Workspace) -> None:
    config = changed(finished.config, "training.learning_rate", "find")
    output = finished.snakemake("--dry-run", config=config).stdout
    assert {job.rule for job in jobs_of(output)} == FROM_MODEL
    assert "results/model/rates.csv, results/model/rates.png" in output


def write_raster(path: Path, value: float) -> None:
    """A raster of one value over both radars, in longitude and latitude."""
    place = {"crs": "EPSG:4326", "transform": Affine(1, 0, -72, 0, -1, 52)}
    shape = {"width": 14, "height": 12, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as raster:
        raster.write(np.full((1, 12, 14), value, np.float32))


def test_static_fields_rerun_with_their_rasters_and_names_alone(scratch: Workspace) -> None:
    for number, name in enumerate(("terrain.tif", "sea.tif")):
        write_raster(scratch.root / name, 10.0 + number)
    store = "results/static/CASGO.zarr/zarr.json"

    def rules(**fields: str) -> set[str]:
        return scratch.rules(store, config=changed(scratch.config, "samples.static", fields))

    scratch.run(store, config=changed(scratch.config, "samples.static", {"a": "terrain.tif", "b": "sea.tif"}))
    assert rules(a="terrain.tif", b="sea.tif") == rules(b="sea.tif", a="terrain.tif") == set()
    assert rules(a="sea.tif", b="terrain.tif") == {"place_static_fields"}
    assert rules(a="terrain.tif") == rules(a="terrain.tif", c="sea.tif") == {"place_static_fields"}
    write_raster(scratch.root / "sea.tif", 99.0)
    assert rules(a="terrain.tif", b="sea.tif") == {"place_static_fields"}


def test_a_radars_own_key_reruns_its_own_labels(finished: Workspace) -> None:
    config = copy.deepcopy(finished.config)
    config["radars"][1]["labels"] = {"min_area_px": 30}
    jobs = finished.dry_run(config=config)
    assert {job.rule for job in jobs} == FROM_LABELS
    assert {job.wildcards.split("/")[0] for job in jobs if job.rule == "label_echoes"} == {"CASCM"}


def test_a_reject_alone_remakes_the_report(finished: Workspace) -> None:
    """A bad frame leaves its store as it was; the coverage must tell of it all the same."""
    bad = frame(finished, "202407110033")
    try:
        bad.write_bytes(b"")
        finished.run("results/rgb/CASGO/20240711T00.zarr/zarr.json")
        assert "write_report" in finished.rules()
    finally:
        bad.unlink()
        finished.run()


def test_a_radars_centre_reruns_its_own_labels_and_what_follows(finished: Workspace) -> None:
    config = copy.deepcopy(finished.config)
    config["radars"][0]["center_px"] = [341, 239]
    jobs = finished.dry_run(config=config)
    assert {job.rule for job in jobs} == FROM_LABELS | {"build_warp_grid"}
    assert {job.wildcards.split("/")[0] for job in jobs if job.rule == "label_echoes"} == {"CASGO"}
    # The first radar's plane is the composite's, so that every grid but the other radar's own moves.
    grids = {job.wildcards for job in jobs if job.rule == "build_warp_grid"}
    assert grids == {"CASGO/CASGO", "CASGO/CASCM", "CASCM/CASGO", "composite/CASGO", "composite/CASCM"}


def test_the_number_of_processes_reruns_nothing(finished: Workspace) -> None:
    assert finished.dry_run("--set-resources", "train_model:processes=1") == set()


def test_the_order_of_keys_reruns_nothing(finished: Workspace) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    assert list(turned(finished.config)) != list(finished.config)
    assert finished.dry_run(config=turned(finished.config)) == set()


def test_a_model_by_path_leaves_the_training_out(finished: Workspace, tmp_path: Path) -> None:
    model = shutil.copy2(finished.root / "results/model/best.pt", tmp_path / "mine.pt")
    config = changed(finished.config, "cleaning.model", str(model))
    rules = finished.rules(config=config)
    assert rules == {"evaluate_model"} | PRODUCTS
    with moved(finished.root / "results/model", tmp_path / "model"):
        assert "train_model" not in finished.rules(config=config)


# Frames. What reads a shard of the training period runs again; what only a later hour touches does not train.


@contextmanager
def moved(path: Path, to: Path) -> Iterator[None]:
    shutil.move(path, to)
    try:
        yield
    finally:
        shutil.move(to, path)


@contextmanager
def replaced(path: Path, source: Path) -> Iterator[None]:
    """`source` in the place of `path`, which may not be there yet; afterwards as before."""
    backup = path.with_name(path.name + ".backup")
    was_there = path.exists()
    if was_there:
        shutil.move(path, backup)
    try:
        shutil.copyfile(source, path)
        yield
    finally:
        path.unlink()
        if was_there:
            shutil.move(backup, path)


def jobs(text: str) -> set[Job]:
    return {Job(rule, wildcards) for rule, _, wildcards in (line.partition(" ") for line in text.split(", "))}


def frame(workspace: Workspace, time: str, radar: str = "CASGO") -> Path:
    return workspace.root / f"frames/{radar}/{radar}_{time}.png"


def test_a_new_frame_of_a_later_hour_makes_its_own_stores_and_product(finished: Workspace) -> None:
    new = SAMPLE / "frames/CASGO/CASGO_202407110300.png"
    with replaced(frame(finished, "202407110300"), new):
        found = finished.dry_run()
    shard = "20240711T03"
    assert found == jobs(
        f"build_rgb_store CASGO/{shard}, label_echoes CASGO/{shard}, align_others CASGO/{shard}, "
        f"clean_frames CASGO/{shard}, compose_radars {shard}, write_report"
    )


# Of 2024-07-11 00 UTC; the last training hour's cleaning reads its labels: the window reaches over midnight.
AFTER_MIDNIGHT = (
    "build_rgb_store CASGO/20240711T00, label_echoes CASGO/20240711T00, align_others CASGO/20240711T00, "
    "align_others CASCM/20240711T00, clean_frames CASGO/20240711T00, clean_frames CASGO/20240710T23, "
    "clean_frames CASCM/20240711T00, clean_frames CASCM/20240710T23, compose_radars 20240711T00, "
    "compose_radars 20240710T23, write_report"
)


@pytest.mark.parametrize("time", ["202407110000", "202407110030"], ids=["at midnight", "later"])
@pytest.mark.parametrize("change", ["changed", "removed"])
def test_a_frame_of_a_later_hour_reruns_its_shard_and_what_sees_it(
    finished: Workspace, tmp_path: Path, time: str, change: str
) -> None:
    path, other = frame(finished, time), SAMPLE / "frames/CASGO/CASGO_202407110300.png"
    with moved(path, tmp_path / "kept.png") if change == "removed" else replaced(path, other):
        assert finished.dry_run() == jobs(AFTER_MIDNIGHT)


def test_a_new_frame_at_a_shards_start_reruns_the_shard_before_it_too(finished: Workspace) -> None:
    new = SAMPLE / "frames/CASGO/CASGO_202407110100.png"
    with replaced(frame(finished, "202407110100"), new):
        found = finished.dry_run()
    assert found == jobs(
        "build_rgb_store CASGO/20240711T01, label_echoes CASGO/20240711T01, align_others CASGO/20240711T01, "
        "clean_frames CASGO/20240711T01, clean_frames CASGO/20240711T00, compose_radars 20240711T01, "
        "compose_radars 20240711T00, write_report"
    )


@pytest.mark.parametrize("change", ["new", "changed", "removed"])
def test_a_frame_of_the_training_period_retrains(finished: Workspace, tmp_path: Path, change: str) -> None:
    other = SAMPLE / "frames/CASGO/CASGO_202407110300.png"
    if change == "removed":
        context = moved(frame(finished, "202407102230"), tmp_path / "kept.png")
    else:
        time = "202407102230" if change == "changed" else "202407102233"
        context = replaced(frame(finished, time), other)
    with context:
        found = finished.dry_run()
    assert {job.rule for job in found} == (FROM_LABELS | {"build_rgb_store"}) - {"list_test_samples"}
    assert {job.wildcards for job in found if job.rule == "build_rgb_store"} == {"CASGO/20240710T22"}
    assert {job.wildcards for job in found if job.rule == "label_echoes"} == {"CASGO/20240710T22"}
    assert {job.wildcards for job in found if job.rule == "build_clutter_atlas"} == {"CASGO"}


def test_a_touched_frame_of_equal_content_reruns_nothing(finished: Workspace) -> None:
    frame(finished, "202407102230").touch()
    assert finished.dry_run() == set()


# Code.


@contextmanager
def edited(path: Path) -> Iterator[None]:
    text = path.read_text()
    path.write_text(text + "\n# edited\n")
    try:
        yield
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("labels.py", FROM_LABELS),
        ("models/tiny_unet.py", FROM_MODEL),
        ("stages/vote_echoes.py", FROM_TARGETS),
        ("stages/write_report.py", {"write_report"}),
        ("cli.py", set()),
    ],
)
def test_an_edit_of_a_module_reruns_the_stages_that_run_it(
    finished: Workspace, module: str, rules: set[str]
) -> None:
    with edited(finished.root / "radar_cleaner" / module):
        assert finished.rules() == rules


def test_a_cosmetic_edit_can_be_waved_through(finished: Workspace) -> None:
    module = finished.root / "radar_cleaner/labels.py"
    try:
        with edited(module):
            finished.snakemake("--touch", "--cores", "1")
            assert finished.dry_run() == set()
    finally:
        finished.snakemake("--touch", "--cores", "1")
    assert finished.dry_run() == set()
