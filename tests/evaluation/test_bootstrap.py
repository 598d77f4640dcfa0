"""Intervals contain the truth as often as they should, from draws of whole blocks that are made once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radar_cleaner.evaluation.bootstrap import ENDS, MIN_BLOCKS, count_holding, draw_blocks, interval, resample
from radar_cleaner.evaluation.metrics import KEPT, MET, NON_MET, REMOVED, decision_ratios, roc_auc
from radar_cleaner.evaluation.reflectivity_errors import error_ratios, sum_errors
from radar_cleaner.evaluation.reliability import expected_calibration_error, sum_by_group
from radar_cleaner.evaluation.tables import calibration_error


def drawn(blocks, seed=0, resamples=500):
    return draw_blocks(blocks, np.random.default_rng(seed), resamples)


@given(st.integers(1, 60), st.integers(0, 99))
def test_a_draw_is_as_many_blocks_as_there_are_each_as_likely(blocks, seed):
    draws = drawn(blocks, seed, 40)
    assert draws.shape == (40, blocks) and (draws.sum(axis=1) == blocks).all()
    assert (draws == drawn(blocks, seed, 40)).all()


def test_each_block_is_drawn_once_on_average_and_draws_are_independent():
    draws = drawn(20, resamples=20_000)
    assert draws.mean(axis=0) == pytest.approx(np.ones(20), abs=0.04)
    assert draws.var(axis=0) == pytest.approx(np.full(20, 0.95), abs=0.05)  # of a binomial
    assert abs(np.corrcoef(draws[:-1].ravel(), draws[1:].ravel())[0, 1]) < 0.01


@given(arrays(np.int64, (7, 3, 2, 2), elements=st.integers(0, 10**9)))
def test_sums_of_a_draw_are_those_of_its_blocks_taken_one_by_one(counts):
    draws = drawn(7, resamples=5)
    wanted = [sum(int(times) * counts[block] for block, times in enumerate(draw)) for draw in draws]
    np.testing.assert_array_equal(resample(draws, counts), wanted)


@given(arrays(np.float64, (60, 4), elements=st.floats(-5, 5)), st.integers(0, 59))
def test_ends_are_quantiles_of_the_draws_in_which_there_is_a_score(values, undefined):
    values[:undefined, 1] = np.nan
    found = interval(values, np.full(4, MIN_BLOCKS))
    for column in range(4):
        known = values[~np.isnan(values[:, column]), column]
        np.testing.assert_allclose(found[:, column], np.quantile(known, ENDS), atol=1e-12)


def test_few_blocks_or_no_score_give_no_interval():
    values = np.random.default_rng(0).random((50, 3))
    values[:, 2] = np.nan
    found = interval(values, np.array([MIN_BLOCKS - 1, MIN_BLOCKS, 99]))
    assert np.isnan(found[:, [0, 2]]).all() and not np.isnan(found[:, 1]).any()
    assert count_holding(np.array([[0, 3], [2, 4], [0, 1]])).tolist() == [1, 3]


def test_equal_blocks_give_intervals_of_width_0():
    blocks = np.tile(np.array([[1, 3], [1, 1]]), (9, 1, 1))
    ratios = decision_ratios(resample(drawn(9), blocks))
    for name, value in (("retention", 0.75), ("removal", 0.5), ("hss", 0.25)):
        np.testing.assert_allclose(interval(ratios[name], np.array(9)), value)


BLOCKS, PIXELS = 40, 60
SIMULATIONS = 300


def weather(rng):
    """Blocks whose pixels share the block's luck: shares kept and removed swing from block to block."""
    luck = rng.normal(0, 1, BLOCKS)
    kept = 1 / (1 + np.exp(-(1.5 + luck)))
    removed = 1 / (1 + np.exp(-(0.8 - 0.7 * luck)))
    sizes = rng.poisson(PIXELS, (2, BLOCKS)) + 1
    counts = np.zeros((BLOCKS, 2, 2), np.int64)
    counts[:, MET, KEPT] = rng.binomial(sizes[0], kept)
    counts[:, NON_MET, REMOVED] = rng.binomial(sizes[1], removed)
    counts[:, MET, REMOVED] = sizes[0] - counts[:, MET, KEPT]
    counts[:, NON_MET, KEPT] = sizes[1] - counts[:, NON_MET, REMOVED]
    return counts


