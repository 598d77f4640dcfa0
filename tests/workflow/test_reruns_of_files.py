"""Frames and modules of the package rerun exactly the rules that read or run them."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from rerun_cases import (
    FROM_ATLAS,
    FROM_FRAMES,
    FROM_GEOMETRY,
    FROM_LABELS,
    FROM_MODEL,
    FROM_PICTURE,
    FROM_REFLECTIVITY,
    NO_RULES,
    NOTHING,
    PRODUCTS,
    SCORES,
    changed,
    edited,
    frame,
    jobs,
    moved,
    name_files,
    replaced,
)
from workflow_cases import REPOSITORY, SAMPLE, Workspace, make_workspace

from radar_cleaner.cli import STAGES
from radar_cleaner.storage.code_digest import import_closure

# Frames. What reads a shard of the training period runs again; what only a later hour touches does not train.


def test_a_new_frame_of_a_later_hour_makes_its_own_stores_and_product(finished: Workspace) -> None:
    new = SAMPLE / "frames/CASGO/CASGO_202407110300.png"
    with replaced(frame(finished, "202407110300"), new):
        found = finished.dry_run()
    shard = "20240711T03"
    assert found == jobs(
        f"build_rgb_store CASGO/{shard}, decode_reflectivity CASGO/{shard}, align_radars CASGO/{shard}, "
        f"label_echoes CASGO/{shard}, clean_frames CASGO/{shard}, compose_radars {shard}, "
        "check_frames CASGO, write_report"
    )


# Of 2024-07-11 00 UTC; the last training hour's cleaning reads its labels: the window reaches over midnight.
AFTER_MIDNIGHT = (
    "build_rgb_store CASGO/20240711T00, decode_reflectivity CASGO/20240711T00, align_radars CASGO/20240711T00, "
    "align_radars CASCM/20240711T00, label_echoes CASGO/20240711T00, label_echoes CASCM/20240711T00, "
    "clean_frames CASGO/20240711T00, clean_frames CASGO/20240710T23, "
    "clean_frames CASCM/20240711T00, clean_frames CASCM/20240710T23, compose_radars 20240711T00, "
    "compose_radars 20240710T23, check_frames CASGO, write_report"
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
        "build_rgb_store CASGO/20240711T01, decode_reflectivity CASGO/20240711T01, "
        "align_radars CASGO/20240711T01, label_echoes CASGO/20240711T01, label_echoes CASGO/20240711T00, "
        "clean_frames CASGO/20240711T01, clean_frames CASGO/20240711T00, compose_radars 20240711T01, "
        "compose_radars 20240711T00, check_frames CASGO, write_report"
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
    assert {job.rule for job in found} == FROM_FRAMES
    assert {job.wildcards for job in found if job.rule == "build_rgb_store"} == {"CASGO/20240710T22"}
    # The frames of the period are those that the map is learned from, so all of the radar is decoded again.
    assert {job.wildcards for job in found if job.rule == "learn_picture"} == {"CASGO"}
    assert {job.wildcards.split("/")[0] for job in found if job.rule == "decode_reflectivity"} == {"CASGO"}
    assert {job.wildcards for job in found if job.rule == "build_clutter_atlas"} == {"CASGO"}


def test_a_touched_frame_of_equal_content_reruns_nothing(finished: Workspace) -> None:
    frame(finished, "202407102230").touch()
    assert finished.dry_run() == set()


def test_an_edited_file_of_artefacts_trains_again(finished: Workspace) -> None:
    with edited(finished.root / "config/plants.yaml"):
        assert finished.rules() == FROM_MODEL


# Code.


# The rules that rerun with a rule, itself included, after the run of the smoke config.
FROM = {
    "list_unplaced_frames": {"list_unplaced_frames", "check_frames", "write_report"},
    "check_frames": {"check_frames", "write_report"},
    "learn_picture": FROM_PICTURE,
    "check_place": {"check_place", "write_report"},
    "build_rgb_store": FROM_FRAMES,
    "decode_reflectivity": FROM_REFLECTIVITY,
    "build_clutter_atlas": FROM_ATLAS,
    "build_warp_grid": FROM_GEOMETRY,
    "align_radars": {"align_radars"} | FROM_LABELS,
    "label_echoes": FROM_LABELS,
    "split_samples": {"split_samples"} | FROM_MODEL,
    "list_test_samples": {"list_test_samples"} | SCORES,
    "train_model": FROM_MODEL,
    "evaluate_model": SCORES,
    "clean_frames": PRODUCTS,
    "compose_radars": {"compose_radars", "write_report"},
    "write_report": {"write_report"},
}
NOT_IN_SMOKE = {"place_static_fields", "export_geotiff", "evaluate_forecasts", "sweep_thresholds"}
# Who edits these changes no rule: what plans, what simulates, and what only subcommands run.
RUN_BY_NO_RULE = re.compile(
    r"(config|inspection|planning|simulation)/.*|__init__|__main__|cli|inference/onnx_export|plotting/(samples|checked_frame)"
    r"|georeference/(control_points|placement|rings)|reflectivity/legend_search"
    rf"|training/sample_view|evaluation/compare_runs|frames/object_store|report/costs|stages/({'|'.join(sorted(NO_RULES))})"
)


def rules_of_modules() -> dict[str, set[str]]:
    """Each module of the package, and the rules that run it."""
    package = REPOSITORY / "radar_cleaner"
    found = {path.relative_to(package).with_suffix("").as_posix(): set[str]() for path in package.rglob("*.py")}
    for stage in STAGES:
        for path in import_closure(stage) if stage not in NO_RULES else ():
            found[path.relative_to(package).with_suffix("").as_posix()].add(stage)
    return found


MODULES = rules_of_modules()


def test_every_module_is_run_by_a_rule_or_listed_as_run_by_none() -> None:
    idle = [module for module, rules in MODULES.items() if not rules]
    assert [module for module in idle if not RUN_BY_NO_RULE.fullmatch(module)] == []
    assert set().union(*MODULES.values()) == FROM.keys() | NOT_IN_SMOKE


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("reflectivity/colour_table", FROM_PICTURE),
        ("models/tiny_unet", FROM_MODEL),
        ("stages/label_echoes", FROM_LABELS),
        ("stages/write_report", {"write_report"}),
        ("cli", NOTHING),
    ],
)
def test_an_edit_of_a_module_reruns_the_stages_that_run_it(
    finished: Workspace, module: str, rules: set[str]
) -> None:
    with edited(finished.root / f"radar_cleaner/{module}.py", "_EDITED = True"):
        assert finished.rules() == rules


@pytest.mark.parametrize("module", sorted(MODULES)[::7])
def test_the_rules_that_run_a_module_and_what_follows_them_rerun(finished: Workspace, module: str) -> None:
    wanted = NOTHING.union(*(FROM[rule] for rule in MODULES[module] - NOT_IN_SMOKE))
    with edited(finished.root / f"radar_cleaner/{module}.py", "_EDITED = True"):
        assert finished.rules() == wanted


def test_a_comment_in_every_module_reruns_nothing(finished: Workspace) -> None:
    with ExitStack() as stack:
        for module in MODULES:
            stack.enter_context(edited(finished.root / f"radar_cleaner/{module}.py", '# edited\n"""Edited."""'))
        assert finished.dry_run() == set()


def test_a_users_own_network_is_trained_again_when_its_file_changes(pretended_own: Workspace) -> None:
    assert pretended_own.rules() == NOTHING
    with edited(pretended_own.root / "my_net.py"):
        assert pretended_own.rules() == FROM_MODEL


@pytest.fixture
def pretended_own(tmp_path: Path) -> Workspace:
    """After a run of a config that names a network of its own."""
    workspace = make_workspace(tmp_path)
    name_files(workspace.root)
    workspace.config = changed(
        workspace.config, "training.model", {"name": "my_net", "code": "my_net.py", "width": 8}
    )
    workspace.pretend()
    return workspace
