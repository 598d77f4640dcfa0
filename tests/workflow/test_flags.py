"""Every command line that the workflow would run is one that the stages take, whatever the config."""

from __future__ import annotations

import copy
import re
import shlex
import shutil
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from cyclopts import CycloptsError
from workflow_cases import REPOSITORY, SMOKE, Workspace, jobs_of, make_workspace, sample_frames

from radar_cleaner.cli import app

MODEL = "my model.pt"
MASK = "o'ver lay.png"
TERRAIN = "the terrain.tif"
ARTEFACTS = "my own artefacts.yaml"
# A dry run does not look into the box.
LEGEND = {"box_px": [10, 20, 30, 400], "dbz": [-10, 60]}
BOUNDS = {"box_px": [10, 20, 30, 400], "dbz": [0.1, 1, 20.5, 40], "scale": "bounds", "unit": "mm/h"}

# Name of the variant: what it sets (a dotted key; None takes a section away).
VARIANTS: dict[str, dict[str, Any]] = {
    "palette, geotiff, clutter masked, mask picture, union": {
        "cleaning.geotiff": True,
        "samples.atlas": "mask",
        "samples.lead_minutes": [0, 6, 18],
        "samples.block_minutes": 60,
        "training.loss.forecast": 0.5,
        "evaluation.optical_flow": True,
        "composite.grid": "union",
        "samples.static": {"terrain": TERRAIN, "lakes": "lakes.tif"},
        "votes.reference": "truth",
        "frames.overlay.mask": MASK,
        "frames.overlay.boxes_px": [[334, 233, 347, 246], [100, 0, 290, 20]],
    },
    "legends, deviation, clutter channel, first box": {
        "radars.0.labels": {"method": "legend", "legend": LEGEND},
        "radars.1.labels": {"method": "legend", "legend": BOUNDS},
        "atlas.method": "deviation",
        "samples.atlas": "channel",
        "samples.time_of_day": True,
        "samples.day_of_year": True,
        "samples.coordinates": True,
        "samples.normalize": True,
        "samples.scale": True,
        "samples.incomplete": True,
        "samples.validation_radars": ["CASCM"],
        "composite.grid": "first",
    },
    "hue, all switches off, no evaluation": {
        "radars.0.labels": {"method": "hsv_multi", "dbz_range": [-31.5, 60], "min_dbz": -5},
        "radars.1.labels": {"method": "hsv_simple", "min_saturation": 0, "hues": [[0.1, 0.2], [0.2, 0.5]]},
        "frames.on_bad_frame": "fail",
        "frames.time_zone": "America/Halifax",
        "training.flips": False,
        "training.channels_last": False,
        "training.deterministic": False,
        "training.period": ["2024-07-11 00:00", "2024-07-11 05:00"],
        "votes": {"atlas": 0, "persistence": 0, "others": 0, "min_confidence": 0},
        "atlas.window_px": 0,
        "cleaning.fill": False,
        "cleaning.votes": 0,
        "evaluation": None,
    },
    "a rate to be found, cosine, averages, bf16, all holes": {
        "training.learning_rate": "find",
        "training.averaging": {"ema": 0.99, "swa": 0.5, "swa_rate": 0.1},
        "training.precision": "bf16",
        "training.compile": True,
        "training.gradient_checkpointing": True,
        "training.model": {"dropout": 0.1, "input_scale": 2, "depthwise": True, "pad_mode": "replicate"},
        "training.input_noise_dbz": 1.5,
        "training.sampling": "radars",
        "training.max_stride": 2,
        "training.mix_clutter": 0.3,
        "training.drop_range": 0.1,
        "training.redraw": {"fraction": 0.5, "shift_db": 1},
        "training.loss.label_smoothing": 0.1,
        "training.loss.other_echo": 7,
        "training.holes": {"shapes": ["sectors", "blocks", "pixels"], "pixels": 0.5, "sector_degrees": 5.5},
        "training.plants": {"fraction": 1, "kinds": ["missing", "second_trip"], "ranges": ARTEFACTS},
        "training.micro_batch_size": 2,
        "training.on_out_of_memory": "stop",
        "training.checkpoint_minutes": 0.5,
        "training.tracker": "tensorboard",
        "evaluation.tta": True,
        "cleaning.tta": True,
        "cleaning.votes": 0.5,
        "cleaning.calibrated": True,
        "cleaning.strength": "strong",
        "training.ensemble_seeds": [7],
    },
    "plateau, stopped early, mixed, a fast run": {
        "training.schedule": {"name": "plateau", "plateau_patience": 1, "plateau_factor": 0.3},
        "training.early_stopping": 4,
        "training.clip_norm": 0,
        "training.precision": "mixed",
        "training.tracker": "mlflow",
        "training.fast_dev_run": True,
    },
    "one cycle, fp16": {
        "training.schedule": {"name": "one_cycle", "warmup": 0.3, "last": 0.001},
        "training.precision": "fp16",
        "training.model.pad_mode": "constant",
        "training.tracker": "wandb",
    },
    "a given model, scored without a reference": {
        "cleaning.model": MODEL,
        "training": None,
        "atlas.period": ["2024-07-10 22:00", "2024-07-11 01:00"],
        "frames.period": [["2024-07-10 22:00", "2024-07-11 01:00"], ["2024-07-11 13:00", "2024-07-11 14:00"]],
        "evaluation.reference": None,
        "evaluation.holes": False,
        "evaluation.compare_model": "pretrained",
    },
    "a given model, not scored": {
        "cleaning.model": MODEL,
        "cleaning.threshold": 0,
        "training": None,
        "evaluation": None,
    },
    "one radar, a shard a frame": {
        "radars.1": None,
        "frames.shard": "frame",
        "frames.overlay": None,
        "samples.input_minutes": [0],
    },
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = make_workspace(tmp_path_factory.mktemp("flags"))
    zipfile.ZipFile(made.root / MODEL, "w").close()  # as much of a model file as a dry run looks at
    (made.root / MASK).write_bytes(sample_frames("CASGO")[0].read_bytes())
    shutil.copyfile(REPOSITORY / "benchmarks/plants.yaml", made.root / ARTEFACTS)
    for name in (TERRAIN, "lakes.tif"):  # as much of a raster as a dry run looks at
        (made.root / name).touch()
    return made


def config_with(settings: dict[str, Any]) -> dict[str, Any]:
    """The smoke config with dotted keys set to values, or taken away where the value is None."""
    config = copy.deepcopy(SMOKE)
    for dotted, value in settings.items():
        *path, last = (int(key) if key.isdigit() else key for key in dotted.split("."))
        section: Any = config
        for key in path:
            section = section[key] if isinstance(section, list) else section.setdefault(key, {})
        if value is not None:
            section[last] = value
        elif isinstance(section, list) or last in section:
            del section[last]
    return config


def stage_calls(output: str) -> list[list[str]]:
    """Subcommand and flags of each shell command that snakemake printed."""
    calls = []
    for command in re.findall(r"^Shell command: (?!None$)(.*)$", output, re.MULTILINE):
        tokens = shlex.split(command)
        assert tokens[-2] == "2>", command  # where the log begins, the flags end
        assert "<function" not in command  # a params function that Snakemake did not call
        start = tokens.index("radar_cleaner")
        assert tokens[start - 1] == "-m", command
        calls.append(tokens[start + 1 : -2])
    return calls


def complaint(tokens: list[str]) -> str | None:
    """The objections of the command line to a call; the stage is not called."""
    try:
        stage, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        bound.signature.bind(*bound.args, **bound.kwargs)
    except (CycloptsError, TypeError) as error:
        return f"{error}\n  in {shlex.join(tokens)}"
    return None if stage.__name__ == tokens[0].replace("-", "_") else f"{tokens} calls {stage.__name__}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_stages_take_every_command_of_a_config(variant: str, workspace: Workspace) -> None:
    config = config_with(VARIANTS[variant])
    output = workspace.forked("--dry-run", "--printshellcmds", config=config)
    calls = stage_calls(output)
    assert len(calls) == len(jobs_of(output)) > 0
    assert [text for text in map(complaint, calls) if text] == []


def test_values_arrive_as_the_config_has_them(workspace: Workspace) -> None:
    """A blank, a quote or a backslash is not lost between the config and the stage."""
    pattern = r"_((?:\d){12})(?=\D*$)"
    config = config_with(
        {
            "results": "Ann's results",
            "frames.pattern": pattern,
            "samples.static": {"terrain": TERRAIN, "lakes": "lakes.tif"},
        }
    )
    output = workspace.forked("--dry-run", "--printshellcmds", config=config)
    called: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in stage_calls(output):
        stage, bound, _ = app.parse_args(call, exit_on_error=False, print_error=False)
        called[stage.__name__].append(bound.arguments)
    assert {arguments["results"] for arguments in called["clean_frames"]} == {Path("Ann's results")}
    assert {arguments["names"].pattern for arguments in called["build_rgb_store"]} == {pattern}
    rasters = {"lakes": Path("lakes.tif"), "terrain": Path(TERRAIN)}
    assert called["place_static_fields"][0]["rasters"] == rasters


def test_a_flag_that_no_stage_has_is_found() -> None:
    assert complaint(["list-test-samples", "--results", "results", "--nonsense", "1"])
    assert complaint(["show-summary", "--results", "results"]) is None
