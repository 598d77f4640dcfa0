"""The plan: which frames belong to which job, and which modules a stage runs."""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import pytest
from workflow_cases import REPOSITORY, SMOKE, Workspace

from radar_cleaner.cli import STAGES
from radar_cleaner.config.load import read_config
from radar_cleaner.config.shipped import model_file
from radar_cleaner.planning.plan import Plan
from radar_cleaner.storage.code_digest import import_closure


@pytest.fixture
def plan(scratch: Workspace, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(scratch.root)
    return Plan(read_config(SMOKE))


def test_neighbours_are_the_shards_that_contain_an_input_time(plan: Plan) -> None:
    assert plan.neighbours("CASGO", "20240710T23") == ["20240710T22", "20240711T00"]
    assert plan.neighbours("CASGO", "20240711T13") == []  # the hours around it have no frames


def test_a_frame_missing_at_the_boundary_is_not_a_neighbour(plan: Plan, scratch: Workspace) -> None:
    (scratch.root / "frames/CASGO/CASGO_202407110000.png").unlink()
    assert Plan(read_config(SMOKE)).neighbours("CASGO", "20240710T23") == ["20240710T22"]


def test_neighbours_in_time_are_a_cadence_away_in_the_same_period(plan: Plan) -> None:
    assert plan.near_in_time("CASGO", "20240710T22") == ["20240710T23"]
    assert plan.near_in_time("CASGO", "20240710T23") == ["20240710T22"]  # midnight is not trained on
    assert plan.near_in_time("CASGO", "20240711T00") == []
    assert plan.near_in_time("CASGO", "20240711T13") == []


def test_the_frame_a_cadence_away_counts_and_not_the_window(scratch: Workspace, plan: Plan) -> None:
    config = copy.deepcopy(SMOKE)
    config["samples"] |= {"input_minutes": [-60, 0], "block_minutes": 120}
    wide = Plan(read_config(config))
    assert wide.neighbours("CASGO", "20240711T00") == ["20240710T23"]
    assert wide.near_in_time("CASGO", "20240710T23") == ["20240710T22"]
    (scratch.root / "frames/CASGO/CASGO_202407102254.png").unlink()
    assert Plan(read_config(SMOKE)).near_in_time("CASGO", "20240710T23") == []


def test_a_layout_has_its_own_size_box_grid_and_palette_and_else_those_of_its_radar(
    scratch: Workspace, plan: Plan
) -> None:
    config = copy.deepcopy(SMOKE)
    hour = ["2024-07-10 23:00", "2024-07-11 00:00"]
    config["radars"][0]["layouts"] = [
        {"period": hour, "plot_box_px": [100, 0, 500, 400], "center_px": [300, 200], "labels": {"min_dbz": 12}},
        {"size_px": [600, 500], "legend_width_px": 90},
    ]
    with_layouts = Plan(read_config(config))
    assert list(with_layouts.pictures) == ["CASGO", "CASGO.1", "CASGO.2", "CASCM"]
    first, second = with_layouts.pictures["CASGO.1"], with_layouts.pictures["CASGO.2"]
    assert with_layouts.sizes == plan.sizes | {"CASGO.1": (580, 480), "CASGO.2": (600, 500)}
    assert first.box((580, 480)) == (100, 0, 500, 400) and second.box((600, 500)) == (90, 0, 600, 500)
    assert first.center_px == (300, 200) and second.center_px == (340, 239)
    assert (first.labels.min_dbz, second.labels.min_dbz) == (12, plan.radars["CASGO"].labels.min_dbz)
    # Its shards are those of the period, all of whose pictures it takes. The radar shows only its own.
    assert with_layouts.layout_stores("CASGO", "20240710T23") == [("CASGO.1", "20240710T23")]
    assert with_layouts.layout_stores("CASGO", "20240710T22") == [("CASGO.2", "20240710T22")]
    assert with_layouts.layout_stores("CASGO.1", "20240710T23") == []
    assert with_layouts.files("CASGO", "20240710T23") == []
    assert with_layouts.files("CASGO.1", "20240710T23") == plan.files("CASGO", "20240710T23")
    assert with_layouts.pairs() == plan.pairs()


def test_radars_are_paired_with_the_nearest_frames_of_the_same_period(scratch: Workspace, plan: Plan) -> None:
    for path in (scratch.root / "frames/CASCM").glob("*.png"):  # two minutes later; 23:54 becomes 23:56
        minute = f"{int(path.stem[-2:]) + 2:02d}"
        path.rename(path.with_name(f"{path.stem[:-2]}{minute}.png"))
    (scratch.root / "frames/CASCM/CASCM_202407102102.png").touch()
    (scratch.root / "frames/CASCM/CASCM_202407111259.png").touch()
    config = copy.deepcopy(SMOKE)
    assert Plan(read_config(config)).paired("20240710T22", "CASGO") == [("CASCM", "20240710T22")]
    config["overlap"] = {"max_offset_minutes": 2}
    near = Plan(read_config(config))
    assert near.paired("20240710T22", "CASGO") == [("CASCM", "20240710T22")]
    # 13:00 is nearest to 12:59, which is not of the period of the evaluation.
    assert near.paired("20240711T13", "CASGO") == [("CASCM", "20240711T13")]
    assert near.composed("20240711T13") == [
        ("CASGO", "20240711T13"),
        ("CASCM", "20240711T12"),
        ("CASCM", "20240711T13"),
    ]
    assert near.paired("20240710T21", "CASCM") == []
    # 23:00 is paired with 23:02, whose motion 22:56 shows.
    assert near.paired("20240710T23", "CASGO") == [("CASCM", "20240710T22"), ("CASCM", "20240710T23")]
    config["overlap"]["motion"] = "none"
    assert Plan(read_config(config)).paired("20240710T23", "CASGO") == [("CASCM", "20240710T23")]
    assert not [line for line in near.warnings if "overlap" in line]
    assert [line for line in Plan(read_config(SMOKE)).warnings if "overlap" in line]


def test_masks_used_as_evidence_are_those_of_the_training_period(scratch: Workspace, plan: Plan) -> None:
    config = copy.deepcopy(SMOKE)
    config["votes"] = {"reference": "truth"}
    voted = Plan(read_config(config))
    assert len(voted.training_masks("CASGO", "20240710T22")) == 10
    assert {Path(path).parent.name for path in voted.training_masks("CASCM", "20240710T23")} == {"CASCM"}
    assert voted.training_masks("CASGO", "20240711T00") == voted.training_masks("CASGO", "20240711T13") == []
    assert plan.training_masks("CASGO", "20240710T22") == []
    config["votes"]["reference_weight"] = 0
    assert Plan(read_config(config)).training_masks("CASGO", "20240710T22") == []


def test_a_model_is_trained_where_it_cleans_or_is_compared(
    scratch: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scratch.root)
    config = copy.deepcopy(SMOKE)
    for model, compared, trains in (
        ("trained", None, True),
        ("trained", "pretrained", True),
        ("pretrained", "trained", True),
        ("pretrained", None, False),
    ):
        config["cleaning"], config["samples"]["atlas"] = {"model": model}, "channel"
        config["evaluation"]["compare_model"] = compared
        assert Plan(read_config(config)).trains == trains


def test_the_shipped_model_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = model_file("pretrained")
    assert found and not found.is_absolute() and found.samefile(REPOSITORY / "resources/pretrained/best.pt")
    assert model_file("mine.pt") == Path("mine.pt") and model_file("trained") is model_file(None) is None


def test_what_is_not_done_lists_no_shards(scratch: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of years the loop of near real time would spend its time on them."""
    monkeypatch.chdir(scratch.root)
    Path("mine.pt").write_bytes(b"PK\x05\x06" + bytes(18))
    config = copy.deepcopy(SMOKE) | {"cleaning": {"model": "mine.pt"}}
    del config["training"], config["evaluation"]
    plan = Plan(read_config(config))
    assert plan.pairs() and not plan.pairs("training") and not plan.pairs("evaluation")


def test_folders_and_dangling_links_are_not_inputs_but_are_listed(scratch: Workspace, plan: Plan) -> None:
    folder = scratch.root / "frames/CASGO"
    (folder / "CASGO_202407102203.png").mkdir()
    (folder / "CASGO_202407102209.png").symlink_to("nowhere")
    plan = Plan(read_config(SMOKE))
    assert [Path(name).name for name in plan.problems("CASGO", "20240710T22")] == [
        "CASGO_202407102203.png",
        "CASGO_202407102209.png",
    ]
    assert len(plan.frames("CASGO", "20240710T22")) == 10


def test_folders_and_dangling_links_are_not_reference_masks(scratch: Workspace, plan: Plan) -> None:
    folder = scratch.root / "truth/CASGO"
    found = plan.references()
    (folder / "CASGO_202407111303.png").mkdir()
    (folder / "CASGO_202407111309.png").symlink_to("nowhere")
    assert len(found) == 20 and plan.references() == found


@pytest.mark.parametrize("stage", STAGES)
def test_every_subcommand_has_a_stage_module_with_one_public_function(stage: str) -> None:
    path = REPOSITORY / "radar_cleaner" / "stages" / f"{stage}.py"
    public = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    assert public == [stage]
    assert path in import_closure(stage)
