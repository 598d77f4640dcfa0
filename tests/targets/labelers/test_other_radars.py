"""Another radar is evidence where it has a good view."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from labeler_cases import (
    CODE,
    evidence_of,
)
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA
from radar_cleaner.targets.labelers.other_radars import other_radar_log_odds, view_quality


def test_another_radar_confirms_nearby_echo_and_its_evidence_against_falls_with_its_view() -> None:
    codes = np.full((1, 8), CODE, np.uint8)
    others = np.array([[CODE, 0, 0, 0, 0, 0, 0, NODATA]], np.uint8)
    view = np.array([[0.2, 1, 1, 1, 0.5, 0.1, 0, 1]], np.float32)
    assert evidence_of(other_radar_log_odds, codes, others, view)[0].tolist() == pytest.approx(
        [1, 1, 1, -1, -0.5, -0.1, 0, 0]
    )


@given(share=arrays(np.float32, 20, elements=st.floats(0, 2, width=32)))
def test_the_view_of_a_radar_falls_with_its_distance(share: NDArray[np.float32]) -> None:
    share.sort()
    view = view_quality(share)
    assert (np.diff(view) <= 0).all() and (view >= 0).all() and (view <= 1).all()
    assert view_quality(np.zeros(1, np.float32))[0] == 1
    assert not view_quality(np.array([0.5, 1.0, np.nan], np.float32)).any()
