"""Pictures of reliability and reflectivity decode, show their data, and handle edge cases."""

import numpy as np
import pytest
from figure_cases import pixels

from radar_cleaner.evaluation.reflectivity_errors import DBZ_EDGES, count_pairs, error_scores, sum_errors
from radar_cleaner.evaluation.reliability import BINS, reliability_rows, sum_probabilities
from radar_cleaner.evaluation.tallies import AGREEMENT, ON_HOLES
from radar_cleaner.plotting import reliability as accuracy_figures
from radar_cleaner.plotting.reliability import calibration_figure, reflectivity_figure

MODELS = ("model", "compared model")


def rows_of(*radars, models=MODELS[:1], pixels=2000, ends=True):
    rng = np.random.default_rng(3)
    rows = []
    for radar in radars:
        for model in models:
            probability = rng.random(pixels)
            sums = sum_probabilities(probability, rng.random(pixels) < probability**2)
            frequency = sums[:, 1] / np.maximum(sums[:, 0], 1)
            interval = np.stack([frequency - 0.05, frequency + 0.05]) if ends else None
            rows += [{"radar": radar, "cleaner": model, **row} for row in reliability_rows(sums, interval)]
    return rows


def errors_of(*radars, models=MODELS[:1], ece=0.123):
    return [{"radar": radar, "cleaner": model, "ece": ece} for radar in radars for model in models]


def pairs_of(pixels=4000):
    rng = np.random.default_rng(4)
    value = rng.choice([14.5, 25.0, 36.0], pixels)
    estimate = value + rng.normal(0, 3, pixels)
    scores = error_scores(sum_errors(estimate, value, np.zeros(pixels, np.int64), 1)[0])
    return count_pairs(estimate, value), scores


@pytest.fixture
def drawn(monkeypatch):
    """The figures as matplotlib has them, in place of their pictures."""
    monkeypatch.setattr(accuracy_figures, "to_png", lambda figure: figure)


def words(figure):
    return "\n".join(axes.get_title(loc="left") for axes in figure.axes)


@pytest.mark.parametrize(
    ("radars", "models"), [(("A",), MODELS), (("A", "B", "all radars"), MODELS[:1]), (tuple("ABCD"), MODELS)]
)
def test_any_number_of_radars_and_models_is_drawn(radars, models):
    sizes = pixels(calibration_figure(rows_of(*radars, models=models), errors_of(*radars, models=models))).shape
    assert sizes[0] > 500 * -(-len(radars) // 3)


def test_the_calibration_error_is_in_the_title_of_its_radar(drawn):
    figure = calibration_figure(rows_of("A", models=MODELS), errors_of("A", models=MODELS))
    assert "A\nECE: model 12.30 %, compared model 12.30 %" in words(figure)
    assert "A\nECE: n/a" in words(calibration_figure(rows_of("A"), errors_of("A", ece=None)))


def test_the_legend_names_a_model_that_the_first_radar_lacks(drawn):
    rows = [*rows_of("A"), *rows_of("B", models=MODELS)]
    figure = calibration_figure(rows, errors_of("A", "B", models=MODELS))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["perfect reliability", *MODELS]


def test_points_are_those_of_the_rows_and_empty_bins_have_none(drawn):
    rows = rows_of("A", pixels=15)
    figure = calibration_figure(rows, errors_of("A"))
    line = next(line for line in figure.axes[0].lines if line.get_label() == "model")
    wanted = [(row["mean_probability"], row["observed_frequency"]) for row in rows if row["pixels"]]
    np.testing.assert_allclose(line.get_xydata(), wanted)
    assert len(wanted) < BINS


@pytest.mark.parametrize("rows", [[], rows_of("A", pixels=0, ends=False), rows_of("A", pixels=1, ends=False)])
def test_few_or_no_scores_give_a_picture(rows):
    pixels(calibration_figure(rows, errors_of("A", ece=None)))


def test_reflectivity_has_a_panel_per_measure_with_its_scores(drawn):
    counts, scores = pairs_of()
    rows = [
        {"radar": "A", "measure": AGREEMENT, **scores},
        {"radar": "A", "measure": ON_HOLES, **scores, "pixels": 0},
        {"radar": "B", "measure": ON_HOLES, **scores, "pixels": 17},
    ]
    pairs = {ON_HOLES: np.zeros_like(counts), AGREEMENT: counts}
    texts = words(reflectivity_figure({"A": pairs, "B": pairs}, DBZ_EDGES, rows))
    assert f"A, {ON_HOLES}\nno pixel" in texts and f"B, {ON_HOLES}\nn 17 px" in texts
    for part in (f"A, {AGREEMENT}\nn 4,000 px", f"MAE {scores['mae_dbz']:.2f} dBZ", f"R² {scores['r2']:.2f}"):
        assert part in texts


def test_both_panels_have_the_same_axes_with_all_counts(drawn):
    counts, _ = pairs_of()
    few = np.zeros_like(counts)
    few[70, 40] = 1  # 38 dBZ for 8 dBZ
    panels = reflectivity_figure({"": {ON_HOLES: few, AGREEMENT: counts}}, DBZ_EDGES, []).axes[:2]
    limits = {(*axes.get_xlim(), *axes.get_ylim()) for axes in panels}
    assert len(limits) == 1
    low, high, *_ = limits.pop()
    assert low < 8 and high > DBZ_EDGES[np.flatnonzero(counts.any(axis=1))[-1] + 1]


def test_pairs_are_drawn_at_observed_and_estimated_reflectivity(drawn):
    counts = count_pairs(np.full(7, 8.0), np.full(7, 38.0))
    axes = reflectivity_figure({"A": {AGREEMENT: counts}}, DBZ_EDGES, []).axes[0]
    (mesh,) = axes.collections
    ((row, column),) = np.argwhere(mesh.get_array().filled(0) == 7)
    x, y = mesh.get_coordinates()[row, column]
    assert (round(x), round(y)) == (38, 8)
    assert "picture" in axes.get_xlabel() and "model" in axes.get_ylabel()


def test_reflectivity_of_no_pixel_or_of_one_gives_a_picture():
    nothing = np.zeros((DBZ_EDGES.size - 1,) * 2, np.int64)
    pixels(reflectivity_figure({"": {ON_HOLES: nothing, AGREEMENT: nothing}}, DBZ_EDGES, []))
    one = nothing.copy()
    one[50, 50] = 1
    pixels(reflectivity_figure({"": {ON_HOLES: nothing, AGREEMENT: one}}, DBZ_EDGES, []))


def test_equal_numbers_give_an_equal_picture():
    assert calibration_figure(rows_of("A"), errors_of("A")) == calibration_figure(rows_of("A"), errors_of("A"))
    counts, scores = pairs_of()
    rows = [{"radar": "A", "measure": AGREEMENT, **scores}]
    first, second = (reflectivity_figure({"A": {AGREEMENT: counts}}, DBZ_EDGES, rows) for _ in range(2))
    assert first == second
