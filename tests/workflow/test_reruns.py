"""Each config key reruns exactly the rules of tests/rerun_cases.py after a finished run."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine
from rerun_cases import (
    ALL_KEYS,
    FORECAST_KEYS,
    FORECASTS,
    FROM_LABELS,
    FROM_MODEL,
    FROM_PICTURE,
    FROM_REFLECTIVITY,
    GIVEN_KEYS,
    GIVEN_MODEL,
    GRIDS,
    KEYS,
    NAMED,
    NAMED_FILES,
    NOTHING,
    OTHER_KEYS,
    OTHER_METHODS,
    OWN_KEYS,
    PRODUCTS,
    by_section,
    changed,
    common,
    frame,
    moved,
    name_files,
    placed,
)
from workflow_cases import Workspace, jobs_of, make_workspace

from radar_cleaner.config.load import read_config


@pytest.fixture(scope="module")
def after_smoke(finished: Workspace) -> Iterator[Workspace]:
    name_files(finished.root)
    yield finished
    for name in NAMED_FILES:
        (finished.root / name).unlink()


Pretended = Callable[[str, dict[str, Any]], Workspace]


@pytest.fixture(scope="module")
def pretended(tmp_path_factory: pytest.TempPathFactory) -> Pretended:
    """Workspaces in which Snakemake thinks that a config ran to its end; one frame in four is larger."""
    made: dict[str, Workspace] = {}

    def after(name: str, settings: dict[str, Any]) -> Workspace:
        if name not in made:
            workspace = made[name] = make_workspace(tmp_path_factory.mktemp(name))
            name_files(workspace.root)
            for path in workspace.root.glob("frames/*/*_2024071113*.png"):
                Image.new("RGB", (600, 500)).save(path)
            for key, value in settings.items():
                workspace.config = changed(workspace.config, key, value)
            workspace.pretend()
        return made[name]

    return after


def test_a_finished_run_has_nothing_to_do(finished: Workspace) -> None:
    assert "Nothing to be done" in finished.snakemake("--dry-run").stdout
    assert "Nothing to be done" in finished.forked("--dry-run")


def test_the_quick_dry_run_of_these_tests_is_snakemakes(finished: Workspace) -> None:
    config = changed(finished.config, "labels.min_dbz", 10)
    jobs = jobs_of(finished.snakemake("--dry-run", config=config).stdout)
    assert len(jobs) > 30 and finished.dry_run(config=config) == jobs
    broken = finished.snakemake("--dry-run", config={"radars": []}, check=False)
    with pytest.raises(AssertionError, match="too short"):
        finished.dry_run(config={"radars": []})
    assert broken.returncode != 0 and "too short" in broken.stdout


@pytest.mark.parametrize("key", by_section(KEYS))
def test_a_changed_key_reruns_exactly_what_it_changes(after_smoke: Workspace, key: str) -> None:
    value, rules = KEYS[key]
    assert after_smoke.rules(config=changed(after_smoke.config, key, value)) == rules


@pytest.mark.parametrize("key", by_section(OTHER_KEYS))
def test_a_key_of_another_method_reruns_what_it_changes_there(pretended: Pretended, key: str) -> None:
    workspace = pretended("other", OTHER_METHODS)
    value, rules = OTHER_KEYS[key]
    assert workspace.rules(config=changed(workspace.config, key, value)) == rules


@pytest.mark.parametrize("key", by_section(GRIDS))
def test_another_grid_reruns_what_depends_on_the_place(after_smoke: Workspace, key: str) -> None:
    grid, rules = GRIDS[key]
    assert after_smoke.rules(config=placed(after_smoke.config, grid)) == rules


@pytest.mark.parametrize("key", by_section(FORECAST_KEYS))
def test_a_key_of_forecasts_reruns_what_it_changes_there(pretended: Pretended, key: str) -> None:
    workspace = pretended("forecasts", FORECASTS)
    value, rules = FORECAST_KEYS[key]
    assert workspace.rules(config=changed(workspace.config, key, value)) == rules


def test_forecasts_are_scored_only_with_lead_times_and_a_period(pretended: Pretended) -> None:
    config = pretended("forecasts", FORECASTS).config
    for without in ("samples.lead_minutes", "evaluation.period"):
        value = [0] if without == "samples.lead_minutes" else None
        found = pretended("forecasts", FORECASTS).rules("--forceall", config=changed(config, without, value))
        assert "evaluate_forecasts" not in found and "train_model" in found
    rules = {job.rule for job in pretended("forecasts", FORECASTS).dry_run("--forceall")}
    assert {"evaluate_forecasts", "evaluate_model", "clean_frames"} < rules


@pytest.mark.parametrize("key", by_section(GIVEN_KEYS))
def test_a_key_reruns_with_a_given_model_only_what_cleans(pretended: Pretended, key: str) -> None:
    workspace = pretended("given", GIVEN_MODEL)
    value, rules = GIVEN_KEYS[key]
    assert workspace.rules(config=changed(workspace.config, key, value)) == rules


def test_the_table_names_every_key_of_the_schema_and_no_other() -> None:
    assert {f"radars.*.{key}" for key in OWN_KEYS} == ALL_KEYS - NAMED
    assert not NAMED - ALL_KEYS
    assert {common(key) for key in OWN_KEYS} <= NAMED


@pytest.mark.parametrize("key", by_section({key: KEYS[common(key)] for key in OWN_KEYS}))
def test_a_radars_own_key_reruns_what_the_common_one_does_for_this_radar_alone(
    after_smoke: Workspace, pretended: Pretended, key: str
) -> None:
    other = common(key) in OTHER_KEYS and OTHER_KEYS[common(key)][1] != NOTHING
    value, rules = (OTHER_KEYS if other else KEYS)[common(key)]
    workspace = pretended("other", OTHER_METHODS) if other else after_smoke
    radar = 0 if other and key.startswith(("labels.legend", "labels.tolerance")) else 1  # whose method looks at it
    found = workspace.dry_run(config=changed(workspace.config, f"radars.{radar}.{key}", value))
    assert {job.rule for job in found} == rules
    own = {"list_unplaced_frames", "build_rgb_store", "decode_reflectivity", "build_clutter_atlas"}
    first = own & rules or {"label_echoes"}  # the neighbours' labels follow from the decoding
    radars = {job.wildcards.split("/")[0] for job in found if job.rule in first}
    assert radars == ({workspace.config["radars"][radar]["id"]} if rules else set())


@pytest.mark.parametrize(
    ("keys", "rules"),
    [
        (("labels.opening_px", "labels.closing_px"), FROM_LABELS),
        (("labels.min_dbz", "labels.min_area_px"), FROM_REFLECTIVITY),
        (("votes.colour", "votes.area"), FROM_LABELS),
        (("training.drop_neighbours", "training.drop_others"), FROM_MODEL),
        (("training.weight_decay", "training.input_noise_dbz"), FROM_MODEL),
    ],
    ids=lambda names: " and ".join(sorted(names)),
)
def test_two_keys_that_swap_their_values_rerun_what_they_change(
    finished: Workspace, keys: tuple[str, str], rules: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.root)
    filled = read_config(finished.config).plain()
    (section, first), (_, second) = (key.split(".") for key in keys)
    values = [filled[section][key] for key in (second, first)]
    values = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    config = changed(changed(finished.config, keys[0], values[0]), keys[1], values[1])
    assert finished.rules(config=config) == rules


def test_a_rate_to_be_found_reruns_the_training_which_then_makes_its_curve(finished: Workspace) -> None:
    config = changed(finished.config, "training.learning_rate", "find")
    output = finished.forked("--dry-run", config=config)
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


def test_a_reject_alone_remakes_the_report(finished: Workspace, tmp_path: Path) -> None:
    """A bad frame leaves its store unchanged, but the coverage counts it."""
    workspace = finished.copied(tmp_path / "copy")
    frame(workspace, "202407110033").write_bytes(b"")
    workspace.run("results/rgb/CASGO/20240711T00.zarr/zarr.json")
    assert workspace.rules() == {"check_frames", "write_report"}


def test_a_radars_centre_reruns_its_own_labels_and_what_follows(finished: Workspace) -> None:
    config = copy.deepcopy(finished.config)
    config["radars"][0]["center_px"] = [341, 239]
    jobs = finished.dry_run(config=config)
    assert {job.rule for job in jobs} == FROM_PICTURE | {"build_warp_grid"}
    assert {job.wildcards.split("/")[0] for job in jobs if job.rule == "decode_reflectivity"} == {"CASGO"}
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