@pytest.mark.parametrize("score", ["retention", "removal", "far", "csi", "hss", "f1", "npv"])
def test_intervals_contain_the_truth_about_as_often_as_stated(score):
    rng = np.random.default_rng(5)
    truth = decision_ratios(sum(weather(rng).sum(axis=0) for _ in range(3000)))[score]
    inside = 0
    for simulation in range(SIMULATIONS):
        counts = weather(rng)
        draws = drawn(BLOCKS, simulation, 200)
        low, high = interval(decision_ratios(resample(draws, counts))[score], np.array(BLOCKS))
        inside += low <= truth <= high
    assert 0.84 <= inside / SIMULATIONS <= 0.95


def test_intervals_that_take_pixels_for_independent_contain_it_far_too_seldom():
    rng = np.random.default_rng(6)
    truth = decision_ratios(sum(weather(rng).sum(axis=0) for _ in range(3000)))["retention"]
    inside = 0
    for _ in range(SIMULATIONS):
        hits, misses = weather(rng)[:, MET, [KEPT, REMOVED]].sum(axis=0)
        shares = rng.binomial(hits + misses, hits / (hits + misses), 200) / (hits + misses)
        low, high = np.quantile(shares, ENDS)
        inside += low <= truth <= high
    assert inside / SIMULATIONS < 0.6


def ranks(rng):
    """Histograms of blocks whose meteorological echo is ranked above the other, by more or less."""
    apart = rng.normal(1.2, 0.6, BLOCKS)[:, None]
    scores = rng.normal(0, 1, (2, BLOCKS, PIXELS)) + np.stack([apart, np.zeros_like(apart)])
    bins = np.clip(np.floor(10 * (scores + 4)), 0, 99).astype(np.int64)
    flat = bins + 100 * (np.arange(2)[:, None, None] + 2 * np.arange(BLOCKS)[None, :, None])
    return np.bincount(flat.ravel(), minlength=BLOCKS * 200).reshape(BLOCKS, 2, 100)


def test_intervals_of_areas_contain_the_truth_about_as_often_as_stated():
    rng = np.random.default_rng(7)
    truth = roc_auc(sum(ranks(rng).sum(axis=0) for _ in range(1500)))
    inside = 0
    for simulation in range(200):
        low, high = interval(roc_auc(resample(drawn(BLOCKS, simulation, 200), ranks(rng))), np.array(BLOCKS))
        inside += low <= truth <= high
    assert 0.84 <= inside / 200 <= 0.95


def sureness(rng, blocks=BLOCKS):
    """Sums of a model that is too sure, in some blocks more than in others."""
    logit = rng.normal(0.5, 2, (blocks, 200))
    true = 1 / (1 + np.exp(-(0.6 * logit + rng.normal(0, 0.3, (blocks, 1)))))
    probability, event = 1 / (1 + np.exp(-logit)), rng.random(logit.shape) < true
    block = np.repeat(np.arange(blocks), 200)
    return sum_by_group(probability.ravel(), event.ravel(), block, blocks)


def test_intervals_of_the_calibration_error_contain_the_truth_about_as_often_as_stated():
    rng = np.random.default_rng(11)
    truth = expected_calibration_error(sureness(rng, 5000).sum(axis=0))
    inside = 0
    for simulation in range(SIMULATIONS):
        _, (low, high) = calibration_error(sureness(rng), drawn(BLOCKS, simulation, 200))
        inside += low <= truth <= high
    assert 0.84 <= inside / SIMULATIONS <= 0.95


def test_intervals_of_errors_contain_the_truth_about_as_often_as_stated():
    rng, blocks = np.random.default_rng(8), 100  # with fewer, intervals of squares contain it too seldom
    block = np.repeat(np.arange(blocks), PIXELS)

    def errors():
        value = rng.normal(25, 8, blocks * PIXELS)
        estimate = value + np.repeat(rng.normal(-1, 2, blocks), PIXELS) + rng.normal(0, 3, value.size)
        return sum_errors(estimate, value, block, blocks)

    truth = error_ratios(sum(errors().sum(axis=0) for _ in range(1000)))
    inside = dict.fromkeys(truth, 0)
    for simulation in range(SIMULATIONS):
        for score, values in error_ratios(resample(drawn(blocks, simulation, 200), errors())).items():
            low, high = interval(values, np.array(blocks))
            inside[score] += bool(low <= truth[score] <= high)
    assert all(0.84 <= count / SIMULATIONS <= 0.95 for count in inside.values()), inside
