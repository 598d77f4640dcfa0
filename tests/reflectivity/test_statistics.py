"""Shares of echo count the observed pixels only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radar_cleaner.conventions import NODATA, UNDETECT, is_echo
from radar_cleaner.reflectivity.statistics import local_echo_fraction


@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        elements=st.sampled_from([UNDETECT, NODATA, 1, 94, 254]),
    ),
    st.sampled_from([1, 3, 5, 9]),
)
def test_the_share_of_echo_about_a_pixel_is_of_what_is_observed_there(codes, window):
    found, reach = local_echo_fraction(codes, window), window // 2
    for row, column in np.ndindex(codes.shape):
        part = codes[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        seen = (part != NODATA).sum()
        assert found[row, column] == pytest.approx(is_echo(part).sum() / seen if seen else 0)
