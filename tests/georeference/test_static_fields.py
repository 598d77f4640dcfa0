"""Rasters at the pixels of a grid: correct for any coordinates, unknown where they have no data."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from raster_cases import pixel_centres, raster_around, write_raster
from store_cases import small_geometry

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.static_fields import sample_raster

GORE = small_geometry("CASGO").grid  # 48 x 48 pixels of 10 km about 45.1 N 63.7 W


def grid_at(longitude=-63.7, latitude=45.1, size=24, metres=1000.0):
    return Grid.about(latitude, longitude, metres, size, size + 4, (size / 2, size / 2 - 1))


def native(grid, crs):
    """x and y of a grid's pixel centres in the coordinates of `crs`."""
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*grid.longitude_latitude())


# Longitude and latitude on WGS84 and another datum, UTM, a cone, Web Mercator, a turned pole's plane of the north.
@pytest.mark.parametrize(
    ("crs", "step", "half"),
    [
        ("EPSG:4326", 0.02, 1.0),
        ("EPSG:4269", 0.02, 1.0),
        ("EPSG:32620", 1500.0, 90e3),
        ("EPSG:3979", 1500.0, 90e3),
        ("EPSG:3857", 1500.0, 120e3),
        ("EPSG:3413", 1500.0, 90e3),
    ],
)
def test_a_plane_in_any_coordinates_comes_back_exactly(tmp_path, crs, step, half):
    """Bilinear sampling has no error for a function that is linear in the raster's own coordinates."""
    grid = grid_at()
    x0, y0 = native(Grid.about(45.1, -63.7, 1.0, 1, 1, (0, 0)), crs)

    def plane(x, y):
        return 100 * (x - x0[0, 0]) / half - 300 * (y - y0[0, 0]) / half + 7

    path = raster_around(tmp_path / "plane.tif", -63.7, 45.1, plane, crs, step, half)
    found = sample_raster(path, grid)
    assert found.dtype == np.float32 and found.shape == grid.shape
    assert np.allclose(found, plane(*native(grid, crs)), atol=2e-3)


@given(longitude=st.floats(-180, 180), latitude=st.floats(-75, 75), metres=st.floats(200, 3000))
def test_a_plane_comes_back_wherever_the_radar_is(tmp_path_factory, longitude, latitude, metres):
    grid = grid_at(longitude, latitude, metres=metres)
    crs = f"+proj=laea +lat_0={latitude + 1} +lon_0={longitude - 2} +datum=WGS84"
    folder = tmp_path_factory.mktemp("plane")
    path = raster_around(folder / "plane.tif", longitude, latitude, lambda x, y: x / 1e3 + y / 1e4, crs, 5e3, 1e5)
    x, y = native(grid, crs)
    inside = sample_raster(path, grid)
    assert np.allclose(inside, x / 1e3 + y / 1e4, atol=1e-2)


@pytest.mark.parametrize("west", [-180, 0])
@pytest.mark.parametrize("longitude", [-63.7, 0.0, 12.3, 179.9, 180.0, -179.5])
def test_a_world_raster_has_no_seam_wherever_its_longitudes_begin(tmp_path, west, longitude):
    step = 0.5
    x, y = pixel_centres(west, 90, step, (360, 720))
    values = np.cos(np.deg2rad(x)) * 100 + y
    path = write_raster(tmp_path / "world.tif", values.astype(np.float32), west, 90, step)
    grid = grid_at(longitude, 45.1, metres=10e3)
    found = sample_raster(path, grid)
    wanted_x, wanted_y = grid.longitude_latitude()
    wanted = np.cos(np.deg2rad(wanted_x)) * 100 + wanted_y
    # Half a step beside the seam the nearest value is used.
    assert np.abs(found - wanted).max() < 100 * np.deg2rad(step)


@pytest.mark.parametrize("west", [-180, 0])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("longitude", [-63.7, 0.0, 179.9, -179.5])
def test_a_world_raster_has_no_seam_on_a_grid_in_degrees_or_of_a_web_map(tmp_path, west, crs, longitude):
    step, unit = 0.5, 1.0 if crs == "EPSG:4326" else 111_319.49
    x, y = pixel_centres(west, 90, step, (360, 720))
    values = np.cos(np.deg2rad(x)) * 100 + y
    path = write_raster(tmp_path / "world.tif", values.astype(np.float32), west, 90, step)
    side = 0.1 * unit
    grid = Grid(crs, side, side, 30, 20, (15 - longitude / 0.1, 10 + 45.1 / 0.1))
    found = sample_raster(path, grid)
    wanted_x, wanted_y = grid.longitude_latitude()
    wanted = np.cos(np.deg2rad(wanted_x)) * 100 + wanted_y
    assert np.abs(found - wanted).max() < 100 * np.deg2rad(step)


def test_a_finer_raster_is_averaged_over_a_pixel_not_picked_from(tmp_path):
    noise = np.random.default_rng(1).normal(0, 1, (1000, 1000)).astype(np.float32)
    x, y = native(GORE, "EPSG:32620")
    path = write_raster(tmp_path / "fine.tif", noise, x.mean() - 300e3, y.mean() + 300e3, 600.0, "EPSG:32620")
    found = sample_raster(path, GORE)
    # A mean over the 17 x 17 values of a pixel would leave 1/17 of the spread, one of them all of it.
    assert np.std(found) < 0.15


