"""The atlas counts what a computation over all frames at once would count."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.targets.clutter_atlas import (
    ColourDeviation,
    EchoCount,
    frequent,
    quiet_frames,
    quiet_pixels,
    sample_evenly,
)

stacks = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 8), st.just(3), st.just(4)),
    elements=st.sampled_from([UNDETECT, 94, NODATA]),
)


@given(stacks)
def test_frequency_is_echoes_over_observations_and_nan_without_any(frames):
    count = EchoCount((3, 4))
    for frame in frames:
        count.add(frame)
    observed = (frames != NODATA).sum(axis=0)
    echoed = (frames == 94).sum(axis=0)
    found = count.frequency()
    assert found.dtype == np.float32
    assert count.frames == len(frames)
    assert np.array_equal(np.isnan(found), observed == 0)
    seen = observed > 0
    assert np.allclose(found[seen], echoed[seen] / observed[seen])


@given(stacks, st.integers(1, 6), st.sampled_from([1, 3, 5, 33]), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_windows_count_each_pixel_where_it_is_quiet_around_it(frames, least, window, fraction):
    count = EchoCount((3, 4))
    for frame in frames:
        count.add(frame, quiet_pixels(frame, window, fraction))
    found, reach = count.frequency(least), window // 2
    for row, column in np.ndindex(3, 4):
        counted = echoed = 0
        for frame in frames:
            part = frame[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
            seen = part != NODATA
            if frame[row, column] == NODATA or (part == 94).sum() > fraction * seen.sum():
                continue
            counted += 1
            echoed += frame[row, column] == 94
        if counted < least:
            assert np.isnan(found[row, column])
        else:
            assert found[row, column] == pytest.approx(echoed / counted)
    observed = (frames != NODATA).any(axis=0).sum()
    assert count.known_share(least) == pytest.approx((~np.isnan(found)).sum() / max(1, observed))


def test_rain_elsewhere_keeps_no_place_from_being_counted():
    rain = np.zeros((40, 80), np.uint8)
    rain[:, :30] = 94
    rain[20, 70] = 94
    count = EchoCount((40, 80))
    for _ in range(3):
        count.add(rain, quiet_pixels(rain, 9, 0.1))
    found = count.frequency(3)
    assert np.isnan(found[:, :30]).all()
    assert found[20, 70] == 1 and found[10, 70] == 0
    assert count.frames == 3


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.just(2), st.just(3), st.just(3))))
def test_deviation_is_that_of_the_band_that_changes_most(frames):
    colours = ColourDeviation((2, 3))
    for frame in frames:
        colours.add(frame)
    expected = frames.astype(float).std(axis=0).max(axis=2)
    assert np.allclose(colours.deviation(), expected, atol=1e-5)


def test_deviation_does_not_lose_a_small_change_in_many_bright_frames():
    colours = ColourDeviation((1, 1))
    for index in range(5000):
        colours.add(np.full((1, 1, 3), 254 + index % 2, np.uint8))
    assert colours.deviation()[0, 0] == pytest.approx(0.5)


def test_memory_does_not_grow_with_the_number_of_frames():
    def peak(frames):
        rng = np.random.default_rng(0)
        tracemalloc.start()
        count, colours = EchoCount((64, 64)), ColourDeviation((64, 64))
        for _ in range(frames):
            count.add(rng.integers(0, 256, (64, 64), dtype=np.uint8))
            colours.add(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2)  # what is imported once
    assert peak(200) < 1.1 * peak(10)


def test_quiet_frames_are_those_with_little_echo():
    fractions = np.array([0.01, 0.3, 0.05, 0.06, 0.0], np.float32)
    assert quiet_frames(fractions, 0.0500001).tolist() == [0, 2, 4]
    assert quiet_frames(fractions[:0], 0.05).tolist() == []


@given(st.integers(0, 2000), st.integers(1, 300))
def test_frames_are_spread_over_the_whole_period(count, most):
    chosen = list(sample_evenly(count, most))
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert all(0 <= index < count for index in chosen)
    if len(chosen) > 1:
        assert chosen[0] == 0 and chosen[-1] == count - 1
        assert max(np.diff(chosen)) - min(np.diff(chosen)) <= 1


def test_clutter_echoes_often_and_was_observed():
    frequency = np.array([0.0, 0.29, 0.3, 1.0, np.nan], np.float32)
    assert frequent(frequency, 0.3).tolist() == [False, False, True, True, False]
    assert frequent(frequency, 0.0).tolist() == [True, True, True, True, False]
