"""Reliability shows its data; the fitted temperature finds and corrects the factor of inflated logits."""

from itertools import pairwise

import numpy as np
import pytest
from evaluation_cases import honest, sigmoid
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from radar_cleaner.evaluation.reliability import (
    BINS,
    PROBABILITY_BINS,
    expected_calibration_error,
    observed_frequency,
    reliability_rows,
    sum_probabilities,
)


def error_of(logit, event):
    return float(expected_calibration_error(sum_probabilities(sigmoid(logit), event)))


pixels = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=80)


def split(found):
    probability, event = zip(*found, strict=True)
    return np.array(probability, np.float32), np.array(event)


@given(pixels)
def test_the_error_is_the_mean_distance_of_frequency_and_probability_over_pixels(found):
    probability, event = split(found)
    edges = np.linspace(0, 1, BINS + 1).astype(np.float32)
    wanted = 0.0
    for low, high in pairwise(edges):
        inside = (probability >= low) & ((probability < high) | (high == 1))
        if inside.any():
            off = abs(event[inside].mean() - probability[inside].mean(dtype=np.float64))
            wanted += inside.sum() * off / probability.size
    assert expected_calibration_error(sum_probabilities(probability, event)) == pytest.approx(wanted)


@given(pixels, pixels)
def test_sums_of_two_add_up_to_the_sums_of_both(one, two):
    both = sum_probabilities(*split(one + two))
    np.testing.assert_allclose(sum_probabilities(*split(one)) + sum_probabilities(*split(two)), both)


@given(pixels)
def test_reliability_is_that_of_scikit_learn(found):
    probability, event = split(found)
    inner = PROBABILITY_BINS[1:-1].astype(np.float32)
    probability = probability[~np.isin(probability, inner)].astype(
        np.float64
    )  # it counts an edge to the bin below
    event = event[: probability.size]
    rows = [row for row in reliability_rows(sum_probabilities(probability, event)) if row["pixels"]]
    frequency, mean = calibration_curve(event, probability, n_bins=BINS) if probability.size else ([], [])
    assert [row["observed_frequency"] for row in rows] == pytest.approx(frequency)
    assert [row["mean_probability"] for row in rows] == pytest.approx(mean)


def test_rows_of_bins_without_pixels_have_no_numbers_and_the_last_contains_1():
    rows = reliability_rows(sum_probabilities(np.array([1.0, 0.97]), np.array([True, False])))
    assert [row["pixels"] for row in rows] == [0] * (BINS - 1) + [2]
    assert (
        rows[0]["mean_probability"] is rows[0]["observed_frequency"] is rows[0]["observed_frequency_low"] is None
    )
    assert rows[-1]["mean_probability"] == pytest.approx(0.985) and rows[-1]["observed_frequency"] == 0.5
    assert (rows[0]["probability_from"], rows[-1]["probability_to"]) == (0, 1)


def test_without_pixels_there_is_no_error():
    assert np.isnan(expected_calibration_error(np.zeros((3, BINS, 3)))).all()
    assert np.isnan(observed_frequency(np.zeros((BINS, 3)))).all()


def test_a_calibrated_model_has_next_to_no_error_and_an_overconfident_one_has():
    logit, event = honest()
    assert error_of(logit, event) < 0.01 < 0.05 < error_of(3 * logit, event)
