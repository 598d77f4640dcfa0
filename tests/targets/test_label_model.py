"""Log-odds add up to a class and a confidence; the table counts the evidence of each labeler."""

from __future__ import annotations

import csv
from dataclasses import fields
from io import StringIO
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.conventions import (
    LOG_ODDS_STEP,
    MAX_LOG_ODDS,
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    NONE,
    UNDETECT,
    UNKNOWN,
    decode_log_odds,
    encode_log_odds,
    is_echo,
)
from radar_cleaner.errors import ConfigError
from radar_cleaner.targets.label_model import (
    COLUMNS,
    Evidence,
    LabelerTable,
    Labels,
    Weights,
    check_weights,
    combine,
)
from radar_cleaner.targets.labelers.base import Echoes

LABELERS = tuple(labeler.name for labeler in declared_labelers())

SHAPE = (6, 7)
some_codes = arrays(np.uint8, SHAPE, elements=st.sampled_from([UNDETECT, NODATA, 1, 90, 254]))
some_log_odds = arrays(np.float32, SHAPE, elements=st.floats(-20, 20, width=32))
some_pictures = st.dictionaries(st.sampled_from(LABELERS), some_log_odds)
Pictures = dict[str, NDArray[np.float32]]  # log-odds (y, x) by labeler; pixels without echo do not count
some_weights = st.fixed_dictionaries(
    {"colour": st.floats(0.01, 4), **{name: st.sampled_from([0, 0.25, 1, 3]) for name in LABELERS[1:]}}
)
some_confidence = st.sampled_from([0.0, 0.2, 0.5, 0.99])


def weights(**changes: float) -> Weights:
    """1 for each labeler, but for these."""
    return {name: changes.get(name, 1.0) for name in LABELERS}


def at_echoes(codes: NDArray[np.uint8], pictures: Pictures) -> tuple[Echoes, Evidence]:
    echoes = Echoes.of(codes)
    return echoes, {name: echoes.take(picture) for name, picture in pictures.items()}


def label_of(codes: NDArray[np.uint8], pictures: Pictures, weights: Weights, least: float = 0.2) -> Labels:
    return combine(*at_echoes(codes, pictures), weights, least)


def label_one(log_odds: float, min_confidence: float = 0.0, code: int = 90) -> tuple[int, int, int]:
    pictures = {"colour": np.array([[log_odds]], np.float32)}
    found = label_of(np.array([[code]], np.uint8), pictures, weights(), min_confidence)
    return int(found.echo_class[0, 0]), int(found.confidence[0, 0]), int(found.evidence[0, 0])


@given(codes=some_codes, pictures=some_pictures, weights=some_weights, least=some_confidence)
def test_only_an_echo_has_a_kind_and_unknown_is_never_sure(
    codes: NDArray[np.uint8], pictures: Pictures, weights: Weights, least: float
) -> None:
    found = label_of(codes, pictures, weights, least)
    classes, confidence = found.echo_class, found.confidence
    assert classes.dtype == confidence.dtype == np.uint8 and found.evidence.dtype == np.int8
    echo = is_echo(codes)
    assert np.isin(classes[echo], [METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN]).all()
    assert (classes[codes == UNDETECT] == NONE).all() and (confidence[codes == UNDETECT] == 255).all()
    assert (classes[codes == NODATA] == UNKNOWN).all()
    assert (confidence[classes == UNKNOWN] == 0).all()
    assert not found.evidence[~echo].any()


@given(codes=some_codes, pictures=some_pictures, weights=some_weights)
def test_class_and_confidence_are_the_sign_and_the_probability_of_the_sum(
    codes: NDArray[np.uint8], pictures: Pictures, weights: Weights
) -> None:
    found = label_of(codes, pictures, weights)
    echo = is_echo(codes)
    none = np.zeros(SHAPE, np.float32)
    total = sum((weights[name] * pictures.get(name, none) for name in LABELERS), none)[echo]
    clipped = np.clip(total, -MAX_LOG_ODDS, MAX_LOG_ODDS)
    packed = decode_log_odds(found.evidence[echo])
    assert np.abs(packed - clipped).max(initial=0) <= LOG_ODDS_STEP / 2 + 1e-3
    probability = 1 / (1 + np.exp(-packed.astype(float)))
    sure = np.abs(2 * probability - 1)
    known = sure >= 0.2
    kind = np.where(packed > 0, METEOROLOGICAL, NON_METEOROLOGICAL)
    assert (found.echo_class[echo] == np.where(known, kind, UNKNOWN)).all()
    assert np.abs(found.confidence[echo] - np.where(known, 255 * sure, 0)).max(initial=0) <= 0.51


@given(codes=some_codes, pictures=some_pictures, weights=some_weights, name=st.sampled_from(LABELERS[1:]))
def test_a_labeler_moves_echo_only_to_the_side_of_its_evidence(
    codes: NDArray[np.uint8], pictures: Pictures, weights: Weights, name: str
) -> None:
    without = label_of(codes, {key: log_odds for key, log_odds in pictures.items() if key != name}, weights)
    found = label_of(codes, pictures, weights)
    log_odds = pictures.get(name, np.zeros(SHAPE, np.float32))
    assert (found.evidence[log_odds >= 0] >= without.evidence[log_odds >= 0]).all()
    assert (found.evidence[log_odds <= 0] <= without.evidence[log_odds <= 0]).all()


