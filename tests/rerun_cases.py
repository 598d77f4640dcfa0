"""The rerun table: each config key, the value it changes to, and exactly the rules that then run again."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from workflow_cases import REPOSITORY, SMOKE, Job, Workspace

from radar_cleaner.config.atlas import Clutter
from radar_cleaner.config.cleaning import Decision, FrameCleaning, ModelDecision
from radar_cleaner.config.config import Config
from radar_cleaner.config.evaluation import CleaningScores, Scoring
from radar_cleaner.config.labels import Morphology
from radar_cleaner.config.load import read_config
from radar_cleaner.config.networks import network_options_model
from radar_cleaner.config.radars import RadarEntry
from radar_cleaner.config.samples import Channels
from radar_cleaner.config.section import Section
from radar_cleaner.config.training import Fast, Learning, Running
from radar_cleaner.config.votes import Votes

PRODUCTS = {"clean_frames", "compose_radars", "write_report"}
SCORES = {"evaluate_model", "write_report"}
FROM_MODEL = {"train_model", "evaluate_model"} | PRODUCTS
FROM_LABELS = {"label_echoes"} | FROM_MODEL
FROM_ATLAS = {"build_clutter_atlas"} | FROM_LABELS
FROM_GEOMETRY = {"build_warp_grid", "align_radars"} | FROM_LABELS
FROM_REFLECTIVITY = {"decode_reflectivity", "align_radars", "split_samples", "list_test_samples"} | FROM_ATLAS
FROM_PICTURE = {"learn_picture", "check_place"} | FROM_REFLECTIVITY
FROM_FRAMES = {"build_rgb_store", "check_frames"} | FROM_PICTURE
FROM_NAMES = {"list_unplaced_frames"} | FROM_FRAMES
NO_RULES = {
    "show_summary",
    "locate_workflow",
    "show_costs",
    "show_sample",
    "compare",
    "simulate",
    "list_models",
    "export_model",
    "init",
    "show_frame",
}  # subcommands only
EVERYTHING = FROM_NAMES | FROM_GEOMETRY
NOTHING: set[str] = set()

# Config key: the value it changes to, and exactly the rules that run again after the smoke config's run.
Rows = dict[str, tuple[Any, set[str]]]
SPECIAL: Rows = {
    "results": ("elsewhere", EVERYTHING),
    "radars.1.id": ("MINE", EVERYTHING),
    "radars.1.frames": ("moved/CASCM", FROM_NAMES),
    "radars.1.latitude": (46.2, FROM_PICTURE | FROM_GEOMETRY),
    "radars.1.longitude": (-65.7, FROM_PICTURE | FROM_GEOMETRY),
    "radars.1.range_km": (250, FROM_PICTURE | FROM_GEOMETRY),
    "radars.1.center_px": ([341, 239], FROM_PICTURE | FROM_GEOMETRY),
    "radars.1.max_range_km": (200, FROM_PICTURE | FROM_GEOMETRY),
    "radars.1.service": ("service.yaml", FROM_REFLECTIVITY),  # of another weakest echo
    "frames.period": (
        [["2024-07-10 22:00", "2024-07-11 00:00"], ["2024-07-11 13:00", "2024-07-11 14:00"]],
        {"check_frames"} | PRODUCTS,
    ),
    # Equal names read otherwise: the frames are the same, which Snakemake does not know.
    "frames.pattern": (r"_(\d{12})(?=\D*$)", FROM_NAMES),
    "frames.time_format": ("20%y%m%d%H%M", FROM_NAMES),
    "frames.time_zone": ("Africa/Abidjan", FROM_NAMES),
    "radars.1.layouts": (
        [{"period": ["2024-07-10 22:00", "2024-07-10 23:00"]}],
        FROM_FRAMES | {"build_warp_grid"},
    ),
    "frames.time_from": ("times.csv", FROM_NAMES),
    "frames.loop": ({"step_minutes": 6}, FROM_NAMES),
    "frames.snap_minutes": (2, FROM_NAMES),
    "frames.size_px": (None, NOTHING),  # what is looked up then is what was written
    "frames.plot_box_px": ([100, 0, 580, 479], FROM_PICTURE | FROM_GEOMETRY),
    "frames.legend_width_px": (0, NOTHING),  # goes without a plot box only
    "frames.overlay.border_px": (5, FROM_PICTURE),
    "frames.overlay.boxes_px": ([[334, 233, 347, 247]], FROM_PICTURE),
    "frames.overlay.mask": ("mask.png", FROM_PICTURE),
    # It sets the window, where none is given, and who confirms an echo.
    "frames.cadence_minutes": (3, {"split_samples", "list_test_samples"} | FROM_LABELS),
    "frames.shard": ("frame", FROM_FRAMES),
    "frames.on_bad_frame": ("fail", FROM_NAMES),
    # The place of an object store; here frames are files.
    "s3.endpoint_url": ("http://localhost:9000", NOTHING),
    "s3.region": ("eu-west-1", NOTHING),
    "stores.codec": ("compact", FROM_FRAMES),
    "labels.method": ("hsv_multi", FROM_PICTURE),
    "labels.palette": ("palette.csv", FROM_PICTURE),
    "labels.tolerance": (21, FROM_PICTURE),
    "labels.unit": ("dBZ", FROM_PICTURE),
    "labels.zr.a": (300, FROM_PICTURE),
    "labels.zr.b": (1.4, FROM_PICTURE),
    "labels.hues": ([[0.1, 0.5]], NOTHING),
    "labels.legend.unit": ("mm/h", NOTHING),
    "labels.legend.file": ("mask.png", NOTHING),
    "labels.legend.box_px": ([10, 20, 30, 400], NOTHING),
    "labels.legend.dbz": ([0, 60], NOTHING),
    "labels.legend.scale": ("bounds", NOTHING),
    "labels.dbz_range": ([0, 60], NOTHING),
    "labels.min_saturation": (0.3, NOTHING),
    "labels.min_value": (0.3, NOTHING),
    "labels.opacity": (0.5, FROM_PICTURE),
    "labels.nodata_colours": (["#b2b2b2"], FROM_PICTURE),
    "labels.ground_colours": (["#336699"], FROM_PICTURE),
    "labels.unmatched": ("undetect", FROM_REFLECTIVITY),
    "picture.period": (["2024-07-10 22:00", "2024-07-10 23:00"], FROM_PICTURE),
    "picture.frames": (8, FROM_PICTURE),
    "labels.min_dbz": (10, FROM_REFLECTIVITY),
    # 5 is another key's value already: Snakemake compares a rule's params as a set.
    "labels.closing_px": (5, FROM_LABELS),
    "overlap.max_offset_minutes": (3, {"align_radars"} | FROM_LABELS),
    "overlap.motion": ("none", {"align_radars"} | FROM_LABELS),
    "votes.spoke": (0, FROM_LABELS),
    "votes.atlas": (0, FROM_LABELS),
    "votes.persistence": (0, FROM_LABELS),
    "votes.others": (0, FROM_LABELS),
    "votes.reference": ("truth", FROM_LABELS),
    "votes.reference_weight": (2, NOTHING),  # goes with masks
    "atlas.period": (["2024-07-10 22:00", "2024-07-10 23:00"], FROM_PICTURE),
    "atlas.method": ("deviation", FROM_ATLAS),
    "atlas.window_px": (0, FROM_ATLAS),
    "atlas.min_quiet_frames": (6, FROM_ATLAS),
    "atlas.max_frames": (100, NOTHING),
    "atlas.max_std": (3.0, NOTHING),
    "samples.input_minutes": ([-6, 0], {"split_samples", "list_test_samples"} | FROM_MODEL),
    "samples.lead_minutes": ([0], NOTHING),  # goes with input times of the past only: see below
    "samples.validation": (0.5, {"split_samples"} | FROM_MODEL),
    "samples.block_minutes": (24, {"split_samples"} | FROM_MODEL),
    "samples.purge_minutes": (18, {"split_samples"} | FROM_MODEL),
    "samples.incomplete": (True, {"split_samples"} | FROM_MODEL),
    "samples.validation_radars": (["CASCM"], {"split_samples"} | FROM_MODEL),
    "samples.atlas": ("mask", {"align_radars"} | FROM_LABELS),
    "samples.time_of_day": (True, {"place_static_fields"} | FROM_MODEL),
    "samples.coordinates": (True, {"place_static_fields"} | FROM_MODEL),
    "samples.static": ({"terrain": "terrain.tif"}, {"place_static_fields"} | FROM_MODEL),
    "training.period": (["2024-07-10 22:00", "2024-07-10 23:00"], FROM_PICTURE),
    "training.model.name": ("rate_net", FROM_MODEL),
    "training.model.code": ("my_net.py", FROM_MODEL),
    "training.model.start_from": ("mine.pt", FROM_MODEL),
    "training.model.freeze": (["first"], FROM_MODEL),
    "training.model.base_width": (6, FROM_MODEL),
    "training.model.depth": (2, FROM_MODEL),
    "training.model.dropout": (0.1, FROM_MODEL),
    "training.model.input_scale": (2, FROM_MODEL),
    "training.model.depthwise": (True, FROM_MODEL),
    "training.model.norm": ("pixel", FROM_MODEL),
    "training.crop_px": (32, FROM_MODEL),
    "training.learning_rate": (0.001, FROM_MODEL),
    "training.ensemble_seeds": ([2, 3], {"train_member", "evaluate_model"} | PRODUCTS),
    "training.plants.ranges": ("plants.yaml", FROM_MODEL),
    "evaluation.period": (["2024-07-11 00:00", "2024-07-11 01:00"], {"list_test_samples"} | SCORES),
    "evaluation.reference": (None, SCORES),
    "evaluation.cleaners": (["model", "local_density"], SCORES),
    "evaluation.optical_flow": (True, NOTHING),
    "cleaning.model": ("mine.pt", {"evaluate_model"} | PRODUCTS),
    "evaluation.compare_model": ("mine.pt", {"evaluate_model", "write_report"}),
    "cleaning.threshold": (0.4, {"evaluate_model"} | PRODUCTS),
    "cleaning.geotiff": (True, {"export_geotiff", "write_report"}),
    "composite.grid": ("union", {"build_warp_grid", "compose_radars", "write_report"}),
    "report.frames": (2, {"write_report"}),
}

# Of the other keys, each part of a section reruns the same rules. A new key needs no row: the class that it is
# in decides.
PARTS: list[tuple[str, type[Section], set[str]]] = [
    ("labels", Morphology, FROM_LABELS),
    ("votes", Votes, FROM_LABELS),
    ("atlas", Clutter, FROM_ATLAS),
    ("samples", Channels, FROM_MODEL),
    # The model's card lists all that it is trained with, used or not.
    ("training", Learning, FROM_MODEL),
    ("training", Fast, FROM_MODEL),
    ("training", Running, NOTHING),
    ("evaluation", Scoring, SCORES),
    ("evaluation", CleaningScores, SCORES),
    ("cleaning", ModelDecision, {"evaluate_model"} | PRODUCTS),
    ("cleaning", Decision, {"evaluate_model"} | PRODUCTS),
    ("cleaning", FrameCleaning, PRODUCTS),
]


def rows_of(place: str, part: type[Section], rules: set[str], values: Section) -> Rows:
    """Return a row for each key that a class adds to a section, with another value than the smoke config's."""
    inherited = {name for base in part.__mro__[1:] if base in SECTIONS for name in base.model_fields}
    whole = part.model_json_schema()
    rows: Rows = {}
    for name in part.model_fields:
        key, value = f"{place}.{name}", getattr(values, name)
        if name in inherited or name == "options":
            continue
        if isinstance(value, Section):
            rows |= rows_of(key, type(value), rules, value)
        elif key not in SPECIAL:
            rows[key] = (another(whole["properties"][name], value), rules)
    return rows


