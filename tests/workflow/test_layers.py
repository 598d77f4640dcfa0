"""Checks beyond import-linter: few stages import torch, none imports Snakemake, few modules write files."""

from __future__ import annotations

import ast
import re

from radar_cleaner.cli import STAGES
from radar_cleaner.storage.code_digest import FOLDER, import_closure

TREES = {path: ast.parse(path.read_text()) for path in sorted(FOLDER.rglob("*.py"))}
WITH_TORCH = {
    "train_model",
    "evaluate_model",
    "evaluate_forecasts",
    "sweep_thresholds",
    "clean_frames",
    "compare",
    "show_sample",
    "list_models",
    "export_model",
}
WRITERS = re.compile(
    r"(storage|plotting|report)/.*|frames/object_store|products/geotiff|datasets/frame_cache.*|models/files"
    r"|training/(checkpoints|trackers)|inspection/pictures"  # the last one in a temporary folder
)
WRITE = {"write_text", "write_bytes", "to_csv", "to_zarr", "savefig", "to_raster", "imwrite"}


def packages(tree: ast.AST) -> set[str]:
    """The top-level names that a module imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_nothing_in_the_package_imports_snakemake() -> None:
    assert [path for path, tree in TREES.items() if "snakemake" in packages(tree)] == []


def test_stages_that_need_no_torch_import_none() -> None:
    found = {stage for stage in STAGES if any("torch" in packages(TREES[path]) for path in import_closure(stage))}
    assert found <= WITH_TORCH


def test_only_the_writing_modules_write_files() -> None:
    for path, tree in TREES.items():
        attributes = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        writing = {node.attr for node in attributes if isinstance(node, ast.Attribute)} & WRITE
        name = path.relative_to(FOLDER).with_suffix("").as_posix()
        assert not writing or WRITERS.fullmatch(name), f"{name} calls {writing}"


def test_only_one_file_of_rules_reads_what_snakemake_does_not_document() -> None:
    documented = {"basedir", "current_basedir", "source_path", "rst"}  # workflow.rst is a file
    folder = FOLDER.parent / "workflow"
    for path in sorted([folder / "Snakefile", *(folder / "rules").glob("*.smk")]):
        read = set(re.findall(r"\bworkflow\.(\w+)", re.sub(r'"""(.|\n)*?"""', "", path.read_text())))
        assert path.name == "undocumented.smk" or read <= documented, (path, read)
