"""Tables have a row for all, each range, each band and each pair, which add up; intervals contain their score."""

import json

import numpy as np
import pytest
from evaluation_cases import ONE_MODEL, TWO_MODELS, Case
from evaluation_cases import score as score_case
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from store_cases import flat_geometry

from radar_cleaner.conventions import METEOROLOGICAL, decode_dbz, encode_dbz, is_echo
from radar_cleaner.evaluation.bins import ALL, Bands, with_totals
from radar_cleaner.evaluation.bootstrap import draw_blocks, interval, resample
from radar_cleaner.evaluation.inpainting_lattice import hole_lattice
from radar_cleaner.evaluation.metrics import DECISION_NEEDS, THRESHOLDS, roc_auc
from radar_cleaner.evaluation.reflectivity_errors import error_scores
from radar_cleaner.evaluation.reliability import BINS, expected_calibration_error, sum_probabilities
from radar_cleaner.evaluation.tables import (
    ECE,
    RANKINGS,
    calibration_rows,
    curve_rows,
    reflectivity_rows,
    score_rows,
)
from radar_cleaner.evaluation.tallies import (
    AGREEMENT,
    COMPARED,
    MODEL,
    ON_HOLES,
    Frame,
    RadarScores,
    whole_rows,
)
from radar_cleaner.georeference.polar import range_of_pixels

BANDS = Bands((20.0, 35.0), (12.0,), (2, 4))
SHAPE = (32, 40)
RANGE_KM = range_of_pixels(flat_geometry(SHAPE, (20, 15), 30))
MODELS = (MODEL, COMPARED)
CLEANERS = tuple(TWO_MODELS)
COUNTS = ("hits", "misses", "false_alarms", "correct_removals")
ERRORS = ("mae_dbz", "rmse_dbz", "bias_dbz", "r", "r2")


def scene(seed):
    """Return a frame whose reference is random by a field, and outputs of models that see the field with noise."""
    rng = np.random.default_rng(seed)
    own = rng.choice([14.5, 25.0, 43.5], SHAPE)
    codes = np.where(rng.random(SHAPE) < 0.3, 0, encode_dbz(own)).astype(np.uint8)
    field = rng.normal(rng.normal(0.8, 0.3), 1.5, SHAPE)
    reference = np.where(rng.random(SHAPE) < 1 / (1 + np.exp(-field)), 1, 2).astype(np.uint8)
    label, clutter = rng.integers(1, 3, SHAPE).astype(np.uint8), rng.random(SHAPE) < 0.1
    frame = Case(Frame(codes, reference, RANGE_KM), label, clutter)
    logit = (field + rng.normal(0, 0.5, (2, *SHAPE))).astype(np.float32)
    probability = 1 / (1 + np.exp(-logit))
    return frame, probability, (decode_dbz(codes) + rng.normal(1, 4, SHAPE)).astype(np.float32)


