"""Equal content is an equal file: a rule that ran again and wrote the same stops the cascade in the next run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rerun_cases import FROM_ATLAS, FROM_FRAMES, FROM_REFLECTIVITY, changed, frame
from workflow_cases import Workspace

Config = dict[str, Any]


def lower_threshold(workspace: Workspace) -> Config:
    """No class of the palette begins below 5 dBZ: the labels stay as they are."""
    return changed(workspace.config, "radars.1.labels", {"min_dbz": 4})


def encode_again(workspace: Workspace) -> Config:
    path = frame(workspace, "202407102230")
    before = path.read_bytes()
    with Image.open(path) as picture:
        picture.load()
        pixels = picture.convert("RGB").tobytes()
        picture.save(path, compress_level=1)
    with Image.open(path) as picture:
        assert path.read_bytes() != before and picture.convert("RGB").tobytes() == pixels
    return workspace.config


def add_constant(workspace: Workspace) -> Config:
    path = workspace.root / "radar_cleaner/stages/build_clutter_atlas.py"
    path.write_text(path.read_text() + "\n_UNUSED = 1\n")
    return workspace.config


@pytest.mark.parametrize(
    ("change", "rule", "stores", "rules"),
    [
        (lower_threshold, "decode_reflectivity", "reflectivity/CASCM", FROM_REFLECTIVITY),
        (encode_again, "build_rgb_store", "rgb/CASGO/20240710T22.zarr", FROM_FRAMES),
        (add_constant, "build_clutter_atlas", "atlas", FROM_ATLAS),
    ],
    ids=["a key without effect", "a picture encoded again", "a constant in a module"],
)
def test_a_rerun_that_changed_nothing_stops_the_cascade(
    finished: Workspace,
    tmp_path: Path,
    change: Callable[[Workspace], Config],
    rule: str,
    stores: str,
    rules: set[str],
) -> None:
    workspace = finished.copied(tmp_path / "copy")
    made = sorted((workspace.root / "results" / stores).rglob("zarr.json"))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in made}
    config = change(workspace)
    assert workspace.rules(config=config) == rules  # a run as a whole would not stop
    workspace.snakemake("--until", rule, "--cores", "2", config=config)
    for path, (content, time) in before.items():
        assert path.read_bytes() == content
        assert path.name != "zarr.json" or path.stat().st_mtime_ns != time
    assert made and workspace.dry_run(config=config) == set()
