"""The stage that writes warps: what it writes for a radar, for a composite, and what it refuses."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from store_cases import small_geometry

from radar_cleaner.config.cleaning import Composite
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import Grid, RadarGeometry, union_grid
from radar_cleaner.georeference.regrid import warp_grid
from radar_cleaner.stages.build_warp_grid import build_warp_grid
from radar_cleaner.storage.reader import open_store, read_provenance

GORE, CHIPMAN = small_geometry("CASGO"), small_geometry("CASCM")
RADARS = [GORE, CHIPMAN]


def test_a_warp_between_radars_records_where_both_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    output = tmp_path / "CASGO" / "CASCM.zarr"
    build_warp_grid(target="CASGO", radar="CASCM", geometries=RADARS, output=output / "zarr.json")
    store = open_store(output, "warp")
    grid, coverage = warp_grid(GORE.grid, CHIPMAN)
    np.testing.assert_array_equal(store.read("grid"), grid)
    np.testing.assert_array_equal(store.read("coverage"), coverage)
    assert np.isfinite(store.read("grid")).all()
    attrs = store.attrs
    assert (attrs["target"], attrs["radar"]) == ("CASGO", "CASCM")
    assert attrs["distance_km"] == pytest.approx(199.4, abs=0.05)
    assert Grid.from_attrs(attrs, coverage.shape, "target_") == GORE.grid
    assert RadarGeometry.from_attrs(attrs, attrs["radar_shape_px"], "radar_") == CHIPMAN
    assert read_provenance(output)["stage"] == "build_warp_grid"
    assert "199.4 km apart" in caplog.text
    assert f"CASCM: {CHIPMAN.grid.crs}, origin [24.0, 23.0] px" in caplog.text
    assert "480.0 km wide, 10000.0 m a pixel" in caplog.text


@pytest.mark.parametrize("radar", ["CASGO", "CASCM"])
def test_a_composite_is_the_first_radars_box_or_the_union(tmp_path: Path, radar: str) -> None:
    for kind, grid in (("first", GORE.grid), ("union", union_grid([GORE, CHIPMAN]))):
        output = tmp_path / kind
        build_warp_grid(
            target="composite",
            radar=radar,
            geometries=RADARS,
            composite=Composite.model_validate({"grid": kind}),
            output=output,
        )
        store = open_store(output, "warp")
        assert Grid.from_attrs(store.attrs, store.shape("coverage"), "target_") == grid
    # The union contains everything in the radar's range (its box cuts a sliver off its range).
    pixels = np.pi * 24**2
    assert open_store(tmp_path / "union", "warp").read("coverage").sum() == pytest.approx(pixels, rel=0.03)


def test_the_first_geometry_is_the_composites_plane(tmp_path: Path) -> None:
    build_warp_grid(target="composite", radar="CASGO", geometries=RADARS[::-1], output=tmp_path / "w")
    assert open_store(tmp_path / "w", "warp").attrs["target_crs"] == CHIPMAN.grid.crs


def test_equal_geometry_is_an_equal_file(tmp_path: Path) -> None:
    build_warp_grid(target="CASGO", radar="CASCM", geometries=RADARS, output=tmp_path / "a")
    build_warp_grid(target="CASGO", radar="CASCM", geometries=RADARS[::-1], output=tmp_path / "b")
    assert (tmp_path / "a/zarr.json").read_bytes() == (tmp_path / "b/zarr.json").read_bytes()


@pytest.mark.parametrize(("target", "radar"), [("CASGO", "NKM"), ("NKM", "CASGO"), ("composite", "NKM")])
def test_an_unknown_radar_is_refused_and_nothing_written(tmp_path: Path, target: str, radar: str) -> None:
    with pytest.raises(ConfigError, match="no radar 'NKM', only CASGO, CASCM"):
        build_warp_grid(target=target, radar=radar, geometries=RADARS, output=tmp_path / "w.zarr")
    assert not list(tmp_path.iterdir())
