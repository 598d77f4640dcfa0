"""Grids and radars against geodesics computed another way (pyproj.Geod)."""

from __future__ import annotations

import numpy as np
import pytest
from grid_cases import overlaps
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from store_cases import small_geometry

from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import (
    MAX_UNION_PIXELS,
    Grid,
    RadarGeometry,
    distance_km,
    may_overlap,
    union_grid,
)
from radar_cleaner.georeference.polar import polar_coordinates

GEOD = Geod(ellps="WGS84")
GORE = small_geometry("CASGO", (480, 480))
CHIPMAN = small_geometry("CASCM", (480, 480))

places = st.builds(
    RadarGeometry.about,
    radar=st.just("R"),
    latitude=st.floats(-80, 80),
    longitude=st.floats(-180, 180),
    range_km=st.floats(50, 400),
    width=st.integers(60, 120),
    height=st.integers(60, 120),
    center_px=st.tuples(st.floats(20, 70), st.floats(20, 70)),
)


def test_the_sample_radars_are_199_km_apart_and_1_km_a_pixel() -> None:
    assert distance_km(GORE, CHIPMAN) == pytest.approx(199.4, abs=0.05)
    assert GORE.grid.pixel_width == 1000
    assert GORE.grid.effective_width_km == 480


def test_the_range_fits_half_of_the_longer_side() -> None:
    wide = RadarGeometry.about("R", 45, -63, 240, 960, 400, (480, 200))
    assert wide.grid.pixel_width == 500
    assert wide.grid.effective_width_km == 480


