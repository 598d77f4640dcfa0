"""Bands are half open, named by their edges, and add up to all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.evaluation.bins import ALL, Bands, band_names, band_of, range_names, with_totals
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import range_of_pixels

BANDS = Bands((10.0, 20.0), (60.0,), (4, 8))


def test_bands_are_half_open_and_named_by_their_edges():
    assert band_of(np.array([9.5, 10.0, 19.5, 20.0]), [10, 20]).tolist() == [0, 1, 1, 2]
    assert band_names([10, 20]) == ["below 10 dBZ", "10 to 20 dBZ", "20 dBZ and more"]
    assert range_names([60, 120.5]) == ["within 60 km", "60 to 120.5 km", "120.5 km and beyond"]
    assert band_names([]) == ["any dBZ"] and range_names([]) == ["any range"]


def test_a_pixel_is_in_one_pair_of_bands():
    dbz, km = np.array([5.0, 15.0, 25.0, 5.0]), np.array([0.0, 59.9, 60.0, 200.0])
    places = np.unravel_index(BANDS.of(dbz, km), BANDS.shape)
    assert list(zip(*(part.tolist() for part in places), strict=True)) == [(0, 0), (0, 1), (1, 2), (1, 0)]
    assert BANDS.count == 6


def test_rows_begin_with_all_and_go_through_every_pair():
    rows = list(BANDS.rows())
    assert rows[0] == (0, 0, ALL, ALL) and rows[1][2:] == (ALL, "below 10 dBZ")
    assert rows[4][2:] == ("within 60 km", ALL) and len(rows) == len(set(rows)) == 3 * 4


@given(st.integers(0, 2**32 - 1))
def test_totals_are_the_sums_over_the_bands(seed):
    values = np.random.default_rng(seed).integers(0, 100, (2, *BANDS.shape, 3))
    totals = with_totals(values, 1)
    assert totals.shape == (2, 3, 4, 3)
    np.testing.assert_array_equal(totals[:, 1:, 1:], values)
    np.testing.assert_array_equal(totals[:, 0, 0], values.sum(axis=(1, 2)))
    np.testing.assert_array_equal(totals[:, 1:, 0], values.sum(axis=2))
    np.testing.assert_array_equal(totals[:, 0, 1:], values.sum(axis=1))


def test_distance_is_from_the_radar_s_pixel_in_kilometres():
    distance = range_of_pixels(RadarGeometry.about("R", 45, -63, 6.75, 9, 5, (4, 1)))
    assert distance.shape == (5, 9) and distance[1, 4] == 0
    assert (distance[1, 0], distance[4, 8]) == (6, 7.5)
