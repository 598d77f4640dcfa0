"""The channels of the network."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from grid_cases import radars
from hypothesis import assume, given
from hypothesis import strategies as st
from learning_cases import inputs

from radar_cleaner.conventions import MIN_ECHO_DBZ, NODATA, UNDETECT, decode_dbz, encode_dbz
from radar_cleaner.datasets.channels import (
    FrameTensors,
    day_of_year_channels,
    decode_scaled,
    field_channels,
    make_channels,
    reflectivity_channel,
    scale_dbz,
    scale_static,
    time_of_day_channels,
    unscale_dbz,
)
from radar_cleaner.datasets.dihedral import (
    FLIP_ROTATIONS,
    UNCHANGED,
    flip_rotate_point,
    flip_rotate_sides,
    undo_flip_rotate,
)
from radar_cleaner.datasets.polar import NEUTRAL, polar_channels
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.polar import polar_coordinates, polar_of_radar


def codes(*values):
    return torch.tensor(values, dtype=torch.uint8)


def test_no_echo_is_zero_and_the_weakest_echo_is_not():
    channel = reflectivity_channel(codes(UNDETECT, NODATA, int(encode_dbz(MIN_ECHO_DBZ))))
    assert channel[:2].tolist() == [0, 0]
    assert channel[2] == pytest.approx(0.1)


def test_stronger_echoes_are_larger_up_to_one():
    channel = reflectivity_channel(torch.arange(1, 255, dtype=torch.uint8))
    assert (channel.diff() >= 0).all() and channel.max() == 1
    between = reflectivity_channel(torch.from_numpy(encode_dbz(np.arange(-10, 70, 0.5))))
    assert (between.diff() > 0).all()


@given(dbz=st.floats(-31.5, 95))
def test_the_networks_scale_comes_back_as_dbz(dbz):
    assert float(unscale_dbz(scale_dbz(torch.tensor(dbz)))) == pytest.approx(dbz, abs=1e-4)
    packed = encode_dbz(np.array([dbz]))
    assert float(unscale_dbz(decode_scaled(torch.from_numpy(packed)))[0]) == pytest.approx(decode_dbz(packed)[0])


@given(x=st.floats(-5, 25), y=st.floats(-5, 25), range_px=st.floats(5, 50))
def test_helpers_are_the_radars_range_and_azimuth(x, y, range_px):
    helpers = polar_channels(torch.tensor([[x, y]]), torch.tensor([range_px]), (12, 20))[0].numpy()
    range_km, azimuth = polar_coordinates((12, 20), (x, y), 1000.0)
    far = range_km > 1e-3
    assert np.allclose(helpers[0], range_km / range_px, atol=1e-4)
    assert np.allclose(helpers[1][far], np.cos(azimuth)[far], atol=1e-3)
    assert np.allclose(helpers[2][far], np.sin(azimuth)[far], atol=1e-3)


@given(radar=radars(("EPSG:4326", "EPSG:3857", "EPSG:3413")), how=st.sampled_from(FLIP_ROTATIONS))
def test_helpers_are_geodesic_where_pixels_are_not_square(radar, how):
    polar = polar_of_radar(radar)
    assume(polar is not None)
    shape, mean = radar.grid.shape, radar.mean_side_km
    center = flip_rotate_point(radar.center_px, shape, how)
    sides = flip_rotate_sides((radar.pixel_km[0] / mean, radar.pixel_km[1] / mean), how)
    turned = shape if how.quarter_turns % 2 == 0 else shape[::-1]
    tensors = (torch.tensor([values], dtype=torch.float32) for values in (center, sides))
    helpers = polar_channels(next(tensors), torch.tensor([radar.range_px]), turned, next(tensors))
    found = undo_flip_rotate(helpers[0], how).numpy()
    range_share = polar[0] / (mean * radar.range_px)
    # Meridians converge: a degree of longitude is narrower to the north.
    assert np.allclose(found[0], range_share, atol=0.02 + 0.05 * range_share.max())
    if how == UNCHANGED and radar.grid.crs != "EPSG:3413":  # north is up
        far = polar[0] > 3 * mean
        turn = np.arctan2(found[2], found[1]) - polar[1]
        assert np.abs((turn + np.pi) % (2 * np.pi) - np.pi)[far].max(initial=0) < np.radians(5)


def test_the_helpers_of_a_mosaic_are_neutral_everywhere():
    centers, ranges = torch.tensor([[3.0, 2.0], [3.0, 2.0]]), torch.tensor([10.0, math.inf])
    radar, mosaic = polar_channels(centers, ranges, (5, 5))
    assert torch.equal(radar, polar_channels(centers[:1], ranges[:1], (5, 5))[0])
    for channel, value in enumerate(NEUTRAL):
        assert (mosaic[channel] == value).all()


def test_at_the_radar_the_azimuth_is_north_and_finite():
    helpers = polar_channels(torch.tensor([[3.0, 2.0]]), torch.tensor([10.0]), (5, 5))
    assert helpers[0, :, 2, 3].tolist() == [0, 1, 0]
    assert torch.isfinite(helpers).all()


def frames_of(seed, times=3, shape=(6, 5), batch=2):
    random = np.random.default_rng(seed)
    own, others = random.integers(0, 256, (2, batch, times, *shape), dtype=np.uint8)
    return own, others, random.uniform(-3, 9, (batch, 2)).astype(np.float32), np.float32([4.0] * batch)


def channels_of(how, frames, **more):
    tensors = [*map(torch.from_numpy, frames)]
    return make_channels(how, FrameTensors(*tensors, more.pop("times", [0, 0]), **more))


def angle_hours(channels, hours=24):
    """The angle of a pair of channels (cosine, sine), in hours."""
    cosine, sine = channels
    return (math.atan2(sine, cosine) / (2 * math.pi) * hours) % hours


@given(seed=st.integers(0, 2**16), minutes=st.sampled_from([(0,), (-6, 0, 6), (-12, -6)]))
def test_without_options_the_channels_are_codes_availability_range_and_azimuth(seed, minutes):
    how = inputs(input_minutes=minutes)
    own, others, center, range_px = frames = frames_of(seed, len(minutes))
    wanted = []
    for time in range(len(minutes)):
        for codes in (own[:, time], others[:, time]):
            dbz = decode_dbz(codes)
            echo = np.nan_to_num(0.1 + 0.9 * np.clip((dbz + 10) / 80, 0, 1))
            wanted += [np.where(codes == UNDETECT, 0, echo), codes != NODATA]
    rows, columns = np.indices(own.shape[-2:])
    right, up = columns - center[:, 0, None, None], center[:, 1, None, None] - rows
    distance = np.hypot(right, up)
    wanted += [distance / range_px[:, None, None], up / distance, right / distance]
    found = channels_of(how, frames)
    assert np.allclose(found, np.stack(wanted, axis=1), atol=1e-6)
    assert found.shape[1] == len(how.names)


def test_options_add_channels_at_the_end_and_change_none_before_them():
    frames = frames_of(3)
    everything = inputs(
        atlas="channel", time_of_day=True, day_of_year=True, coordinates=True, static=("terrain", "land")
    )
    frequency = torch.full((2, 6, 5), 51, dtype=torch.uint8)
    fields = torch.arange(6.0)[None, :, None, None].expand(2, 6, 6, 5)
    plain = channels_of(inputs(), frames)
    full = channels_of(everything, frames, echo_frequency=frequency, fields=fields)
    assert torch.equal(full[:, :15], plain) and full.shape[1] == len(everything.names)
    named = dict(zip(everything.names, full[0, :, 0, 0].tolist(), strict=True))
    assert named["echo_frequency"] == pytest.approx(0.2)
    wanted = ["latitude", "longitude_cos", "longitude_sin", "pixel_size", "terrain", "land"]
    assert [named[name] for name in wanted] == [0, 1, 2, 3, 4, 5]
    assert list(everything.names[-6:]) == wanted


@given(clock=st.booleans(), season=st.booleans(), place=st.booleans(), count=st.integers(0, 2))
def test_any_mix_of_options_has_a_channel_a_name(clock, season, place, count):
    how = inputs(time_of_day=clock, day_of_year=season, coordinates=place, static=("terrain", "land")[:count])
    # Each field's value is its place, so that the channels show which one they took.
    fields = torch.arange(float(len(how.fields)))[None, :, None, None].expand(2, -1, 6, 5)
    found = channels_of(how, frames_of(1), fields=fields if how.fields else None)
    assert found.shape[1] == len(how.names) == len(set(how.names))
    for name, value in zip(how.names, found[0, :, 0, 0].tolist(), strict=True):
        if name in how.fields:
            assert value == how.fields.index(name)


@pytest.mark.parametrize("static", [("range",), ("latitude",), ("terrain", "terrain"), ("own_reflectivity_0",)])
def test_two_channels_of_one_name_are_refused(static):
    with pytest.raises(ConfigError, match=f"samples.static: {static[0]} is the name of another channel"):
        inputs(coordinates=True, static=static)


def longitude_fields(*degrees):
    angle = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([torch.cos(angle), torch.sin(angle)])[None, :, None, :]


@given(longitude=st.floats(-180, 180), days=st.integers(-3000, 30000))
def test_at_mean_solar_noon_the_sun_is_opposite_to_midnight(longitude, days):
    noon = datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=days) - timedelta(hours=longitude / 15)
    found = time_of_day_channels([int(noon.timestamp())], longitude_fields(longitude))
    assert found[0, :, 0, 0].tolist() == pytest.approx([-1, 0], abs=1e-4)


@given(longitude=st.floats(-180, 180), time=st.integers(0, 2**32), hours=st.floats(0, 24))
def test_solar_time_runs_with_utc_and_with_a_degree_of_longitude_in_four_minutes(longitude, time, hours):
    channels = time_of_day_channels(
        [time, time + round(3600 * hours)], longitude_fields(longitude).expand(2, -1, -1, -1)
    )
    first, second = (angle_hours(sample[:, 0, 0].tolist()) for sample in channels)
    assert abs((second - first - hours + 12) % 24 - 12) < 1e-3
    assert abs((first - time / 3600 - longitude / 15 + 12) % 24 - 12) < 1e-3


def test_each_pixel_has_the_time_of_its_own_longitude():
    found = time_of_day_channels([1720699200], longitude_fields(-63.0, -60.0, 179.9, -179.9))[0, :, 0].T
    hours = [angle_hours(pixel) for pixel in found.tolist()]  # 12:00 UTC
    assert hours == pytest.approx([7.8, 8.0, 24 - 0.1 / 15, 0.1 / 15], abs=1e-3)


def test_the_year_closes_without_a_step():
    for year in (2023, 2024, 2025):  # before, in and after a leap year
        end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
        around = day_of_year_channels(range(end - 7200, end + 7200, 600), torch.zeros(1))
        steps = torch.linalg.vector_norm(around.diff(dim=0), dim=1)
        assert torch.allclose(steps, torch.full_like(steps, 2 * math.pi * 600 / (365.25 * 86400)), rtol=0.01)
        assert around[12].tolist() == pytest.approx([1, 0], abs=1e-6)


@given(time=st.integers(0, 2**32))
def test_the_position_in_the_year_is_that_of_the_calendar(time):
    moment = datetime.fromtimestamp(time, UTC)
    day = moment.timetuple().tm_yday - 1 + (time % 86400) / 86400
    days = 366 if moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0) else 365
    found = angle_hours(day_of_year_channels([time], torch.zeros(1))[0].tolist(), days)
    assert abs((found - day + days / 2) % days - days / 2) < 0.01


def test_the_season_is_the_same_for_all_pixels_and_each_samples_own():
    times = [int(datetime(2024, month, 1, tzinfo=UTC).timestamp()) for month in (1, 7)]
    how = inputs(day_of_year=True)
    found = channels_of(how, frames_of(1), times=times)[:, 15:]
    assert (found == found[:, :, :1, :1]).all()
    assert found[:, 0, 0, 0].tolist() == pytest.approx([1, -1], abs=1e-3)


@given(value=st.floats(-1e30, 1e30).map(lambda value: round(value, 6)), more=st.floats(0.01, 100))
def test_static_fields_keep_their_order_and_sign_and_a_small_scale(value, more):
    low, high = scale_static(np.float32([value, value + more * (1 + abs(value))]))
    assert low < high and abs(low) < 10
    assert np.sign(low) == np.sign(np.float32(value))
    assert scale_static(np.float32([value])) == -scale_static(np.float32([-value]))


def test_a_land_mask_and_terrain_are_both_seen_and_unknown_is_zero():
    found = scale_static(np.float32([0, 1, 10, 100, 1000, 8000, np.nan]))
    assert found.tolist() == pytest.approx([0, 0.12, 0.39, 0.70, 1, 1.27, 0], abs=0.005)
    assert found.dtype == np.float32


@given(longitude=st.floats(-180, 180), latitude=st.floats(-90, 90), kilometres=st.floats(0.05, 20))
def test_coordinates_say_where_a_pixel_is_and_how_large(longitude, latitude, kilometres):
    place = [np.full((2, 3), value, np.float32) for value in (latitude, longitude)]
    fields = field_channels(inputs(coordinates=True), *place, kilometres, {})[:, 1, 2]
    assert fields[0] * 90 == pytest.approx(latitude, abs=1e-4)
    assert 2 ** fields[3] == pytest.approx(kilometres, rel=1e-4)
    found = math.degrees(math.atan2(fields[2], fields[1]))
    assert abs((found - longitude + 180) % 360 - 180) < 1e-3
    assert np.abs(fields).max() < 5


@given(seed=st.integers(0, 2**16), noise=st.floats(-300, 300))
def test_noise_moves_echoes_by_its_dbz_and_leaves_them_echoes(seed, noise):
    codes = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (4, 4), dtype=np.uint8))
    plain = reflectivity_channel(codes)
    noisy = reflectivity_channel(codes, torch.full((4, 4), noise))
    dbz = torch.from_numpy(np.nan_to_num(decode_dbz(codes.numpy()))) + noise
    echo = (codes != UNDETECT) & (codes != NODATA)
    assert torch.allclose(noisy[echo], (0.1 + 0.9 * (dbz[echo] + 10) / 80).clamp(0.1, 1), atol=1e-5)
    assert torch.equal(noisy[~echo], plain[~echo]) and (noisy[echo] >= 0.1 - 1e-6).all()


def test_channels_are_in_their_order():
    own = torch.full((1, 3, 2, 2), UNDETECT, dtype=torch.uint8)
    others = torch.full((1, 3, 2, 2), NODATA, dtype=torch.uint8)
    own[0, 1, 0, 0], own[0, 2] = 120, NODATA
    others[0, 0, 1, 1] = 90
    place = (torch.tensor([[1.0, 1.0]]), torch.tensor([2.0]))
    plain = make_channels(inputs(), FrameTensors(own, others, *place, [0]))
    assert plain.shape == (1, 15, 2, 2) and plain.dtype == torch.float32
    assert plain[0, 4, 0, 0] == reflectivity_channel(codes(120))[0] and plain[0, 4].count_nonzero() == 1
    assert [plain[0, channel].min().item() for channel in (1, 5, 9)] == [1, 1, 0]
    assert plain[0, 2, 1, 1] > 0 and plain[0, 3].tolist() == [[0, 0], [0, 1]]
    assert not plain[0, [6, 7, 10, 11]].any()
    frequency = torch.full((1, 2, 2), 255, dtype=torch.uint8)
    more = make_channels(inputs(atlas="channel"), FrameTensors(own, others, *place, [0], frequency))
    assert more.shape == (1, 16, 2, 2) and (more[0, 15] == 1).all()
    assert torch.equal(more[:, :15], plain)
