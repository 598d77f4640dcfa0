"""The looks of injected artefacts: their places, strength and times."""

from time import process_time

import cv2
import numpy as np
import pytest
from artefact_cases import CENTER, RANGE, SHAPE, apart, injected, one, polar, quiet, rainy
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.config.artefacts import ARTEFACT_KINDS
from radar_cleaner.conventions import decode_dbz, is_echo
from radar_cleaner.datasets.artefacts.inject import inject
from radar_cleaner.datasets.artefacts.kinds import PAINTERS

PLACES = {"column": st.integers(0, SHAPE[1] - 1), "row": st.integers(0, SHAPE[0] - 1)}
PIXEL = np.hypot(80 - CENTER[0], 30 - CENTER[1]), np.degrees(np.arctan2(80 - CENTER[0], CENTER[1] - 30)) % 360


def echo_of(artefact, key=5, codes=None):
    return injected(quiet() if codes is None else codes, artefact, key=key).echo


def test_all_kinds_are_painted_but_those_that_hide_or_copy():
    assert set(ARTEFACT_KINDS) - PAINTERS.keys() == {"blocked", "frozen", "repeated", "missing"}


@given(start=st.floats(0, 1), width=st.floats(0.2, 20), key=st.integers(0, 2**62), **PLACES)
def test_a_spoke_is_a_ray_from_its_start_on(start, width, key, column, row):
    spoke = one("spokes", column=column, row=row, start=start, width_degrees=width)
    shows, (distance, azimuth) = echo_of(spoke, key), polar()
    away = np.hypot(column - CENTER[0], row - CENTER[1])
    direction = np.degrees(np.arctan2(column - CENTER[0], CENTER[1] - row))
    off = apart(azimuth, direction)
    # It wanders by a quarter of its width from time to time; it is at least a pixel wide.
    narrow = np.degrees(0.6 / np.maximum(distance, 0.6))
    for time in shows:
        assert not time[distance < start * away - 1e-3].any()
        assert not time[(off > 2 * width + narrow + 1e-3) & (distance >= 1)].any()


def test_a_spoke_gains_with_the_distance_as_constant_noise_does():
    spoke = one("spokes", start=0, width_degrees=6)
    found, (distance, _) = injected(quiet(), spoke), polar()
    dbz = decode_dbz(found.codes)
    near, far = (distance > 8) & (distance < 16), (distance > 32) & (distance < 64)
    gains = [
        dbz[time][far & where].mean() - dbz[time][near & where].mean() for time, where in enumerate(found.echo)
    ]
    assert np.mean(gains) == pytest.approx(20 * np.log10(4), abs=3)


def test_dashes_leave_gaps():
    whole, half = (echo_of(one("spokes", start=0, filled=filled)).sum() for filled in (1.0, 0.5))
    assert 0.25 * whole < half < 0.75 * whole
    assert not echo_of(one("spokes", filled=0.0)).any()


def test_a_sector_is_filled_at_its_share():
    distance, azimuth = polar()
    inside = (apart(azimuth, PIXEL[1]) < 10 - 1e-3) & (distance > 0.5 * PIXEL[0])
    for share in (0.2, 0.7):
        shows = echo_of(one("sectors", width_degrees=20, filled=share, dbz=60))
        assert shows[:, inside].mean() == pytest.approx(share, abs=0.1)
        assert not shows[:, apart(azimuth, PIXEL[1]) > 10 + 1e-3].any()


def test_specks_are_small_and_apart_and_elsewhere_each_time():
    specks = one("specks", specks=10, radius_px=50, size_px=2)
    shows = echo_of(specks)
    for time in shows:
        count, _, boxes, _ = cv2.connectedComponentsWithStats(time.astype(np.uint8), connectivity=8)
        assert 3 <= count - 1 <= 10
        assert np.median(boxes[1:, cv2.CC_STAT_AREA]) <= 4
    assert not np.array_equal(shows[0], shows[1])


def test_turbines_stay_in_their_place_and_vary():
    farm = one("turbines", turbines=20, swing_db=4, dbz=40)
    found = injected(quiet(), farm)
    assert found.echo.any() and (found.echo == found.echo[0]).all()
    assert (found.codes[0] != found.codes[1]).any()
    rows, columns = np.nonzero(found.echo[0])
    assert np.median(np.hypot(rows - 30, columns - 80)) < 15


