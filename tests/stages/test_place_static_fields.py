"""The stage that writes the coordinates of a radar's pixels and the values of a user's rasters there."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from learning_cases import inputs
from raster_cases import raster_around, write_raster
from store_cases import make_reflectivity, make_static, small_geometry

from radar_cleaner.datasets.frame_cache import read_grid
from radar_cleaner.errors import ConfigError
from radar_cleaner.stages.place_static_fields import place_static_fields
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store, read_provenance

GORE = small_geometry("CASGO")


@pytest.fixture
def rasters(tmp_path: Path) -> dict[str, Path]:
    terrain = raster_around(tmp_path / "terrain.tif", -63.7, 45.1, lambda x, y: 10 * x + 900, half=5)
    land = write_raster(tmp_path / "land.tif", np.ones((8, 4), np.uint8), -67.7, 49.1, 1.0)  # its west alone
    return {"terrain": terrain, "land": land}


def place(output: Path, rasters: dict[str, Path]) -> None:
    place_static_fields(geometry=GORE, rasters=rasters, output=output / "zarr.json")


def test_the_store_has_the_coordinates_of_pixels_and_the_values_of_the_rasters(
    tmp_path: Path, rasters: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    output = Layout(tmp_path).static("CASGO")
    place(output, rasters)
    store = open_store(output, "static")
    longitude, latitude = GORE.grid.longitude_latitude()
    np.testing.assert_allclose(store.read("longitude"), longitude, atol=1e-5)
    np.testing.assert_allclose(store.read("latitude"), latitude, atol=1e-5)
    assert store.attrs["names"] == ["terrain", "land"]
    assert (store.attrs["latitude"], store.attrs["longitude"]) == (GORE.latitude, GORE.longitude)
    assert store.attrs["pixel_size"] == [10_000, 10_000]
    terrain, land = store.read("field")
    np.testing.assert_allclose(terrain, 10 * longitude + 900, atol=0.01)
    assert (land[longitude < -63.75] == 1).all() and np.isnan(land[longitude > -63.6]).all()
    provenance = read_provenance(output)
    assert provenance["stage"] == "place_static_fields"
    assert all(provenance["inputs"][str(file)].startswith("sha256:") for file in rasters.values())
    assert "CASGO: terrain is 2" in caplog.text and "known at 100.0 % of the pixels" in caplog.text


def test_without_rasters_it_has_the_coordinates_of_the_pixels(tmp_path: Path) -> None:
    place(tmp_path / "static.zarr", {})
    store = open_store(tmp_path / "static.zarr", "static")
    assert store.read("field").shape == (0, 48, 48) and store.attrs["names"] == []


def test_the_network_sees_what_the_stage_wrote(tmp_path: Path, rasters: dict[str, Path]) -> None:
    place(tmp_path / "static.zarr", rasters)
    reflectivity = open_store(make_reflectivity(tmp_path / "reflectivity.zarr"), "reflectivity")
    how = inputs(coordinates=True, static=("land",))
    fields = read_grid(reflectivity, how, static=open_store(tmp_path / "static.zarr", "static")).fields
    assert fields is not None and fields.shape == (5, 48, 48) and np.isfinite(fields).all()
    longitude, latitude = GORE.grid.longitude_latitude()
    np.testing.assert_allclose(fields[0] * 90, latitude, atol=1e-5)
    assert (fields[4][longitude > -63.6] == 0).all() and (fields[4][longitude < -63.75] > 0.1).all()


def test_it_is_the_store_that_tests_write(tmp_path: Path, rasters: dict[str, Path]) -> None:
    place(tmp_path / "stage.zarr", rasters)
    values = open_store(tmp_path / "stage.zarr", "static").read("field")
    make_static(tmp_path / "case.zarr", fields=dict(zip(rasters, values, strict=True)))
    stage, case = (open_store(tmp_path / f"{name}.zarr", "static") for name in ("stage", "case"))
    assert stage.attrs.keys() == case.attrs.keys()
    for name in ("latitude", "longitude", "field"):
        np.testing.assert_array_equal(stage.read(name), case.read(name))


def test_equal_rasters_are_an_equal_file(tmp_path: Path, rasters: dict[str, Path]) -> None:
    place(tmp_path / "a.zarr", rasters)
    moved = {name: file.rename(file.with_name(f"other_{file.name}")) for name, file in rasters.items()}
    place(tmp_path / "b.zarr", moved)
    assert (tmp_path / "a.zarr/zarr.json").read_bytes() == (tmp_path / "b.zarr/zarr.json").read_bytes()


def test_an_unusable_raster_is_refused_with_its_key_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"^samples.static snow, radar CASGO: .*snow\.tif: not readable .*; give"
    ):
        place(tmp_path / "static.zarr", {"snow": tmp_path / "snow.tif"})
    assert not list(tmp_path.iterdir())
