"""Scores are exact where they can be known, those of scikit-learn elsewhere, and add up over frames."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn

from radar_cleaner.evaluation.metrics import (
    DECISION_NEEDS,
    MET,
    NON_MET,
    PROBABILITY_EDGES,
    THRESHOLDS,
    average_precision,
    count_decisions,
    count_probabilities,
    counts_at_thresholds,
    decision_ratios,
    decision_scores,
    removal_curve,
    roc_auc,
)
from radar_cleaner.evaluation.reliability import PROBABILITY_BINS
from radar_cleaner.training.calibration import LOGIT_CENTRES

BANDS = 3
CLASSES = np.array([1] * 6 + [2] * 4 + [0, 3, 3], dtype=np.uint8)


def score(kept, classes=CLASSES):
    band = np.zeros(classes.size, dtype=np.int64)
    return decision_scores(count_decisions(kept, classes, band, 1)[0])


def test_a_perfect_cleaner_keeps_all_rain_and_removes_all_else():
    found = score(CLASSES == 1)
    assert (found["hits"], found["misses"], found["false_alarms"], found["correct_removals"]) == (
        6,
        0,
        0,
        4,
    )
    assert (found["retention"], found["removal"], found["pod"], found["far"], found["csi"]) == (
        1,
        1,
        1,
        0,
        1,
    )


def test_keeping_all_retains_all_and_removes_nothing():
    found = score(np.ones(CLASSES.size, bool))
    assert (found["retention"], found["removal"], found["far"], found["csi"]) == (1, 0, 0.4, 0.6)


def test_removing_all_leaves_far_undefined_and_csi_zero():
    found = score(np.zeros(CLASSES.size, bool))
    assert (found["retention"], found["removal"], found["far"], found["csi"]) == (0, 1, None, 0)


def test_no_pixels_give_no_scores_and_valid_json():
    nothing = np.zeros(0, dtype=np.uint8)
    found = score(nothing.astype(bool), nothing)
    assert {found[name] for name in DECISION_NEEDS} == {None}
    assert found["hits"] == found["correct_removals"] == 0
    json.dumps(found, allow_nan=False)


@st.composite
def frames(draw):
    size = draw(st.integers(0, 30))
    return {
        "kept": draw(arrays(bool, size)),
        "classes": draw(arrays(np.uint8, size, elements=st.integers(0, 3))),
        "band": draw(arrays(np.int64, size, elements=st.integers(0, BANDS - 1))),
        "probability": draw(arrays(np.float32, size, elements=st.floats(0, 1, width=32))),
    }


def accumulate(frame):
    return (
        count_decisions(frame["kept"], frame["classes"], frame["band"], BANDS),
        count_probabilities(frame["probability"], frame["classes"], frame["band"], BANDS, PROBABILITY_EDGES),
    )


@given(frames(), frames())
def test_the_sum_of_two_accumulators_is_the_accumulator_over_both(first, second):
    both = {name: np.concatenate([first[name], second[name]]) for name in first}
    for one, two, whole in zip(accumulate(first), accumulate(second), accumulate(both), strict=True):
        np.testing.assert_array_equal(one + two, whole)


@given(frames())
def test_bands_contain_every_scored_pixel_once(frame):
    decisions, histogram = accumulate(frame)
    for row, value in ((MET, 1), (NON_MET, 2)):
        for band in range(BANDS):
            wanted = ((frame["classes"] == value) & (frame["band"] == band)).sum()
            assert decisions[band, row].sum() == histogram[band, row].sum() == wanted


@given(frames(), st.integers(0, len(THRESHOLDS) - 1))
def test_the_curve_agrees_with_the_decision_at_each_threshold(frame, index):
    threshold = np.float32(THRESHOLDS[index])
    _, histogram = accumulate(frame)
    found = removal_curve(counts_at_thresholds(histogram.sum(axis=0)), THRESHOLDS)[index]
    assert found == {"threshold": THRESHOLDS[index]} | score(frame["probability"] >= threshold, frame["classes"])


@given(frames())
def test_a_higher_threshold_never_keeps_more_and_never_removes_less(frame):
    curve = removal_curve(counts_at_thresholds(accumulate(frame)[1].sum(axis=0)), THRESHOLDS)
    for name, sign in (("retention", -1), ("removal", 1)):
        values = [row[name] for row in curve if row[name] is not None]
        assert (sign * np.diff(values) >= 0).all()
    assert curve[0]["misses"] == curve[0]["correct_removals"] == 0


def test_thresholds_increase_from_0_to_1():
    assert (np.diff(THRESHOLDS) > 0).all()
    assert (THRESHOLDS[0], THRESHOLDS[-1]) == (0, 1)


def test_the_edges_are_all_thresholds_and_calibration_bins_and_1_has_its_own_bin():
    edges = set(PROBABILITY_EDGES.tolist())
    assert {*THRESHOLDS.astype(np.float32).tolist(), *PROBABILITY_BINS.astype(np.float32).tolist()} <= edges
    assert (PROBABILITY_EDGES[0], PROBABILITY_EDGES[-1]) == (0, 1) and len(edges) == PROBABILITY_EDGES.size
    sure = np.array([0, np.nextafter(np.float32(1), np.float32(0)), 1], np.float32)
    found = count_probabilities(sure, np.ones(3, np.uint8), np.zeros(3, np.int64), 1, PROBABILITY_EDGES)[0, MET]
    assert found[[0, -2, -1]].tolist() == [1, 1, 1]


def tables():
    return arrays(np.int64, (4, 2, 2), elements=st.integers(0, 10**6))


@given(tables())
def test_scores_of_many_tables_are_those_of_each(counts):
    many = decision_ratios(counts)
    assert set(many) == set(DECISION_NEEDS)
    for index, table in enumerate(counts):
        one = decision_scores(table)
        for name, values in many.items():
            assert (one[name] is None) == np.isnan(values[index])
            assert one[name] is None or one[name] == values[index]


@given(arrays(np.int64, (2, 2), elements=st.integers(1, 500)))
def test_scores_are_those_of_scikit_learn(counts):
    truth = np.repeat([1, 1, 0, 0], counts.ravel())
    kept = np.repeat([0, 1, 0, 1], counts.ravel())
    found = decision_scores(counts)
    wanted = {
        "precision": sklearn.precision_score(truth, kept),
        "recall": sklearn.recall_score(truth, kept),
        "specificity": sklearn.recall_score(truth, kept, pos_label=0),
        "npv": sklearn.precision_score(truth, kept, pos_label=0),
        "f1": sklearn.f1_score(truth, kept),
        "csi": sklearn.jaccard_score(truth, kept),
        "hss": sklearn.cohen_kappa_score(truth, kept),  # Heidke's, by another name
    }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    assert found["retention"] == found["pod"] == found["recall"] and found["removal"] == found["specificity"]
    assert found["far"] == pytest.approx(1 - found["precision"])


def test_skill_is_1_when_perfect_0_by_chance_and_below_0_when_upside_down():
    def skill(table):
        return decision_scores(np.array(table))["hss"]

    assert skill([[0, 9], [4, 0]]) == 1
    assert skill([[6, 18], [2, 6]]) == 0
    assert skill([[9, 0], [0, 4]]) < 0


def histogram_of(score, truth, edges=PROBABILITY_EDGES):
    classes = np.where(truth, 1, 2).astype(np.uint8)
    return count_probabilities(score.astype(np.float32), classes, np.zeros(truth.size, np.int64), 1, edges)[0]


BIN_STARTS = PROBABILITY_EDGES[::37]


@given(st.lists(st.tuples(st.sampled_from(BIN_STARTS.tolist()), st.booleans()), min_size=2, max_size=60))
def test_areas_are_those_of_scikit_learn_where_probabilities_are_on_the_bins(pixels):
    score, truth = (np.array(part) for part in zip(*pixels, strict=True))
    histogram = histogram_of(score, truth)
    if truth.all() or not truth.any():
        assert np.isnan(roc_auc(histogram)) and np.isnan(average_precision(histogram))
    else:
        assert roc_auc(histogram) == pytest.approx(sklearn.roc_auc_score(truth, score))
        assert average_precision(histogram) == pytest.approx(sklearn.average_precision_score(truth, score))


@pytest.mark.parametrize(
    ("share", "apart", "wide"), [(0.5, 2, 2), (0.95, 3, 4), (0.1, 1, 1), (0.02, 4, 3), (0.9, 8, 5)]
)
def test_areas_of_probabilities_between_the_bins_are_right_to_a_thousandth(share, apart, wide):
    rng = np.random.default_rng(1)
    truth = rng.random(50_000) < share
    score = 1 / (1 + np.exp(-rng.normal(np.where(truth, apart / 2, -apart / 2), wide)))
    histogram = histogram_of(score, truth)
    assert roc_auc(histogram) == pytest.approx(sklearn.roc_auc_score(truth, score), abs=1e-3)
    assert average_precision(histogram) == pytest.approx(sklearn.average_precision_score(truth, score), abs=1.5e-3)


@given(arrays(np.int64, (2, 40), elements=st.integers(0, 20)), st.data())
def test_areas_depend_on_the_order_of_the_bins_alone(histogram, data):
    wide = np.zeros((2, 90), np.int64)
    places = sorted(data.draw(st.sets(st.integers(0, 89), min_size=40, max_size=40)))
    wide[:, places] = histogram
    for area in (roc_auc, average_precision):
        np.testing.assert_allclose(area(wide), area(histogram))


@given(arrays(np.int64, (3, 2, 30), elements=st.integers(0, 20)))
def test_the_area_below_the_roc_curve_is_1_minus_itself_with_classes_exchanged(histogram):
    swapped = histogram[..., ::-1, :]
    np.testing.assert_allclose(roc_auc(swapped), 1 - roc_auc(histogram))


def test_a_model_of_one_constant_probability_has_the_areas_of_chance():
    truth = np.arange(100) < 30
    histogram = histogram_of(np.full(100, 0.7), truth)
    assert roc_auc(histogram) == 0.5 and average_precision(histogram) == pytest.approx(0.3)


def test_probability_bins_are_even_in_the_logit_beside_the_thresholds():
    edges = PROBABILITY_EDGES[1:-1].astype(np.float64)
    steps = np.diff(np.log(edges / (1 - edges))[(edges > 1e-6) & (edges < 1 - 1e-4)])
    assert steps.max() < 1.05 * np.diff(LOGIT_CENTRES).max()
