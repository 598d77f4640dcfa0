"""GeoTIFFs of a product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from store_cases import make_product, pattern_codes, small_geometry, times_from

from radar_cleaner.conventions import FLAG_KEPT, NODATA, decode_dbz, is_echo
from radar_cleaner.products.geotiff import write_geotiff
from radar_cleaner.storage.reader import open_store


def test_a_geotiff_is_georeferenced(tmp_path: Path) -> None:
    geometry = small_geometry("CASCM")
    times = times_from(count=2)
    path = make_product(tmp_path / "20240711.zarr", radar="CASCM", times=times)
    write_geotiff(tmp_path / "a.tif", open_store(path, "product"), 1, times[1])
    codes = pattern_codes("CASCM", times[1])
    with rasterio.open(tmp_path / "a.tif") as picture:
        assert picture.descriptions == ("reflectivity", "quality_flag", "meteorological_probability")
        assert np.isnan(picture.nodata)
        np.testing.assert_array_equal(picture.read(1), decode_dbz(codes))
        assert np.isnan(picture.read(2)[codes == NODATA]).all()
        assert (picture.read(2)[is_echo(codes)] == FLAG_KEPT).all()
        # Rows and columns of the file, through its own projection, to longitude and latitude.
        longitude, latitude = geometry.grid.longitude_latitude()
        for row, column in [(0, 0), (0, 47), (47, 0), (47, 47), (23, 24)]:
            x, y = picture.xy(row, column)
            degrees = rasterio.warp.transform(picture.crs, "EPSG:4326", [x], [y])
            assert degrees[0][0] == pytest.approx(longitude[row, column], abs=1e-6)
            assert degrees[1][0] == pytest.approx(latitude[row, column], abs=1e-6)
        assert picture.tags()["time"] == "2024-07-11T00:06:00Z"
    assert [file.name for file in tmp_path.glob("*.tif*")] == ["a.tif"]