@given(radar=places, seed=st.integers(0, 2**32 - 1))
def test_pixels_lie_where_distance_and_azimuth_from_the_radar_say(radar: RadarGeometry, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, rows = rng.integers(0, radar.grid.width, 20), rng.integers(0, radar.grid.height, 20)
    longitude, latitude = radar.grid.longitude_latitude()
    east, north = columns - radar.center_px[0], radar.center_px[1] - rows
    there_longitude, there_latitude, _ = GEOD.fwd(
        np.full(20, radar.longitude),
        np.full(20, radar.latitude),
        np.degrees(np.arctan2(east, north)),
        np.hypot(east, north) * radar.grid.pixel_width,
    )
    _, _, error = GEOD.inv(longitude[rows, columns], latitude[rows, columns], there_longitude, there_latitude)
    assert np.max(error) < 0.01  # metres


@given(radar=places)
def test_points_come_back_to_their_pixels(radar: RadarGeometry) -> None:
    column, row = radar.grid.pixel_of(*radar.grid.longitude_latitude())
    assert np.abs(column - np.arange(radar.grid.width)).max() < 1e-4
    assert np.abs(row - np.arange(radar.grid.height)[:, None]).max() < 1e-4


def test_north_is_up_and_row_0_is_north() -> None:
    longitude, latitude = GORE.grid.longitude_latitude()
    assert (np.diff(latitude[:, 240]) < 0).all()
    assert (np.diff(longitude[239]) > 0).all()
    assert (longitude[239, 240], latitude[239, 240]) == pytest.approx((GORE.longitude, GORE.latitude))
    assert GORE.grid.y()[0] == 239_000 and GORE.grid.x()[0] == -240_000


def test_range_and_azimuth_are_geodesic() -> None:
    range_km, azimuth = polar_coordinates(GORE.grid.shape, GORE.center_px, GORE.grid.pixel_width)
    longitude, latitude = GORE.grid.longitude_latitude()
    expected, _, metres = GEOD.inv(
        np.full(longitude.shape, GORE.longitude), np.full(longitude.shape, GORE.latitude), longitude, latitude
    )
    assert np.abs(range_km - metres / 1000).max() < 1e-5
    turn = np.degrees(azimuth) - expected
    turn[239, 240] = 0  # the radar's own pixel has no azimuth
    assert np.abs((turn + 180) % 360 - 180).max() < 1e-5


@pytest.mark.parametrize(("pixel", "degrees"), [((5, 0), 0), ((10, 5), 90), ((5, 10), 180), ((0, 5), -90)])
def test_azimuth_runs_clockwise_from_north(pixel: tuple[int, int], degrees: float) -> None:
    _, azimuth = polar_coordinates((11, 11), (5, 5), 1000)
    assert abs(np.degrees(azimuth[pixel[1], pixel[0]])) == abs(degrees)
    assert np.sin(azimuth[pixel[1], pixel[0]]) == pytest.approx(np.sin(np.radians(degrees)), abs=1e-12)


def test_the_union_of_one_radar_is_its_own_grid() -> None:
    assert union_grid([GORE]) == GORE.grid


@settings(max_examples=15)
@given(
    others=st.lists(
        st.builds(
            RadarGeometry.about,
            radar=st.just("R"),
            latitude=st.floats(42, 48),
            longitude=st.floats(-68, -60),
            range_km=st.floats(50, 300),
            width=st.integers(60, 120),
            height=st.integers(60, 120),
            center_px=st.tuples(st.floats(20, 70), st.floats(20, 70)),
        ),
        max_size=2,
    )
)
def test_the_union_holds_every_radars_box_and_no_more(others: list[RadarGeometry]) -> None:
    first = small_geometry("CASGO", (120, 120))
    radars = [first, *others]
    grid = union_grid(radars)
    columns, rows = zip(*(grid.pixel_of(*radar.grid.longitude_latitude()) for radar in radars), strict=True)
    left, top = (min(part.min() for part in parts) for parts in (columns, rows))
    right, bottom = (max(part.max() for part in parts) for parts in (columns, rows))
    assert left > -0.01 and top > -0.01
    assert right < grid.width - 1 + 0.01 and bottom < grid.height - 1 + 0.01
    assert left < 1 and top < 1 and right > grid.width - 2 and bottom > grid.height - 2


def test_the_union_keeps_the_first_radars_plane_and_pixels() -> None:
    grid = union_grid([GORE, CHIPMAN])
    assert (grid.crs, grid.pixel_width, grid.pixel_height) == (GORE.grid.crs, 1000, 1000)
    column, row = grid.origin_px
    assert (column % 1, row % 1) == (0, 0)
    longitude, latitude = GORE.grid.longitude_latitude()
    top, left = int(row) - 239, int(column) - 240
    inside = np.s_[top : top + 480, left : left + 480]
    union_longitude, union_latitude = grid.longitude_latitude()
    np.testing.assert_allclose(union_longitude[inside], longitude, atol=1e-9)
    np.testing.assert_allclose(union_latitude[inside], latitude, atol=1e-9)


@given(pair=overlaps())
def test_the_union_of_any_planes_contains_both_boxes(pair: tuple[Grid, RadarGeometry]) -> None:
    target, radar = pair
    union = union_grid([RadarGeometry("A", target), radar])
    assert (union.crs, union.pixel_width, union.pixel_height) == (
        target.crs,
        target.pixel_width,
        target.pixel_height,
    )
    for grid in (target, radar.grid):
        column, row = union.pixel_of(*grid.longitude_latitude())
        assert column.min() > -0.1 and row.min() > -0.1
        assert column.max() < union.width - 0.9 and row.max() < union.height - 0.9


@given(pair=overlaps())
def test_boxes_of_any_planes_with_a_common_place_may_overlap(pair: tuple[Grid, RadarGeometry]) -> None:
    target, radar = pair
    column, row = target.pixel_of(*radar.grid.longitude_latitude())
    common = (column > 0) & (column < target.width - 1) & (row > 0) & (row < target.height - 1)
    assert may_overlap(RadarGeometry("A", target), radar) or not common.any()


def test_boxes_on_other_continents_do_not_overlap_and_a_world_map_overlaps_with_each() -> None:
    bangkok = RadarGeometry.about("NKM", 13.737729, 100.358871, 120, 640, 640, (320, 320))
    world = RadarGeometry("W", Grid("EPSG:4326", 0.5, 0.5, 700, 300, (350, 150)))
    assert not may_overlap(GORE, bangkok)
    assert may_overlap(GORE, world) and may_overlap(world, bangkok)


def test_a_mosaic_of_a_continent_alone_is_its_own_union() -> None:
    """Pixels of half a km over the United States, above the limit of a union."""
    grid = Grid("EPSG:4326", 0.005, 0.005, 12200, 5400, (126 / 0.005, 50 / 0.005))
    assert grid.width * grid.height > MAX_UNION_PIXELS
    assert union_grid([RadarGeometry("US", grid)]) == grid


def test_a_union_with_a_radar_on_another_continent_names_it() -> None:
    bangkok = RadarGeometry.about("NKM", 13.737729, 100.358871, 120, 640, 640, (320, 320))
    with pytest.raises(ConfigError, match=r"NKM is 1\d{4} km from CASGO: check its latitude") as error:
        union_grid([GORE, bangkok])
    assert "\n" not in str(error.value)


@given(radar=places)
def test_a_radar_is_the_same_after_a_flag(radar: RadarGeometry) -> None:
    assert RadarGeometry.from_flag(radar.to_flag()) == radar


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("CASGO", "is not the geometry of a radar"),
        ('{"radar": "CASGO"}', "is not the geometry of a radar"),
        (GORE.to_flag().replace('"latitude": 45.0985', '"latitude": 145.0'), "latitude 145.0"),
        (GORE.to_flag().replace('"latitude": 45.0985', '"latitude": NaN'), "not a place on Earth"),
        (GORE.to_flag().replace('"latitude": 45.0985', '"latitude": null'), "latitude None, longitude -63"),
        (GORE.to_flag().replace('"longitude": -63.70433', '"longitude": -263.0'), "longitude -263.0"),
        (GORE.to_flag().replace('"max_range_km": 240', '"max_range_km": 0'), "range 0"),
        (GORE.to_flag().replace('"width": 480', '"width": 0'), "plot box 0 x 480"),
        (GORE.to_flag().replace('"pixel_height": 1000.0', '"pixel_height": -5'), "pixel of 1000.0 x -5"),
        (GORE.to_flag().replace('"origin_px": [240.0', '"origin_px": [NaN'), "origin_px"),
    ],
)
def test_an_impossible_geometry_is_refused_in_one_line(flag: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        RadarGeometry.from_flag(flag)
    assert "\n" not in str(error.value)


def test_a_grid_far_from_its_point_is_still_a_plane_in_metres() -> None:
    grid = Grid.about(45, -63, 1000, 3, 3, (-500.5, 700.25))
    assert grid.x().tolist() == [500_500, 501_500, 502_500]
    assert grid.y().tolist() == [700_250, 699_250, 698_250]
