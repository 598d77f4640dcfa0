"""Pictures that were saved again under a new time are counted; equal frames of dry weather are not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.reflectivity.repeats import RepeatedFrames, describe_repeats


def counted(numbers, echo=0.2):
    """Count frames of these contents: equal numbers are equal pictures."""
    repeats = RepeatedFrames()
    for number in numbers:
        repeats.add(np.random.default_rng(number).integers(0, 200, (8, 9)).astype(np.uint8), echo)
    return repeats.attrs()


@given(st.lists(st.integers(0, 3), max_size=30))
def test_frames_that_equal_the_one_before_are_counted(numbers):
    wanted = sum(one == other for one, other in pairwise(numbers))
    assert counted(numbers) == {"frames_with_echo": len(numbers), "repeated_frames": wanted}


def test_frames_without_echo_may_be_equal():
    assert counted([1] * 20, echo=0.001)["repeated_frames"] == 0


@pytest.mark.parametrize(("repeats", "warns"), [(0, False), (1, False), (2, True)])
def test_more_than_a_tenth_is_a_line_with_the_keys(repeats, warns):
    stores = [counted([1, 2, 3, 4, 5, *[6] * (1 + repeats)]), counted(range(10))]
    line = describe_repeats("A", stores)
    assert bool(line) == warns
    if warns:
        assert line.startswith("A: 2 of 18 frames with echo equal") and "frames.cadence_minutes" in line
    assert describe_repeats("A", []) == ""
