"""The report stands alone, tells exactly what was read, and escapes what strangers wrote."""

import base64
import io
import os
from html.parser import HTMLParser

import imageio.v3 as iio
import pandas as pd
import pytest
from report_cases import SHARDS, SVG, make_evaluation, make_run

from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.stages.write_report import write_report
from radar_cleaner.storage.shards import encode_stores


class Page(HTMLParser):
    """Tags in order, attributes, texts; complains of tags that are not closed."""

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
        "cadence_minutes": 6.0,
        "evaluated": True,
        "trained": True,
        "labelled": encode_stores(dict.fromkeys(radars, SHARDS)),
        "learned_from": encode_stores(dict.fromkeys(radars, SHARDS)),
        "atlases": [layout.atlas(radar) for radar in radars],
        "max_frames": 2,
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


def test_the_page_needs_nothing_beside_it(run):
    _, html, page = run
    for tag, name, value in page.attrs:
        if name in ("src", "href", "srcset", "action", "data"):
            assert value.startswith(("data:image/png;base64,", "#")), (tag, name, value[:60])
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert "http://" not in html and "https://" not in html
    assert "url(" not in html and "@import" not in html


def test_every_image_is_a_picture_and_has_words_for_those_who_cannot_see_it(run):
    _, _, page = run
    sources = [value for tag, name, value in page.attrs if (tag, name) == ("img", "src")]
    # Two frames, composite, scores, curve, calibration, reflectivity, label, two atlases, overlap, history.
    assert len(sources) == 12
    for source in sources:
        picture = iio.imread(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert min(picture.shape[:2]) > 50
    assert sum((tag, name) == ("img", "alt") and bool(value) for tag, name, value in page.attrs) == 12


def test_links_within_the_page_lead_somewhere(run):
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


def test_stores_made_and_reused_are_told_apart(run):
    _, _, page = run
    assert "build_rgb_store 2 2" in page.text
    assert "decode_reflectivity 4 0" in page.text


def test_scores_and_frames_are_told(run):
    _, _, page = run
    assert "reference masks" in page.text
    assert "label + clutter mask" in page.text
    assert "pixels of echo removed" in page.text and "most rain" in page.text
    assert "label agreement" in page.text
    assert "holes of 4 px" in page.text and "within 120 km" in page.text and "ROC-AUC" in page.text
    assert "epochs" in page.text


def test_what_the_labelers_said_is_told_of_all_shards(run):
    _, _, page = run
    assert "colour 100.0 100.0 0.0 0.50 80.0 density 80.0 60.0 20.0 1.25 75.0" in page.text


def test_a_good_run_has_no_warning_and_no_plural_of_one(run):
    _, _, page = run
    assert "warning" not in {value for _, name, value in page.attrs if name == "class"}
    assert "CASGO: 1 frame; CASCM: 1 frame." in page.text
    assert "flipped and turned" not in page.text


def test_a_fast_development_run_and_a_model_that_keeps_nothing_are_told_before_all_else(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",), trained=False)
    make_evaluation(layout.results, ("CASGO",), keeps=False, fast_dev_run=True, tta=True)
    page = Page(report(layout, ("CASGO",), trained=False, labelled=None, learned_from=None, max_frames=0))
    assert [value for _, name, value in page.attrs if name == "class"].count("warning") == 2
    places = [
        page.text.index(text) for text in ("worth nothing", "keeps less than 1 %", "frames read", "Scores Judged")
    ]
    assert places == sorted(places)
    assert "CASGO: 1 frame. The model judged each frame eight times, flipped and turned" in page.text


def test_the_rule_graph_is_inlined(run):
    _, html, page = run
    assert "svg" in page.tags and "a <b>" in page.text
    assert "onclick" not in html


def test_without_a_training_and_scores_there_is_still_a_report(tmp_path):
    layout = make_run(tmp_path / "results", trained=False, evaluated=False)
    page = Page(report(layout, trained=False, evaluated=False, labelled=None, learned_from=None, max_frames=1))
    assert "Scores" not in page.text and "Training" not in page.text
    assert "build_rgb_store 4 0" in page.text  # no start of the run is known: all were made
    assert "train_model" not in page.text and "What the labelers said" not in page.text


@pytest.mark.parametrize("radars", [("CASGO",), ("CASGO", "CASCM", "CASXX")])
def test_one_radar_and_three_have_their_report(tmp_path, radars):
    layout = make_run(tmp_path / "results", radars, trained=False)
    page = Page(report(layout, radars, trained=False, labelled=None, learned_from=None, max_frames=0))
    assert ("Where the radars overlap" in page.text) == (len(radars) > 1)
    assert page.text.count("km from radar to radar") == len(radars) * (len(radars) - 1) // 2
    assert ("all radars" in page.text) == (len(radars) > 1)


def test_the_worst_frames_are_in_the_page_with_what_was_wrong(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    assert "No scored frame has a wrong pixel." in Page(report(layout, ("CASGO",), max_frames=0)).text
    make_evaluation(layout.results, ("CASGO",), keeps=False)
    page = Page(report(layout, ("CASGO",), max_frames=0))
    assert "1. CASGO 2024-07-11 00:00 90.0 % is wrong 90 px of weather lost; no other echo kept" in page.text
    assert any(tag == "img" and name == "alt" and "worst frames" in value for tag, name, value in page.attrs)
    assert "differs from the labels" not in page.text
    make_evaluation(layout.results, ("CASGO",), keeps=False, reference="labels")
    assert "wrong is what differs from the labels" in Page(report(layout, ("CASGO",), max_frames=0)).text
    none = {"listed": 2, "scored": {"CASGO": 0}, "without_reference": {"CASGO": 2}}
    make_evaluation(layout.results, ("CASGO",), samples=none)
    assert "No frame was scored." in Page(report(layout, ("CASGO",), max_frames=0)).text


def test_a_missing_store_is_named(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    with pytest.raises(StoreError, match="20240711T02"):
        report(layout, stores=[f"CASGO={SHARDS[0]}..20240711T02"])


def test_a_broken_rule_graph_is_named(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    (tmp_path / "rules.svg").write_text("digraph {}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rules\.svg"):
        report(layout, ("CASGO",), rule_graph=tmp_path / "rules.svg", max_frames=0)


def test_what_the_jobs_took_is_told_but_for_the_report_itself(tmp_path):
    layout = make_run(tmp_path / "results", ("CASGO",))
    for name, text in (
        ("train_model", "85.2\t1559.1\t137.5"),
        ("write_report", "9\t9\t9"),
        ("decode_reflectivity/A", "NA"),
    ):
        path = tmp_path / "results" / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\tmax_rss\tcpu_time\n{text}\n", encoding="utf-8")
    page = Page(report(layout, ("CASGO",), max_frames=0))
    assert "decode_reflectivity 1 0.0 s - - - train_model 1 85.2 s 85.2 s 1,559 1.6 all 2 85.2 s" in page.text
    assert "write_report" not in page.text
    assert "What it took" not in Page(report(make_run(tmp_path / "other", ("CASGO",)), ("CASGO",))).text
