"""Ranges of hue join on the circle, in either direction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.config.hues import join_hues
from radar_cleaner.reflectivity.palette import HSV_MULTI, HSV_SIMPLE


@pytest.mark.parametrize("ranges", [HSV_MULTI, HSV_SIMPLE])
def test_the_methods_own_ranges_fall_from_green(ranges):
    span = join_hues(ranges)
    assert span.start == 0.38 and not span.rises
    assert span.length == pytest.approx(0.41 if len(ranges) > 1 else 0.35)


@given(
    st.integers(0, 99),
    st.lists(st.integers(1, 20), min_size=2, max_size=5).filter(lambda widths: sum(widths) <= 99),
    st.booleans(),
)
def test_neighbours_on_the_circle_join_to_the_sum_of_their_widths(start, widths, rises):
    ranges, edge = [], start
    for width in widths:
        other = edge + width if rises else edge - width
        low, high = (edge, other) if rises else (other, edge)
        ranges.append((low % 100 / 100, high % 100 / 100))
        edge = other
    span = join_hues(ranges)
    assert span.rises == rises
    assert span.length == pytest.approx(sum(widths) / 100)
    assert span.start == pytest.approx(start / 100)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([(0.2, 0.2)], r"\[0.2, 0.2\] is empty"),
        ([(0.2, 0.4), (0, 0.1)], r"\[0, 0.1\] does not begin where \[0.2, 0.4\] ends"),
        ([(0.5, 0), (0, 0.5), (0.5, 0)], "cover 1.5"),
    ],
)
def test_ranges_that_do_not_join_are_refused(ranges, message):
    with pytest.raises(ValueError, match=message):
        join_hues(ranges)
