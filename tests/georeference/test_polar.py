"""Ranges and azimuths are geodesic on every plane."""

from __future__ import annotations

import numpy as np
import pytest
from grid_cases import radars
from hypothesis import given
from pyproj import Geod
from store_cases import small_geometry

from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.polar import in_range, offsets_px, pixels_at, polar_of_radar, range_of_pixels
from radar_cleaner.products.cf import grid_variables

GEOD = Geod(ellps="WGS84")


@given(radar=radars())
def test_range_and_azimuth_are_those_of_the_ellipsoid(radar: RadarGeometry) -> None:
    polar, rough = polar_of_radar(radar), range_of_pixels(radar)
    if radar.position is None:
        assert polar is None and rough is None
        return
    assert polar is not None and rough is not None
    longitude, latitude = radar.grid.longitude_latitude()
    east, north = (np.full(longitude.shape, part) for part in radar.position)
    azimuth, _, metres = GEOD.inv(east, north, longitude, latitude)
    np.testing.assert_allclose(polar[0], metres / 1000, atol=1e-6)
    np.testing.assert_allclose(rough, metres / 1000, rtol=1e-6)
    turn = np.degrees(polar[1]) - azimuth
    assert np.abs((turn + 180) % 360 - 180).max() < 1e-6
    reach = radar.max_range_km or np.inf
    np.testing.assert_array_equal(in_range(radar), polar[0] <= reach)


@given(radar=radars())
def test_places_along_rays_come_back_as_offsets(radar: RadarGeometry) -> None:
    """Each pixel is at the place of its own azimuth and distance."""
    east, north = np.broadcast_arrays(*offsets_px(radar))
    column, row = pixels_at(radar, np.arctan2(east, north), np.hypot(east, north))
    rows, columns = np.indices(radar.grid.shape)
    assert np.hypot(column - columns, row - rows).max() < 0.01


def test_pixels_beyond_the_edge_of_the_earth_have_finite_offsets() -> None:
    """The Earth as a satellite sees it: the corners of the picture are sky."""
    grid = Grid("+proj=geos +h=35785831 +lon_0=10 +datum=WGS84", 1.2e5, 1.2e5, 100, 100, (49.5, 49.5))
    radar = RadarGeometry("R", grid, 40.0, 12.0, 300.0)
    assert not np.isfinite(grid.longitude_latitude()[0]).all()
    east, north = offsets_px(radar)
    assert np.isfinite(east).all() and np.isfinite(north).all()
    assert all(
        np.isfinite(part).all() for part in pixels_at(radar, np.linspace(-3, 3, 50)[:, None], np.arange(90)[None])
    )
    assert 10 < in_range(radar).sum() < 60
    longitude = grid_variables(grid)["longitude"].values
    assert np.isnan(longitude[0, 0]) and longitude[49, 49] == pytest.approx(10, abs=1)


def test_the_plane_about_a_radar_is_one_that_any_plane_agrees_with() -> None:
    """Range and azimuth by the plane about the radar, and by the ellipsoid."""
    own = small_geometry("CASGO", (60, 60))
    other = RadarGeometry("R", own.grid, own.latitude, own.longitude + 1e-9, own.max_range_km)  # type: ignore[operator]
    assert own.on_own_plane and not other.on_own_plane
    of_own, of_other = polar_of_radar(own), polar_of_radar(other)
    assert of_own is not None and of_other is not None
    np.testing.assert_allclose(of_own[0], of_other[0], atol=1e-5)
    np.testing.assert_array_equal(in_range(own)[1:-1], in_range(other)[1:-1])
