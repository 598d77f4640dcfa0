"""A simulated radar measures at the right place, with a beam that rises, widens and misses weak echo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.conventions import NODATA, UNDETECT, decode_dbz, is_echo
from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.planes import GEOD
from radar_cleaner.simulation.radar_view import RAYS, RadarView, beam_height_km, weakest_dbz
from radar_cleaner.simulation.rain import DRY_DBZ, RainStyle

SIZE = 120
RADAR = RadarGeometry.about("A", 50.0, 10.0, 60.0, SIZE, SIZE, (59.5, 59.5))
WORLD = Grid.about(50.0, 10.0, 1000.0, 160, 150, (80.0, 70.0))
STYLE = RainStyle(share=0.5)  # it rains where the field is above 0
VIEW = RadarView(RADAR, WORLD)


def plane(value: float) -> np.ndarray:
    return np.full(WORLD.shape, value, dtype=np.float32)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_beam_height_is_that_of_the_textbook() -> None:
    # Doviak and Zrnic (1993), figure 2.7: 0.5 degrees, 100 km: about 1.5 km; a level beam: r^2 / 2ka.
    assert beam_height_km(np.array([100.0]), 0.5)[0] == pytest.approx(1.46, abs=0.02)
    assert beam_height_km(np.array([100.0]), 0.0)[0] == pytest.approx(100**2 / (2 * 8494.7), rel=1e-3)


@given(st.floats(1, 300))
def test_twice_the_range_needs_6_db_more(range_km: float) -> None:
    near, far = weakest_dbz(np.array([range_km, 2 * range_km]))
    assert far - near == pytest.approx(20 * np.log10(2))


@pytest.mark.parametrize("azimuth", [0, 37, 90, 181, 270, 325])
@pytest.mark.parametrize("range_km", [12, 45])
def test_an_echo_is_shown_where_it_is_on_earth(azimuth: float, range_km: float) -> None:
    longitude, latitude, _ = GEOD.fwd(10.0, 50.0, azimuth + 0.5, 1000 * range_km)
    column, row = WORLD.pixel_of(np.array([longitude]), np.array([latitude]))
    columns, rows = np.meshgrid(np.arange(WORLD.width), np.arange(WORLD.height))
    field = (2.5 - np.hypot(columns - column, rows - row)).astype(np.float32)  # a shower of 2.5 km
    polar = VIEW.observe(field, STYLE, generator())
    assert np.unravel_index(np.argmax(polar), polar.shape)[0] == pytest.approx(azimuth, abs=5)
    shown = np.argwhere(is_echo(VIEW.to_codes(polar)))
    own_column, own_row = RADAR.grid.pixel_of(np.array([longitude]), np.array([latitude]))
    np.testing.assert_allclose(shown.mean(axis=0), [own_row[0], own_column[0]], atol=1.0)


def test_all_pixels_within_the_range_are_measured_and_none_beyond_it() -> None:
    codes = VIEW.to_codes(VIEW.observe(plane(2.0), STYLE, generator()))
    assert ((codes == NODATA) == ~VIEW.within).all()
    assert is_echo(codes[VIEW.within]).all()
    assert (VIEW.to_codes(VIEW.observe(plane(-1.0), STYLE, generator()))[VIEW.within] == UNDETECT).all()


def test_uniform_rain_is_measured_weaker_where_the_beam_is_high_and_lost_where_it_is_weak() -> None:
    far = RadarView(RadarGeometry.about("A", 50.0, 10.0, 240.0, SIZE, SIZE, (59.5, 59.5)), WORLD)
    strong, weak = (far.observe(plane(value), STYLE, generator()) for value in (2.0, 0.75))
    profile = strong.mean(axis=0)
    assert profile[:10].std() < 0.2  # below the snow
    assert profile[-1] < profile[0] - 8
    assert np.isfinite(weak[:, 5]).all() and not np.isfinite(weak[:, -1]).any()


def test_a_shower_looks_wider_in_km_the_farther_it_is() -> None:
    columns, rows = np.meshgrid(np.arange(WORLD.width), np.arange(WORLD.height))
    widths = []
    for north_km in (8, 52):
        field = (1.2 - np.hypot(columns - 80, rows - 70 + north_km)).astype(np.float32)
        polar = VIEW.observe(field, STYLE, generator())
        gate = int(np.argmax(polar.max(axis=0)))
        power = 10 ** (polar[:, gate] / 10)  # 0 where nothing is detected
        degrees = (np.arange(RAYS) + 180) % 360 - 180 + 0.5
        spread = np.sqrt((power * degrees**2).sum() / power.sum())
        widths.append(np.deg2rad(spread) * VIEW.range_km[gate])
    assert widths[1] > widths[0]


def test_the_beam_keeps_the_power_of_uniform_rain() -> None:
    value = np.float32(1.5)
    near = VIEW.observe(plane(value), STYLE, generator())[:, :30]
    assert near.mean() == pytest.approx(float(STYLE.dbz(np.array([value]))[0]), abs=0.1)


def test_pixels_and_bins_look_up_the_same_plane() -> None:
    east = np.broadcast_to(WORLD.x() / 1000, WORLD.shape).astype(np.float32)
    picture, polar = VIEW.look_up_pixels(east), VIEW.look_up(east)
    assert picture[60, 100] == pytest.approx(40.5, abs=0.1)
    assert polar[90, 40] == pytest.approx(40.5, abs=0.3)
    assert polar[270, 40] == pytest.approx(-40.5, abs=0.3)


@given(st.lists(st.floats(-31, 90), min_size=1, max_size=20))
def test_codes_are_the_measured_dbz_to_a_quarter(values: list[float]) -> None:
    polar = np.full(VIEW.shape, DRY_DBZ, dtype=np.float32)
    polar[: len(values)] = np.array(values, dtype=np.float32)[:, None]
    codes = VIEW.to_codes(polar)
    found = np.unique(decode_dbz(codes[is_echo(codes)]))
    assert all(np.abs(np.array(values) - value).min() <= 0.2501 for value in found)
