"""Errors and correlation are those of scikit-learn and numpy, add up, and stay sound where little varies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from radar_cleaner.evaluation.reflectivity_errors import (
    DBZ_EDGES,
    ERROR_SUMS,
    count_pairs,
    error_ratios,
    error_scores,
    sum_errors,
)

pairs = st.lists(
    st.tuples(st.floats(-32, 95, width=32), st.sampled_from([14.5, 25.0, 30.0, 43.5])), min_size=2, max_size=60
)


def sums(estimate, value):
    return sum_errors(np.asarray(estimate), np.asarray(value), np.zeros(len(value), np.int64), 1)[0]


def split(found):
    estimate, value = zip(*found, strict=True)
    return np.array(estimate, np.float32), np.array(value, np.float32)


@given(pairs)
def test_errors_are_those_of_scikit_learn(found):
    estimate, value = (part.astype(np.float64) for part in split(found))
    scores = error_scores(sums(estimate, value))
    assert scores["pixels"] == value.size
    assert scores["mae_dbz"] == pytest.approx(sklearn.mean_absolute_error(value, estimate), abs=1e-9)
    assert scores["rmse_dbz"] == pytest.approx(sklearn.root_mean_squared_error(value, estimate), abs=1e-5)
    assert scores["bias_dbz"] == pytest.approx((estimate - value).mean(), abs=1e-9)
    if np.ptp(value) == 0:
        assert scores["r2"] is None
    else:
        assert scores["r2"] == pytest.approx(sklearn.r2_score(value, estimate), rel=1e-6, abs=1e-6)
    if np.ptp(value) == 0 or np.ptp(estimate) == 0:
        assert scores["r"] is None
    elif np.ptp(estimate) > 0.01:
        assert scores["r"] == pytest.approx(np.corrcoef(estimate, value)[0, 1], abs=1e-6)


@given(pairs, pairs, st.integers(1, 4))
def test_sums_add_up_over_frames_and_bands(one, two, bands):
    def by_band(found):
        estimate, value = split(found)
        return sum_errors(estimate, value, np.arange(value.size) % bands, bands)

    both = sums(*split(one + two))
    np.testing.assert_allclose((by_band(one) + by_band(two)).sum(axis=0), both, rtol=1e-12, atol=1e-6)


def test_errors_of_a_constant_shift_are_that_shift_and_the_correlation_is_1():
    value = np.arange(10.0)
    found = error_scores(sums(value - 3, value))
    assert (found["pixels"], found["mae_dbz"], found["rmse_dbz"], found["bias_dbz"]) == (10, 3, 3, -3)
    assert found["r"] == pytest.approx(1) and found["r2"] == pytest.approx(1 - 9 / value.var())


def test_opposite_errors_cancel_in_the_bias_only():
    found = error_scores(sums([2.0, -2.0], [0.0, 0.0]))
    assert (found["mae_dbz"], found["rmse_dbz"], found["bias_dbz"]) == (2, 2, 0)


def test_without_pixels_there_is_no_score():
    assert set(error_scores(np.zeros(ERROR_SUMS)).values()) == {0, None}


@pytest.mark.parametrize("constant", [13.371999740600586, 25.0, -31.9])
def test_what_does_not_vary_has_no_correlation_however_many_pixels_it_has(constant):
    rng = np.random.default_rng(0)
    frames = [sums(np.full(70_000, constant), rng.choice([14.5, 25.0], 70_000)) for _ in range(40)]
    found = error_scores(np.sum(frames, axis=0))
    assert found["r"] is None and found["r2"] < 1


def test_a_perfect_estimate_of_many_pixels_has_no_error_left_by_rounding():
    value = np.random.default_rng(1).choice([14.5, 25.0, 30.5, 61.0], 500_000)
    found = error_scores(1000 * sums(value, value))
    assert found["rmse_dbz"] == found["mae_dbz"] == found["bias_dbz"] == 0
    assert found["r"] == pytest.approx(1, abs=1e-12) and found["r2"] == 1


def test_a_few_varying_pixels_among_very_many_constant_ones_give_a_correlation():
    value = np.full(2_000_000, 14.5)
    value[:20] = 61.0
    found = error_scores(sums(np.where(value > 50, 50.0, 15.0), value))
    assert found["r"] == pytest.approx(1, abs=1e-6)


@given(pairs)
def test_scores_of_many_rows_are_those_of_each(found):
    rows = np.stack([sums(*split(found)), sums(*split(found[:1])), np.zeros(ERROR_SUMS)])
    many = error_ratios(rows)
    for index, row in enumerate(rows):
        one = error_scores(row)
        for name, values in many.items():
            wanted = None if np.isnan(values[index]) else pytest.approx(values[index], rel=1e-9, abs=1e-6)
            assert one[name] == wanted


@given(pairs)
def test_each_pair_is_counted_in_its_bin(found):
    estimate, value = split(found)
    estimate = np.round(8 * estimate) / 8  # so that float32 represents values just below a whole number
    counts = count_pairs(estimate, value)
    wanted, *_ = np.histogram2d(np.clip(estimate, -32, 95.9), value, bins=(DBZ_EDGES, DBZ_EDGES))
    np.testing.assert_array_equal(counts, wanted)


def test_estimates_beyond_the_scale_are_counted_at_its_ends():
    counts = count_pairs(np.array([-80.0, 200.0]), np.array([14.5, 14.5]))
    assert counts[0].sum() == counts[-1].sum() == 1
