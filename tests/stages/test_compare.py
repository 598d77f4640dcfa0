"""The evaluations of several runs are in one table, with a word where they are not of the same task."""

from __future__ import annotations

import copy
import itertools
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.evaluation import compare_runs as comparison
from radar_cleaner.evaluation.compare_runs import comparison_figure, comparison_rows, read_run
from radar_cleaner.stages.compare import compare

RADARS = ("CASGO", "CASCM")
PARTS = [("within 60 km", "all"), ("all", "all"), ("all", "below 15 dBZ"), ("within 60 km", "below 15 dBZ")]
SAMPLES = {"listed": 4, "first": "2024-07-11T00:00:00Z", "last": "2024-07-11T01:00:00Z", "digest": "sha256:a"}


def score_rows(radar: str, whole: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Of each cleaner, range and band; no two have the same values, those of the model over all are `whole`."""
    for number, (cleaner, (range_, band)) in enumerate(
        itertools.product(("weak label", "model", "compared model"), PARTS)
    ):
        values = {name: value and value / (2 + number) for name, value in whole.items()}
        of_all = cleaner == "model" and range_ == band == "all"
        yield {"radar": radar, "cleaner": cleaner, "range": range_, "band": band} | (whole if of_all else values)


def error_rows(radar: str, whole: dict[str, float]) -> Iterable[dict[str, Any]]:
    """Yield a row for each measure, mask size, range and band; rows of `all` have the error `whole[measure]`."""
    for number, (measure, hole, (range_, band)) in enumerate(itertools.product(whole, (8, "all", 64), PARTS)):
        of_all = hole == range_ == band == "all"
        mae = whole[measure] if of_all else 50.0 + number
        head = {"radar": radar, "measure": measure, "hole_px": hole, "range": range_, "band": band}
        yield head | {"mae_dbz": mae, "mae_dbz_low": mae - 0.25, "mae_dbz_high": mae + 0.75}


def write_run(folder: Path, removal: float, radars: Iterable[str] = RADARS, **changes: Any) -> Path:
    """An evaluation whose model removes this share; with each further radar it removes 0.01 less."""
    scores, errors = [], []
    for number, radar in enumerate(radars):
        whole = {"retention": 0.9, "retention_low": 0.85, "retention_high": 0.97}
        whole |= {"removal": removal - number / 100, "removal_low": None, "removal_high": None}
        scores += score_rows(radar, whole)
        errors += error_rows(radar, {"error on holes": 4.5 + number, "label agreement": 1.25 + number})
    metrics = {
        "threshold": 0.5,
        "references": {},
        "samples": SAMPLES,
        "scores": scores,
        "reflectivity": errors,
    }
    (folder / "evaluation").mkdir(parents=True)
    (folder / "evaluation/metrics.json").write_text(json.dumps(metrics | changes))
    curve = [
        {"radar": radar, "threshold": threshold, "retention": 1 - threshold / 20, "removal": removal * threshold}
        for radar in radars
        for threshold in (0.0, 0.5, 1.0)
    ]
    pd.DataFrame(curve).to_csv(folder / "evaluation/curve.csv", index=False)
    return folder


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The comparison's figure of some folders, as matplotlib has it."""
    monkeypatch.setattr(comparison, "to_png", lambda figure: figure)

    def call(*folders: Path) -> Any:
        runs = [read_run(path, path.name) for path in folders]
        return comparison_figure(runs, comparison_rows(runs))

    return call


def test_each_radar_has_a_row_of_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9)
    compare(one, two, output=tmp_path / "out")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["radar", "run", "retention", "removal"]
    assert [line.split()[:2] for line in lines[1:5]] == [
        [radar, run] for radar in ("CASGO", "CASCM") for run in ("one", "two")
    ]
    assert "80.00 %" in lines[1] and "90.00 %" in lines[2] and "4.500" in lines[1] and "1.250" in lines[1]
    with Image.open(tmp_path / "out/comparison.png") as picture:
        assert picture.width > 600


def test_the_scores_are_the_models_own_over_all_ranges_bands_and_masks(tmp_path: Path) -> None:
    compare(write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9), output=tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/comparison.csv")
    assert table["removal"].tolist() == [0.8, 0.9, 0.79, 0.89]
    assert set(table["retention"]) == {0.9} and set(table["retention_low"]) == {0.85}
    assert set(table["retention_high"]) == {0.97} and table["removal_low"].isna().all()
    assert table["hole_mae_dbz"].tolist() == [4.5, 4.5, 5.5, 5.5]
    assert table["agreement_mae_dbz"].tolist() == [1.25, 1.25, 2.25, 2.25]
    assert table["hole_mae_dbz_low"].tolist() == [4.25, 4.25, 5.25, 5.25]
    assert table["hole_mae_dbz_high"].tolist() == [5.25, 5.25, 6.25, 6.25]