def test_nodata_and_what_lies_outside_are_unknown_and_mix_into_nothing(tmp_path):
    values = np.full((400, 400), 500, np.int16)
    values[:, 200:] = -9999  # east of the radar
    path = write_raster(tmp_path / "half.tif", values, -63.7 - 1, 45.1 + 1, 0.005, nodata=-9999)
    grid = grid_at(size=200)
    found = sample_raster(path, grid)
    longitude, latitude = grid.longitude_latitude()
    known = np.isfinite(found)
    assert (found[known] == 500).all()
    assert not known[(longitude > -63.7 + 0.02) | (latitude > 45.1 + 1.01) | (longitude < -63.7 - 1.01)].any()
    assert known[(longitude < -63.7 - 0.02) & (np.abs(latitude - 45.1) < 0.99) & (longitude > -63.7 - 0.99)].all()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_unknown(tmp_path, hole):
    values = np.full((400, 400), 7, np.float32)
    values[180:220, 180:220] = hole
    path = write_raster(tmp_path / "hole.tif", values, -64.7, 46.1, 0.005)
    found = sample_raster(path, grid_at())
    assert np.isnan(found[11, 12]) and found[0, 0] == 7
    assert set(np.unique(found[np.isfinite(found)])) == {7}


def test_a_land_mask_becomes_the_share_of_land(tmp_path):
    x, _ = pixel_centres(-64.7, 46.1, 0.005, (400, 400))
    path = write_raster(tmp_path / "land.tif", (x < -63.7).astype(np.uint8), -64.7, 46.1, 0.005)
    found = sample_raster(path, grid_at())
    longitude, _ = grid_at().longitude_latitude()
    assert (found[longitude < -63.73] == 1).all() and (found[longitude > -63.67] == 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_packed_values_are_unpacked(tmp_path):
    values = np.full((40, 40), 1000, np.uint16)
    path = write_raster(tmp_path / "packed.tif", values, -64.7, 46.1, 0.05, nodata=0, scale=(0.1, -50.0))
    assert np.allclose(sample_raster(path, grid_at()), 50)


def test_a_raster_of_another_format_is_read_too(tmp_path):
    rows = "\n".join(" ".join(["12.5"] * 40) for _ in range(40))
    head = "ncols 40\nnrows 40\nxllcorner -64.7\nyllcorner 44.1\ncellsize 0.05\nNODATA_value -9999\n"
    (tmp_path / "terrain.asc").write_text(head + rows)
    (tmp_path / "terrain.prj").write_text(CRS.from_epsg(4326).to_wkt("WKT1_ESRI"))
    assert np.allclose(sample_raster(tmp_path / "terrain.asc", grid_at()), 12.5)


def a_text(folder):
    path = folder / "terrain.tif"
    path.write_text("no raster\nat all")
    return path


def a_truncated_one(folder):
    path = write_raster(folder / "terrain.tif", np.ones((400, 400), np.float32), -64.7, 46.1, 0.005)
    path.write_bytes(path.read_bytes()[:50_000])
    return path


def two_bands(folder):
    return write_raster(folder / "terrain.tif", np.ones((2, 4, 4), np.float32), -64.7, 46.1, 0.5)


def without_crs(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_raster(folder / "terrain.tif", np.ones((4, 4), np.float32), -64.7, 46.1, 0.5, None)


def elsewhere(folder):
    return write_raster(folder / "terrain.tif", np.ones((4, 4), np.float32), 10, 46.1, 0.5)


def all_unknown(folder):
    return write_raster(folder / "terrain.tif", np.zeros((40, 40), np.float32), -64.7, 46.1, 0.05, nodata=0)


def in_no_place_on_earth(folder):
    crs = 'LOCAL_CS["a workshop",UNIT["metre",1]]'
    return write_raster(folder / "terrain.tif", np.ones((4, 4), np.float32), 0, 0, 0.5, crs)


def on_the_other_side(folder):
    """Write the view of a geostationary satellite over Japan; the radar is behind the Earth."""
    crs = "+proj=geos +h=35786000 +lon_0=140 +datum=WGS84"
    return write_raster(folder / "terrain.tif", np.ones((40, 40), np.float32), -5e6, 5e6, 250e3, crs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "terrain.tif", "No such file .*; give one that gdalinfo reads"),
        (a_text, "not readable as a raster .*not recognized"),
        (a_truncated_one, "not readable as a raster"),
        (two_bands, "has 2 bands, expected one; .* gdal_translate -b 1 .*terrain.tif FIELD.tif"),
        (without_crs, "has no coordinate reference system on Earth; .*gdal_edit.py -a_srs"),
        (elsewhere, "has no value within the box about latitude 45.1, longitude -63.7; name a raster that covers"),
        (all_unknown, "has no value within the box"),
        (in_no_place_on_earth, "has no coordinate reference system on Earth"),
        (on_the_other_side, "has no value within the box"),
    ],
)
def test_a_file_that_is_no_use_is_refused_in_one_line_that_names_it(tmp_path, make, message, recwarn):
    path = make(tmp_path)
    with pytest.raises(ConfigError, match=message) as caught:
        sample_raster(path, grid_at())
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not [str(warning.message) for warning in recwarn if "eoreferenc" in str(warning.message)]
