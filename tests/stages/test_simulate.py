"""The subcommand `simulate`: a world on disk on which the workflow runs as it is."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import xarray as xr
import yaml

from radar_cleaner.config.load import read_config
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNDETECT, encode_dbz
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.image import decode_frame
from radar_cleaner.planning.plan import Plan
from radar_cleaner.reflectivity.colour_table import ColourTable
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.simulation.pictures import class_of
from radar_cleaner.simulation.world import WorldOptions
from radar_cleaner.simulation.world_config import evaluation_start, sample_keys
from radar_cleaner.stages.simulate import simulate
from radar_cleaner.targets.splits import complete_samples, split

SMALL: dict[str, Any] = {"hours": 2, "cadence_minutes": 30, "size": 96, "range_km": 60.0, "rain": 0.4}


def make(folder: Path, **options: Any) -> Path:
    simulate(output=folder, **{**SMALL, **options})
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("simulate") / "world")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the config, which names its folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "config.yaml")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def pictures(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / kind).glob("*/*.png"))


def test_a_world_has_frames_truth_palette_overlay_and_a_config(world: Path) -> None:
    stamps = ("0000", "0030", "0100", "0130")
    names = [f"{radar}/{radar}_20260601{stamp}.png" for radar in ("SIM1", "SIM2") for stamp in stamps]
    for kind in ("frames", "truth"):
        assert [str(path.relative_to(world / kind)) for path in pictures(world, kind)] == names
    assert {path.name for path in world.iterdir()} == {
        "frames",
        "truth",
        "reflectivity",
        "overlay",
        "palette.csv",
        "world.json",
        "config.yaml",
    }
    options = json.loads((world / "world.json").read_text())
    assert (options["seed"], options["size"], options["rain"]["share"]) == (1, 96, 0.4)


def test_equal_seeds_write_equal_bytes_and_others_write_others(world: Path, tmp_path: Path) -> None:
    same, other = contents(make(tmp_path / "same")), contents(make(tmp_path / "other", seed=2))
    assert same == contents(world)
    assert same.keys() == other.keys()
    frames = [name for name in same if name.startswith("frames/")]
    assert frames and all(same[name] != other[name] for name in frames)


def test_true_reflectivity_opens_in_xarray_without_a_warning(world: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        truth = xr.open_zarr(world / "reflectivity" / "SIM1.zarr")
        assert set(truth.data_vars) == {"rain", "clutter", "ground"}
        assert str(truth.time.values[1])[:16] == "2026-06-01T00:30"
        assert truth.rain.sizes == {"time": 4, "y": 96, "x": 96}
        assert -32 == float(truth.rain.min()) < 30 < float(truth.rain.max())


def test_frames_decode_to_the_true_class_wherever_neither_overlay_nor_clutter_is(world: Path) -> None:
    config = yaml.safe_load((world / "config.yaml").read_text())
    palette = parse_palette((world / "palette.csv").read_text(), "palette")
    table = ColourTable(palette.scale(20.0))
    codes_of_classes = np.append(encode_dbz(palette.value_dbz), np.uint8(UNDETECT))
    x0, y0, x1, y1 = config["frames"]["plot_box_px"]
    for radar in ("SIM1", "SIM2"):
        truth = xr.open_zarr(world / "reflectivity" / f"{radar}.zarr", mask_and_scale=False)
        for index, path in enumerate(sorted((world / "frames" / radar).iterdir())):
            pixels = decode_frame(path.read_bytes(), path.name, tuple(config["frames"]["size_px"]))
            read = table(pixels[y0:y1, x0:x1])
            mask = iio.imread(world / "truth" / radar / path.name)
            rain, clutter = truth.rain.values[index], truth.clutter.values[index]
            clean = (mask != NODATA) & ((clutter == UNDETECT) | (clutter == NODATA))
            wanted = codes_of_classes[class_of(rain)]
            assert clean.mean() > 0.5
            assert np.array_equal(read[clean], wanted[clean])
            assert (mask[clean] == np.where(wanted[clean] > 0, METEOROLOGICAL, 0)).all()


def test_masks_say_overlay_where_the_config_does(world: Path) -> None:
    config = yaml.safe_load((world / "config.yaml").read_text())
    overlay = config["frames"]["overlay"]
    x0, y0, x1, y1 = config["frames"]["plot_box_px"]
    for radar in config["radars"]:
        drawn = iio.imread(radar["overlay"]["mask"]).any(axis=2)
        for bx0, by0, bx1, by1 in overlay["boxes_px"]:
            drawn[by0:by1, bx0:bx1] = True
        drawn = drawn[y0:y1, x0:x1]
        edge = overlay["border_px"]
        drawn[:edge] = drawn[-edge:] = True
        drawn[:, :edge] = drawn[:, -edge:] = True
        for path in sorted((world / "truth" / radar["id"]).iterdir()):
            assert np.array_equal(iio.imread(path) == NODATA, drawn)


@pytest.mark.parametrize(
    "options",
    [
        {"radars": 1},
        {"radars": 3, "cadence_minutes": 15},
        {"hours": 3, "cadence_minutes": 60, "start": "2026-12-31T22:00"},
        {"hours": 12, "cadence_minutes": 60, "start": "2026-06-01T01:00"},
        {"size": 65, "range_km": 33.3},
    ],
    ids=str,
)
def test_the_config_fits_the_schema_and_the_frames(options: dict[str, Any], tmp_path: Path) -> None:
    folder = make(tmp_path / "it's a world", **options)
    plan = Plan(read_config(yaml.safe_load((folder / "config.yaml").read_text())))
    assert plan.references()


@pytest.mark.parametrize("cadence", [1, 6, 10, 15, 20, 30, 60])
def test_every_world_has_samples_to_train_with_and_to_test_with(cadence: int) -> None:
    for hours, start in itertools.product([2, 3, 4, 5, 6, 8, 12, 13, 24, 25], range(8)):
        world = WorldOptions(hours=hours, cadence_minutes=cadence, start=f"2026-06-01T{start:02d}:00")
        keys: dict[str, Any] = {"input_minutes": [-cadence, 0, cadence], "block_minutes": 60} | sample_keys(world)
        parted, minutes = evaluation_start(world), keys["input_minutes"]
        training, test = (
            complete_samples({"SIM1": [time for time in world.times if (time < parted) == early]}, minutes)
            for early in (True, False)
        )
        rules = {"validation": keys["validation"], "block_minutes": keys["block_minutes"]}
        trains, validates = split(training, minutes, **rules, purge_minutes=max(minutes) - min(minutes))
        assert trains and test and bool(validates) == (rules["validation"] > 0)
        assert cadence > 6 or (len(minutes) == 3 and validates)  # usual worlds have all of it


def test_a_folder_with_something_in_it_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ConfigError, match="name another one"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    make(tmp_path / "empty")


def test_impossible_options_make_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cadence_minutes is 7"):
        make(tmp_path / "world", cadence_minutes=7)
    assert not (tmp_path / "world").exists()


def test_rain_and_clutter_both_occur_at_the_usual_settings(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    simulate(output=folder, hours=2, cadence_minutes=60)
    masks = np.stack([iio.imread(path) for path in pictures(folder, "truth")])
    assert 0.05 < np.mean(masks == METEOROLOGICAL) < 0.4
    assert 0.002 < np.mean(masks == NON_METEOROLOGICAL) < 0.1
