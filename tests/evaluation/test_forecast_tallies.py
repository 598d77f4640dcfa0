"""Forecasts are counted pixel by pixel on the same pixels for all, and scored as the formulas have it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, NONE, UNKNOWN
from radar_cleaner.errors import ModelError
from radar_cleaner.evaluation.accumulation import with_all_radars
from radar_cleaner.evaluation.forecast_tallies import (
    ANY_RAIN,
    METHODS,
    ForecastTally,
    empty_blocks,
    event_names,
    forecast_rows,
    model_field,
    pixel_rows,
    score_forecasts,
    true_field,
)
from radar_cleaner.evaluation.nowcast_baselines import NO_RAIN
from radar_cleaner.evaluation.reflectivity_errors import error_scores, sum_errors

EDGES = [20.0, 35.0]
HOUR = 3600


def random_field(random, shape=(9, 11), unknown=0.1):
    kind = random.random(shape)
    dbz = random.uniform(5, 50, shape)
    return np.select([kind < unknown, kind < 0.5], [np.nan, NO_RAIN], dbz).astype(np.float32)


def random_case(seed, leads=2):
    random = np.random.default_rng(seed)
    forecasts = {
        method: [random_field(random, unknown=0.1 * (method == "optical flow")) for _ in range(leads)]
        for method in METHODS
    }
    return [random_field(random) for _ in range(leads)], forecasts


@given(seed=st.integers(0, 10_000))
def test_the_counts_are_those_of_a_loop_over_pixels(seed):
    truths, forecasts = random_case(seed)
    tally = score_forecasts(truths, forecasts, EDGES)
    for lead, truth in enumerate(truths):
        known = np.isfinite(truth)
        flow = np.isfinite(forecasts["optical flow"][lead])
        assert tally.pixels[lead].tolist() == [(known & flow).sum(), (~known).sum(), (known & ~flow).sum()]
        for method in METHODS:
            pairs = [
                (truth[place], forecasts[method][lead][place])
                for place in np.ndindex(truth.shape)
                if known[place] and flow[place]
            ]
            for event, edge in enumerate((-31.5, *EDGES)):
                rainy = [(forecast_dbz >= edge, observed_dbz >= edge) for observed_dbz, forecast_dbz in pairs]
                misses, hits = (rainy.count((forecast_dbz, True)) for forecast_dbz in (False, True))
                correct, alarms = (rainy.count((forecast_dbz, False)) for forecast_dbz in (False, True))
                found = tally.decisions[method][lead, event]
                assert found.tolist() == [[misses, hits], [correct, alarms]]
            errors = [
                float(forecast_dbz) - float(observed_dbz)
                for observed_dbz, forecast_dbz in pairs
                if observed_dbz > NO_RAIN and forecast_dbz > NO_RAIN
            ]
            found = error_scores(tally.errors[method][lead])
            assert found["pixels"] == len(errors)
            assert found["mae_dbz"] == pytest.approx(np.abs(errors).mean())
            assert found["bias_dbz"] == pytest.approx(np.mean(errors), abs=1e-4)


def test_the_scores_are_those_of_the_formulas():
    found = empty_blocks(1, METHODS[:2], [20.0])
    tally = ForecastTally.empty(1, METHODS[:2], 2)
    tally.decisions["model"][0, 0] = [[4, 6], [80, 10]]  # misses, hits; correct negatives, false alarms
    tally.decisions["persistence"][0, 0] = [[5, 5], [75, 15]]
    estimate, value = np.array([20.0, 20, 20, 20]), np.array([18.0, 22, 22, 20])
    tally.errors["model"][0] = sum_errors(estimate, value, np.zeros(4, int), 1)[0]
    found.add(0, tally)
    rows = {(row["event"], row["method"]): row for row in forecast_rows({"CASGO": found}, [6], [20.0])}
    row = rows[ANY_RAIN, "model"]
    assert row["pod"] == 0.6 and row["far"] == 10 / 16 and row["csi"] == 0.3 and row["bias"] == 1.6
    assert (row["hits"], row["misses"], row["false_alarms"], row["correct_negatives"]) == (6, 4, 10, 80)
    assert row["hss"] == pytest.approx(2 * (6 * 80 - 4 * 10) / (10 * 84 + 16 * 90))
    assert (row["mae_dbz"], row["bias_dbz"], row["pixels"]) == (1.5, -0.5, 4)
    assert row["model_minus"] is None
    assert rows[ANY_RAIN, "persistence"]["model_minus"] == pytest.approx(0.3 - 0.2)
    nothing = rows["20 dBZ and more", "model"]
    assert all(nothing[name] is None for name in ("pod", "far", "csi", "hss", "bias", "csi_low", "mae_dbz"))


def test_the_same_forecast_scores_the_same_whatever_its_name_and_a_perfect_one_is_perfect():
    truths, _ = random_case(1)
    found = empty_blocks(2, METHODS, EDGES)
    for hour in range(8):
        found.add(hour * HOUR, score_forecasts(truths, dict.fromkeys(METHODS, truths), EDGES))
    for row in forecast_rows({"CASGO": found}, [6, 12], EDGES):
        assert row["csi"] == row["pod"] == row["hss"] == row["csi_low"] == row["csi_high"] == 1
        assert row["far"] == 0 and row["mae_dbz"] == (0 if row["event"] == ANY_RAIN else None)
        if row["method"] != "model":
            assert row["model_minus"] == row["model_minus_low"] == row["model_minus_high"] == 0


def random_scores(hours, seed=0):
    found = empty_blocks(2, METHODS, EDGES)
    for hour in range(hours):
        truths, forecasts = random_case(seed + hour)
        found.add(hour * HOUR + 60, score_forecasts(truths, forecasts, EDGES))
    return found


def test_intervals_are_those_of_hours_drawn_again():
    found = random_scores(9)
    rows = forecast_rows({"CASGO": found}, [6, 12], EDGES)
    blocks = found.stack(lambda tally: np.stack([tally.decisions[name] for name in METHODS], axis=1))
    random = np.random.default_rng(5)
    draws = []
    for _ in range(2000):
        counts = blocks[random.integers(9, size=9)].sum(axis=0)
        hits, wrong = counts[..., 0, 1], counts[..., 0, 0] + counts[..., 1, 1]
        draws.append(hits / (hits + wrong))
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    apart = np.quantile(np.array(draws)[:, :, :1] - np.array(draws), [0.05, 0.95], axis=0)
    for row in rows:
        place = (
            [6, 12].index(row["lead_minutes"]),
            METHODS.index(row["method"]),
            event_names(EDGES).index(row["event"]),
        )
        assert row["csi_low"] <= row["csi"] <= row["csi_high"]
        assert (row["csi_low"], row["csi_high"]) == pytest.approx((low[place], high[place]), abs=0.015)
        if row["method"] != "model":
            ends = row["model_minus_low"], row["model_minus_high"]
            assert ends == pytest.approx(tuple(apart[:, *place]), abs=0.015)


def test_few_hours_have_no_interval_and_no_frame_has_no_score():
    assert all(row["csi_low"] is None for row in forecast_rows({"A": random_scores(4)}, [6, 12], EDGES))
    empty = empty_blocks(2, METHODS, EDGES)
    assert {row["csi"] for row in forecast_rows({"A": empty}, [6, 12], EDGES)} == {None}


def test_radars_add_up_and_hours_of_both_are_one_block():
    first, second = random_scores(6), random_scores(6, seed=50)
    both = with_all_radars({"A": first, "B": second})
    assert list(both) == ["A", "B", "all radars"] and len(both["all radars"]) == 6
    total, one, other = (scores.total().decisions["model"] for scores in (both["all radars"], first, second))
    assert np.array_equal(total, one + other)
    assert with_all_radars({"A": first}) == {"A": first}
    rows = pixel_rows(both, [6, 12])
    assert sum(row["scored"] for row in rows[:4]) == sum(row["scored"] for row in rows[4:])
    assert rows[0]["frames"] == 6 and rows[-1]["frames"] == 12


def test_a_lead_time_without_observation_is_not_counted():
    truths, forecasts = random_case(3)
    tally = score_forecasts([None, truths[1]], forecasts, EDGES)
    assert (
        tally.frames.tolist() == [0, 1]
        and not tally.pixels[0].any()
        and not any(counts[0].any() for counts in tally.decisions.values())
    )


def test_observed_rain_is_that_of_the_reference_and_none_where_there_is_no_echo():
    codes = np.array([[0, 0, NODATA, 100], [100, 100, 100, NODATA]], np.uint8)
    classes = np.array(
        [[NONE, UNKNOWN, NONE, METEOROLOGICAL], [NON_METEOROLOGICAL, UNKNOWN, NONE, METEOROLOGICAL]]
    )
    found = true_field(codes, classes.astype(np.uint8))
    wanted = np.array([[NO_RAIN, NO_RAIN, np.nan, 18], [NO_RAIN, np.nan, np.nan, np.nan]], np.float32)
    assert np.array_equal(found, wanted, equal_nan=True) and found.dtype == np.float32


def test_a_model_forecasts_rain_from_its_threshold_on_however_weak():
    probability, dbz = np.array([[0.4, 0.5, 0.9]], np.float32), np.array([[30, 30, -90]], np.float32)
    assert model_field(probability, dbz, 0.5).tolist() == [[NO_RAIN, 30, -31.5]]
    with pytest.raises(ModelError, match="not finite"):
        model_field(probability, dbz * np.nan, 0.5)
