"""A product keeps the grid of its picture: xarray, rioxarray and GDAL place its pixels as pyproj does."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401  (gives datasets their .rio)
import xarray as xr
from grid_cases import PLANES, grids
from hypothesis import given, settings
from pyproj import CRS, Transformer
from store_cases import START, make_product

from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.planes import fits_geotiff
from radar_cleaner.products.geotiff import write_geotiff
from radar_cleaner.storage.reader import open_store


def product_on(folder: Path, grid: Grid) -> Path:
    codes = np.full(grid.shape, 100)
    return make_product(folder / "20240711.zarr", codes=codes, shape=grid.shape, geometry=RadarGeometry("M", grid))


@settings(max_examples=10)
@given(grid=grids())
def test_the_coordinates_of_a_product_are_longitude_and_latitude(
    tmp_path_factory: pytest.TempPathFactory, grid: Grid
) -> None:
    path = product_on(tmp_path_factory.mktemp("product"), grid)
    with warnings.catch_warnings(), xr.open_zarr(path) as dataset:
        warnings.simplefilter("ignore")
        assert dataset.rio.crs is not None and dataset["reflectivity"].rio.crs == dataset.rio.crs
        crs = CRS.from_wkt(dataset["crs"].attrs["crs_wkt"])
        # pyproj finds a rotated pole read from WKT unequal to itself, by its name; its coordinates are compared.
        assert crs == CRS.from_user_input(grid.crs) or "ob_tran" in grid.crs
        x, y = np.meshgrid(dataset["x"], dataset["y"])
        longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
        np.testing.assert_allclose(dataset["longitude"], longitude, atol=1e-4)
        np.testing.assert_allclose(dataset["latitude"], latitude, atol=1e-4)
        assert Grid.from_attrs(dataset.attrs, grid.shape) == grid


@pytest.mark.parametrize(
    ("crs", "units", "name"),
    [
        ("EPSG:4326", ("degrees_east", "degrees_north"), ("longitude", "latitude")),
        ("EPSG:3857", ("m", "m"), ("projection_x_coordinate", "projection_y_coordinate")),
        ("EPSG:3035", ("m", "m"), ("projection_x_coordinate", "projection_y_coordinate")),
        (
            "+proj=ob_tran +o_proj=longlat +o_lat_p=40 +lon_0=10",
            ("degrees", "degrees"),
            ("grid_longitude", "grid_latitude"),
        ),
        ("EPSG:2263", ("0.304800609601219 metre",) * 2, ("projection_x_coordinate", "projection_y_coordinate")),
    ],
)
def test_coordinates_have_the_units_of_the_plane(
    tmp_path: Path, crs: str, units: tuple[str, str], name: tuple[str, str]
) -> None:
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*PLANES[crs])
    store = open_store(product_on(tmp_path, Grid(crs, 0.1, 0.2, 6, 4, (3 - x / 0.1, 2 + y / 0.2))), "product")
    for axis, unit, standard in zip("xy", units, name, strict=True):
        attrs = store.group[axis].attrs
        assert (attrs["units"], attrs["standard_name"], attrs["axis"]) == (unit, standard, axis.upper())


def test_all_planes_but_a_rotated_pole_fit_into_a_geotiff() -> None:
    assert [crs for crs in PLANES if not fits_geotiff(crs)] == [crs for crs in PLANES if "ob_tran" in crs]


@settings(max_examples=10)
@given(grid=grids(tuple(crs for crs in PLANES if fits_geotiff(crs))))
def test_a_geotiff_is_placed_by_gdal(tmp_path_factory: pytest.TempPathFactory, grid: Grid) -> None:
    folder = tmp_path_factory.mktemp("geotiff")
    write_geotiff(folder / "a.tif", open_store(product_on(folder, grid), "product"), 0, START)
    longitude, latitude = grid.longitude_latitude()
    with warnings.catch_warnings(), rasterio.open(folder / "a.tif") as picture:
        warnings.simplefilter("ignore")
        places = Transformer.from_crs(CRS.from_wkt(picture.crs.to_wkt()), "EPSG:4326", always_xy=True)
        for row, column in [(0, 0), (0, grid.width - 1), (grid.height - 1, 0), (7, 9)]:
            found = places.transform(*picture.xy(row, column))
            pixel = min(grid.pixel_km) / 111
            assert np.hypot(found[0] - longitude[row, column], found[1] - latitude[row, column]) < 0.01 * pixel
