"""The last lines of a run add the unmatched colours of all stores of a radar."""

import json

from report_cases import make_place
from store_cases import make_reflectivity

from radar_cleaner.planning.closing import closing_lines
from radar_cleaner.storage.paths import Layout


def make(results, radar, shard, echoes, unmatched):
    attrs = {
        "echo_pixels": echoes,
        "unmatched_pixels": unmatched,
        "unmatched_colours": ["#102030"] if unmatched else [],
        "unmatched_colour_pixels": [unmatched] if unmatched else [],
    }
    make_reflectivity(Layout(results).reflectivity(radar, shard), radar, attrs=attrs)


def test_unmatched_colours_above_a_hundredth_of_the_echo_are_a_line_with_the_key(tmp_path):
    make(tmp_path, "A", "20240711", 1000, 4)
    make(tmp_path, "A.1", "20240711", 100, 9)
    stores = {"A": [("A", "20240711"), ("A", "not made"), ("A.1", "20240711")]}
    (line,) = closing_lines(tmp_path, stores, [])
    assert line.startswith("WARNING A: 13 pixels (1.2 % of the echo) are unmatched")
    assert "#102030 (13 px)" in line and "labels.palette" in line
    assert closing_lines(tmp_path, {"A": [("A", "20240711")]}, []) == []


def test_metadata_that_only_pretends_to_be_made_counts_nothing(tmp_path):
    path = Layout(tmp_path).reflectivity("A", "20240711") / "zarr.json"
    path.parent.mkdir(parents=True)
    path.touch()
    assert closing_lines(tmp_path, {"A": [("A", "20240711")]}, []) == []


def test_the_warnings_in_the_learned_pictures_of_a_radar_and_its_layouts_are_lines(tmp_path):
    for name, words in (("A", {"shortage": "A: too few"}), ("A.1", {"other_product": "A.1: other", "doubt": ""})):
        path = Layout(tmp_path).picture(name) / "zarr.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"attributes": words}))
    lines = closing_lines(tmp_path, {"A": [("A", "not made"), ("A.1", "not made")]}, [])
    assert lines == ["WARNING A: too few", "WARNING A.1: other"]


def test_a_layout_in_a_wrong_place_is_a_line(tmp_path):
    make_place(Layout(tmp_path), "A", off=False)
    make_place(Layout(tmp_path), "A.1", off=True)
    (line,) = closing_lines(tmp_path, {"A": [("A", "not made"), ("A.1", "not made"), ("A.1", "nor this")]}, [])
    assert line.startswith("WARNING A.1: the picture is 3.0 px") and line.endswith("place/A.1.png")
