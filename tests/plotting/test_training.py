"""Learning curves of any history, and the finder's curve, are pictures that show what they were given."""

import io
import math

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from radar_cleaner.plotting import training as training_figures
from radar_cleaner.plotting.training import learning_curves_figure, rates_figure

TERMS = ("loss", "focal", "dice", "reflectivity", "inpainting", "reflectivity_mae_dbz", "inpainting_mae_dbz")
SCORES = ("mask_f1", "meteorological_kept", "non_meteorological_removed")
COLOURS = {"train": (230, 159, 0), "val": (0, 114, 178), "ema_val": (213, 94, 0), "swa_val": (0, 158, 115)}


def history(epochs, splits=("train", "val"), swa_from=3):
    rows = []
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "learning_rate": 0.006 / epoch}
        for index, split in enumerate(splits):
            known = split != "swa_val" or epoch >= swa_from
            names = TERMS if split == "train" else (*TERMS, *SCORES)
            row |= {f"{split}_{name}": (1 + index / 10) / epoch if known else math.nan for name in names}
        rows.append(row)
    return rows


def pixels(png):
    picture = iio.imread(io.BytesIO(png))
    assert picture.ndim == 3 and picture.shape[1] > 300
    return picture.astype(int)


def shown(png):
    """The splits whose colour is somewhere."""
    picture = pixels(png)
    return {split for split, rgb in COLOURS.items() if (np.abs(picture - rgb).max(axis=-1) <= 12).sum() > 20}


@pytest.mark.parametrize(
    ("epochs", "splits"), [(1, ("train", "val")), (2, tuple(COLOURS)), (50, ("train", "val", "ema_val"))]
)
def test_measured_splits_alone_are_drawn(epochs, splits):
    expected = set(splits) - ({"swa_val"} if epochs < 3 else set())  # before SWA begins it is nowhere
    assert shown(learning_curves_figure(history(epochs, splits))) == expected


def test_without_validation_only_training_is_drawn():
    rows = history(4)
    table = pd.DataFrame(rows)
    table[[name for name in table if name.startswith("val_")]] = math.nan
    picture = learning_curves_figure(table)
    assert shown(picture) == {"train"}
    assert pixels(picture).shape[0] < pixels(learning_curves_figure(rows)).shape[0]


def panels_of(monkeypatch, rows, draw=True):
    """The panels of the figure by their title."""
    monkeypatch.setattr(training_figures, "to_png", lambda figure: figure)
    figure = learning_curves_figure(rows)
    if draw:
        FigureCanvasAgg(figure).draw()
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


@pytest.mark.parametrize("scores", [[0.0602, 0.0611, 0.0598], [0.0] * 3, [1.0] * 3, [0.5]])
def test_a_score_is_drawn_in_distinct_percent_within_0_to_100(scores, monkeypatch):
    rows = [{"epoch": epoch, "val_mask_f1": score} for epoch, score in enumerate(scores, 1)]
    axes = panels_of(monkeypatch, rows)["F1 of the mask on echoes"]
    low, high = axes.get_ylim()
    assert 0 <= low <= 100 * min(scores) <= 100 * max(scores) <= high <= 100
    ticks = [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert len(ticks) == len(set(ticks)) >= 3
    assert axes.get_ylabel() == "%"


@pytest.mark.parametrize("columns", (1, 2, 3, 7, 10))
def test_no_cell_of_the_picture_is_empty(columns, monkeypatch):
    names = [f"val_{name}" for name in (*TERMS, *SCORES)][:columns]
    rows = [{"epoch": 1, "learning_rate": 0.1, **dict.fromkeys(names, 0.5)}]
    panels = panels_of(monkeypatch, rows, draw=False).values()
    specs = [axes.get_subplotspec() for axes in panels]
    grid = specs[0].get_gridspec()
    cells = [cell for spec in specs for cell in range(spec.num1, spec.num2 + 1)]
    assert len(panels) == columns + 1
    assert sorted(cells) == list(range(grid.nrows * grid.ncols))


def test_rows_and_a_table_give_the_same_picture():
    rows = [{"epoch": epoch, "train_loss": 1 / epoch, "val_loss": 2 / epoch} for epoch in (1, 2, 3)]
    assert learning_curves_figure(rows) == learning_curves_figure(pd.DataFrame(rows))


def test_a_history_of_few_or_no_columns_gives_a_picture():
    assert shown(learning_curves_figure([{"epoch": 0, "train_loss": 1.0, "val_loss": 2.0}])) == {"train", "val"}
    assert shown(learning_curves_figure([])) == set()
    assert shown(learning_curves_figure(pd.DataFrame({"epoch": []}))) == set()


def test_the_finders_curve_shows_the_loss_and_the_chosen_rate():
    rates = np.geomspace(1e-5, 1, 60)
    losses = 1 + (np.log10(rates) + 2) ** 2 / 10
    assert shown(rates_figure(rates, losses, 0.003)) == {"val", "ema_val"}  # blue, vermilion
    assert rates_figure(rates, losses, 0.003) != rates_figure(rates, losses, 0.03)


@pytest.mark.parametrize("blown_up", [1e6, math.inf, math.nan])
def test_a_diverging_loss_does_not_flatten_the_rest(blown_up):
    rates = [1e-4, 1e-3, 1e-2, 1e-1]
    blue = np.abs(pixels(rates_figure(rates, [1.0, 0.6, 0.5, blown_up], 3e-3)) - COLOURS["val"]).max(axis=-1) <= 12
    rows = np.flatnonzero(blue.any(axis=1))
    assert np.ptp(rows) > 0.5 * blue.shape[0]


@pytest.mark.parametrize("losses", [[], [1.0], [math.nan], [1.0, 1.0]])
def test_a_curve_of_few_points_gives_a_picture(losses):
    pixels(rates_figure(np.geomspace(1e-5, 1e-4, len(losses)), losses, 1e-5))