def another(part: dict[str, Any], value: Any) -> Any:
    """Return another value that the schema of a key allows."""
    match part:
        case {"enum": choices}:
            return choices[choices.index(value) - 1]
        case {"type": "boolean"}:
            return not value
        case {"type": "integer"}:
            return value - 1 if value == part.get("maximum") else value + 1
        case {"type": "number"}:
            return value / 2 or part.get("maximum", 1) / 2
        case {"type": "array", "items": {"enum": choices}}:
            return [choices[-1]] if list(value) != [choices[-1]] else [choices[0]]
        case {"type": "array"}:
            return list(value[:1])
    raise AssertionError(f"no other value of {part}: give the key a row")


SECTIONS = {part for _, part, _ in PARTS}
SMOKE_VALUES = read_config(SMOKE)
KEYS: Rows = dict(SPECIAL)
for _place, _part, _rules in PARTS:
    KEYS |= rows_of(_place, _part, _rules, getattr(SMOKE_VALUES, _place))

# Keys that the methods of the smoke config ignore, after a run of a config whose methods read them.
OTHER_METHODS: dict[str, Any] = {
    "radars.0.labels.method": "legend",
    "radars.1.labels.method": "hsv_multi",
    "labels.legend": {"box_px": [10, 20, 30, 400], "dbz": [-10, 60]},
    "atlas.method": "deviation",
    "votes.persistence": 0,
    "votes.reference": "truth",
    "samples.input_minutes": [-6, 0, 6],
    "frames.plot_box_px": None,
    "frames.legend_width_px": 100,
    "training.model": {"name": "window_attention", "depth": 1, "window": 4},
}
OTHER_KEYS: Rows = {
    "frames.size_px": ([600, 500], FROM_FRAMES | FROM_GEOMETRY),
    "frames.legend_width_px": (99, FROM_PICTURE | FROM_GEOMETRY),
    "frames.cadence_minutes": (3, {"write_report"}),
    "labels.palette": ("palette.csv", NOTHING),
    "labels.tolerance": (21, FROM_PICTURE),
    "labels.legend.box_px": ([10, 20, 30, 399], FROM_PICTURE),
    "labels.legend.dbz": ([0, 60], FROM_PICTURE),
    "labels.legend.scale": ("bounds", FROM_PICTURE),
    "labels.hues": ([[0.1, 0.5]], FROM_PICTURE),
    "labels.dbz_range": ([0, 60], FROM_PICTURE),
    "labels.min_saturation": (0.3, FROM_PICTURE),
    "labels.min_value": (0.3, FROM_PICTURE),
    "atlas.window_px": (17, NOTHING),
    "atlas.quiet_fraction": (0.4, NOTHING),
    "atlas.min_quiet_frames": (6, FROM_ATLAS),
    "atlas.max_frames": (100, FROM_ATLAS),
    "atlas.max_std": (3.0, FROM_ATLAS),
    "votes.reference_weight": (2, FROM_LABELS),
    "training.model.window": (8, FROM_MODEL),
    "training.model.blocks": (2, FROM_MODEL),
    "training.model.head_width": (32, FROM_MODEL),
    "training.model.drop_path": (0.2, FROM_MODEL),
}

