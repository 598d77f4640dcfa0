"""Times that contradict the config are found, and times that fit give no line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.planning.contradictions import contradictions

START = 1_720_656_000
CADENCES = st.sampled_from([2, 5, 6, 10, 15, 30])


ALONE: dict[str, list[str]] = {}
BOTH = {"A": ["B"], "B": ["A"]}


def series(cadence, count=30, first=0):
    return [START + 60 * (first + cadence * number) for number in range(count)]


@given(CADENCES, st.integers(0, 20), st.sets(st.integers(0, 29), max_size=8))
def test_times_that_fit_give_no_line_whatever_is_missing(cadence, seconds, missing):
    times = [time for number, time in enumerate(series(cadence)) if number not in missing]
    jitter = np.random.default_rng(seconds).integers(-seconds, seconds + 1, len(times)).tolist()
    late = [time + shift for time, shift in zip(times, jitter, strict=True)]
    assert contradictions({"A": times, "B": times}, cadence, [-cadence, 0, cadence], 0, BOTH) == []
    assert not [line for line in contradictions({"A": late}, cadence, [0], 0, ALONE) if "cadence" in line]


@given(CADENCES, CADENCES)
def test_another_cadence_is_named(cadence, configured):
    lines = contradictions({"A": series(cadence)}, configured, [-configured, 0], 0, ALONE)
    if cadence == configured:
        assert lines == []
    else:
        (line,) = lines
        assert line.startswith(f"frames.cadence_minutes: is {configured}, but 29 of 29 frames of radar A are")
        assert f"write {cadence}," in line


@pytest.mark.parametrize("cadence", [0.5, 1, 2.5, 7.5])
def test_a_cadence_of_half_minutes_fits_itself_and_is_told_from_its_double(cadence):
    times = [START + round(60 * cadence * number) for number in range(30)]
    assert contradictions({"A": times}, cadence, [0], 0, ALONE) == []
    (line,) = contradictions({"A": times}, 2 * cadence, [0], 0, ALONE)
    assert line.startswith("frames.cadence_minutes: is")


def test_a_few_frames_say_nothing_about_the_cadence():
    assert contradictions({"A": series(10, 3)}, 6, [-6, 0], 0, ALONE) == []


@given(CADENCES, st.floats(0.1, 0.45))
def test_radars_that_are_not_synchronous_are_named_until_the_offset_is_allowed(cadence, share):
    offset = round(60 * share * cadence)
    times = {"A": series(cadence), "B": [time + offset for time in series(cadence)]}
    lines = contradictions(times, cadence, [0], 0, BOTH)
    assert [line.split(":")[0] for line in lines] == ["overlap.max_offset_minutes"] * 2
    assert "radar A" in lines[0] and "radar B" in lines[1]
    assert f"Write {-(-offset // 60)} " in lines[0]
    assert contradictions(times, cadence, [0], -(-offset // 60), BOTH) == []


@pytest.mark.parametrize("minute", [-6, 6])
def test_neighbours_that_are_never_there_are_named(minute):
    times = [START + 60 * number for number in (0, 10, 21, 33, 46, 60)]
    (line,) = contradictions({"A": times}, 6, [minute, 0], 0, ALONE)
    assert line.startswith("samples.input_minutes: no frame of radar A") and f"{minute:+d} minutes" in line


def test_radars_of_other_days_are_told_to_check_the_times_and_not_to_pair_them_over_months():
    times = {"A": series(6), "B": [time + 90 * 86_400 for time in series(6)]}
    (line,) = contradictions(times, 6, [0], 0, BOTH)
    assert line.startswith("frames.period: A, B have no frames at the times") and "frames.time_zone" in line


def test_radars_that_do_not_overlap_need_no_common_times():
    times = {"A": series(6), "B": [time + 90 * 86_400 for time in series(6)]}
    assert contradictions(times, 6, [0], 0, ALONE) == []
