"""Charts of a training, as PNG bytes: its course by epoch, and the search for its learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    VERMILION,
    explain_empty,
    new_figure,
    panel_grid,
    style_axes,
    to_png,
)


@dataclass(frozen=True)
class _Line:
    """The style of the columns that begin with `prefix`."""

    prefix: str
    label: str
    colour: str
    dash: str
    marker: str


_PERCENT = "%"
_LINES = (
    _Line("train_", "training", ORANGE, "--", "s"),
    _Line("val_", "validation", BLUE, "-", "o"),
    _Line("ema_val_", "validation of the EMA weights", VERMILION, "-", "^"),
    _Line("swa_val_", "validation of the SWA weights", GREEN, ":", "D"),
)
# The rest of a column's name: title, unit of the y axis (a share is drawn as percent).
_PANELS = {
    "loss": ("loss, all terms", "loss (no unit)"),
    "mask_f1": ("F1 of the mask on echoes", _PERCENT),
    "reflectivity_mae_dbz": ("reflectivity: mean absolute error", "dBZ"),
    "meteorological_kept": ("meteorological echo kept", _PERCENT),
    "non_meteorological_removed": ("non-meteorological echo removed", _PERCENT),
    "inpainting_mae_dbz": ("inpainting: mean absolute error", "dBZ"),
    "focal": ("mask: focal term", "loss (no unit)"),
    "dice": ("mask: Dice term", "loss (no unit)"),
    "reflectivity": ("reflectivity term", "loss (no unit)"),
    "inpainting": ("inpainting term", "loss (no unit)"),
    "forecast": ("forecast term", "loss (no unit)"),
}
_MARKERS = 12  # at most, on a line


def learning_curves_figure(history: pd.DataFrame | Sequence[Mapping[str, float]]) -> bytes:
    """Draw losses, scores, errors in dBZ and the learning rate by epoch, each in a panel.

    `history` has a row for each epoch, as history.csv. Columns that are missing or empty are not drawn.
    """
    table = pd.DataFrame(history).dropna(axis="columns", how="all")
    shown = {name: [line for line in _LINES if line.prefix + name in table] for name in _PANELS}
    shown = {name: lines for name, lines in shown.items() if lines}
    has_rate = "learning_rate" in table
    figure, panels = panel_grid(len(shown) + has_rate, width=3.6, height=2.6)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    handles: dict[_Line, Line2D] = {}
    for axes, (name, lines) in zip(panels, shown.items(), strict=False):
        title, unit = _PANELS[name]
        scale = 100 if unit == _PERCENT else 1
        for line in lines:
            handles[line] = _draw_line(axes, table["epoch"], scale * table[line.prefix + name], line)
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.set_ylabel(unit)
        axes.ticklabel_format(axis="y", useOffset=False)
        if unit == _PERCENT:
            low, high = axes.get_ylim()
            axes.set_ylim(max(low, 0), min(high, 100))
    if has_rate:
        axes = panels[len(shown)]
        _draw_line(axes, table["epoch"], table["learning_rate"], _Line("", "", INK, "-", "."))
        axes.set_title("learning rate at the epoch's end", loc="left", fontsize=10, fontweight="bold")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    _fill_last_row(panels, len(shown) + has_rate)
    for axes in panels[: len(shown) + has_rate]:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.set_xlim(table["epoch"].min() - 0.5, table["epoch"].max() + 0.5)
    if handles:
        drawn = [line for line in _LINES if line in handles]
        figure.legend(
            [handles[line] for line in drawn],
            [line.label for line in drawn],
            loc="outside lower center",
            ncols=min(len(drawn), 4 if len(shown) > 2 else 2),
            frameon=False,
        )
    return to_png(figure)


def rates_figure(rates: Sequence[float], losses: Sequence[float], chosen: float) -> bytes:
    """Draw the smoothed loss at each tested learning rate, and the chosen rate."""
    figure = new_figure(6, 4)
    axes = figure.subplots()
    style_axes(axes)
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss, smoothed")
    known = np.isfinite(losses)
    x, y = np.asarray(rates)[known], np.asarray(losses)[known]
    if not len(x):
        explain_empty(axes, "no rate was tested")
        return to_png(figure)
    axes.plot(x, y, color=BLUE, linewidth=1.8, label="loss")
    axes.axvline(chosen, color=VERMILION, linestyle="--", linewidth=1.4, label=f"chosen: {chosen:.3g}")
    # A diverging loss leaves the axes; otherwise the rest would be a flat line.
    room = 0.1 * max(y[0] - y.min(), 0.05 * abs(y.min()), 1e-9)
    axes.set_ylim(y.min() - room, max(y[0], np.median(y)) + 3 * room)
    axes.legend(frameon=False, fontsize=9)
    return to_png(figure)


def _fill_last_row(panels: Sequence[Axes], count: int) -> None:
    """Give the last of `count` panels the room of those after it, which are empty."""
    if not 0 < count < len(panels):
        return
    first, last = panels[count - 1].get_subplotspec(), panels[-1].get_subplotspec()
    assert first is not None and last is not None
    panels[count - 1].set_subplotspec(first.get_gridspec()[first.num1 : last.num1 + 1])
    for axes in panels[count:]:
        axes.remove()


def _draw_line(axes: Axes, epochs: pd.Series[int], values: pd.Series[float], line: _Line) -> Line2D:
    (drawn,) = axes.plot(
        epochs,
        values,
        line.dash,
        color=line.colour,
        marker=line.marker,
        markersize=4,
        markevery=-(-len(epochs) // _MARKERS),
        clip_on=False,  # a score of 100 % is on the edge of the panel
    )
    return drawn
