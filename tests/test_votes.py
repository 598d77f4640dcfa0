"""Votes on echoes: what they may say, and what moves them which way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError
from radar_cleaner.vocabulary import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNDETECT,
    UNKNOWN,
    is_echo,
)
from radar_cleaner.votes import Weights, vote

SHAPE = (6, 7)
some_codes = arrays(np.uint8, SHAPE, elements=st.sampled_from([UNDETECT, NODATA, 1, 90, 254]))
some_classes = arrays(np.uint8, SHAPE, elements=st.integers(0, 3))
some_clutter = arrays(np.bool_, SHAPE)
some_weights = st.builds(
    Weights,
    colour=st.floats(0.01, 10),
    area=st.floats(0, 10),
    atlas=st.floats(0, 10),
)


def vote_one(label: int, clutter: bool, weights: Weights, code: int = 90) -> tuple[int, int]:
    classes, confidence = vote(
        np.array([[code]], np.uint8), np.array([[label]], np.uint8), np.array([[clutter]]), weights
    )
    return int(classes[0, 0]), int(confidence[0, 0])


@settings(deadline=None)
@given(codes=some_codes, labels=some_classes, clutter=some_clutter, weights=some_weights)
def test_only_an_echo_has_a_kind_and_unknown_is_never_sure(
    codes: NDArray[np.uint8], labels: NDArray[np.uint8], clutter: NDArray[np.bool_], weights: Weights
) -> None:
    classes, confidence = vote(codes, labels, clutter, weights)
    assert classes.dtype == confidence.dtype == np.uint8
    echo = is_echo(codes)
    assert np.isin(classes[echo], [METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN]).all()
    assert (classes[codes == UNDETECT] == NONE).all() and (confidence[codes == UNDETECT] == 255).all()
    assert (classes[codes == NODATA] == UNKNOWN).all()
    assert (confidence[classes == UNKNOWN] == 0).all()
    assert (classes[echo & (labels == UNKNOWN)] == UNKNOWN).all()


@settings(deadline=None)
@given(codes=some_codes, labels=some_classes, clutter=some_clutter, weights=some_weights)
def test_clutter_never_speaks_for_an_echo(
    codes: NDArray[np.uint8], labels: NDArray[np.uint8], clutter: NDArray[np.bool_], weights: Weights
) -> None:
    without, _ = vote(codes, labels, np.zeros(SHAPE, bool), weights)
    classes, _ = vote(codes, labels, clutter, weights)
    np.testing.assert_array_equal(classes[~clutter], without[~clutter])
    assert not ((classes == METEOROLOGICAL) & (without != METEOROLOGICAL)).any()


@settings(deadline=None)
@given(weights=some_weights, factor=st.sampled_from([0.5, 2.0, 8.0]), clutter=st.booleans())
def test_only_the_ratio_of_the_weights_counts(weights: Weights, factor: float, clutter: bool) -> None:
    scaled = Weights(weights.colour * factor, weights.area * factor, weights.atlas * factor)
    for label in (METEOROLOGICAL, NON_METEOROLOGICAL):
        assert vote_one(label, clutter, weights) == vote_one(label, clutter, scaled)


@settings(deadline=None)
@given(weights=some_weights, clutter=st.booleans())
def test_the_class_is_the_sign_of_the_sum_and_the_confidence_its_share(weights: Weights, clutter: bool) -> None:
    for label, sign in ((METEOROLOGICAL, 1), (NON_METEOROLOGICAL, -1)):
        against = weights.atlas if clutter else 0
        score = weights.colour + sign * weights.area - against
        kind, confidence = vote_one(label, clutter, weights)
        if abs(score) > 1e-6:
            assert kind == (METEOROLOGICAL if score > 0 else NON_METEOROLOGICAL)
        assert abs(confidence - 255 * abs(score) / (weights.colour + weights.area + against)) <= 0.51


def test_all_votes_for_one_kind_are_surest() -> None:
    assert vote_one(METEOROLOGICAL, False, Weights(1, 1, 1)) == (METEOROLOGICAL, 255)
    assert vote_one(NON_METEOROLOGICAL, True, Weights(0, 1, 1)) == (NON_METEOROLOGICAL, 255)
    assert vote_one(NON_METEOROLOGICAL, True, Weights(1, 1, 1)) == (NON_METEOROLOGICAL, 85)


def test_a_draw_is_unknown_even_where_the_sum_is_not_quite_zero() -> None:
    assert 0.1 + 0.2 - 0.3 != 0
    assert vote_one(METEOROLOGICAL, True, Weights(0.1, 0.2, 0.3)) == (UNKNOWN, 0)
    assert vote_one(NON_METEOROLOGICAL, False, Weights(1, 1, 5)) == (UNKNOWN, 0)


@pytest.mark.parametrize("weights", [(0, 0, 0), (-1, 1, 1), (1, float("nan"), 1), (1, 1, float("inf"))])
def test_impossible_weights_are_refused(weights: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="each must be 0 or more"):
        Weights(*weights)
