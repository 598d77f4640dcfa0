"""The benchmark's curves are those of a plain loop, ties and gaps are read with care, intervals hold the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality_cases import make_scene

from benchmarks.quality import scoring
from benchmarks.quality.details import Detail, detail_of, detail_rows, rain_row
from benchmarks.quality.scoring import (
    SHARES,
    Curve,
    Histogram,
    choose,
    draw_blocks,
    interval,
    keeps,
    read_envelope,
    resample_envelope,
    resample_point,
)
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN, is_echo
from radar_cleaner.evaluation.metrics import KEPT, MET, NON_MET


@dataclass(frozen=True)
class Echoes:
    """Scores, classes and blocks of time of echo pixels, (pixels,) each."""

    score: np.ndarray
    classes: np.ndarray
    block: np.ndarray

    def curve(self) -> Curve:
        histogram = Histogram()
        for block in np.unique(self.block):
            here = self.block == block
            histogram.add(int(block), self.score[here], self.classes[here])
        return histogram.curve()

    def drawn(self, times: np.ndarray) -> Echoes:
        """Each block so many times."""
        order = np.concatenate(
            [np.flatnonzero(self.block == block) for block, n in enumerate(times) for _ in range(n)]
        )
        return Echoes(self.score[order], self.classes[order], self.block[order])


@st.composite
def echoes(draw: st.DrawFn, blocks: int = 3) -> Echoes:
    """Some of each class in each block, with many equal scores."""
    size = draw(st.integers(2, 12)) * blocks
    score = draw(st.lists(st.integers(-3, 6), min_size=size, max_size=size))
    classes = [
        METEOROLOGICAL,
        NON_METEOROLOGICAL,
        *draw(st.lists(st.sampled_from([1, 2, 3]), min_size=size, max_size=size)),
    ]
    block = np.arange(size) // (size // blocks)
    here = np.arange(size) % (size // blocks)
    kinds = np.where(here < 2, np.array(classes[:2])[np.minimum(here, 1)], np.array(classes[2:]))
    return Echoes(np.array(score) / 4, kinds.astype(np.uint8), block)


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
    decided = keeps(sample.score, choice.threshold)
    assert choice.kept == pytest.approx(decided[sample.classes == METEOROLOGICAL].mean())
    assert choice.removed == pytest.approx(1 - decided[sample.classes == NON_METEOROLOGICAL].mean())


@given(echoes(), echoes(), st.sampled_from(SHARES))
def test_an_envelope_removes_what_its_best_parameter_removes(one: Echoes, two: Echoes, share: float) -> None:
    curves = {"one": one.curve(), "two": two.curve()}
    choice = choose(curves, share)
    assert choice.removed == pytest.approx(max(naive(one, share)[0], naive(two, share)[0]))
    assert choice == choose({choice.parameter: curves[choice.parameter]}, share)
    assert read_envelope(curves, [share])[0] == choice.removed


@given(echoes())
def test_who_keeps_more_removes_less(sample: Echoes) -> None:
    assert (np.diff(read_envelope({"": sample.curve()}, sorted([*SHARES, 0.3, 1.0]))) <= 0).all()


@given(echoes(), st.integers(0, 50))
def test_a_constant_score_removes_nothing_whatever_it_is(sample: Echoes, value: int) -> None:
    constant = Echoes(np.full(sample.score.shape, float(value)), sample.classes, sample.block)
    for share in (*SHARES, 1.0, 0.01):
        choice = choose({"": constant.curve()}, share)
        assert (choice.removed, choice.kept) == (0, 1)


@given(echoes())
def test_a_score_that_knows_removes_all_and_keeps_all(sample: Echoes) -> None:
    knowing = Echoes((sample.classes == METEOROLOGICAL).astype(float), sample.classes, sample.block)
    choice = choose({"": knowing.curve()}, 1.0)
    assert (choice.removed, choice.kept) == (1, 1)


def test_a_tie_is_not_split_and_the_next_higher_share_is_given() -> None:
    classes = np.array([1] * 100 + [2] * 10, np.uint8)
    score = np.concatenate([np.zeros(3), np.ones(97), np.zeros(5), np.ones(5)])
    curves = {"": Echoes(score, classes, np.zeros(110, int)).curve()}
    assert [choose(curves, share).removed for share in (0.98, 0.97, 0.95)] == [0, 0.5, 0.5]
    assert [choose(curves, share).kept for share in (0.98, 0.97, 0.95)] == [1, 0.97, 0.97]


def test_scores_are_told_apart_to_a_thousandth_and_infinite_ones_are_last() -> None:
    score = np.array([1.0, 1.0004, 1.001, np.inf, -np.inf])
    sample = Echoes(score, np.array([1, 1, 1, 1, 2], np.uint8), np.zeros(5, int))
    curve = sample.curve()
    assert [curve.threshold(index) for index in range(5)] == [-np.inf, 1.0, 1.001, np.inf, np.inf]
    choice = choose({"": curve}, 1.0)
    assert (choice.threshold, choice.removed) == (1.0, 1.0)
    assert keeps(score, 1.0).tolist() == [True, True, True, True, False]


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="every echo"):
        Histogram().add(0, np.array([np.nan]), np.array([1], np.uint8))


@given(echoes(), st.integers(-14, 28))
def test_a_point_at_any_threshold_is_what_that_threshold_keeps(sample: Echoes, quarters: int) -> None:
    curve, threshold = sample.curve(), quarters / 4 + 0.1
    kept = sample.score >= threshold
    index = curve.index_of(threshold)
    wanted = kept[sample.classes == METEOROLOGICAL].mean(), 1 - kept[sample.classes == NON_METEOROLOGICAL].mean()
    assert curve.point(index) == pytest.approx(wanted)
    once = np.ones((1, 3), np.int64)
    assert resample_point(curve, index, once)[0] == pytest.approx(wanted)


@given(echoes(), st.lists(st.integers(0, 2), min_size=3, max_size=3).filter(any), st.sampled_from(SHARES))
def test_a_resample_is_read_like_the_blocks_it_is_made_of(sample: Echoes, times: list[int], share: float) -> None:
    found = resample_envelope({"": sample.curve()}, share, np.array([times]))
    assert found[0] == pytest.approx(naive(sample.drawn(np.array(times)), share)[0])


def test_draws_are_of_as_many_blocks_and_the_same_for_the_same_seed() -> None:
    draws = draw_blocks(7, 50, np.random.default_rng(1))
    assert draws.shape == (50, 7) and (draws.sum(axis=1) == 7).all()
    assert (draws == draw_blocks(7, 50, np.random.default_rng(1))).all()


@pytest.mark.parametrize(("freedom", "quantile"), [(4, 2.1318), (11, 1.7959), (23, 1.7139), (1000, 1.6464)])
def test_students_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert scoring._student(0.95, freedom) == pytest.approx(quantile, abs=0.004)


def test_no_interval_where_blocks_are_few() -> None:
    assert interval(np.linspace(0, 1, 100), 4) is None
    assert interval(np.full(100, np.nan), 12) is None
    low, high = interval(np.linspace(0, 1, 1001), 12) or (0, 0)
    assert 0.02 < low < 0.05 < 0.95 < high < 0.98  # wider than the quantiles themselves


LEVELS = 600  # so many that a step of the curve is much less than an interval


def simulate(blocks: int, generator: np.random.Generator) -> Curve:
    """Hours whose rain and other echo score differently, some with much of it and some with little."""
    mean = np.stack([generator.normal(36, 3, blocks), generator.normal(18, 4, blocks)], axis=1)
    size = generator.integers([500, 50], [4000, 400], (blocks, 2))
    level = np.arange(LEVELS) / LEVELS * 60
    density = np.exp(-(((level - mean[..., None]) / 6) ** 2) / 2)
    counts = generator.multinomial(size, density / density.sum(axis=-1, keepdims=True))
    kept = np.append(counts, np.zeros((blocks, 2, 1), np.int64), axis=2)[..., ::-1].cumsum(axis=2)[..., ::-1]
    return Curve(np.append(level * scoring.STEP, np.inf), kept, counts.sum(axis=2))


@pytest.mark.parametrize("share", [0.99, 0.95])
def test_nine_of_ten_intervals_hold_the_truth(share: float) -> None:
    generator = np.random.default_rng(3)
    truth = choose({"": simulate(4_000, generator)}, share).removed
    held, rounds, blocks = 0, 300, 12
    for _ in range(rounds):
        curve = simulate(blocks, generator)
        resampled = resample_envelope({"": curve}, share, draw_blocks(blocks, 300, generator))
        low, high = interval(resampled, blocks) or (1, 0)
        held += low <= truth <= high
    assert 0.84 < held / rounds < 0.96


def test_details_add_up_over_frames_and_to_the_whole() -> None:
    edges, total = [20.0, 30.0], Detail.empty(3)
    pixels = kept_pixels = 0
    for seed in range(3):
        scene = make_scene(seed)
        rng = np.random.default_rng(seed)
        truth = rng.choice(np.array([METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN], np.uint8), scene.codes.shape)
        kept = rng.random(scene.codes.shape) < 0.6
        total += detail_of(scene, truth, kept, None, edges)
        scored = is_echo(scene.codes) & (truth != UNKNOWN)
        pixels, kept_pixels = pixels + int(scored.sum()), kept_pixels + int((scored & kept).sum())
    for counts in (total.by_size, total.by_band):
        assert counts.sum() == pixels and counts[..., KEPT].sum() == kept_pixels
    rows = detail_rows(total, edges)
    assert next(row["of"] for row in rows if row["group"] == "dBZ") == "below 20 dBZ" and len(rows) == 7
    rain = rain_row(total)
    assert rain["mae_dbz"] == rain["bias_dbz"] == 0  # the picture's own reflectivity
    assert 0.3 < rain["rain_lost"] < 0.5 and rain["wrong_rain"] > 0.3


def test_sizes_and_errors_are_those_of_the_echoes() -> None:
    scene = make_scene(1, neighbours=())
    scene.codes[is_echo(scene.codes)] = 0
    scene.codes[20, 20:23], scene.codes[30:36, 30:36] = 94, 115
    truth = np.where(scene.codes == 94, NON_METEOROLOGICAL, METEOROLOGICAL).astype(np.uint8)
    dbz = np.full(scene.codes.shape, 27.5, np.float32)  # code 115 is 25.5 dBZ
    detail = detail_of(scene, truth, scene.codes == 115, dbz, [20.0])
    assert detail.by_size[0, NON_MET].tolist() == [3, 0] and detail.by_size[2, MET].tolist() == [0, 36]
    assert (rain_row(detail)["mae_dbz"], rain_row(detail)["wrong_rain"]) == (2, 0)


def test_nothing_to_score_gives_no_numbers() -> None:
    curve = Histogram().curve()
    choice = choose({"": curve}, 0.99)
    assert np.isnan(choice.kept) and np.isnan(choice.removed)
    assert rain_row(Detail.empty(2))["rain_lost"] is None