# Keys of forecasts.
FORECASTS: dict[str, Any] = {"samples.lead_minutes": [0, 6], "samples.block_minutes": 60}
FORECAST_SCORES = {"evaluate_forecasts"} | SCORES
FORECAST_KEYS: Rows = {
    "samples.lead_minutes": ([0, 12], {"split_samples", "evaluate_forecasts"} | FROM_MODEL),
    "samples.input_minutes": (
        [-6, 0],
        {"split_samples", "list_test_samples", "evaluate_forecasts"} | FROM_MODEL,
    ),
    "training.loss.forecast": (2, {"evaluate_forecasts"} | FROM_MODEL),
    "evaluation.optical_flow": (True, {"evaluate_forecasts"}),
    "evaluation.dbz_bands": ([20], FORECAST_SCORES),
    "evaluation.reference": (None, FORECAST_SCORES),
    "evaluation.tta": (True, FORECAST_SCORES),
    "evaluation.holes": (False, SCORES),
    "cleaning.threshold": (0.4, {"evaluate_model", "evaluate_forecasts"} | PRODUCTS),
    "cleaning.votes": (2, {"evaluate_model"} | PRODUCTS),
    "cleaning.fill": (False, PRODUCTS),
}

# A service of a user.
SERVICE = """\
title: A service
page: https://example.org
attribution: example.org
licence: none
geometry_from: nowhere
colours_from: nowhere
names_from: nowhere
checked_on_real_frames: false
radar: {labels: {min_dbz: 10}}
"""

