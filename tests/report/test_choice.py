"""The choice of the frames that the report shows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.report.choice import FrameCount, choose_frames, sample_evenly

HOUR = 3600


def shown(counts, number):
    return [(choice.frame.radar, choice.frame.time) for choice in choose_frames(counts, number)]


def test_most_removed_comes_first_and_most_rain_last():
    counts = [FrameCount("A", hour * HOUR, 10 * hour, 50 - hour) for hour in range(5)]
    assert shown(counts, 3) == [("A", 0), ("A", HOUR), ("A", 4 * HOUR)]
    assert "most rain" in choose_frames(counts, 3)[-1].reason


def test_radars_alternate():
    counts = [FrameCount("A", hour * HOUR, 0, 100) for hour in range(5)]
    counts += [FrameCount("B", hour * HOUR, 1, 5) for hour in range(5)]
    assert {radar for radar, _ in shown(counts, 4)[:2]} == {"A", "B"}


def test_frames_of_a_radar_are_an_hour_apart_while_possible():
    counts = [FrameCount("A", minute * 60, minute, 500 - minute) for minute in range(0, 180, 6)]
    times = sorted(time for _, time in shown(counts, 3))
    assert min(b - a for a, b in pairwise(times)) >= HOUR
    assert len(shown(counts[:5], 3)) == 3  # better near than none


def test_no_frames_or_a_limit_of_none_gives_none():
    assert choose_frames([], 5) == choose_frames([FrameCount("A", 0, 1, 1)], 0) == []


@given(
    st.lists(
        st.builds(
            FrameCount,
            st.sampled_from("AB"),
            st.integers(0, 50).map(lambda i: i * 360),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
        unique_by=lambda count: (count.radar, count.time),
    ),
    st.integers(0, 8),
    st.randoms(),
)
def test_the_choice_is_unique_bounded_and_independent_of_the_order(counts, number, random):
    first = shown(counts, number)
    assert len(first) == len(set(first)) <= number
    shuffled = list(counts)
    random.shuffle(shuffled)
    assert shown(shuffled, number) == first


@given(st.integers(0, 40), st.integers(0, 12))
def test_an_even_sample_keeps_order_and_both_ends(size, count):
    taken = sample_evenly(range(size), count)
    assert len(taken) == min(size, count) and taken == sorted(set(taken))
    if count >= 2 and size:
        assert (taken[0], taken[-1]) == (0, size - 1)
