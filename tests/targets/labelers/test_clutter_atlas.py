"""The atlas is evidence against echo in proportion to its frequency."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from labeler_cases import (
    CODE,
    Codes,
    evidence_of,
    some_codes,
)
from numpy.typing import NDArray

from radar_cleaner.conventions import is_echo
from radar_cleaner.targets.labelers.clutter_atlas import atlas_log_odds


@given(codes=some_codes, frequency=arrays(np.float32, (9, 8), elements=st.floats(0, 1, width=32)))
def test_the_atlas_is_evidence_against_echo_by_the_echo_frequency(
    codes: Codes, frequency: NDArray[np.float32]
) -> None:
    found = evidence_of(atlas_log_odds, codes, frequency)[is_echo(codes)]
    assert np.allclose(found, -8 * frequency[is_echo(codes)])


def test_the_atlas_gives_no_evidence_where_it_is_unknown() -> None:
    codes = np.full((1, 2), CODE, np.uint8)
    assert evidence_of(atlas_log_odds, codes, np.array([[np.nan, 1]], np.float32)).tolist() == [[0, -8]]
