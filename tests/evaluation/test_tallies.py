"""Known cleaners are counted as they are, each pixel once, in its band, and frames add up."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from evaluation_cases import ONE_MODEL, TWO_MODELS, Case, score
from hypothesis import given, settings
from hypothesis import strategies as st
from store_cases import flat_geometry

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.accumulation import ALL_RADARS, with_all_radars
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.inpainting_lattice import hole_lattice
from radar_cleaner.evaluation.metrics import KEPT, MET, NON_MET, PROBABILITY_EDGES, REMOVED
from radar_cleaner.evaluation.reflectivity_errors import DBZ_EDGES, error_scores
from radar_cleaner.evaluation.reliability import EVENTS, PIXELS, PROBABILITY
from radar_cleaner.evaluation.tallies import (
    AGREEMENT,
    CLUTTER_MASK,
    COMPARED,
    MODEL,
    ON_HOLES,
    RANK_STARTS,
    WEAK_LABEL,
    Answer,
    Frame,
    RadarScores,
    Reflectivity,
    mask_classes,
    score_frame,
    whole_rows,
)
from radar_cleaner.georeference.polar import range_of_pixels

BANDS = Bands((23.0, 40.0), (6.0, 12.0), (2, 3))
SHAPE = (24, 30)
RANGE_KM = range_of_pixels(flat_geometry(SHAPE, (14, 11), 30))


def a_frame(seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(78, 180, SHAPE).astype(np.uint8)
    codes[rng.random(SHAPE) < 0.4] = 0
    codes[:, :3] = NODATA
    label, clutter = rng.integers(0, 4, SHAPE).astype(np.uint8), rng.random(SHAPE) < 0.1
    return Case(Frame(codes, rng.choice(np.array([1, 1, 2, 3], np.uint8), SHAPE), RANGE_KM), label, clutter)


def judge(frame, probability, dbz=None, **more):
    dbz = decode_dbz(frame.codes) if dbz is None else dbz
    return score(frame, np.asarray(probability, np.float32), dbz, BANDS, **more)


def of_all(tally, cleaner=MODEL):
    """(class, decision) of a cleaner over all bands."""
    return tally.block.cleaners[cleaner].decisions.sum(axis=(0, 1))


def truths(frame):
    echo = is_echo(frame.codes)
    return echo & (frame.reference == METEOROLOGICAL), echo & (frame.reference == NON_METEOROLOGICAL)


def test_a_perfect_model_keeps_all_rain_and_removes_all_else():
    frame = a_frame()
    rain, other = truths(frame)
    counts = of_all(judge(frame, frame.reference == METEOROLOGICAL))
    assert counts[MET].tolist() == [0, rain.sum()] and counts[NON_MET].tolist() == [other.sum(), 0]


@pytest.mark.parametrize(("value", "decision"), [(1, KEPT), (0.5, KEPT), (0.4999, REMOVED), (0, REMOVED)])
def test_a_model_keeps_what_reaches_the_threshold(value, decision):
    counts = of_all(judge(a_frame(), np.full(SHAPE, value)))
    assert counts[:, 1 - decision].sum() == 0 < counts[:, decision].min()


def test_the_label_removes_its_non_meteorological_echo_and_the_mask_the_clutter_as_well():
    frame = a_frame()
    tally = judge(frame, np.ones(SHAPE))
    rain, other = truths(frame)
    label_keeps = frame.weak_label != NON_METEOROLOGICAL
    for cleaner, kept in ((WEAK_LABEL, label_keeps), (CLUTTER_MASK, label_keeps & ~frame.clutter)):
        counts = of_all(tally, cleaner)
        assert counts[MET].tolist() == [(rain & ~kept).sum(), (rain & kept).sum()]
        assert counts[NON_MET].tolist() == [(other & ~kept).sum(), (other & kept).sum()]


@given(st.integers(0, 99))
def test_each_pair_of_bands_is_counted_by_brute_force(seed):
    frame = a_frame(seed)
    probability = np.random.default_rng(seed).random(SHAPE).astype(np.float32)
    tally = judge(frame, probability)
    own = decode_dbz(frame.codes)
    for place in range(3):
        for band in range(3):
            low_km, high_km = [0, 6, 12, 99][place : place + 2]
            low, high = [-99, 23, 40, 99][band : band + 2]
            inside = (low_km <= RANGE_KM) & (high_km > RANGE_KM) & (own >= low) & (own < high)
            for row, truth in zip((MET, NON_MET), truths(frame), strict=True):
                pixels = probability[inside & truth]
                wanted = [(pixels < 0.5).sum(), (pixels >= 0.5).sum()]
                assert tally.block.cleaners[MODEL].decisions[place, band, row].tolist() == wanted
                bins = np.searchsorted(PROBABILITY_EDGES, pixels, side="right") - 1
                counts = np.bincount(bins, minlength=PROBABILITY_EDGES.size)
                np.testing.assert_array_equal(tally.fine.histogram[MODEL][place, band, row], counts)


def test_coarse_bins_are_the_sums_of_the_fine_ones_by_range_and_by_reflectivity():
    tally = judge(a_frame(), np.random.default_rng(4).random(SHAPE))
    coarse = np.add.reduceat(tally.fine.histogram[MODEL], RANK_STARTS, axis=-1)
    ranks = tally.block.cleaners[MODEL].ranks
    np.testing.assert_array_equal(ranks.by_range, coarse.sum(axis=1))
    np.testing.assert_array_equal(ranks.by_dbz, coarse.sum(axis=0))
    assert RANK_STARTS[0] == 0 and RANK_STARTS.size < 300


def test_a_second_model_is_counted_beside_the_first_and_changes_nothing_of_it():
    frame, rng = a_frame(), np.random.default_rng(2)
    first, second = rng.random((2, *SHAPE)).astype(np.float32)
    alone, other, both = judge(frame, first), judge(frame, second), judge(frame, first, compared=second)
    for name in (*ONE_MODEL, COMPARED):
        wanted = other.block.cleaners[MODEL] if name == COMPARED else alone.block.cleaners[name]
        assert_equal(both.block.cleaners[name], wanted)
    assert_equal(both.fine.histogram, {**alone.fine.histogram, COMPARED: other.fine.histogram[MODEL]})
    assert_equal(both.fine.pairs, alone.fine.pairs)


def test_calibration_counts_scored_echo_alone():
    frame = a_frame()
    probability = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    rain, other = truths(frame)
    sums = judge(frame, probability).block.cleaners[MODEL].calibration.by_range.sum(axis=(0, 1))
    assert sums[PIXELS] == (rain | other).sum() and sums[EVENTS] == rain.sum()
    assert sums[PROBABILITY] == pytest.approx(probability[rain | other].sum(dtype=np.float64))


def test_reflectivity_is_scored_on_rain_only_and_inpainting_by_mask_size():
    frame = a_frame()
    holes = hole_lattice(frame.codes, 0, BANDS.holes_px)
    rain, _ = truths(frame)
    own = decode_dbz(frame.codes)
    wrong_elsewhere = np.where(rain, own + 2, 77).astype(np.float32)
    hidden = np.select([rain & (holes == 1), rain & (holes == 2)], [own - 5, own + 7], 88).astype(np.float32)
    tally = judge(frame, np.ones(SHAPE), wrong_elsewhere, holes=holes, hole_dbz=hidden)
    small, large, agreement = (error_scores(sums.sum(axis=(0, 1))) for sums in tally.block.errors.values())
    assert (small["pixels"], small["bias_dbz"], small["mae_dbz"]) == ((rain & (holes == 1)).sum(), -5, 5)
    assert (large["pixels"], large["bias_dbz"], large["rmse_dbz"]) == ((rain & (holes == 2)).sum(), 7, 7)
    assert (agreement["pixels"], agreement["bias_dbz"], agreement["rmse_dbz"]) == (rain.sum(), 2, 2)
    assert [pairs.sum() for pairs in tally.fine.pairs.values()] == [small["pixels"] + large["pixels"], rain.sum()]
    estimate, value = np.nonzero(tally.fine.pairs[AGREEMENT])
    assert set(DBZ_EDGES[estimate] - DBZ_EDGES[value]) == {2}


def test_without_masks_there_is_no_inpainting_error():
    tally = judge(a_frame(), np.ones(SHAPE))
    assert not any(tally.block.errors[size].any() for size in BANDS.holes_px)
    assert not tally.fine.pairs[ON_HOLES].any() and tally.fine.pairs[AGREEMENT].any()


def test_an_output_that_is_not_finite_is_refused():
    frame = a_frame()
    nothing = np.full(SHAPE, np.nan, np.float32)
    for answers in ({"dbz": nothing}, {"hole_dbz": nothing}, {"compared": nothing}):
        with pytest.raises(ModelError, match="not finite"):
            judge(frame, np.ones(SHAPE), **answers)


def test_a_filter_may_give_infinite_scores_and_has_no_probabilities():
    case = a_frame()
    answers = {MODEL: Answer(np.ones(SHAPE, np.float32), 0.5, True), "filter": Answer(np.full(SHAPE, np.inf), 3)}
    tally = score_frame(case.frame, answers, BANDS, Reflectivity(decode_dbz(case.codes)))
    assert of_all(tally, "filter")[:, REMOVED].sum() == 0 < of_all(tally, "filter")[:, KEPT].min()
    assert tally.block.cleaners["filter"].ranks is None and list(tally.fine.histogram) == [MODEL]
    with pytest.raises(ModelError, match="filter"):
        answers["filter"] = Answer(np.full(SHAPE, np.nan), 3)
        score_frame(case.frame, answers, BANDS, Reflectivity(decode_dbz(case.codes)))


def assert_equal(one, two):
    """Two tallies are equal, but for the order in which floats were added."""
    if is_dataclass(one):
        one, two = ({field.name: getattr(part, field.name) for field in fields(part)} for part in (one, two))
    if isinstance(one, dict):
        assert list(one) == list(two)
        for name in one:
            assert_equal(one[name], two[name])
    elif one is None:
        assert two is None
    else:
        np.testing.assert_allclose(one, two, atol=1e-6)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=6), st.data())
def test_tallies_add_up_over_frames_radars_and_blocks(frames, data):
    tallies = [(hour, judge(a_frame(seed), np.random.default_rng(seed).random(SHAPE))) for seed, hour in frames]
    cut = data.draw(st.integers(0, len(tallies)))
    one, two, whole = (RadarScores(BANDS, ONE_MODEL) for _ in range(3))
    for index, (hour, tally) in enumerate(tallies):
        (one if index < cut else two).add(hour * 3600 + 7, tally)
        whole.add(hour * 3600, tally)
    both = with_all_radars({"A": one, "B": two})[ALL_RADARS]
    assert_equal(both.fine, whole.fine)
    assert_equal(both.blocks.total(), whole.blocks.total())
    assert both.frames == whole.frames == len(frames)
    assert len(both.blocks) == len(whole.blocks) == len({hour for _, hour in frames})
    for name in ONE_MODEL:
        stacked = whole.blocks.stack(lambda tally, name=name: tally.cleaners[name].decisions)
        np.testing.assert_array_equal(stacked.sum(axis=0), whole.blocks.total().cleaners[name].decisions)


def test_a_radar_without_a_frame_has_one_empty_block():
    scores = RadarScores(BANDS, TWO_MODELS)
    stacked = scores.blocks.stack(lambda tally: tally.cleaners[COMPARED].decisions)
    assert scores.frames == 0 and stacked.shape == (1, 3, 3, 2, 2) and not stacked.any()


def test_a_reference_mask_scores_ones_and_twos_only():
    assert mask_classes(np.array([0, 1, 2, 3, 4, 255], np.uint8)).tolist() == [3, 1, 2, 3, 3, 3]


def test_one_radar_has_no_total_beside_it():
    assert list(with_all_radars({"A": RadarScores(BANDS, ONE_MODEL)})) == ["A"]


def test_whole_rows_are_those_of_all_ranges_and_bands():
    rows = [{"range": place, "band": band} for place in ("all", "near") for band in ("all", "weak")]
    assert whole_rows(rows) == rows[:1]