# Keys of runs with a given model.
GIVEN_MODEL: dict[str, Any] = {"cleaning.model": "mine.pt", "training": {}, "evaluation": {}}
GIVEN_KEYS: Rows = {
    "frames.newest_minutes": (30, {"check_frames", "write_report"}),
    "samples.reflectivity": ("mean", NOTHING),
    "training.epochs": (3, NOTHING),
    "training.plants.ranges": ("nowhere.yaml", NOTHING),
    "votes.area": (1.0, {"label_echoes"} | PRODUCTS),
    "atlas.threshold": (0.8, {"build_clutter_atlas", "label_echoes"} | PRODUCTS),
    "cleaning.votes": (0, PRODUCTS),
    "samples.input_minutes": ([-6, 0], PRODUCTS),
}


# The section `grid` of a radar in the place of `range_km` and `center_px`, by the key that it shows.
BOUNDS = {"bounds": [-69, 44, -62, 48.5]}
GRIDS: Rows = {
    f"radars.1.grid.{key}": (grid, FROM_PICTURE | FROM_GEOMETRY)
    for key, grid in {
        "range_km": {"range_km": 250},
        "km_per_px": {"km_per_px": 1.1},
        "circle": {"circle": {"px": 100, "km": 110}},
        "crs": {"crs": "EPSG:3857", "bounds": [-7.7e6, 5.4e6, -6.9e6, 6.2e6]},
        "bounds": BOUNDS,
        "bounds_of": BOUNDS | {"bounds_of": "centres"},
        "world_file": {"world_file": "frame.pgw"},
        "control_points": {"control_points": [[100, 0, -69, 48], [579, 0, -62, 48], [100, 479, -69, 44]]},
        "tiles": {"tiles": {"zoom": 6, "x": [19, 20], "y": [22, 23]}},
    }.items()
}


