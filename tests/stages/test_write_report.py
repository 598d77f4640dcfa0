"""The report: complete in one file, with exact counts, and with foreign texts escaped."""

import base64
import io
import json
import os
from html.parser import HTMLParser

import imageio.v3 as iio
import pandas as pd
import pytest
from report_cases import SHARDS, SVG, geometry, make_evaluation, make_picture, make_place, make_run, shard_times
from store_cases import make_reflectivity

from radar_cleaner.config.cleaning import Report
from radar_cleaner.config.frames import Cadence
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.stages.write_report import write_report
from radar_cleaner.storage.shards import encode_stores

ONE = Report(frames=1)


class Page(HTMLParser):
    """Tags in order, attributes, texts; every tag must be closed."""

    VOID = frozenset({"meta", "img", "link", "br", "hr", "input"})

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attrs, self.texts = [], [], [], []
        self.feed(html)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def report(layout, radars=("CASGO", "CASCM"), **changes):
    folder = layout.results / "report"
    flags = {
        "results": layout.results,
        "stores": encode_stores(dict.fromkeys(radars, SHARDS)),
        "frames": Cadence(),
        "evaluated": True,
        "trained": True,
        "labelled": encode_stores(dict.fromkeys(radars, SHARDS)),
        "trained_on": encode_stores(dict.fromkeys(radars, SHARDS)),
        "atlases": [layout.atlas(radar) for radar in radars],
        "report": Report(frames=2),
        "coverage": folder / "coverage.csv",
        "output": folder / "report.html",
    }
    write_report(**flags | changes)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two radars and its report, with a rule graph; some stores are older than the run."""
    layout = make_run(tmp_path_factory.mktemp("run") / "results")
    started = layout.results / "started"
    started.touch()
    os.utime(started, (1000, 1000))
    for shard in SHARDS:
        os.utime(layout.rgb("CASGO", shard) / "zarr.json", (999, 999))
    graph = layout.results / "rules.svg"
    graph.write_text(SVG, encoding="utf-8")
    (layout.unplaced("CASGO")).write_text("file,reason\nnotime.png,no time in the name\n", encoding="utf-8")
    html = report(layout, rule_graph=graph, run_started=started)
    return layout, html, Page(html)


def test_the_place_of_each_radar_and_layout_is_shown_and_a_wrong_one_is_a_warning(tmp_path):
    layout = make_run(tmp_path / "results")
    make_place(layout, "CASGO.1", off=True)
    make_picture(layout.picture("CASGO.1"), "CASGO.1")
    for shard in SHARDS:
        make_reflectivity(layout.reflectivity("CASGO.1", shard), "CASGO.1", geometry=geometry("CASGO"))
    page = Page(report(layout, report=ONE, layouts=encode_stores({"CASGO.1": SHARDS})))
    for kind in ("graticule", "map and overlay"):
        shown = [value for _, name, value in page.attrs if name == "alt" and kind in value]
        assert [text.split(":")[0] for text in shown] == ["CASCM", "CASGO", "CASGO.1"]
    assert page.text.count("CASGO.1: the picture is 3.0 px too far east") == 2  # a warning, and its picture
    assert page.text.count("CASCM: the place is right") == 1


def test_the_learned_picture_is_shown_with_its_unmatched_colours(tmp_path):
    layout = make_run(tmp_path / "results")
    counts = {"unmatched_pixels": 7, "unmatched_colours": ["#123456"], "unmatched_colour_pixels": [7]}
    place, times = geometry("CASGO"), shard_times(SHARDS[1])
    make_reflectivity(layout.reflectivity("CASGO", SHARDS[1]), "CASGO", times, geometry=place, attrs=counts)
    page = report(layout, report=ONE)
    assert "Map and overlay" in page and "4 frames, too few to find an overlay" in page
    assert "2.1 % of the plot box is overlay" in page
    assert "7 pixels" in page and "#123456 (7 px)" in page and "labels.ground_colours" in page


def test_what_may_be_read_wrong_is_said_at_the_top(tmp_path):
    layout = make_run(tmp_path / "results")
    make_picture(layout.picture("CASGO"), "CASGO", doubt="CASGO: a quarter of the echo may be wrong", usual="")
    counts = {"unmatched_pixels": 900, "unmatched_colours": ["#123456"], "unmatched_colour_pixels": [900]}
    place, times = geometry("CASGO"), shard_times(SHARDS[1])
    make_reflectivity(layout.reflectivity("CASGO", SHARDS[1]), "CASGO", times, geometry=place, attrs=counts)
    top = report(layout, report=ONE).partition("<section")[0]
    assert "CASGO: a quarter of the echo may be wrong." in top
    assert "900 pixels" in top and "labels.ground_colours" in top


def test_the_words_that_the_service_of_a_radar_wants_are_at_the_foot(tmp_path):
    layout = make_run(tmp_path / "results")
    assert "Data source" not in report(layout, report=ONE)
    path = layout.cleaned("CASGO", SHARDS[0]) / "zarr.json"
    metadata = json.loads(path.read_text())
    metadata["attributes"] |= {"attribution": "Bureau of Meteorology, Australia", "license": "CC BY"}
    path.write_text(json.dumps(metadata))
    foot = report(layout, report=ONE).partition("<footer")[2]
    assert "Data source of CASGO: Bureau of Meteorology, Australia. Licence: CC BY." in foot
    assert "Data source of CASCM" not in foot


def test_the_page_needs_no_other_file(run):
    _, html, page = run
    for tag, name, value in page.attrs:
        if name in ("src", "href", "srcset", "action", "data"):
            assert value.startswith(("data:image/png;base64,", "data:image/svg+xml;base64,", "#")), (
                tag,
                name,
                value[:60],
            )
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert "http://" not in html and "https://" not in html
    assert "url(" not in html and "@import" not in html


def test_every_image_decodes_and_has_an_alternative_text(run):
    _, _, page = run
    sources = [value for tag, name, value in page.attrs if (tag, name) == ("img", "src") and "png" in value[:20]]
    # Two frames, composite, scores, curve, calibration, reflectivity, label, atlases, places, pictures, overlap,
    # history.
    assert len(sources) == 16
    for source in sources:
        picture = iio.imread(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert min(picture.shape[:2]) > 40
    assert sum((tag, name) == ("img", "alt") and bool(value) for tag, name, value in page.attrs) == 17


def test_links_within_the_page_have_targets(run):
    _, _, page = run
    places = {value for _, name, value in page.attrs if name == "id"}
    links = {value[1:] for tag, name, value in page.attrs if (tag, name) == ("a", "href")}
    assert links and links <= places


def test_a_hostile_file_name_is_text(run):
    _, _, page = run
    assert "<script>alert(1)</script>.png" in page.text
    assert "cut & <b>short</b>" in page.text
    assert "script" not in page.tags


def test_coverage_counts_are_exact(run):
    layout, _, page = run
    table = pd.read_csv(layout.results / "report" / "coverage.csv")
    # Each radar: 9 of 10 slots in the first hour, then 5; one frame missing; one rejected.
    assert table.values.tolist() == [
        ["CASCM", "2024-07-11", 15, 14, 1, 1],
        ["CASGO", "2024-07-11", 15, 14, 1, 1],
        ["CASGO", "no time in the name", 1, 0, 1, 0],
    ]
    assert "CASGO 2024-07-11 15 14 1 1" in page.text
    assert "all 31 28 3 2" in page.text
    assert "CASGO notime.png no time in the name" in page.text


def test_stores_are_counted_as_made_or_reused(run):
    _, _, page = run
    assert "build_rgb_store 2 2" in page.text
    assert "decode_reflectivity 4 0" in page.text


def test_scores_frames_and_variables_are_shown(run):
    _, _, page = run
    assert "reference masks" in page.text
    assert "label + clutter mask" in page.text
    assert "pixels of echo removed" in page.text and "most rain" in page.text
    assert "label agreement" in page.text
    assert "masks of 4 px" in page.text and "within 120 km" in page.text and "ROC-AUC" in page.text
    assert "epochs" in page.text and "meteorological_probability" in page.text


def test_the_evidence_of_the_labelers_is_summed_over_shards(run):
    _, _, page = run
    assert "colour 100.0 100.0 0.0 0.50 80.0 density 80.0 60.0 20.0 1.25 75.0" in page.text


def test_a_good_run_has_no_warning_and_numbers_agree_with_nouns(run):
    _, _, page = run
    assert "warning" not in {value for _, name, value in page.attrs if name == "class"}
    assert "CASGO: 1 frame; CASCM: 1 frame." in page.text
    assert "flips and rotations" not in page.text


def test_a_fast_development_run_and_a_model_that_keeps_nothing_are_warned_of_first(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",), trained=False)
    make_evaluation(layout.results, ("CASGO",), keeps=False, fast_dev_run=True, tta=True)
    page = Page(report(layout, ("CASGO",), trained=False, labelled=None, trained_on=None, report=ONE))
    assert [value for _, name, value in page.attrs if name == "class"].count("warning") == 2
    places = [
        page.text.index(text) for text in ("worthless", "keeps less than 1 %", "frames read", "Scores Against")
    ]
    assert places == sorted(places)
    assert "CASGO: 1 frame. Predictions are means over eight flips and rotations" in page.text


def test_the_rule_graph_is_an_image_so_that_it_runs_nothing(run):
    _, html, page = run
    (source,) = [value for tag, name, value in page.attrs if tag == "img" and value.startswith("data:image/svg")]
    assert base64.b64decode(source.partition(",")[2]).decode() == SVG
    assert "svg" not in page.tags and "onclick" not in html


def test_a_run_without_training_and_scores_has_a_report(tmp_path):
    layout = make_run(tmp_path / "results", trained=False, evaluated=False)
    page = Page(report(layout, trained=False, evaluated=False, labelled=None, trained_on=None, report=ONE))
    assert "Scores" not in page.text and "Training" not in page.text
    assert "build_rgb_store 4 0" in page.text  # without the start of the run all were made
    assert "train_model" not in page.text and "Evidence of the labelers" not in page.text


@pytest.mark.parametrize("radars", [("CASGO",), ("CASGO", "CASCM", "CASXX")])
def test_one_radar_and_three_radars_have_a_report(tmp_path, radars):
    layout = make_run(tmp_path / "results", radars, trained=False)
    page = Page(report(layout, radars, trained=False, labelled=None, trained_on=None, report=ONE))
    assert ("Where the radars overlap" in page.text) == (len(radars) > 1)
    assert page.text.count("km from radar to radar") == len(radars) * (len(radars) - 1) // 2
    assert ("all radars" in page.text) == (len(radars) > 1)


@pytest.mark.slow
def test_the_worst_frames_are_listed_with_their_errors(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    assert "No scored frame has a wrong pixel." in Page(report(layout, ("CASGO",), report=ONE)).text
    make_evaluation(layout.results, ("CASGO",), keeps=False)
    page = Page(report(layout, ("CASGO",), report=ONE))
    assert "1. CASGO 2024-07-11 00:00 90.0 % wrong 90 px of weather lost; no other echo kept" in page.text
    assert any(tag == "img" and name == "alt" and "worst frames" in value for tag, name, value in page.attrs)
    assert "differ from the labels" not in page.text
    make_evaluation(layout.results, ("CASGO",), keeps=False, reference="labels")
    assert "pixels that differ from the labels" in Page(report(layout, ("CASGO",), report=ONE)).text
    none = {"listed": 2, "scored": {"CASGO": 0}, "without_reference": {"CASGO": 2}}
    make_evaluation(layout.results, ("CASGO",), samples=none)
    assert "No frame was scored." in Page(report(layout, ("CASGO",), report=ONE)).text


def test_a_missing_store_is_named(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    with pytest.raises(StoreError, match="20240711T02"):
        report(layout, stores=[f"CASGO={SHARDS[0]}..20240711T02"])


def test_a_broken_rule_graph_is_named(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    (tmp_path / "rules.svg").write_text("digraph {}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rules\.svg"):
        report(layout, ("CASGO",), rule_graph=tmp_path / "rules.svg", report=ONE)
