"""Reliability shows its data; the fitted temperature finds and corrects the factor of inflated logits."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from radar_cleaner.evaluation.reliability import (
    BINS,
    LOGIT_EDGES,
    PROBABILITY_BINS,
    expected_calibration_error,
    observed_frequency,
    reliability_rows,
    sum_probabilities,
)
from radar_cleaner.training.temperature import (
    HIGHEST_TEMPERATURE,
    LOGIT_CENTRES,
    LOWEST_TEMPERATURE,
    fit_temperature,
    logit_histogram,
    mean_logits,
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def honest(count=60_000, seed=0, spread=2.0):
    """Return logits, and events with the probability of the logits."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0.5, spread, count)
    return logit, rng.random(count) < sigmoid(logit)


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


def fitted(logit, event):
    counts, sums = logit_histogram(logit, event)
    return fit_temperature(counts, mean_logits(counts, sums))


@pytest.mark.parametrize("factor", [0.25, 0.7, 1.0, 2.0, 5.0])
def test_the_temperature_is_the_factor_and_takes_the_error_away(factor):
    logit, event = honest()
    found = fitted(factor * logit, event)
    assert found == pytest.approx(factor, rel=0.03)
    assert error_of(factor * logit / found, event) < 0.01
    assert factor == 1 or error_of(factor * logit, event) > 2 * error_of(factor * logit / found, event)


@pytest.mark.parametrize(("factor", "by_means"), [(0.3, 3e-4), (1.0, 3e-5), (4.0, 1e-3)])  # 4: beyond the bins
def test_the_histogram_gives_the_temperature_of_the_pixels_themselves(factor, by_means):
    logit, event = honest(5000, 3)
    logit = factor * logit
    sign = np.where(event, -1, 1)

    def loss(log_temperature):
        return np.logaddexp(0, sign * logit / np.exp(log_temperature)).sum()

    bounds = np.log([LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE])
    wanted = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)
    assert fitted(logit, event) == pytest.approx(wanted, rel=by_means)
    if np.abs(logit).max() < LOGIT_EDGES[-1]:
        counts, _ = logit_histogram(logit, event)
        assert fit_temperature(counts, LOGIT_CENTRES) == pytest.approx(wanted, rel=1e-3)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5))
def test_a_temperature_never_makes_the_likelihood_worse(seed, factor):
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, 200)
    event = rng.random(200) < sigmoid(factor * logit + rng.normal())
    counts, sums = logit_histogram(logit, event)
    z = mean_logits(counts, sums)

    def loss(temperature):
        return (counts * np.logaddexp(0, np.array([[-1], [1]]) * z / temperature)).sum()

    found = fit_temperature(counts, z)
    assert LOWEST_TEMPERATURE * 0.999 <= found <= HIGHEST_TEMPERATURE * 1.001
    others = [0.1, 0.5, 1, 2, max(found * 0.99, LOWEST_TEMPERATURE), min(found * 1.01, HIGHEST_TEMPERATURE)]
    assert loss(found) <= min(loss(other) for other in others) + 1e-9


def test_the_sums_of_two_processes_give_the_temperature_of_all():
    logit, event = honest(2000, 5)
    parts = [logit_histogram(logit[cut], event[cut]) for cut in (slice(0, 700), slice(700, None))]
    counts, sums = (sum(part) for part in zip(*parts, strict=True))
    whole = logit_histogram(logit, event)
    np.testing.assert_array_equal(counts, whole[0])
    assert fit_temperature(counts, mean_logits(counts, sums)) == pytest.approx(fitted(logit, event), rel=1e-9)


@pytest.mark.parametrize("event", [True, False])
def test_where_a_class_is_missing_or_all_logits_are_0_the_temperature_is_1(event):
    assert fitted(np.array([1.0, 2.0]), np.array([event, event])) == 1
    assert fitted(np.zeros(4), np.array([True, False] * 2)) == 1
    assert fit_temperature(np.zeros((2, LOGIT_CENTRES.size), np.int64), LOGIT_CENTRES) == 1


def test_logits_that_are_all_right_or_all_wrong_go_to_a_bound():
    logit, event = np.array([3.0, -3.0]), np.array([True, False])
    assert fitted(logit, event) == pytest.approx(LOWEST_TEMPERATURE)
    assert fitted(logit, ~event) == pytest.approx(HIGHEST_TEMPERATURE)


def test_the_outer_bins_are_open_and_count_what_is_beyond():
    logit = np.array([-400.0, -30.0, 0.25, 1000.0])
    counts, sums = logit_histogram(logit, np.array([False, True, True, True]))
    assert counts.shape == (2, LOGIT_EDGES.size + 1) == (2, LOGIT_CENTRES.size)
    assert counts[0, 0] == counts[1, 0] == counts[0, -1] == 1
    means = mean_logits(counts, sums)
    assert (means[1, 0], means[0, 0], means[0, -1]) == (-400, -30, 1000)
    assert sums.sum() == pytest.approx(logit.sum())
    assert 0.25 in means[0] and means[1, 5] == LOGIT_CENTRES[5]
    assert np.isfinite(fit_temperature(counts, means))
