"""A frame moved along its motion is nearer to what the radar sees at the other time."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_cases import make_reflectivity

from radar_cleaner.config.overlap import Overlap
from radar_cleaner.conventions import NODATA, is_echo
from radar_cleaner.georeference.motion import LONGEST_STEP, MovingFrames, find_flow, neighbour, source_pixels
from radar_cleaner.storage.reader import TimeSeries

SIZE = 160
STARTS = st.tuples(st.floats(-7, 7), st.floats(-7, 7))


def rain(seed, right=0.0, down=0.0, share=0.15):
    """Draw classes of rain (y, x) that moved by these pixels, with its own scale and share of the picture."""
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.normal(size=(2 * SIZE, 2 * SIZE)).astype(np.float32), (0, 0), rng.uniform(4, 10))
    shift = np.array([[1, 0, right - SIZE / 2], [0, 1, down - SIZE / 2]], np.float32)
    seen = cv2.warpAffine(field, shift, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    ranks = np.quantile(field, 1 - share * np.array([1, 0.6, 0.35, 0.15, 0.05]))
    return np.array([0, 84, 94, 104, 114, 124], np.uint8)[np.digitize(seen, ranks)]


def error(one, other):
    return float(np.abs(one.astype(int) - other).mean())


@given(st.integers(0, 999), STARTS, st.floats(-0.5, 0.5), st.floats(0.05, 0.4))
@settings(max_examples=25)
def test_moved_rain_is_nearer_to_the_truth_than_rain_left_where_it_is(seed, motion, part, share):
    now, other = rain(seed, share=share), rain(seed, *motion, share=share)
    truth = rain(seed, part * motion[0], part * motion[1], share)
    flow = find_flow(now, other)
    moved = now if flow is None else now.ravel()[source_pixels(now, flow, part)]
    if np.hypot(*motion) * abs(part) >= 1.5 and np.count_nonzero(is_echo(now)) > 500:
        assert error(moved, truth) < 0.6 * error(now, truth)
    else:
        assert error(moved, truth) <= error(now, truth) + 0.5


def test_echo_that_stays_is_not_moved():
    now = rain(1)
    flow = find_flow(now, now)
    assert flow is None or np.array_equal(now.ravel()[source_pixels(now, flow, 1)], now)


def test_without_echo_there_is_no_motion():
    assert find_flow(np.zeros((SIZE, SIZE), np.uint8), rain(1)) is None


def test_noise_that_no_motion_explains_is_not_moved():
    rng = np.random.default_rng(0)
    one, other = (np.where(rng.random((SIZE, SIZE)) < 0.02, np.uint8(100), np.uint8(0)) for _ in range(2))
    flow = find_flow(one, other)
    assert flow is None or np.abs(flow).max() < 30


def test_nodata_stays_where_it_is_and_gives_no_echo_away():
    now, other = rain(3), rain(3, 5, 0)
    blind = np.zeros(now.shape, bool)
    blind[60:70] = True
    blind[:, :9] = True
    hidden = [np.where(blind, np.uint8(NODATA), frame) for frame in (now, other)]
    flow = find_flow(*hidden)
    assert flow is not None
    moved = hidden[0].ravel()[source_pixels(hidden[0], flow, 1)]
    assert np.array_equal(moved == NODATA, blind)
    assert error(moved[~blind], other[~blind]) < 0.7 * error(now[~blind], other[~blind])


@pytest.mark.parametrize(
    ("time", "other"), [(350, 600), (250, 0), (1100, 600), (1250, 900), (LONGEST_STEP + 1300, None)]
)
def test_the_motion_is_that_to_the_frame_beyond_the_time_or_else_to_the_one_before(time, other):
    times = [0, 300, 600, 900, 1200, 2 * LONGEST_STEP + 1300]
    frame = min(times, key=lambda one: abs(one - time))
    assert neighbour(times, frame, time) == (other if time != 1100 else 900)


def test_the_frames_of_a_radar_are_moved_to_the_time_or_left_by_key(tmp_path):
    times = [0, 360]
    codes = np.stack([rain(5), rain(5, 6, 3)])
    store = make_reflectivity(tmp_path / "a.zarr", "A", times, codes=codes)
    series = TimeSeries([store], "reflectivity")
    truth = rain(5, 2, 1)
    moving = MovingFrames(series, Overlap(max_offset_minutes=3))
    assert moving.nearest(120) == 0 and moving.nearest(900) is None and moving.sources(0, 0) is None
    sources = moving.sources(0, 120)
    assert sources is not None
    assert error(codes[0].ravel()[sources], truth) < 0.5 * error(codes[0], truth)
    assert MovingFrames(series, Overlap(max_offset_minutes=3, motion="none")).sources(0, 120) is None
