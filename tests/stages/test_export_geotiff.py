"""The stage that exports GeoTIFFs: one a time, named by radar and time, and a table of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from pyproj import Geod
from rasterio.warp import transform
from store_cases import make_product, pattern_codes, small_geometry, times_from

from radar_cleaner.conventions import decode_dbz
from radar_cleaner.errors import StoreError
from radar_cleaner.stages.export_geotiff import export_geotiff


def test_each_time_is_a_picture_in_the_table(tmp_path: Path) -> None:
    times = times_from(count=3)
    product = make_product(tmp_path / "20240711.zarr", "CASGO", times)
    output = tmp_path / "geotiff" / "20240711.csv"
    export_geotiff(product=product / "zarr.json", output=output)
    table = pd.read_csv(output)
    assert list(table.columns) == ["time", "file"]
    assert table["time"].tolist() == [f"2024-07-11T00:{minute:02d}:00Z" for minute in (0, 6, 12)]
    assert table["file"].tolist() == [f"CASGO_20240711T00{minute:02d}00Z.tif" for minute in (0, 6, 12)]
    for time, file in zip(times, table["file"], strict=True):
        with rasterio.open(output.parent / file) as picture:
            np.testing.assert_array_equal(picture.read(1), decode_dbz(pattern_codes("CASGO", time)))


def test_corners_are_at_the_distance_and_azimuth_of_the_plot_box(tmp_path: Path) -> None:
    radar = small_geometry("CASGO")
    output = tmp_path / "20240711.csv"
    export_geotiff(product=make_product(tmp_path / "20240711.zarr", "CASGO"), output=output)
    with rasterio.open(tmp_path / "CASGO_20240711T000000Z.tif") as picture:
        left, bottom, right, top = picture.bounds
        corners = [(left, top), (right, top), (left, bottom), (right, bottom)]
        longitude, latitude = transform(picture.crs, "EPSG:4326", *zip(*corners, strict=True))
    geod = Geod(ellps="WGS84")
    for (column, row), place in zip(
        [(-0.5, -0.5), (47.5, -0.5), (-0.5, 47.5), (47.5, 47.5)],
        zip(longitude, latitude, strict=True),
        strict=True,
    ):
        east, north = column - 24, 23 - row
        azimuth, _, metres = geod.inv(radar.longitude, radar.latitude, *place)
        assert metres == pytest.approx(np.hypot(east, north) * 10_000, abs=1)
        assert azimuth == pytest.approx(np.degrees(np.arctan2(east, north)), abs=1e-4)


def test_pictures_of_frames_that_are_gone_go_too(tmp_path: Path) -> None:
    times = times_from(count=3)
    (tmp_path / "CASGO_20240712T000000Z.tif").write_text("of another day")
    (tmp_path / "CASCM_20240711T000000Z.tif").write_text("of another radar")
    for some in (times, times[1:]):
        product = make_product(tmp_path / "20240711.zarr", "CASGO", some)
        export_geotiff(product=product, output=tmp_path / "20240711.csv")
    assert sorted(path.name for path in tmp_path.glob("*.tif")) == [
        "CASCM_20240711T000000Z.tif",
        "CASGO_20240711T000600Z.tif",
        "CASGO_20240711T001200Z.tif",
        "CASGO_20240712T000000Z.tif",
    ]


def test_a_product_without_frames_is_an_empty_table(tmp_path: Path) -> None:
    export_geotiff(product=make_product(tmp_path / "20240711.zarr", times=[]), output=tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "time,file\n"


def test_a_store_that_is_not_a_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="product store missing or incomplete"):
        export_geotiff(product=tmp_path / "none.zarr", output=tmp_path / "a.csv")
