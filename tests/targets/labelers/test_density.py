"""Density is for echo among echo and against isolated echo."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from labeler_cases import (
    CODE,
    Codes,
    blob,
    evidence_of,
    some_codes,
)
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA, UNDETECT, is_echo
from radar_cleaner.targets.labelers.density import FLOOR, EchoDensity


def density(codes: Codes) -> NDArray[np.float32]:
    return evidence_of(EchoDensity(codes != NODATA), codes)


@given(codes=some_codes)
def test_density_is_the_logarithm_of_the_share_of_echo_in_two_windows(codes: Codes) -> None:
    found = density(codes)
    for row, column in zip(*np.nonzero(is_echo(codes)), strict=True):
        wanted = 0.0
        for window, weight, even in ((5, 3.0, 0.27), (17, 1.8, 0.32)):
            reach = window // 2
            top, left = max(0, row - reach), max(0, column - reach)
            part = codes[top : row + reach + 1, left : column + reach + 1]
            share = is_echo(part).sum() / (part != NODATA).sum()
            wanted += weight * (log(share + FLOOR) - log(even))
        assert found[row, column] == pytest.approx(wanted, abs=1e-4)


@given(codes=some_codes, more=arrays(np.bool_, (9, 8)))
def test_more_echo_around_an_echo_is_never_evidence_against_it(codes: Codes, more: NDArray[np.bool_]) -> None:
    fuller = np.where(more & (codes == UNDETECT), np.uint8(CODE), codes)
    echo = is_echo(codes)
    assert (density(fuller)[echo] >= density(codes)[echo] - 1e-5).all()


def test_density_is_for_the_inside_of_rain_and_against_a_speck() -> None:
    codes = blob(60, 60, 25)
    codes[150, 150] = CODE
    found = density(codes)
    assert found[60, 60] > 4 and found[150, 150] < -6