def scores_of(hours=8, frames=2, compared=True, first=0):
    found = RadarScores(BANDS, TWO_MODELS if compared else ONE_MODEL)
    for index in range(hours * frames):
        frame, (one, two), dbz = scene(first + index)
        holes = hole_lattice(frame.codes, index * 360, BANDS.holes_px)
        more = two if compared else None
        tally = score_case(frame, one, dbz, BANDS, holes, dbz - np.float32(2), more)
        found.add(index // frames * 3600, tally)
    return found


SCORES = {"A": scores_of(), "B": scores_of(first=100)}
ROWS = score_rows(SCORES)
ERROR_ROWS = reflectivity_rows(SCORES)


def test_there_is_a_row_for_each_radar_cleaner_range_and_band():
    keys = [(row["radar"], row["cleaner"], row["range"], row["band"]) for row in ROWS]
    assert len(keys) == len(set(keys)) == 2 * 4 * 3 * 4
    assert keys[0] == ("A", "weak label", "all", "all")
    assert {row["range"] for row in ROWS} == {"all", "within 12 km", "12 km and beyond"}
    assert len({tuple(row) for row in ROWS}) == 1  # the same columns, in the same order
    assert len(whole_rows(ROWS)) == 8


def test_pairs_add_up_to_ranges_and_bands_and_these_to_all():
    for cleaner in CLEANERS:
        by_place = {
            (row["range"], row["band"]): row for row in ROWS if (row["radar"], row["cleaner"]) == ("A", cleaner)
        }
        ranges, bands = ({place[axis] for place in by_place} - {"all"} for axis in (0, 1))
        for count in COUNTS:
            whole = by_place["all", "all"][count]
            assert sum(by_place[place, "all"][count] for place in ranges) == whole
            assert sum(by_place["all", band][count] for band in bands) == whole
            assert sum(by_place[place, band][count] for place in ranges for band in bands) == whole


def test_every_score_is_in_its_interval_and_areas_have_none_for_pairs_of_range_and_band():
    narrow = 0
    for row in ROWS:
        together = "all" not in (row["range"], row["band"])
        for score in (*DECISION_NEEDS, *RANKINGS, ECE):
            low, high = row[f"{score}_low"], row[f"{score}_high"]
            if score in (*RANKINGS, ECE) and (together or not row["cleaner"].endswith("model")):
                assert low is high is None
            else:
                assert low < row[score] < high
                narrow += high - low < 0.2
    assert narrow > 0.8 * len(ROWS) * len(DECISION_NEEDS)


def test_areas_and_calibration_are_those_of_models_only():
    for row in ROWS:
        model = row["cleaner"].endswith("model")
        assert (row["roc_auc"] is not None) == (row["pr_auc"] is not None) == model
        assert (row["ece"] is not None) == (model and "all" in (row["range"], row["band"]))
    model, compared = (row for row in whole_rows(ROWS) if row["radar"] == "A" and row["cleaner"].endswith("model"))
    assert model["roc_auc"] == pytest.approx(float(roc_auc(SCORES["A"].fine.histogram[MODEL].sum(axis=(0, 1)))))
    assert 0.7 < model["roc_auc"] < 0.95 and model["roc_auc"] != compared["roc_auc"]
    assert model["pr_auc"] > model["precision"] and 0 < model["ece"] < 0.1
    assert model["npv"] < model["pr_auc_other"] < model["pr_auc"]


def scenes(radar="A"):
    """Return the data of `SCORES`: the hour, the frame and the probabilities of each model."""
    first = 0 if radar == "A" else 100
    return [(index // 2, *scene(first + index)[:2]) for index in range(16)]


def test_the_calibration_error_is_that_of_each_model_in_each_range_and_each_band():
    for number, name in enumerate(MODELS):
        rows = [row for row in ROWS if (row["radar"], row["cleaner"]) == ("A", name) and row[ECE] is not None]
        assert len(rows) == 1 + 2 + 3
        for row in rows:
            predicted, observed = [], []
            for _, frame, probability in scenes():
                dbz, inside = decode_dbz(frame.codes), is_echo(frame.codes)
                inside &= {"all": True, "within 12 km": RANGE_KM < 12, "12 km and beyond": RANGE_KM >= 12}[
                    row["range"]
                ]
                low, high = {"below 20 dBZ": (-99, 20), "20 to 35 dBZ": (20, 35), "35 dBZ and more": (35, 99)}.get(
                    row["band"], (-99, 99)
                )
                inside &= (dbz >= low) & (dbz < high)
                predicted.append(probability[number][inside])
                observed.append(frame.reference[inside] == METEOROLOGICAL)
            wanted = expected_calibration_error(
                sum_probabilities(np.concatenate(predicted), np.concatenate(observed))
            )
            assert row[ECE] == pytest.approx(float(wanted)), (name, row["range"], row["band"])


def test_reliability_is_that_of_each_model():
    rows = calibration_rows(SCORES)
    for number, name in enumerate(MODELS):
        predicted = np.concatenate(
            [probability[number][is_echo(frame.codes)] for _, frame, probability in scenes("B")]
        )
        found = [row["pixels"] for row in rows if (row["radar"], row["cleaner"]) == ("B", name)]
        np.testing.assert_array_equal(
            found, np.histogram(predicted, np.linspace(0, 1, BINS + 1).astype(np.float32))[0]
        )


def test_areas_and_their_intervals_are_those_of_their_own_band():
    """Areas of resampled fine histograms give the ends of the intervals, to the width of a fine bin."""
    found = SCORES["A"]
    per_hour = np.stack([[scores_of_hour(hour).fine.histogram[name] for name in MODELS] for hour in range(8)])
    drawn = roc_auc(resample(draw_blocks(8, np.random.default_rng(0)), with_totals(per_hour, 2)))
    low, high = interval(drawn, np.array(8))
    for row in ROWS:
        if row["radar"] == "A" and row["roc_auc_low"] is not None:
            there = (
                MODELS.index(row["cleaner"]),
                BANDS.names[0].index(row["range"]),
                BANDS.names[1].index(row["band"]),
            )
            ends = [row["roc_auc_low"], row["roc_auc_high"]]
            assert ends == pytest.approx([low[there], high[there]], abs=3e-3), there
            assert row["roc_auc"] == pytest.approx(
                float(roc_auc(with_totals(found.fine.histogram[row["cleaner"]], 0)[there[1:]]))
            )


def scores_of_hour(hour):
    found = RadarScores(BANDS, TWO_MODELS)
    for index in (2 * hour, 2 * hour + 1):
        frame, (one, two), dbz = scene(index)
        found.add(0, score_case(frame, one, dbz, BANDS, compared=two))
    return found


def test_the_area_of_other_echo_is_that_of_scikit_learn():
    found, truth, other = RadarScores(BANDS, ONE_MODEL), [], []
    for index in range(3):
        frame, (one, _), dbz = scene(index)
        found.add(0, score_case(frame, one, dbz, BANDS))
        truth.append((frame.reference == 2)[is_echo(frame.codes)])
        other.append(1 - one[is_echo(frame.codes)].astype(np.float64))
    wanted = average_precision_score(np.concatenate(truth), np.concatenate(other))
    model = whole_rows(score_rows({"A": found}))[-1]
    assert model["pr_auc_other"] == pytest.approx(wanted, abs=2e-3)


def test_all_cleaners_are_resampled_by_the_same_draws():
    twice = RadarScores(BANDS, TWO_MODELS)
    for index in range(12):
        frame, (one, _), dbz = scene(index)
        twice.add(index * 3600, score_case(frame, one, dbz, BANDS, compared=one))
    rows = score_rows({"A": twice})
    model, compared = ([row for row in rows if row["cleaner"] == name] for name in CLEANERS[2:])
    assert [{**row, "cleaner": ""} for row in model] == [{**row, "cleaner": ""} for row in compared]


def test_a_second_model_changes_no_row_of_the_others():
    alone = score_rows({"A": scores_of(compared=False)})
    assert alone == [row for row in ROWS if row["radar"] == "A" and row["cleaner"] != "compared model"]


def test_reflectivity_has_rows_by_mask_range_and_band_that_add_up():
    of_one = [row for row in ERROR_ROWS if row["radar"] == "A"]
    on_holes = [row for row in of_one if row["measure"] == ON_HOLES]
    pixels = {(row["hole_px"], row["range"], row["band"]): row["pixels"] for row in on_holes}
    assert {hole for hole, *_ in pixels} == {"all", 2, 4}
    assert len(pixels) == len(on_holes) == 12 + 2 * 6  # of one size none by range and band together
    for place in ("all", "within 12 km"):
        assert pixels["all", place, "all"] == pixels[2, place, "all"] + pixels[4, place, "all"] > 0
    assert pixels["all", "all", "all"] == sum(
        number for (hole, place, band), number in pixels.items() if hole == "all" and "all" not in (place, band)
    )
    assert {row["hole_px"] for row in of_one if row["measure"] == AGREEMENT} == {"all"}
    assert len({tuple(row) for row in of_one}) == 1


def test_rows_of_a_mask_size_are_of_the_masks_of_that_size():
    found = RadarScores(BANDS, ONE_MODEL)
    for index in range(6):
        frame, (one, _), dbz = scene(index)
        holes = hole_lattice(frame.codes, index * 360, BANDS.holes_px)
        filled = decode_dbz(frame.codes) + np.where(holes == 1, -3, 8).astype(np.float32)
        found.add(index * 3600, score_case(frame, one, dbz, BANDS, holes, filled))
    bias = {row["hole_px"]: row["bias_dbz"] for row in whole_rows(reflectivity_rows({"A": found}))[:3]}
    assert bias[2] == pytest.approx(-3) and bias[4] == pytest.approx(8) and -3 < bias["all"] < 8
    small = found.blocks.total().errors[2].sum(axis=(0, 1))
    assert error_scores(small)["bias_dbz"] == pytest.approx(-3)


def test_errors_are_known_and_in_their_intervals_and_inpainting_has_rows_of_its_own():
    for row in ERROR_ROWS:
        for score in ERRORS:
            if row["band"] == ALL:
                assert row[f"{score}_low"] < row[score] < row[f"{score}_high"]
            elif score in ("r", "r2"):  # a band has one class of reflectivity
                assert row[score] is row[f"{score}_low"] is None
    bias = {row["measure"]: row["bias_dbz"] for row in whole_rows(ERROR_ROWS) if row["hole_px"] == "all"}
    assert bias[AGREEMENT] == pytest.approx(1, abs=0.2) and bias[ON_HOLES] == pytest.approx(-1, abs=0.3)


def test_four_hours_are_too_few_for_an_interval():
    found = {"A": scores_of(hours=4)}
    rows = [*score_rows(found), *reflectivity_rows(found), *calibration_rows(found)]
    assert {value for row in rows for name, value in row.items() if name.endswith(("_low", "_high"))} == {None}


def test_an_interval_needs_five_hours_with_the_pixels_of_its_score():
    found = RadarScores(BANDS, ONE_MODEL)
    for index in range(9):
        frame, (one, _), dbz = scene(index)
        reference = frame.reference if index < 4 else np.ones_like(frame.reference)  # other echo in four hours
        frame = Case(Frame(frame.codes, reference, RANGE_KM), frame.weak_label, frame.clutter)
        found.add(index * 3600, score_case(frame, one, dbz, BANDS))
    row = whole_rows(score_rows({"A": found}))[2]
    known = {score for score in (*DECISION_NEEDS, *RANKINGS) if row[f"{score}_low"] is not None}
    assert known == {"retention", "pod", "recall", "far", "precision", "csi", "npv", "f1"}
    assert row["removal"] is not None and row["hss"] is not None and row["roc_auc"] is not None


def test_calibration_has_a_row_a_model_and_bin_with_the_frequency_in_its_interval():
    rows = calibration_rows(SCORES)
    assert len(rows) == 2 * 2 * BINS and {row["cleaner"] for row in rows} == {"model", "compared model"}
    of_model = [row for row in rows if row["radar"] == "A" and row["cleaner"] == "model"]
    counted = sum(next(row for row in whole_rows(ROWS) if row["cleaner"] == "model")[count] for count in COUNTS)
    assert sum(row["pixels"] for row in of_model) == counted
    for row in of_model:
        assert row["probability_from"] <= row["mean_probability"] <= row["probability_to"]
        assert row["observed_frequency_low"] < row["observed_frequency"] < row["observed_frequency_high"]
    ece = (
        sum(row["pixels"] * abs(row["observed_frequency"] - row["mean_probability"]) for row in of_model) / counted
    )
    assert ece == pytest.approx(next(row for row in whole_rows(ROWS) if row["cleaner"] == "model")["ece"])


def test_the_curve_passes_through_the_model_and_is_monotone():
    curve = [row for row in curve_rows(SCORES) if row["radar"] == "A"]
    assert [row["threshold"] for row in curve] == THRESHOLDS.tolist()
    here = next(row for row in curve if row["threshold"] == 0.5)
    model = next(row for row in whole_rows(ROWS) if row["cleaner"] == "model")
    assert all(model[name] == here[name] for name in (*COUNTS, *DECISION_NEEDS))
    assert (np.diff([row["retention"] for row in curve]) <= 0).all()
    assert (np.diff([row["removal"] for row in curve]) >= 0).all()


@settings(max_examples=10)
@given(st.permutations(range(6)))
def test_tables_do_not_depend_on_the_order_of_the_frames_within_an_hour(order):
    one, two = RadarScores(BANDS, ONE_MODEL), RadarScores(BANDS, ONE_MODEL)
    for scores, indices in ((one, range(6)), (two, order)):
        for index in indices:
            frame, (probability, _), dbz = scene(index)
            scores.add(0, score_case(frame, probability, dbz, BANDS))
    assert score_rows({"A": one}) == score_rows({"A": two})


def test_echo_that_no_reference_knows_is_not_counted():
    row = whole_rows(ROWS)[0]
    echo = sum(int(is_echo(scene(index)[0].codes).sum()) for index in range(16))
    assert sum(row[count] for count in COUNTS) == echo  # here all of it is known
    frame, (one, _), dbz = scene(0)
    unknown = Case(Frame(frame.codes, np.full(SHAPE, 3, np.uint8), RANGE_KM), frame.weak_label, frame.clutter)
    found = RadarScores(BANDS, ONE_MODEL)
    found.add(0, score_case(unknown, one, dbz, BANDS))
    assert all(row[count] == 0 for row in score_rows({"A": found}) for count in COUNTS)


@pytest.mark.parametrize("bands", [BANDS, Bands((20.0,))])
def test_nothing_scored_gives_valid_json_without_numbers(bands):
    scores = {"A": RadarScores(bands, ONE_MODEL)}
    rows = score_rows(scores)
    assert {row["retention"] for row in rows} == {row["ece"] for row in rows} == {None}
    assert len(whole_rows(rows)) == len(CLEANERS) - 1
    tables = [rows, reflectivity_rows(scores), curve_rows(scores), calibration_rows(scores)]
    json.dumps(tables, allow_nan=False)
    assert all(tables)
