"""The layers of the package hold: imports go one way, torch begins late, few modules write files."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from workflow_cases import REPOSITORY

from radar_cleaner.planning.code_digest import import_closure

PACKAGE = REPOSITORY / "radar_cleaner"
# From left to right; a module imports from layers to its left, or from its own.
LAYERS = [
    {"errors", "vocabulary"},
    {"shards", "names", "folders", "archives", "listings", "sources", "palette", "legend", "frames"},
    {"layout", "stores", "store_writer", "tables"},
    {"geometry"},
    {"labels", "labelers", "reference_masks", "atlas", "warp", "votes", "static_fields", "extrapolation"},
    {"samples", "plant_ranges", "architectures", "calibration"},
    {"simulation"},
    {"channels", "turns"},
    {"bank_planes", "held_frames", "host_copies"},
    {"bank", "holes", "plant_canvas", "plant_kinds", "plants"},
    {"draws"},
    {"cutting"},
    {"dataset"},
    {"normalization"},
    {"models", "losses"},
    {"distributed", "checkpoints", "model_card", "model_summary"},
    {"transfer"},
    {"schedules", "averaging", "numerics", "interruption", "trackers", "progress"},
    {"training_options", "training_parts", "ahead", "steps", "validation", "rate_finder", "training"},
    {"inference", "ensembles", "export", "joining", "pipeline"},
    {"metrics", "reflectivity", "bands", "hole_lattice", "bootstrap"},
    {
        "figures",
        "map_figures",
        "error_figures",
        "training_figures",
        "accuracy_figures",
        "sample_figures",
        "forecast_figures",
    },
    {"evaluation", "worst_frames"},
    {"score_tables", "radar_scoring", "comparison", "forecast_scores"},
    {"forecast_scoring"},
    {"products", "geotiffs"},
    {"coverage", "costs", "report"},
    {"report_pictures", "training_outputs"},
    {"stages"},
    {"cli", "__main__"},
]
WRITERS = {
    "store_writer",
    "tables",
    "checkpoints",
    "figures",
    "map_figures",
    "geotiffs",
    "bank",
    "bank_planes",
    "trackers",
}
TORCHLESS_STAGES = {
    "list_unplaced_frames",
    "build_rgb_store",
    "label_echoes",
    "build_clutter_atlas",
    "build_warp_grid",
    "align_others",
    "place_static_fields",
    "vote_echoes",
    "split_samples",
    "list_test_samples",
    "compose_radars",
    "export_geotiff",
    "write_report",
    "show_summary",
    "show_costs",
    "simulate",
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def layer_name(module: str) -> str:
    """`models` of `radar_cleaner.models.tiny_unet`."""
    return module.split(".")[1]


def imports_of(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "radar_cleaner":
                names += [f"radar_cleaner.{alias.name}" for alias in node.names if alias.name != "__version__"]
            else:
                names.append(node.module)
    return names


def module_layer(path: Path) -> int:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    found = [index for index, layer in enumerate(LAYERS) if name in layer]
    assert found, f"{name} is in no layer: name it in ARCHITECTURE.md and here"
    return found[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_left(path: Path) -> None:
    own = module_layer(path)
    for name in imports_of(path):
        if name.startswith("radar_cleaner."):
            other = PACKAGE / f"{layer_name(name)}.py"
            other = other if other.exists() else PACKAGE / layer_name(name)
            assert module_layer(other) <= own, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_in_the_package_knows_snakemake(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.split(".")[0] == "snakemake"]


@pytest.mark.parametrize("stage", sorted(TORCHLESS_STAGES))
def test_a_stage_that_needs_no_torch_imports_none(stage: str) -> None:
    for path in import_closure(stage, REPOSITORY):
        assert "torch" not in {name.split(".")[0] for name in imports_of(path)}, path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_writing_modules_write_files(path: Path) -> None:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    writing = calls & {"write_text", "write_bytes", "to_csv", "to_zarr", "savefig", "to_raster", "imwrite"}
    assert not writing or name in WRITERS, f"{name} calls {writing}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_exceeds_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
