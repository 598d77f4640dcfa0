"""The summary says what was read, learnt and scored, and where things lie."""

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


def told(results, capsys):
    show_summary(results=results)
    return capsys.readouterr().out


def test_a_whole_run_is_summed_up(results, capsys):
    for name, rows in (("train", 5), ("val", 1), ("test", 2)):
        path = results / "samples" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("time,radar\n" + "t,A\n" * rows, encoding="utf-8")
    (results / "model").mkdir()
    (results / "model" / "history.csv").write_text("epoch\n0\n1\n2\n", encoding="utf-8")
    (results / "cleaned").mkdir()
    make_evaluation(results, ("CASGO", "CASCM"))
    lines = [" ".join(line.split()) for line in told(results, capsys).splitlines()]
    assert "frames read 1,210 (A 1,200, B 10)" in lines
    assert "frames rejected 100" in lines
    assert "samples 5 train, 1 val, 2 test" in lines
    assert "epochs 3" in lines
    assert "all radars, model 100.0 % / 100.0 %" in lines
    assert "all radars, weak label 100.0 % / 0.0 %" in lines
    assert f"report {results / 'report' / 'report.html'}" in lines
    assert f"cleaned data {results / 'cleaned'}" in lines


def test_a_run_without_training_and_scores_says_what_it_has(results, capsys):
    text = told(results, capsys)
    assert "frames read" in text and "report" in text
    assert "samples" not in text and "scores" not in text


def test_an_unfinished_run_is_said_to_be_one(tmp_path):
    with pytest.raises(StoreError, match="snakemake"):
        show_summary(results=tmp_path)