def placed(config: dict[str, Any], grid: dict[str, Any]) -> dict[str, Any]:
    """The config with a radar that has this section `grid`."""
    without = changed(changed(config, "radars.1.range_km", None), "radars.1.center_px", None)
    return changed(without, "radars.1.grid", grid)


def by_section(rows: Rows) -> list[Any]:
    """The keys as cases: the first of a section that reruns these rules, and the others as slow cases.

    The params of a rule are sections, so that one key of a section represents the others.
    """
    seen: set[tuple[str, frozenset[str]]] = set()
    cases = []
    for key, (_, rules) in rows.items():
        part = (key.split(".")[0], frozenset(rules))
        cases.append(pytest.param(key, marks=pytest.mark.slow if part in seen else (), id=key))
        seen.add(part)
    return cases


def changed(config: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(config)
    *path, leaf = key.split(".")
    part: Any = config
    for name in path:
        part = part[int(name)] if isinstance(part, list) else part.setdefault(name, {})
    part[leaf] = value
    return config


NAMED_FILES = (
    *("moved", "palette.csv", "mask.png", "plants.yaml", "times.csv", "terrain.tif"),
    *("mine.pt", "frame.pgw", "service.yaml"),
)


def name_files(root: Path) -> None:
    """The files that values of the table name, as much of them as a dry run looks at."""
    (root / "moved").symlink_to("frames")
    shutil.copyfile(root / "config/palettes/eccc.csv", root / "palette.csv")
    shutil.copyfile(next((root / "frames/CASGO").glob("*.png")), root / "mask.png")
    shutil.copyfile(root / "config/plants.yaml", root / "plants.yaml")
    times = {path.name: path.stem[6:] for path in (root / "frames").rglob("*.png")}
    rows = [f"{name},{text[:8]}T{text[8:]}" for name, text in sorted(times.items())]
    (root / "times.csv").write_text("\n".join(["file,time", *rows, ""]))
    (root / "terrain.tif").touch()
    (root / "frame.pgw").write_text("0.0146 0 0 -0.0094 -70.46 48.5")
    (root / "service.yaml").write_text(SERVICE)
    shutil.copyfile(REPOSITORY / "docs/model_template.py", root / "my_net.py")
    (root / "mine.pt").write_bytes(b"PK\x05\x06" + bytes(18))


# Keys that a radar may have for itself: `labels.min_dbz` as `radars.1.labels.min_dbz`.
COMMON = {"overlay": "frames.overlay", "labels": "labels"}


def leaves(section: type[Section], place: str = "") -> Iterator[str]:
    """Yield all keys of a section that have a value: `overlay.border_px`."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from leaves(field.annotation, f"{place}{name}.")
        elif name not in ("radars", "options"):
            yield f"{place}{name}"


ALL_KEYS = {*leaves(Config), *leaves(RadarEntry, "radars.*.")}
# A network's own options are keys as well.
ALL_KEYS |= {
    f"training.model.{option}"
    for name in ("tiny_unet", "window_attention")
    for option in network_options_model(name).model_fields
}
NAMED = {re.sub(r"\.\d+\.", ".*.", key) for rows in (KEYS, OTHER_KEYS, GIVEN_KEYS, GRIDS) for key in rows}
OWN_KEYS = sorted(key.removeprefix("radars.*.") for key in ALL_KEYS - NAMED if key.startswith("radars.*."))


def common(key: str) -> str:
    section, dot, rest = key.partition(".")
    return f"{COMMON.get(section, 'frames.' + section)}{dot}{rest}"


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


@contextmanager
def edited(path: Path, line: str = "# edited") -> Iterator[None]:
    text = path.read_text()
    path.write_text(f"{text}\n{line}\n")
    try:
        yield
    finally:
        path.write_text(text)


def jobs(text: str) -> set[Job]:
    return {Job(rule, wildcards) for rule, _, wildcards in (line.partition(" ") for line in text.split(", "))}


def frame(workspace: Workspace, time: str, radar: str = "CASGO") -> Path:
    return workspace.root / f"frames/{radar}/{radar}_{time}.png"
