"""What the network and the votes say together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_cases import START, make_targets, times_from

from radar_cleaner.conventions import LOG_ODDS_STEP, METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.inference.fusion import MOST, VoteSums
from radar_cleaner.storage.reader import open_store

CLASSES = np.array([[METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN]])


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of an echo voted for by one step, one voted against by one, and none."""
    return make_targets(
        tmp_path_factory.mktemp("targets") / "a.zarr", times=times_from(count=2), echo_class=CLASSES
    )


def log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


@given(probability=st.floats(0.001, 0.999), weight=st.floats(0.01, MOST))
def test_log_odds_add_up_and_what_has_no_vote_stays(targets: Path, probability: float, weight: float) -> None:
    given_ = np.full((1, 3), probability, np.float32)
    joined = VoteSums([targets], weight).join(given_, START)
    said = float(given_[0, 0])
    step = weight * LOG_ODDS_STEP
    assert [log_odds(float(value)) for value in joined[0, :2]] == pytest.approx(
        [log_odds(said) + step, log_odds(said) - step], abs=0.01
    )
    assert joined[0, 0] > said > joined[0, 1] and joined[0, 2] == given_[0, 2]
    assert joined.dtype == np.float32 and (given_ == np.float32(probability)).all()


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_a_network_that_is_sure_stays_sure(targets: Path, sure: float) -> None:
    given_ = np.full((1, 3), sure, np.float32)
    assert np.array_equal(VoteSums([targets], MOST).join(given_, START), given_)


def test_what_is_no_number_stays_none_for_the_product_to_refuse(targets: Path) -> None:
    assert np.isnan(VoteSums([targets], 1).join(np.full((1, 3), np.nan, np.float32), START)).all()


def test_a_weight_of_zero_leaves_the_network_alone_and_opens_nothing(tmp_path: Path) -> None:
    sums = VoteSums([tmp_path / "not there.zarr"], 0)
    probability = np.random.default_rng(0).random((4, 4), dtype=np.float32)
    assert np.array_equal(sums.join(probability, START), probability) and not sums.digests


def test_the_digests_are_those_of_the_stores(targets: Path) -> None:
    store = open_store(targets, "targets")
    assert VoteSums([targets], 1).digests == {str(store.path): store.digest}


def test_a_time_without_votes_is_named(targets: Path) -> None:
    with pytest.raises(StoreError, match=r"no votes: no frame at 2024.*run snakemake"):
        VoteSums([targets], 1).join(np.zeros((1, 3), np.float32), START + 7200)


@pytest.mark.parametrize("weight", [-1, MOST + 1, float("nan")])
def test_a_weight_out_of_bounds_is_refused(targets: Path, weight: float) -> None:
    with pytest.raises(ConfigError, match=r"cleaning\.votes"):
        VoteSums([targets], weight)
