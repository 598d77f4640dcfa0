"""Curves equal those of a plain loop, also with ties and gaps; intervals contain the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.evaluation.bootstrap import draw_blocks, interval
from radar_cleaner.evaluation.removal import load_removals, removal_rows, save_removals
from radar_cleaner.evaluation.threshold_sweep import (
    SHARES,
    STEP,
    Curve,
    Removal,
    ScoreHistogram,
    choose,
    keeps,
    log_odds,
    removed_shares,
    resample_removed,
)


@dataclass(frozen=True)
class Echoes:
    """Scores, classes and blocks of time of echo pixels, (pixels,) each."""

    score: np.ndarray
    classes: np.ndarray
    block: np.ndarray

    def curve(self) -> Curve:
        histogram = ScoreHistogram()
        for block in np.unique(self.block):
            here = self.block == block
            histogram.add(int(block), self.score[here], self.classes[here])
        return histogram.curve()

    def drawn(self, times: np.ndarray) -> Echoes:
        """Return each block as often as `times` gives."""
        order = np.concatenate(
            [np.flatnonzero(self.block == block) for block, n in enumerate(times) for _ in range(n)]
        )
        return Echoes(self.score[order], self.classes[order], self.block[order])


@st.composite
def echoes(draw: st.DrawFn, blocks: int = 3) -> Echoes:
    """Some of each class in each block, with many equal scores."""
    size = draw(st.integers(2, 12)) * blocks
    score = draw(st.lists(st.integers(-3, 6), min_size=size, max_size=size))
    more = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=size, max_size=size))
    here = np.arange(size) % (size // blocks)
    kinds = np.where(here < 2, np.array([METEOROLOGICAL, NON_METEOROLOGICAL])[np.minimum(here, 1)], np.array(more))
    return Echoes(np.array(score) / 4, kinds.astype(np.uint8), np.arange(size) // (size // blocks))


def naive(echoes: Echoes, share: float) -> tuple[float, float]:
    """Most removed, and what is kept then, over all thresholds that keep at least a share, one after the other."""
    met, other = (echoes.score[echoes.classes == kind] for kind in (METEOROLOGICAL, NON_METEOROLOGICAL))
    best = (-1.0, 0.0)
    for threshold in [*np.unique(echoes.score), np.inf]:
        kept = np.mean(met >= threshold)
        if kept >= share - 1e-12:
            best = max(best, (float(np.mean(other < threshold)), float(kept)))
    return best


@given(echoes(), st.sampled_from([*SHARES, 0.5, 0.9, 1.0]))
def test_the_curve_is_that_of_a_loop_over_all_thresholds(sample: Echoes, share: float) -> None:
    choice = choose({"": sample.curve()}, share)
    assert (choice.removed, choice.kept) == pytest.approx(naive(sample, share))
    kept = keeps(sample.score, choice.threshold)
    assert choice.kept == pytest.approx(kept[sample.classes == METEOROLOGICAL].mean())
    assert choice.removed == pytest.approx(1 - kept[sample.classes == NON_METEOROLOGICAL].mean())


@given(echoes(), echoes(), st.sampled_from(SHARES))
def test_of_several_settings_the_best_is_chosen(one: Echoes, two: Echoes, share: float) -> None:
    curves = {"one": one.curve(), "two": two.curve()}
    choice = choose(curves, share)
    assert choice.removed == pytest.approx(max(naive(one, share)[0], naive(two, share)[0]))
    assert choice == choose({choice.setting: curves[choice.setting]}, share)
    assert removed_shares(curves, [share])[0] == choice.removed


@given(echoes())
def test_a_threshold_that_keeps_more_removes_less(sample: Echoes) -> None:
    assert (np.diff(removed_shares({"": sample.curve()}, sorted([*SHARES, 0.3, 1.0]))) <= 0).all()


def test_a_tie_is_not_split_and_the_next_higher_share_is_given() -> None:
    classes = np.array([1] * 100 + [2] * 10, np.uint8)
    score = np.concatenate([np.zeros(3), np.ones(97), np.zeros(5), np.ones(5)])
    curves = {"": Echoes(score, classes, np.zeros(110, int)).curve()}
    assert [choose(curves, share).removed for share in (0.98, 0.97, 0.95)] == [0, 0.5, 0.5]
    assert [choose(curves, share).kept for share in (0.98, 0.97, 0.95)] == [1, 0.97, 0.97]


def test_scores_are_rounded_to_a_thousandth_and_infinite_ones_are_last() -> None:
    score = np.array([1.0, 1.0004, 1.001, np.inf, -np.inf])
    curve = Echoes(score, np.array([1, 1, 1, 1, 2], np.uint8), np.zeros(5, int)).curve()
    assert [curve.threshold(index) for index in range(5)] == [-np.inf, 1.0, 1.001, np.inf, np.inf]
    choice = choose({"": curve}, 1.0)
    assert (choice.threshold, choice.removed) == (1.0, 1.0)
    assert keeps(score, 1.0).tolist() == [True, True, True, True, False]
    with pytest.raises(ValueError, match="every echo"):
        ScoreHistogram().add(0, np.array([np.nan]), np.array([1], np.uint8))


@given(st.lists(st.floats(0, 1, width=32), min_size=2))
def test_log_odds_rise_with_the_probability_and_are_finite(probability: list[float]) -> None:
    odds = log_odds(np.sort(np.array(probability, np.float32)))
    assert np.isfinite(odds).all() and (np.diff(odds) >= 0).all()


@given(echoes(), st.lists(st.integers(0, 2), min_size=3, max_size=3).filter(any), st.sampled_from(SHARES))
def test_a_resample_is_read_like_the_blocks_it_is_made_of(sample: Echoes, times: list[int], share: float) -> None:
    removed = resample_removed({"": sample.curve()}, share, np.array([times], float))
    assert removed[0] == pytest.approx(naive(sample.drawn(np.array(times)), share)[0])


LEVELS = 600  # a step of the curve is much less than an interval


def simulate(blocks: int, generator: np.random.Generator) -> Curve:
    """Hours whose rain and other echo score differently, some with much of it and some with little."""
    mean = np.stack([generator.normal(36, 3, blocks), generator.normal(18, 4, blocks)], axis=1)
    size = generator.integers([500, 50], [4000, 400], (blocks, 2))
    level = np.arange(LEVELS) / LEVELS * 60
    density = np.exp(-(((level - mean[..., None]) / 6) ** 2) / 2)
    counts = generator.multinomial(size, density / density.sum(axis=-1, keepdims=True))
    kept = np.append(counts, np.zeros((blocks, 2, 1), np.int64), axis=2)[..., ::-1].cumsum(axis=2)[..., ::-1]
    return Curve(np.append(level * STEP, np.inf), kept, counts.sum(axis=2))


def test_nine_of_ten_intervals_of_many_hours_contain_the_truth() -> None:
    generator = np.random.default_rng(3)
    truth = choose({"": simulate(4_000, generator)}, 0.95).removed
    held, rounds, blocks = 0, 100, 40
    for _ in range(rounds):
        draws = draw_blocks(blocks, generator, 300)
        low, high = interval(resample_removed({"": simulate(blocks, generator)}, 0.95, draws), np.array(blocks))
        held += low <= truth <= high
    assert 0.8 < held / rounds < 0.97


def test_a_removal_is_compared_with_another_over_the_same_hours(tmp_path) -> None:
    curve, other = (simulate(12, np.random.default_rng(5)) for _ in range(2))
    assert (curve.total == other.total).all()
    removal = Removal.of({"": curve})
    more, ends = removal.minus(Removal.of({"": other}))
    assert not more.any() and not ends.any()  # the same draws of the same curve
    low, high = removal.intervals()
    removed = np.array([choice.removed for choice in removal.choices])
    assert (low <= removed).all() and (removed <= high).all() and (low < high).all()
    save_removals(tmp_path / "removal.npz", {"A": {"model": removal, "label model": removal}})
    loaded = load_removals(tmp_path / "removal.npz")
    assert removal_rows(loaded) == removal_rows({"A": {"model": removal, "label model": removal}})
    assert not loaded["A"]["model"].minus(removal)[1].any()


def test_nothing_to_score_gives_no_numbers() -> None:
    removal = Removal.of({"": ScoreHistogram().curve()})
    assert np.isnan([choice.removed for choice in removal.choices]).all() and np.isnan(removal.intervals()).all()
    assert {row["removed"] for row in removal_rows({"A": {"model": removal}})} == {None}