def test_a_patch_is_dense_in_its_middle_and_ends():
    rows, columns = np.indices(SHAPE)
    away = np.hypot(rows - 30, columns - 80)
    shows = np.mean([echo_of(one("patches", grain_px=0.5), key).mean(0) for key in range(12)], axis=0)
    assert shows[away < 3].mean() == pytest.approx(0.6, abs=0.12)
    assert shows[away < 5].mean() > shows[(away > 12) & (away < 16)].mean() > shows[away > 40].mean()
    assert shows[away > 50].mean() < 0.01


def test_grains_larger_than_the_picture_are_painted_as_fast_as_those_of_its_size():
    """Their noise was once made at its full size: of the widest grain that a file may ask for, gigabytes."""
    started = process_time()
    shows = echo_of(one("patches", radius_px=30, grain_px=5000))
    assert process_time() - started < 2
    assert np.array_equal(shows, echo_of(one("patches", radius_px=30, grain_px=max(SHAPE))))


def test_a_patch_is_in_part_the_same_from_time_to_time():
    shows = echo_of(one("patches", radius_px=30))
    both, either = (shows[0] & shows[1]).sum(), (shows[0] | shows[1]).sum()
    assert 0.2 < both / either < 0.8


@given(width=st.floats(0.5, 8), arc=st.floats(20, 360), **PLACES)
def test_a_ring_is_a_circle_around_the_radar_through_its_pixel(width, arc, column, row):
    ring = one("rings", column=column, row=row, width_px=width, arc_degrees=arc)
    shows, (distance, azimuth) = echo_of(ring), polar()
    away = np.hypot(column - CENTER[0], row - CENTER[1])
    near, around = (
        np.abs(distance - away),
        apart(azimuth, np.degrees(np.arctan2(column - CENTER[0], CENTER[1] - row))),
    )
    half = max(0.6, width / 2)
    assert not shows[:, (near > half + 1e-3) | (around > arc / 2 + 1e-2)].any()
    assert shows[:, (near < half - 1e-3) & (around < arc / 2 - 1e-2)].all()


def test_second_trip_rain_is_weaker_than_the_rain_it_comes_from_and_none_without():
    codes = rainy()
    found = injected(codes, one("second_trip"))
    assert found.echo.any() and not found.echo[:, :, :3].any()
    assert decode_dbz(found.codes)[found.echo].max() < decode_dbz(codes[is_echo(codes)]).max()
    assert not injected(quiet(), one("second_trip")).echo.any()
    rows, columns = np.nonzero(found.echo.any(0))
    along = (columns - 80) * np.sin(np.radians(PIXEL[1])) - (rows - 30) * np.cos(np.radians(PIXEL[1]))
    across = (columns - 80) * np.cos(np.radians(PIXEL[1])) + (rows - 30) * np.sin(np.radians(PIXEL[1]))
    assert np.abs(along).max() <= 16 and np.abs(across).max() <= 10


@pytest.mark.parametrize("form", [0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.8, 0.95])
def test_an_overlay_is_of_one_colour_and_the_same_at_all_times(form):
    found = injected(quiet(), one("overlays", size_px=20, free=(form, 0.4, 0.7)))
    assert found.echo.any() and (found.codes == found.codes[0]).all()
    assert len(np.unique(found.codes)) == 2
    assert found.echo[0].mean() < 0.1


def test_noise_is_in_the_blocks_that_contain_an_edge():
    codes = rainy()
    shows = injected(codes, one("noise", dbz=60)).echo
    echo = is_echo(codes)[:, : SHAPE[0] // 8 * 8, : SHAPE[1] // 8 * 8]
    blocks = echo.reshape(3, SHAPE[0] // 8, 8, SHAPE[1] // 8, 8).mean((2, 4))
    mixed = np.repeat(np.repeat((blocks > 0) & (blocks < 1), 8, 1), 8, 2)
    assert shows[mixed].mean() == pytest.approx(0.2, abs=0.05)
    assert not shows[:, : mixed.shape[1], : mixed.shape[2]][~mixed].any()
    assert not injected(quiet(), one("noise")).echo.any()


@pytest.mark.parametrize("kind", sorted(PAINTERS))
@pytest.mark.parametrize("center", [CENTER, (-40.0, 200.0), (3.0, 3.0)])
def test_every_kind_can_be_rendered_wherever_the_radar_is(kind, center):
    codes = rainy()
    for seed in range(4):
        found = inject(codes[:, :50, :33], center, RANGE, [one(kind, column=5.0, row=45.0)], seed)
        assert found.codes.shape == (3, 50, 33)
        assert (found.codes >= codes[:, :50, :33]).all()
