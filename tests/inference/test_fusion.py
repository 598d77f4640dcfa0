"""Fusion of the network with the label model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_cases import START, make_labels, times_from

from radar_cleaner.conventions import LOG_ODDS_STEP, METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.inference.fusion import MAX_WEIGHT, EvidenceFusion
from radar_cleaner.storage.reader import open_store

CLASSES = np.array([[METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN]])


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frame with evidence of one step for weather, one step against, and none."""
    return make_labels(tmp_path_factory.mktemp("labels") / "a.zarr", times=times_from(count=2), echo_class=CLASSES)


def log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


@given(probability=st.floats(0.001, 0.999), weight=st.floats(0.01, MAX_WEIGHT))
def test_log_odds_add_up_and_pixels_without_evidence_stay(labels: Path, probability: float, weight: float) -> None:
    before = np.full((1, 3), probability, np.float32)
    fused = EvidenceFusion([labels], weight).fuse(before, START)
    prior = float(before[0, 0])
    step = weight * LOG_ODDS_STEP
    assert [log_odds(float(value)) for value in fused[0, :2]] == pytest.approx(
        [log_odds(prior) + step, log_odds(prior) - step], abs=0.01
    )
    assert fused[0, 0] > prior > fused[0, 1] and fused[0, 2] == before[0, 2]
    assert fused.dtype == np.float32 and (before == np.float32(probability)).all()


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_probability_of_0_or_1_stays(labels: Path, certain: float) -> None:
    before = np.full((1, 3), certain, np.float32)
    assert np.array_equal(EvidenceFusion([labels], MAX_WEIGHT).fuse(before, START), before)


def test_nan_stays_nan_for_the_product_to_refuse(labels: Path) -> None:
    assert np.isnan(EvidenceFusion([labels], 1).fuse(np.full((1, 3), np.nan, np.float32), START)).all()


def test_a_weight_of_zero_uses_the_network_alone_and_opens_nothing(tmp_path: Path) -> None:
    fusion = EvidenceFusion([tmp_path / "not there.zarr"], 0)
    probability = np.random.default_rng(0).random((4, 4), dtype=np.float32)
    assert np.array_equal(fusion.fuse(probability, START), probability) and not fusion.digests


def test_the_digests_are_those_of_the_stores(labels: Path) -> None:
    store = open_store(labels, "labels")
    assert EvidenceFusion([labels], 1).digests == {str(store.path): store.digest}


def test_a_time_without_evidence_is_named(labels: Path) -> None:
    with pytest.raises(StoreError, match=r"no evidence: no frame at 2024.*run snakemake"):
        EvidenceFusion([labels], 1).fuse(np.zeros((1, 3), np.float32), START + 7200)


@pytest.mark.parametrize("weight", [-1, MAX_WEIGHT + 1, float("nan")])
def test_a_weight_out_of_bounds_is_refused(labels: Path, weight: float) -> None:
    with pytest.raises(ConfigError, match=r"cleaning\.votes"):
        EvidenceFusion([labels], weight)
