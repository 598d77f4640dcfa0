"""The CF store of a product: xarray, rioxarray and NetCDF read it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401  (gives datasets their .rio)
import xarray as xr
from pyproj import CRS
from store_cases import START, make_product, pattern_codes, small_geometry, times_from

from radar_cleaner.conventions import NODATA, UNDETECT, decode_dbz, is_echo
from radar_cleaner.products.cf import ProductWriter
from radar_cleaner.storage.reader import open_store


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of affine to rioxarray, about an operator that it uses; nothing that a product could change.
        warnings.filterwarnings("ignore", message="Use `@` matmul", category=PendingDeprecationWarning)
        yield


@pytest.mark.usefixtures("no_warnings")
def test_xarray_opens_a_product_without_a_warning_and_decodes_it(tmp_path: Path) -> None:
    times = times_from(count=3)
    path = make_product(tmp_path / "20240711.zarr", times=times)
    with xr.open_zarr(path) as dataset:
        dataset.load()
        packed = np.stack([pattern_codes("CASGO", time) for time in times])
        np.testing.assert_array_equal(dataset["reflectivity"].to_numpy(), decode_dbz(packed))
        assert dataset["reflectivity"].attrs["units"] == "dBZ"
        assert (dataset["reflectivity"].to_numpy()[packed == UNDETECT] == -32).all()
        assert np.isnan(dataset["reflectivity"].to_numpy()[packed == NODATA]).all()
        seconds = dataset["time"].to_numpy().astype("datetime64[s]").astype(np.int64)
        assert seconds.tolist() == times

        flag = dataset["quality_flag"]
        assert flag.dtype == np.uint8
        meanings = dict(zip(flag.attrs["flag_meanings"].split(), flag.attrs["flag_values"], strict=True))
        assert meanings == {"kept": 1, "removed": 2, "filled": 3, "undetect": 0, "nodata": 255}
        assert (flag.to_numpy()[packed == NODATA] == 255).all()

        probability = dataset["meteorological_probability"].to_numpy()
        np.testing.assert_allclose(probability[is_echo(packed)], 1)
        assert np.isnan(probability[~is_echo(packed)]).all()


@pytest.mark.usefixtures("no_warnings")
def test_a_product_is_georeferenced(tmp_path: Path) -> None:
    geometry = small_geometry("CASGO")
    with xr.open_zarr(make_product(tmp_path / "20240711.zarr")) as dataset:
        assert set(dataset.coords) == {"time", "y", "x", "latitude", "longitude", "crs"}
        assert set(dataset.data_vars) == {"reflectivity", "quality_flag", "meteorological_probability"}
        assert dataset.attrs["Conventions"] == "CF-1.11"
        for located in (dataset, dataset["reflectivity"], dataset["quality_flag"]):
            assert CRS(located.rio.crs.to_wkt()).coordinate_operation.method_name == "Azimuthal Equidistant"
        assert dataset.rio.crs == geometry.grid.crs
        assert CRS.from_cf(dataset["crs"].attrs) == geometry.grid.crs
        longitude, latitude = geometry.grid.longitude_latitude()
        np.testing.assert_allclose(dataset["latitude"], latitude, atol=1e-5)
        np.testing.assert_allclose(dataset["longitude"], longitude, atol=1e-5)
        assert dataset["latitude"].attrs["units"] == "degrees_north"
        assert dataset["y"].attrs["standard_name"] == "projection_y_coordinate"
        np.testing.assert_array_equal(dataset["x"], geometry.grid.x())
        left, bottom, right, top = dataset.rio.bounds()
        assert (right - left, top - bottom) == (480_000, 480_000)


@pytest.mark.usefixtures("no_warnings")
def test_a_product_without_frames_opens(tmp_path: Path) -> None:
    with xr.open_zarr(make_product(tmp_path / "20240711.zarr", times=[])) as dataset:
        assert dataset.sizes["time"] == 0
        assert dataset.load()["reflectivity"].shape == (0, 48, 48)


def test_a_product_converts_to_netcdf_attributes(tmp_path: Path) -> None:
    """NetCDF has no empty lists; HSV labels have no class bounds."""
    path = make_product(tmp_path / "a.zarr", attrs={"class_lower_dbz": [], "label_method": "hsv_multi"})
    attrs = open_store(path, "product").attrs
    assert "class_lower_dbz" not in attrs
    assert attrs["label_method"] == "hsv_multi"
    assert attrs["class_upper_dbz"] == [23.0, 33.0, 45.0, 57.0]


def test_equal_products_are_equal_files_for_any_provenance(tmp_path: Path) -> None:
    geometry = small_geometry("CASGO")
    for name in ("one", "two"):
        variables = {"reflectivity": pattern_codes("CASGO", START)}
        with ProductWriter(
            tmp_path / name, geometry.grid, ["CASGO"], provenance={"by": name}, names=variables
        ) as store:
            store.append(START, **variables)
    one, two = ((tmp_path / name / "zarr.json").read_bytes() for name in ("one", "two"))
    assert one == two
