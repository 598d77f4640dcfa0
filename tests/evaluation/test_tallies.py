"""Known cleaners are counted as they are, each pixel once, in its band, and frames add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, decode_dbz, is_echo
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.bins import Bands
from radar_cleaner.evaluation.inpainting_lattice import hole_lattice
from radar_cleaner.evaluation.metrics import KEPT, MET, NON_MET, PROBABILITY_EDGES, REMOVED
from radar_cleaner.evaluation.reflectivity_errors import DBZ_EDGES, error_scores
from radar_cleaner.evaluation.reliability import EVENTS, PIXELS, PROBABILITY
from radar_cleaner.evaluation.tallies import (
    ALL_RADARS,
    RANK_STARTS,
    BlockTally,
    Frame,
    RadarScores,
    Tally,
    hit_by,
    mask_classes,
    score_frame,
    whole_rows,
    with_total,
)
from radar_cleaner.georeference.polar import range_of_pixels

BANDS = Bands((23.0, 40.0), (6.0, 12.0), (2, 3))
SHAPE = (24, 30)
RANGE_KM = range_of_pixels(SHAPE, (14, 11), 1000)
LABEL, MASKED, MODEL, COMPARED = range(4)


def a_frame(seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(78, 180, SHAPE).astype(np.uint8)
    codes[rng.random(SHAPE) < 0.4] = 0
    codes[:, :3] = NODATA
    return Frame(
        codes,
        rng.integers(0, 4, SHAPE).astype(np.uint8),
        rng.random(SHAPE) < 0.1,
        rng.choice(np.array([1, 1, 2, 3], np.uint8), SHAPE),
        RANGE_KM,
    )


def judge(frame, probability, dbz=None, **more):
    dbz = decode_dbz(frame.codes) if dbz is None else dbz
    return score_frame(frame, np.asarray(probability, np.float32), dbz, 0.5, BANDS, **more)


def of_all(tally, cleaner=MODEL):
    """(class, decision) of a cleaner over all bands."""
    return tally.block.decisions[cleaner].sum(axis=(0, 1))


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
    label_keeps = frame.label_class != NON_METEOROLOGICAL
    for cleaner, kept in ((LABEL, label_keeps), (MASKED, label_keeps & ~frame.clutter)):
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
                assert tally.block.decisions[MODEL, place, band, row].tolist() == wanted
                bins = np.searchsorted(PROBABILITY_EDGES, pixels, side="right") - 1
                counts = np.bincount(bins, minlength=PROBABILITY_EDGES.size)
                np.testing.assert_array_equal(tally.histogram[0, place, band, row], counts)


def test_coarse_bins_hold_what_the_fine_ones_hold_by_range_and_by_reflectivity():
    tally = judge(a_frame(), np.random.default_rng(4).random(SHAPE))
    coarse = np.add.reduceat(tally.histogram, RANK_STARTS, axis=-1)
    np.testing.assert_array_equal(tally.block.ranks[:, :3], coarse.sum(axis=2))
    np.testing.assert_array_equal(tally.block.ranks[:, 3:], coarse.sum(axis=1))
    assert RANK_STARTS[0] == 0 and RANK_STARTS.size < 300


def test_a_second_model_is_counted_beside_the_first_and_changes_nothing_of_it():
    frame, rng = a_frame(), np.random.default_rng(2)
    one, two = rng.random((2, *SHAPE)).astype(np.float32)
    alone, other, both = judge(frame, one), judge(frame, two), judge(frame, one, compared=(two,))
    for name in ("decisions", "ranks", "calibration"):
        cleaners = slice(None, -1)
        np.testing.assert_array_equal(getattr(both.block, name)[cleaners], getattr(alone.block, name))
        np.testing.assert_array_equal(getattr(both.block, name)[-1], getattr(other.block, name)[-1])
    np.testing.assert_array_equal(both.histogram, np.concatenate([alone.histogram, other.histogram]))
    np.testing.assert_array_equal(both.pairs, alone.pairs)


def test_calibration_counts_scored_echo_alone():
    frame = a_frame()
    probability = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    rain, other = truths(frame)
    sums = judge(frame, probability).block.calibration[0, : BANDS.shape[0]].sum(axis=(0, 1))
    assert sums[PIXELS] == (rain | other).sum() and sums[EVENTS] == rain.sum()
    assert sums[PROBABILITY] == pytest.approx(probability[rain | other].sum(dtype=np.float64))


def test_reflectivity_is_judged_on_rain_only_and_holes_by_size_apart_from_agreement():
    frame = a_frame()
    holes = hole_lattice(frame.codes, 0, BANDS.holes_px)
    rain, _ = truths(frame)
    own = decode_dbz(frame.codes)
    wrong_elsewhere = np.where(rain, own + 2, 77).astype(np.float32)
    hidden = np.select([rain & (holes == 1), rain & (holes == 2)], [own - 5, own + 7], 88).astype(np.float32)
    tally = judge(frame, np.ones(SHAPE), wrong_elsewhere, holes=holes, hole_dbz=hidden)
    small, large, agreement = (error_scores(sums) for sums in tally.block.errors.sum(axis=(1, 2)))
    assert (small["pixels"], small["bias_dbz"], small["mae_dbz"]) == ((rain & (holes == 1)).sum(), -5, 5)
    assert (large["pixels"], large["bias_dbz"], large["rmse_dbz"]) == ((rain & (holes == 2)).sum(), 7, 7)
    assert (agreement["pixels"], agreement["bias_dbz"], agreement["rmse_dbz"]) == (rain.sum(), 2, 2)
    assert tally.pairs.sum(axis=(1, 2)).tolist() == [small["pixels"] + large["pixels"], rain.sum()]
    estimate, value = np.nonzero(tally.pairs[1])
    assert set(DBZ_EDGES[estimate] - DBZ_EDGES[value]) == {2}


def test_without_holes_there_is_no_error_on_them():
    tally = judge(a_frame(), np.ones(SHAPE))
    assert not tally.block.errors[:-1].any() and not tally.pairs[0].any() and tally.pairs[1].any()


def test_holes_that_hide_no_rain_are_not_worth_a_second_look():
    frame = a_frame()
    holes = hole_lattice(frame.codes, 0, BANDS.holes_px)
    dry = Frame(frame.codes, frame.label_class, frame.clutter, np.full(SHAPE, 2, np.uint8), RANGE_KM)
    assert hit_by(holes, frame) and not hit_by(holes, dry) and not hit_by(np.zeros_like(holes), frame)


def test_an_answer_that_is_no_number_is_refused():
    frame = a_frame()
    nothing = np.full(SHAPE, np.nan, np.float32)
    for answers in ({"dbz": nothing}, {"hole_dbz": nothing}, {"compared": (nothing,)}):
        with pytest.raises(ModelError, match="not a number"):
            judge(frame, np.ones(SHAPE), **answers)


def equal(one, two):
    """Whether two tallies are the same, but for the order in which floats were added."""
    for name in BlockTally.__dataclass_fields__:
        np.testing.assert_allclose(getattr(one.block, name), getattr(two.block, name), atol=1e-6)
    assert (one.histogram == two.histogram).all() and (one.pairs == two.pairs).all()
    return True


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=6), st.data())
def test_tallies_add_up_over_frames_radars_and_blocks(frames, data):
    tallies = [(hour, judge(a_frame(seed), np.random.default_rng(seed).random(SHAPE))) for seed, hour in frames]
    cut = data.draw(st.integers(0, len(tallies)))
    one, two, whole = (RadarScores(BANDS) for _ in range(3))
    for index, (hour, tally) in enumerate(tallies):
        (one if index < cut else two).add(hour * 3600 + 7, tally)
        whole.add(hour * 3600, tally)
    both = with_total({"A": one, "B": two})[ALL_RADARS]
    assert equal(both.total, whole.total) and both.frames == whole.frames == len(frames)
    assert set(both.blocks) == set(whole.blocks) == {hour for _, hour in frames}
    np.testing.assert_array_equal(whole.stack("decisions").sum(axis=0), whole.total.block.decisions)
    np.testing.assert_array_equal(whole.stack("ranks").sum(axis=0), whole.total.block.ranks)
    np.testing.assert_allclose(whole.stack("errors").sum(axis=0), whole.total.block.errors)


def test_a_radar_without_a_frame_has_one_empty_block():
    scores = RadarScores(BANDS, ("model", "compared model"))
    assert scores.frames == 0 and scores.stack("decisions").shape == (1, 4, 3, 3, 2, 2)
    assert equal(scores.total, Tally.empty(BANDS, 4))


def test_a_reference_mask_scores_ones_and_twos_only():
    assert mask_classes(np.array([0, 1, 2, 3, 4, 255], np.uint8)).tolist() == [3, 1, 2, 3, 3, 3]


def test_one_radar_has_no_total_beside_it():
    assert list(with_total({"A": RadarScores(BANDS)})) == ["A"]


def test_whole_rows_are_those_of_all_ranges_and_bands():
    rows = [{"range": place, "band": band} for place in ("all", "near") for band in ("all", "weak")]
    assert whole_rows(rows) == rows[:1]
