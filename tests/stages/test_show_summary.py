"""The summary of a run: frames, samples, scores and paths."""

import os

import pytest
from report_cases import make_evaluation

from radar_cleaner.errors import StoreError
from radar_cleaner.stages.show_summary import show_summary

COVERAGE = "radar,day,found,read,rejected,missing\nA,2024-07-11,1300,1200,100,7\nB,2024-07-11,10,10,0,0\n"


@pytest.fixture
def results(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "coverage.csv").write_text(COVERAGE, encoding="utf-8")
    return tmp_path


def summary_of(results, capsys):
    show_summary(results=results)
    return capsys.readouterr().out


def test_a_whole_run_is_summarised(results, capsys):
    for name, rows in (("train", 5), ("val", 1), ("test", 2)):
        path = results / "samples" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("time,radar\n" + "t,A\n" * rows, encoding="utf-8")
    (results / "model").mkdir()
    (results / "model" / "history.csv").write_text("epoch\n0\n1\n2\n", encoding="utf-8")
    (results / "cleaned").mkdir()
    make_evaluation(results, ("CASGO", "CASCM"))
    lines = [" ".join(line.split()) for line in summary_of(results, capsys).splitlines()]
    assert "frames read 1,210 (A 1,200, B 10)" in lines
    assert "frames rejected 100" in lines
    assert "samples 5 train, 1 val, 2 test" in lines
    assert "epochs 3" in lines
    assert "frames scored 2 (CASGO 1, CASCM 1)" in lines
    assert "frames read" in lines[0]  # no warning
    assert not any("flips" in line for line in lines)
    assert "all radars, model 100.0 % / 100.0 %" in lines
    assert "all radars, weak label 100.0 % / 0.0 %" in lines
    assert f"report {results / 'report' / 'report.html'}" in lines
    assert f"cleaned data {results / 'cleaned'}" in lines


def test_radar_names_that_look_like_numbers_or_nan_stay(results, capsys):
    rows = "radar,day,found,read,rejected,missing\n007,2024-07-11,10,8,1,0\nNA,2024-07-11,10,9,1,0\n"
    (results / "report" / "coverage.csv").write_text(rows, encoding="utf-8")
    assert "17 (007 8, NA 9)" in summary_of(results, capsys)


def test_a_run_without_training_and_scores_has_a_summary(results, capsys):
    text = summary_of(results, capsys)
    assert "frames read" in text and "report" in text
    assert "samples" not in text and "scores" not in text


def test_warnings_come_before_the_scores(results, capsys):
    make_evaluation(results, ("CASGO", "CASCM"), keeps=False, fast_dev_run=True)
    first, second, *rest = summary_of(results, capsys).splitlines()
    assert first.startswith("WARNING: ") and "fast development run" in first and "worthless" in first
    assert second.startswith("WARNING: ") and "keeps less than 1 %" in second and "CASGO, CASCM" in second
    assert not any("WARNING" in line for line in rest)


def test_scored_frames_and_the_method_are_shown(results, capsys):
    samples = {"listed": 16, "scored": {"CASGO": 2}, "without_reference": {"CASGO": 14}}
    make_evaluation(results, ("CASGO",), tta=True, samples=samples)
    lines = [" ".join(line.split()) for line in summary_of(results, capsys).splitlines()]
    assert "frames scored 2 (CASGO 2); 14 more without a reference" in lines
    assert any("mean over eight flips and rotations" in line for line in lines)


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_report_of_an_earlier_run_is_marked(unfinished, results, capsys):
    started = results / "run_started"
    started.touch()
    before = (results / "report" / "coverage.csv").stat().st_mtime
    os.utime(started, (0, before + (10 if unfinished else -10)))
    text = summary_of(results, capsys)
    assert ("WARNING: The last run did not write its report" in text) == unfinished
    assert ("report.html (of an earlier run)" in text) == unfinished


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="snakemake"):
        show_summary(results=tmp_path)