@given(codes=some_codes, pictures=some_pictures, off=st.sampled_from(LABELERS))
def test_a_labeler_of_weight_0_has_no_effect(codes: NDArray[np.uint8], pictures: Pictures, off: str) -> None:
    found = label_of(codes, pictures, weights(**{off: 0}))
    left = label_of(codes, {name: log_odds for name, log_odds in pictures.items() if name != off}, weights())
    for field in fields(found):
        assert np.array_equal(getattr(found, field.name), getattr(left, field.name))


def test_the_surest_are_surest_and_a_draw_is_unknown() -> None:
    assert label_one(40) == (METEOROLOGICAL, 255, 127)
    assert label_one(-40) == (NON_METEOROLOGICAL, 255, -127)
    assert label_one(0) == label_one(0.04) == (UNKNOWN, 0, 0)
    assert label_one(1)[1] == round(255 * (2 / (1 + exp(-1)) - 1))


def test_echo_below_the_least_confidence_is_unknown_but_its_evidence_stays() -> None:
    assert label_one(0.4, 0.2) == (UNKNOWN, 0, 4)  # |2 p - 1| is 0.197
    assert label_one(0.5, 0.2)[0] == METEOROLOGICAL and label_one(-0.5, 0.2)[0] == NON_METEOROLOGICAL
    assert label_one(3, 0.99) == (UNKNOWN, 0, 30)


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf")])
def test_impossible_weights_are_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="each weight must be 0 or more"):
        check_weights(weights(spoke=weight))
    with pytest.raises(ConfigError, match="one of them above 0"):
        check_weights(weights(**dict.fromkeys(LABELERS, 0)))


@given(values=arrays(np.float32, 20, elements=st.floats(-30, 30, width=32)))
def test_packed_log_odds_are_within_half_a_step_and_clipped(values: NDArray[np.float32]) -> None:
    packed = encode_log_odds(values)
    assert packed.dtype == np.int8 and packed.min() >= -127
    clipped = np.clip(values, -MAX_LOG_ODDS, MAX_LOG_ODDS)
    assert np.abs(decode_log_odds(packed) - clipped).max() <= LOG_ODDS_STEP / 2 + 1e-4
    assert (np.diff(packed[np.argsort(values)].astype(int)) >= 0).all()


def read(table: LabelerTable) -> dict[str, dict[str, float]]:
    rows = csv.DictReader(StringIO(table.as_csv()))
    return {row["labeler"]: {name: float(row[name]) for name in COLUMNS[1:]} for row in rows}


@given(
    frames=st.lists(st.tuples(some_codes, some_pictures), min_size=1, max_size=3),
    weights=some_weights,
)
def test_the_table_counts_every_echo_once_for_each_labeler(
    frames: list[tuple[NDArray[np.uint8], Pictures]], weights: Weights
) -> None:
    table = LabelerTable(weights)
    for codes, pictures in frames:
        echoes, evidence = at_echoes(codes, pictures)
        table.add(echoes, evidence, combine(echoes, evidence, weights, 0.2))
    echoes = sum(int(is_echo(codes).sum()) for codes, _ in frames)
    rows = read(table)
    assert list(rows) == [name for name, weight in weights.items() if weight > 0]
    for name, row in rows.items():
        parts = [pictures[name][is_echo(codes)] for codes, pictures in frames if name in pictures]
        log_odds = np.concatenate([np.zeros(0, np.float32), *parts])
        assert row["for"] == (log_odds > 0).sum() and row["against"] == (log_odds < 0).sum()
        assert row["for"] + row["against"] + row["silent"] == echoes
        assert row["agrees"] <= row["for"] + row["against"]
        nonzero = log_odds[log_odds != 0].astype(float)
        mean = weights[name] * nonzero.mean() if nonzero.size else 0
        assert row["mean_log_odds"] == pytest.approx(mean, abs=1e-3)


def test_a_labeler_agrees_where_the_label_has_its_class() -> None:
    echoes = Echoes.of(np.full((1, 4), 90, np.uint8))
    evidence = {
        "density": np.array([5, -5, 0.1, -5], np.float32),
        "area": np.array([1, 1, 0, -1], np.float32),
    }
    table = LabelerTable(weights())
    table.add(echoes, evidence, combine(echoes, evidence, weights(), 0.2))  # met, not, unknown, not
    rows = read(table)
    assert (rows["density"]["for"], rows["density"]["against"], rows["density"]["agrees"]) == (2, 2, 3)
    assert (rows["area"]["for"], rows["area"]["against"], rows["area"]["agrees"]) == (2, 1, 2)
    assert rows["area"]["silent"] == 1 and rows["atlas"]["silent"] == 4
