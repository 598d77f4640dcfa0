"""Known cleaners get their known scores; holes hide everything once and never what was not seen."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radar_cleaner.evaluation import (
    AGREEMENT,
    ALL_BANDS,
    ALL_RADARS,
    CLEANERS,
    LATTICE,
    ON_HOLES,
    Frame,
    RadarScores,
    Tally,
    curve_rows,
    hide,
    hit_by,
    hole_lattice,
    mask_classes,
    reflectivity_rows,
    score_frame,
    score_rows,
    with_total,
)
from radar_cleaner.vocabulary import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, decode_dbz, is_echo

BANDS = [23.0, 40.0]
SHAPE = (24, 30)


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
    )


def judge(frame, probability, dbz=None, **holes):
    dbz = decode_dbz(frame.codes) if dbz is None else dbz
    return score_frame(frame, probability.astype(np.float32), dbz, 0.5, BANDS, **holes)


def rows_of(*tallies):
    scores = RadarScores(len(BANDS) + 1)
    for hour, tally in enumerate(tallies):
        scores.add(hour * 3600, tally)
    return {(row["cleaner"], row["band"]): row for row in score_rows({"A": scores}, BANDS)}


def the_model(tally):
    return rows_of(tally)["model", ALL_BANDS]


def test_a_perfect_model_keeps_all_rain_and_removes_all_else():
    frame = a_frame()
    row = the_model(judge(frame, frame.reference == METEOROLOGICAL))
    assert (row["retention"], row["removal"], row["far"], row["csi"]) == (1, 1, 0, 1)
    echo = is_echo(frame.codes)
    assert row["hits"] == (echo & (frame.reference == METEOROLOGICAL)).sum()
    assert row["correct_removals"] == (echo & (frame.reference == NON_METEOROLOGICAL)).sum()


@pytest.mark.parametrize(("value", "retention", "removal"), [(1, 1, 0), (0, 0, 1)])
def test_a_model_that_keeps_or_removes_all_gets_exactly_that(value, retention, removal):
    row = the_model(judge(a_frame(), np.full(SHAPE, value)))
    assert (row["retention"], row["removal"]) == (retention, removal)


def test_a_probability_at_the_threshold_is_kept():
    assert the_model(judge(a_frame(), np.full(SHAPE, 0.5)))["retention"] == 1


def test_the_label_removes_its_non_meteorological_echo_and_the_mask_the_clutter_as_well():
    frame = a_frame()
    rows = rows_of(judge(frame, np.ones(SHAPE)))
    label_keeps = frame.label_class != NON_METEOROLOGICAL
    for name, kept in (("weak label", label_keeps), ("label + clutter mask", label_keeps & ~frame.clutter)):
        event = is_echo(frame.codes) & (frame.reference == METEOROLOGICAL)
        assert rows[name, ALL_BANDS]["hits"] == (event & kept).sum()
        assert rows[name, ALL_BANDS]["misses"] == (event & ~kept).sum()


def test_bands_add_up_to_all_and_follow_the_own_reflectivity():
    frame = a_frame()
    rows = rows_of(judge(frame, np.ones(SHAPE)))
    parts = [row for (cleaner, band), row in rows.items() if cleaner == "model" and band != ALL_BANDS]
    for count in ("hits", "misses", "false_alarms", "correct_removals"):
        assert sum(row[count] for row in parts) == rows["model", ALL_BANDS][count]
    strong = is_echo(frame.codes) & (decode_dbz(frame.codes) >= 40) & (frame.reference == METEOROLOGICAL)
    assert rows["model", "40 dBZ and more"]["hits"] == strong.sum()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=6), st.data())
def test_scores_add_up_over_frames_and_radars(frames, data):
    tallies = [(hour, judge(a_frame(seed), np.random.default_rng(seed).random(SHAPE))) for seed, hour in frames]
    cut = data.draw(st.integers(0, len(tallies)))
    one, two, whole = (RadarScores(len(BANDS) + 1) for _ in range(3))
    for index, (hour, tally) in enumerate(tallies):
        (one if index < cut else two).add(hour * 3600, tally)
        whole.add(hour * 3600, tally)
    both = with_total({"A": one, "B": two})[ALL_RADARS]
    assert score_rows({"A": both}, BANDS) == score_rows({"A": whole}, BANDS)
    assert curve_rows({"A": both}) == curve_rows({"A": whole})
    for found, wanted in zip(
        reflectivity_rows({"A": both}, BANDS), reflectivity_rows({"A": whole}, BANDS), strict=True
    ):
        assert found == pytest.approx(wanted)


def test_the_curve_passes_through_the_model_and_is_monotone():
    tally = judge(a_frame(), np.random.default_rng(5).random(SHAPE))
    scores = RadarScores(len(BANDS) + 1)
    scores.add(0, tally)
    curve = curve_rows({"A": scores})
    here = next(row for row in curve if row["threshold"] == 0.5)
    assert all(the_model(tally)[name] == here[name] for name in ("hits", "correct_removals", "csi"))
    assert (np.diff([row["retention"] for row in curve]) <= 0).all()
    assert (np.diff([row["removal"] for row in curve]) >= 0).all()


def test_reflectivity_is_judged_on_rain_only_and_holes_apart_from_agreement():
    frame = a_frame()
    holes = hole_lattice(frame.codes, 0, 3)
    rain = is_echo(frame.codes) & (frame.reference == METEOROLOGICAL)
    own = decode_dbz(frame.codes)
    wrong_elsewhere = np.where(rain, own + 2, 77).astype(np.float32)
    hidden = np.where(rain & holes, own - 5, 88).astype(np.float32)
    scores = RadarScores(len(BANDS) + 1)
    scores.add(0, judge(frame, np.ones(SHAPE), wrong_elsewhere, holes=holes, hole_dbz=hidden))
    rows = {(row["measure"], row["band"]): row for row in reflectivity_rows({"A": scores}, BANDS)}
    on_holes, agreement = rows[ON_HOLES, ALL_BANDS], rows[AGREEMENT, ALL_BANDS]
    assert (on_holes["pixels"], on_holes["bias_dbz"], on_holes["mae_dbz"]) == ((rain & holes).sum(), -5, 5)
    assert (agreement["pixels"], agreement["bias_dbz"], agreement["rmse_dbz"]) == (rain.sum(), 2, 2)
    assert "error" not in AGREEMENT


def test_without_holes_there_is_no_error_on_them():
    scores = RadarScores(len(BANDS) + 1)
    scores.add(0, judge(a_frame(), np.ones(SHAPE)))
    found = [row for row in reflectivity_rows({"A": scores}, BANDS) if row["measure"] == ON_HOLES]
    assert {row["pixels"] for row in found} == {0}
    assert {row["mae_dbz"] for row in found} == {None}


@given(
    arrays(np.uint8, (13, 17), elements=st.sampled_from([0, 90, NODATA])),
    st.integers(0, 2**31),
    st.integers(1, 6),
)
def test_holes_never_touch_nodata_and_hide_nothing_else(codes, time, size):
    holes = hole_lattice(codes, time, size)
    assert not (holes & (codes == NODATA)).any()
    stack = np.stack([codes, np.full_like(codes, 7)])
    hidden = hide(stack, holes)
    assert (hidden[:, holes] == NODATA).all()
    assert (hidden[:, ~holes] == stack[:, ~holes]).all()


@pytest.mark.parametrize("cadence_minutes", [1, 2, 5, 6, 10, 12, 15, 30, 60])
def test_holes_cover_every_pixel_over_a_hundred_frames(cadence_minutes):
    codes = np.full((37, 41), 90, np.uint8)
    start = 1720656000
    masks = [hole_lattice(codes, start + i * cadence_minutes * 60, 5) for i in range(100)]
    assert np.any(masks, axis=0).all()
    share = np.mean(masks)
    assert 0.7 / LATTICE**2 < share < 1.4 / LATTICE**2


def test_holes_depend_on_the_time_alone():
    codes = np.full((40, 40), 90, np.uint8)
    assert (hole_lattice(codes, 360, 4) == hole_lattice(codes, 360, 4)).all()
    assert (hole_lattice(codes, 360, 4) != hole_lattice(codes, 720, 4)).any()


def test_holes_that_hide_no_rain_are_not_worth_a_second_look():
    frame = a_frame()
    holes = hole_lattice(frame.codes, 0, 3)
    dry = Frame(frame.codes, frame.label_class, frame.clutter, np.full(SHAPE, 2, np.uint8))
    assert hit_by(holes, frame)
    assert not hit_by(holes, dry)


def test_a_reference_mask_scores_ones_and_twos_only():
    assert mask_classes(np.array([0, 1, 2, 3, 4, 255], np.uint8)).tolist() == [3, 1, 2, 3, 3, 3]


def test_nothing_scored_gives_valid_json_without_numbers():
    scores = {"A": RadarScores(len(BANDS) + 1)}
    rows = score_rows(scores, BANDS)
    assert [row["retention"] for row in rows] == [None] * len(CLEANERS[:-1]) * (len(BANDS) + 2)
    json.dumps([rows, reflectivity_rows(scores, BANDS), curve_rows(scores)], allow_nan=False)
    assert Tally.empty(3).frames == scores["A"].total.frames == 0


def test_one_radar_has_no_total_beside_it():
    assert list(with_total({"A": RadarScores(1)})) == ["A"]
