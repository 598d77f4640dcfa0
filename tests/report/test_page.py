"""Which frames are shown, how tables are laid out, and that nothing foreign gets into the page."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_cases import SVG

from radar_cleaner.errors import ConfigError
from radar_cleaner.report.page import (
    FrameCount,
    choose_frames,
    count_made,
    count_of,
    inline_svg,
    labeler_table,
    list_warnings,
    reflectivity_table,
    score_table,
    spread,
)

HOUR = 3600


def shown(counts, number):
    return [(choice.frame.radar, choice.frame.time) for choice in choose_frames(counts, number)]


def test_most_removed_comes_first_and_most_rain_last():
    counts = [FrameCount("A", hour * HOUR, 10 * hour, 50 - hour) for hour in range(5)]
    assert shown(counts, 3) == [("A", 0), ("A", HOUR), ("A", 4 * HOUR)]
    assert "most rain" in choose_frames(counts, 3)[-1].reason


def test_radars_take_turns():
    counts = [FrameCount("A", hour * HOUR, 0, 100) for hour in range(5)]
    counts += [FrameCount("B", hour * HOUR, 1, 5) for hour in range(5)]
    assert {radar for radar, _ in shown(counts, 4)[:2]} == {"A", "B"}


def test_frames_of_a_radar_are_an_hour_apart_while_there_are_such():
    counts = [FrameCount("A", minute * 60, minute, 500 - minute) for minute in range(0, 180, 6)]
    times = sorted(time for _, time in shown(counts, 3))
    assert min(b - a for a, b in pairwise(times)) >= HOUR
    assert len(shown(counts[:5], 3)) == 3  # no such are left: better near than none


def test_no_frames_or_none_wanted_gives_none():
    assert choose_frames([], 5) == choose_frames([FrameCount("A", 0, 1, 1)], 0) == []


@given(
    st.lists(
        st.builds(
            FrameCount,
            st.sampled_from("AB"),
            st.integers(0, 50).map(lambda i: i * 360),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
        unique_by=lambda count: (count.radar, count.time),
    ),
    st.integers(0, 8),
    st.randoms(),
)
def test_the_choice_is_unique_bounded_and_the_same_in_any_order(counts, number, random):
    first = shown(counts, number)
    assert len(first) == len(set(first)) <= number
    shuffled = list(counts)
    random.shuffle(shuffled)
    assert shown(shuffled, number) == first


@pytest.mark.parametrize(("retention", "warns"), [(0.0, True), (0.009, True), (0.01, False), (None, False)])
def test_a_model_that_keeps_next_to_no_weather_is_warned_of(retention, warns):
    row = {"radar": "A", "cleaner": "model", "range": "all", "band": "all", "retention": retention}
    changes = ({"cleaner": "weak label"}, {"band": "below 15"}, {"range": "within 60 km"})
    others = [{**row, "retention": 0, **change} for change in changes]
    assert len(list_warnings({"fast_dev_run": False, "scores": [row, *others]})) == warns
    assert len(list_warnings({"fast_dev_run": True, "scores": [row, *others]})) == warns + 1


def test_one_thing_is_no_plural():
    assert [count_of(number, "frame") for number in (0, 1, 2000)] == ["0 frames", "1 frame", "2,000 frames"]


@given(st.integers(0, 40), st.integers(0, 12))
def test_spread_keeps_order_and_both_ends(size, count):
    found = spread(range(size), count)
    assert len(found) == min(size, count) and found == sorted(set(found))
    if count >= 2 and size:
        assert (found[0], found[-1]) == (0, size - 1)


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
    assert [row["part"] for row in reflectivity_table(pixels)] == ["a", "holes of 8 px"]


def test_a_drawing_keeps_its_shapes_and_loses_what_runs_or_fetches():
    text = str(inline_svg(SVG, "graph.svg"))
    for foreign in ("http", "script", "onclick", "alert", "href", "DOCTYPE", "image"):
        assert foreign not in text
    root = ElementTree.fromstring(text)
    assert root.get("viewBox") == "0 0 80 44"
    assert root.find(".//text").text == "a <b>"
    assert root.find(".//rect").get("stroke") == "#123456"


@pytest.mark.parametrize("text", ["", "<svg", "<html></html>"])
def test_what_is_no_drawing_is_refused_by_name(text):
    with pytest.raises(ConfigError, match=r"graph\.svg"):
        inline_svg(text, "graph.svg")


def said(labeler, yes, no, silent, mean, agrees):
    row = {"labeler": labeler, "for": yes, "against": no, "silent": silent}
    return row | {"mean_log_odds": mean, "agrees": agrees}


def test_labelers_are_added_up_over_shards_by_how_much_they_spoke():
    rows = [said("density", 3, 1, 0, 2.0, 4), said("atlas", 0, 0, 4, 0.0, 0), said("density", 0, 1, 5, -3.0, 0)]
    density, atlas = labeler_table(rows)
    assert density["labeler"] == "density" and density["speaks"] == 0.5
    assert (density["yes"], density["no"], density["agrees"]) == (0.3, 0.2, 0.8)
    assert density["log_odds"] == pytest.approx((4 * 2 - 3) / 5)
    assert atlas["speaks"] == 0 and atlas["agrees"] is None and atlas["log_odds"] is None


def test_labelers_of_shards_without_echo_say_nothing():
    assert labeler_table([said("density", 0, 0, 0, 0.0, 0)])[0]["speaks"] is None
    assert labeler_table([]) == []
