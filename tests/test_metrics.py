"""Scores are exact where they can be known, and add up over frames."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radar_cleaner.metrics import (
    KEPT,
    MET,
    NON_MET,
    REMOVED,
    THRESHOLDS,
    band_names,
    band_of,
    block_intervals,
    count_decisions,
    count_probabilities,
    decision_scores,
    error_scores,
    removal_curve,
    sum_errors,
)

EDGES = [10.0, 20.0]
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
    found = score(nothing.astype(bool), nothing) | error_scores(np.zeros(4))
    assert {found[name] for name in ("retention", "removal", "pod", "far", "csi", "mae_dbz")} == {None}
    assert found["hits"] == found["pixels"] == 0
    json.dumps(found, allow_nan=False)


@st.composite
def frames(draw):
    size = draw(st.integers(0, 30))
    return {
        "kept": draw(arrays(bool, size)),
        "classes": draw(arrays(np.uint8, size, elements=st.integers(0, 3))),
        "dbz": draw(arrays(np.float32, size, elements=st.integers(-10, 60))),
        "estimate": draw(arrays(np.float32, size, elements=st.integers(-10, 60))),
        "probability": draw(arrays(np.float32, size, elements=st.floats(0, 1, width=32))),
    }


def accumulate(frame):
    band = band_of(frame["dbz"], EDGES)
    return (
        count_decisions(frame["kept"], frame["classes"], band, 3),
        count_probabilities(frame["probability"], frame["classes"], THRESHOLDS),
        sum_errors(frame["estimate"], frame["dbz"], band, 3),
    )


@given(frames(), frames())
def test_the_sum_of_two_accumulators_is_the_accumulator_over_both(first, second):
    both = {name: np.concatenate([first[name], second[name]]) for name in first}
    for one, two, whole in zip(accumulate(first), accumulate(second), accumulate(both), strict=True):
        np.testing.assert_array_equal(one + two, whole)


@given(frames())
def test_bands_hold_every_scored_pixel_once(frame):
    decisions, histogram, errors = accumulate(frame)
    for row, value in ((MET, 1), (NON_MET, 2)):
        assert decisions[:, row].sum() == histogram[row].sum() == (frame["classes"] == value).sum()
    assert errors[:, 0].sum() == frame["dbz"].size


@given(frames(), st.integers(0, len(THRESHOLDS) - 1))
def test_the_curve_says_at_a_threshold_what_the_decision_there_says(frame, index):
    threshold = np.float32(THRESHOLDS[index])
    _, histogram, _ = accumulate(frame)
    found = removal_curve(histogram, THRESHOLDS)[index]
    assert found == {"threshold": THRESHOLDS[index]} | score(frame["probability"] >= threshold, frame["classes"])


@given(frames())
def test_a_higher_threshold_never_keeps_more_and_never_removes_less(frame):
    curve = removal_curve(accumulate(frame)[1], THRESHOLDS)
    for name, sign in (("retention", -1), ("removal", 1)):
        values = [row[name] for row in curve if row[name] is not None]
        assert (sign * np.diff(values) >= 0).all()
    assert curve[0]["misses"] == curve[0]["correct_removals"] == 0


def test_thresholds_increase_from_nought_to_one():
    assert (np.diff(THRESHOLDS) > 0).all()
    assert (THRESHOLDS[0], THRESHOLDS[-1]) == (0, 1)


def test_errors_of_a_constant_shift_are_that_shift():
    value = np.arange(10.0)
    found = error_scores(sum_errors(value - 3, value, np.zeros(10, np.int64), 1)[0])
    assert found == {"pixels": 10, "mae_dbz": 3, "rmse_dbz": 3, "bias_dbz": -3}


def test_opposite_errors_cancel_in_the_bias_only():
    found = error_scores(sum_errors(np.array([2.0, -2.0]), np.zeros(2), np.zeros(2, np.int64), 1)[0])
    assert (found["mae_dbz"], found["rmse_dbz"], found["bias_dbz"]) == (2, 2, 0)


def test_bands_are_half_open_and_named_by_their_edges():
    assert band_of(np.array([9.5, 10.0, 19.5, 20.0]), EDGES).tolist() == [0, 1, 1, 2]
    assert band_names(EDGES) == ["below 10 dBZ", "10 to 20 dBZ", "20 dBZ and more"]
    assert band_names([]) == ["any dBZ"]


def test_intervals_hold_the_score_and_are_the_same_each_time():
    blocks = np.zeros((12, 2, 2), dtype=np.int64)
    blocks[:, MET, KEPT] = np.arange(50, 62)
    blocks[:, MET, REMOVED] = 20 - np.arange(12)
    blocks[:4, NON_MET, REMOVED] = 7
    found = block_intervals(blocks, np.random.default_rng(1))
    low, high = found["retention"]
    assert low < decision_scores(blocks.sum(axis=0))["retention"] < high
    assert found["removal"] is None  # only four blocks hold any
    assert found == block_intervals(blocks, np.random.default_rng(1))


def test_blocks_that_are_all_alike_leave_no_doubt():
    blocks = np.tile(np.array([[1, 3], [1, 1]]), (9, 1, 1))
    found = block_intervals(blocks, np.random.default_rng(0))
    assert found["retention"] == pytest.approx([0.75, 0.75])
    assert found["removal"] == pytest.approx([0.5, 0.5])
