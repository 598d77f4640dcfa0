"""The calibration of a network: what it finds, what it leaves, and that histograms add up."""

import numpy as np
import pytest
from evaluation_cases import honest, sigmoid
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from radar_cleaner.training.calibration import (
    HIGHEST_TEMPERATURE,
    LOGIT_CENTRES,
    LOGIT_EDGES,
    LOWEST_TEMPERATURE,
    Calibration,
    fit_calibration,
    logit_histogram,
    mean_logits,
    operating_points,
    weigh_radars,
)

SIGNS = np.array([[-1], [1]])  # of the classes


def fitted(logit, event):
    counts, sums = logit_histogram(logit, event)
    return fit_calibration(counts, mean_logits(counts, sums))


@pytest.mark.parametrize("factor", [0.25, 1.0, 2.5])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 1.5])
def test_it_takes_back_a_factor_and_a_shift_of_honest_logits(factor, shift):
    logit, event = honest()
    temperature, bias = fitted(factor * (logit - shift), event)
    assert temperature == pytest.approx(factor, rel=0.03) and bias == pytest.approx(shift, abs=0.06)


def test_it_takes_back_the_weight_of_a_class_in_the_loss():
    """The odds of a network that counts each other echo 20 times are 20 times too low."""
    logit, event = honest()
    assert fitted(logit - np.log(20), event).bias == pytest.approx(np.log(20), abs=0.06)


@pytest.mark.parametrize(("factor", "by_means"), [(0.3, 3e-4), (1.0, 1e-4), (4.0, 2e-3)])  # 4: beyond the bins
def test_the_histogram_gives_the_calibration_of_the_pixels_themselves(factor, by_means):
    logit, event = honest(5000, 3)
    logit = factor * logit + 1
    sign = np.where(event, -1, 1)
    loss = lambda numbers: np.logaddexp(0, sign * (numbers[0] * logit + numbers[1])).sum()  # noqa: E731
    inverse, bias = minimize(loss, [1, 0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).x
    found = fitted(logit, event)
    assert found.temperature == pytest.approx(1 / inverse, rel=by_means)
    assert found.bias == pytest.approx(bias, abs=5 * by_means)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5), st.floats(-2, 2))
def test_it_never_makes_the_likelihood_worse(seed, factor, shift):
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, 200)
    event = rng.random(200) < sigmoid(factor * logit + shift)
    counts, sums = logit_histogram(logit, event)
    z = mean_logits(counts, sums)

    def loss(temperature, bias):
        return (counts * np.logaddexp(0, SIGNS * (z / temperature + bias))).sum()

    temperature, bias = fit_calibration(counts, z)
    assert LOWEST_TEMPERATURE * 0.999 <= temperature <= HIGHEST_TEMPERATURE * 1.001
    others = [(one, other) for one in (0.1, 0.5, 1, 2, temperature) for other in (0, bias - 0.01, bias + 0.01)]
    assert loss(temperature, bias) <= min(loss(*other) for other in others) + 1e-6


def test_the_sums_of_two_processes_give_the_calibration_of_all():
    logit, event = honest(2000, 5)
    parts = [logit_histogram(logit[cut], event[cut]) for cut in (slice(0, 700), slice(700, None))]
    counts, sums = (sum(part) for part in zip(*parts, strict=True))
    np.testing.assert_array_equal(counts, logit_histogram(logit, event)[0])
    assert fit_calibration(counts, mean_logits(counts, sums)) == pytest.approx(fitted(logit, event), rel=1e-6)


@pytest.mark.parametrize("event", [True, False])
def test_where_a_class_is_missing_or_all_logits_are_equal_nothing_changes(event):
    assert fitted(np.array([1.0, 2.0]), np.array([event, event])) == Calibration(1, 0)
    assert fitted(np.zeros(4), np.array([True, False] * 2)) == Calibration()
    assert fit_calibration(np.zeros((2, LOGIT_CENTRES.size)), LOGIT_CENTRES) == Calibration()


def test_logits_that_are_all_right_or_say_nothing_go_to_a_bound():
    logit, event = np.array([3.0, -3.0]), np.array([True, False])
    assert fitted(logit, event).temperature == pytest.approx(LOWEST_TEMPERATURE)
    assert fitted(logit, ~event).temperature == pytest.approx(HIGHEST_TEMPERATURE)


def test_the_outer_bins_are_open_and_count_what_is_beyond():
    logit = np.array([-400.0, -30.0, 0.25, 1000.0])
    counts, sums = logit_histogram(logit, np.array([False, True, True, True]))
    assert counts.shape == (2, LOGIT_EDGES.size + 1) == (2, LOGIT_CENTRES.size)
    assert counts[0, 0] == counts[1, 0] == counts[0, -1] == 1
    means = mean_logits(counts, sums)
    assert (means[1, 0], means[0, 0], means[0, -1]) == (-400, -30, 1000)
    assert sums.sum() == pytest.approx(logit.sum())
    assert 0.25 in means[0] and means[1, 5] == LOGIT_CENTRES[5]
    assert np.isfinite(fit_calibration(counts, means)).all()


def histograms(*radars):
    """Return the (radar, class, bin) counts and sums of pairs of logits and events."""
    counts, sums = zip(*(logit_histogram(logit, event) for logit, event in radars), strict=True)
    return np.stack(counts), np.stack(sums)


def test_each_radar_weighs_the_same_in_a_calibration_whatever_its_echo():
    many, few = honest(20_000, 1), honest(3000, 2)
    alike = fit_calibration(*weigh_radars(*histograms((many[0] - 1, many[1]), (few[0] + 1, few[1]))))
    assert abs(alike.bias) < 0.15
    weights, _ = weigh_radars(*histograms(many, few))
    assert weights.sum() == pytest.approx(1)


@given(st.integers(0, 2**32 - 1))
def test_an_operating_point_keeps_its_share_on_every_radar_with_enough_rain(seed):
    rng = np.random.default_rng(seed)
    radars = [(rng.normal(rng.normal(2), 2, 3000), np.arange(3000) < 2000) for _ in range(3)]
    few = (np.full(50, -9.0), np.ones(50, bool))
    counts, _ = histograms(*radars, few)
    points = operating_points(counts, {"gentle": 0.997, "strong": 0.9})
    assert points["gentle"] < points["strong"]
    for name, share in (("gentle", 0.997), ("strong", 0.9)):
        kept = [np.mean(logit[event] >= points[name]) for logit, event in radars]
        assert min(kept) >= share and min(kept) < share + 0.01


def test_without_a_radar_with_enough_rain_there_are_no_operating_points():
    counts, _ = histograms((np.array([1.0, -1.0]), np.array([True, False])))
    assert operating_points(counts, {"normal": 0.99}) == {}


def test_an_operating_point_is_the_same_decision_after_calibration():
    calibration = Calibration(2.0, 1.5)
    logit = np.array([-3.0, -1.01, -0.99, 4.0])
    calibrated = sigmoid(logit / 2.0 + 1.5)
    assert (calibrated >= calibration.probability(-1.0)).tolist() == (logit >= -1).tolist()
