"""Pictures decode, are equal for equal numbers, and handle edge cases: nothing scored, one row."""

import pytest
from evaluation_cases import RULES
from figure_cases import pixels

from radar_cleaner.evaluation.tallies import COMPARED, MODEL
from radar_cleaner.plotting import scores as figures
from radar_cleaner.plotting.scores import removal_curve_figure, scores_figure
from radar_cleaner.plotting.style import write_png


def score_row(radar, cleaner, retention=0.9, removal=0.5):
    known = {"retention": retention, "removal": removal, "csi": retention}
    ends = {"retention_low": 0.85, "retention_high": 0.95, "removal_low": None, "removal_high": None}
    return {"radar": radar, "cleaner": cleaner, "band": "all", **known, **ends}


def scores(*radars, **values):
    return [score_row(radar, cleaner, **values) for radar in radars for cleaner in (*RULES, MODEL, COMPARED)]


def curve(*radars):
    return [
        {"radar": radar, "threshold": t, "retention": 1 - t**3, "removal": t}
        for radar in radars
        for t in (0.0, 0.5, 1.0)
    ]


@pytest.mark.parametrize("radars", [("A",), ("A", "B", "all radars"), tuple("ABCD")])
def test_any_number_of_radars_has_a_curve_and_bars(radars):
    pixels(removal_curve_figure(curve(*radars), scores(*radars), 0.5))
    pixels(scores_figure(scores(*radars)))


def test_the_legend_of_curves_names_a_cleaner_that_the_first_radar_lacks(monkeypatch):
    monkeypatch.setattr(figures, "to_png", lambda figure: figure)
    rows = [row for row in scores("A", "B") if (row["radar"], row["cleaner"]) != ("A", COMPARED)]
    rows = [
        row | {"retention": None} if row["radar"] == "B" and row["cleaner"] == RULES[0] else row for row in rows
    ]
    figure = removal_curve_figure(curve("A", "B"), rows, 0.5)
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(named) == sorted(["model, any threshold", "model at 0.5", *RULES, COMPARED])


def test_no_scores_give_a_picture():
    rows = scores("A", retention=None, removal=None)
    points = [{"radar": "A", "threshold": 0.0, "retention": None, "removal": None}]
    pixels(removal_curve_figure(points, rows, 0.5))
    pixels(scores_figure(rows))
    removal_curve_figure([], [], 0.5)
    scores_figure([])


def test_equal_numbers_give_an_equal_picture():
    assert scores_figure(scores("A", "B")) == scores_figure(scores("A", "B"))
    assert scores_figure(scores("A", "B")) != scores_figure(scores("A", "B", removal=0.6))


def test_drawing_touches_no_global_figure():
    from matplotlib import _pylab_helpers

    scores_figure(scores("A"))
    assert not _pylab_helpers.Gcf.figs


def test_a_picture_is_written_whole(tmp_path):
    png = scores_figure(scores("A"))
    write_png(tmp_path / "new" / "a.png", png)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]
    assert (tmp_path / "new" / "a.png").read_bytes() == png
