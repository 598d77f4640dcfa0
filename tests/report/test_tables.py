"""The tables and warnings of the report."""

import pytest

from radar_cleaner.report.tables import (
    count_made,
    labeler_table,
    list_warnings,
    product_table,
    reflectivity_table,
    score_table,
)


@pytest.mark.parametrize(("retention", "warns"), [(0.0, True), (0.009, True), (0.01, False), (None, False)])
def test_a_model_that_keeps_hardly_any_weather_is_warned_of(retention, warns):
    row = {"radar": "A", "cleaner": "model", "range": "all", "band": "all", "retention": retention}
    changes = ({"cleaner": "weak label"}, {"band": "below 15"}, {"range": "within 60 km"})
    others = [{**row, "retention": 0, **change} for change in changes]
    assert len(list_warnings({"fast_dev_run": False, "scores": [row, *others]})) == warns
    assert len(list_warnings({"fast_dev_run": True, "scores": [row, *others]})) == warns + 1


def test_stores_older_than_the_run_are_reused():
    assert count_made({"a": [5.0, 10.0, 11.0], "b": []}, 10.0) == [("a", 2, 1), ("b", 0, 0)]
    assert count_made({"a": [5.0]}, None) == [("a", 1, 0)]


def test_score_tables_leave_out_bands_without_pixels():
    empty = {"hits": 0, "misses": 0, "false_alarms": 0, "correct_removals": 0}
    rows = [
        {"radar": "A", "range": place, "band": band, "cleaner": cleaner, **empty, "hits": hits}
        for cleaner in ("x", "y")
        for place, band, hits in (
            ("all", "all", 0),
            ("all", "low", 3),
            ("all", "high", 0),
            ("near", "all", 2),
            ("near", "low", 2),
        )
    ]
    table = score_table(rows)
    assert [row["part"] for row in table] == ["all", "low", "near"]  # and none of both together
    assert table[1]["meteorological"] == 3 and set(table[1]["cleaners"]) == {"x", "y"}
    parts = [("all", "all", "a", 1), ("all", "all", "b", 0), (8, "all", "all", 1), (8, "near", "all", 1)]
    pixels = [
        {"radar": "A", "hole_px": hole, "range": place, "band": band, "measure": "m", "pixels": n}
        for hole, place, band, n in parts
    ]
    assert [row["part"] for row in reflectivity_table(pixels)] == ["a", "masks of 8 px"]


def counts_of(labeler, yes, no, silent, mean, agrees):
    row = {"labeler": labeler, "for": yes, "against": no, "silent": silent}
    return row | {"mean_log_odds": mean, "agrees": agrees}


def test_labelers_are_summed_over_shards_weighted_by_their_coverage():
    rows = [
        counts_of("density", 3, 1, 0, 2.0, 4),
        counts_of("atlas", 0, 0, 4, 0.0, 0),
        counts_of("density", 0, 1, 5, -3.0, 0),
    ]
    density, atlas = labeler_table(rows)
    assert density["labeler"] == "density" and density["covered"] == 0.5
    assert (density["positive"], density["negative"], density["agrees"]) == (0.3, 0.2, 0.8)
    assert density["log_odds"] == pytest.approx((4 * 2 - 3) / 5)
    assert atlas["covered"] == 0 and atlas["agrees"] is None and atlas["log_odds"] is None


def test_labelers_of_shards_without_echo_have_no_shares():
    assert labeler_table([counts_of("density", 0, 0, 0, 0.0, 0)])[0]["covered"] is None
    assert labeler_table([]) == []


def test_each_variable_of_the_product_is_described():
    rows = product_table(["x", "quality_flag", "reflectivity"])
    assert [(row["name"], row["units"]) for row in rows] == [("reflectivity", "dBZ"), ("quality_flag", "flag")]