def test_whiskers_reach_from_the_low_end_of_an_interval_to_the_high_one(tmp_path: Path, drawn: Any) -> None:
    axes = drawn(write_run(tmp_path / "one", 0.8)).axes[0]
    (whiskers,) = (bars for bars in axes.containers if bars.has_xerr)
    (segment,) = whiskers.lines[2][0].get_segments()
    assert segment.ravel().tolist() == pytest.approx([0.85, 0.8, 0.97, 0.8])
    assert not whiskers.has_yerr and axes.get_xlim()[0] < 0.85


def test_the_legend_names_also_a_run_that_the_first_radar_lacks(tmp_path: Path, drawn: Any) -> None:
    folders = [
        write_run(tmp_path / "one", 0.7, radars=RADARS[1:]),
        write_run(tmp_path / "two", 0.8, radars=RADARS[:1]),
        write_run(tmp_path / "three", 0.9),
    ]
    figure = drawn(folders[1], folders[0], folders[2])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["CASGO", "CASCM"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["two", "one", "three"]


def test_a_radar_with_a_number_or_nan_as_its_name_has_its_curve(tmp_path: Path, drawn: Any) -> None:
    radars = ("101", "007", "NA", "nan")
    figure = drawn(write_run(tmp_path / "one", 0.8, radars=radars))
    for axes, radar in zip(figure.axes, radars, strict=False):
        assert axes.get_title(loc="left") == radar
        assert axes.lines[0].get_xydata().tolist() == [[1.0, 0.0], [0.975, 0.4], [0.95, 0.8]]


@pytest.mark.parametrize(
    "changed", [{"listed": 9}, {"first": "2024-07-11T00:06:00Z"}, {"digest": "sha256:b"}], ids=str
)
def test_runs_that_were_scored_otherwise_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changed: dict[str, Any]
) -> None:
    one, two = write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9, samples=SAMPLES | changed)
    with caplog.at_level(logging.WARNING):
        compare(one, one.parent / "one/../two")
    assert "not scored alike: they differ in samples" in caplog.text
    assert two.is_dir()


def test_runs_scored_on_the_same_frames_give_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        compare(write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9))
    assert not caplog.text


def test_runs_of_one_name_are_distinguished_by_their_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [write_run(tmp_path / name / "results", 0.8) for name in ("a", "b")]
    compare(*paths)
    assert str(paths[1]) in capsys.readouterr().out


def test_what_cannot_be_compared_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name the results folders"):
        compare()
    with pytest.raises(StoreError, match=r"no evaluation to compare .* run snakemake evaluate there"):
        compare(tmp_path)


def test_a_run_is_not_compared_with_itself_however_it_is_spelled(tmp_path: Path) -> None:
    one, two = write_run(tmp_path / "one", 0.8), write_run(tmp_path / "two", 0.9)
    with pytest.raises(ConfigError, match=r"one is named twice; name each run once"):
        compare(one, copy.copy(one))
    with pytest.raises(ConfigError, match=r"one is named twice \(as .*/one too\)"):
        compare(one, two, tmp_path / "two/../one")
    (tmp_path / "link").symlink_to(one)
    with pytest.raises(ConfigError, match=r"link is named twice \(as .*/one too\)"):
        compare(one, tmp_path / "link")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": None}, "no list of scores"),
        ({"scores": ["model"]}, "a row of the scores .* lacks one of band, cleaner, radar, range"),
        ({"scores": [{"radar": "A", "cleaner": "model", "band": "all"}]}, "lacks one of .* range"),
        ({"reflectivity": {}}, "no list of reflectivity"),
        ({"reflectivity": [{"radar": "A", "range": "all", "band": "all"}]}, "lacks one of .* measure"),
        ({"threshold": None}, "no threshold"),
    ],
    ids=str,
)
def test_metrics_of_another_format_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    one = write_run(tmp_path / "one", 0.8, **changes)
    with pytest.raises(StoreError, match=rf"one/evaluation: no evaluation to compare \(.*{message}.*\); run"):
        compare(one)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metrics.json", "[]", "metrics.json is a list"),
        ("metrics.json", "{", "Expecting property name"),
        ("curve.csv", "radar,threshold,retention\nCASGO,0.5,0.9\n", "curve.csv has no column removal"),
        ("curve.csv", "radar,retention,removal\nCASGO,much,0.9\n", "much"),
        ("curve.csv", "", "No columns to parse"),
    ],
)
def test_files_of_another_format_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    one = write_run(tmp_path / "one", 0.8)
    (one / "evaluation" / name).write_text(text)
    with pytest.raises(StoreError, match=rf"no evaluation to compare \(.*{message}"):
        compare(one)


def test_an_evaluation_of_no_sample_is_listed_with_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = write_run(tmp_path / "none", 0.8, scores=[], reflectivity=[])
    (none / "evaluation/curve.csv").write_text("radar,threshold\n")  # as `evaluate_model` writes it
    compare(none, write_run(tmp_path / "one", 0.8, radars=RADARS[:1]), output=tmp_path / "out")
    assert capsys.readouterr().out.splitlines()[1].split() == ["CASGO", "none", *["-"] * 10]
