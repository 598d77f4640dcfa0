"""Spokes are found in every direction, and rain is not a spoke."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from labeler_cases import (
    CENTER,
    CODE,
    DISTANCE,
    OBSERVED,
    RANGE,
    Codes,
    evidence_of,
    off,
    picture,
    some_codes,
    spoke,
)
from numpy.typing import NDArray
from store_cases import flat_geometry

from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.targets.labelers.spokes import SpokeShape

RADAR = flat_geometry(OBSERVED.shape, CENTER, RANGE)


def spokes(codes: Codes) -> NDArray[np.float32]:
    return evidence_of(SpokeShape(OBSERVED, RADAR), codes)


@given(azimuth=st.floats(0, 360))
def test_a_spoke_has_the_same_evidence_in_every_direction(azimuth: float) -> None:
    echo = spoke(azimuth) & OBSERVED & (DISTANCE > 50) & (DISTANCE < 80)
    found = spokes(picture(spoke(azimuth)))[echo]
    assert np.median(found) < -2.5
    assert (found <= -1.5).mean() > 0.95


def test_rain_is_not_a_spoke_and_a_spoke_that_meets_it_has_evidence_outside_it_alone() -> None:
    rain = (off(90) < 25) & (DISTANCE > 20) & (DISTANCE < 90)
    inside = (off(90) < 15) & (DISTANCE > 40) & (DISTANCE < 70)
    assert (spokes(picture(rain))[inside] > -0.1).all()
    both = spokes(picture(rain | spoke(200)))
    assert (both[inside] > -0.1).all()
    far = spoke(200) & (DISTANCE > 50) & (DISTANCE < 80)
    assert np.median(both[far]) < -2.5


@given(codes=some_codes)
def test_the_labeler_of_spokes_is_never_evidence_for_an_echo(codes: Codes) -> None:
    found = evidence_of(SpokeShape(codes != NODATA, flat_geometry(codes.shape, (4, 4), 5)), codes)
    assert (found <= 0).all() and (found >= -3.6).all()  # the bound that docs/explanation/weak_labels.md names


def test_a_spoke_is_found_in_the_corners_of_a_picture_without_a_range() -> None:
    """A square picture whose echo reaches the corners: 64 px to the edge, 90 px to a corner."""
    middle, observed = (63.5, 63.5), np.ones((128, 128), bool)
    radar = replace(flat_geometry(observed.shape, middle, 64), max_range_km=None)
    row, column = np.indices(observed.shape)
    away = np.hypot(column - middle[0], row - middle[1])
    ray = (np.abs(column - row) < 1) & (column > 80)
    codes = np.where(ray, CODE, UNDETECT).astype(np.uint8)
    found = evidence_of(SpokeShape(observed, radar), codes)
    assert np.median(found[ray & (away > 70) & (away < 85)]) < -2.5
    assert radar.range_px == 64 and 90 < radar.reach_px < 92


def test_sides_without_data_are_no_evidence() -> None:
    """A radar with a narrow sector of data gives no evidence on spokes."""
    seen = (off(90) < 2) & OBSERVED
    codes = np.where(seen, np.where(spoke(90), CODE, UNDETECT), NODATA).astype(np.uint8)
    assert not evidence_of(SpokeShape(seen, RADAR), codes).any()
