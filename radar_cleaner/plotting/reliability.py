"""Charts of the reliability of a model's probabilities and of its reflectivity, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import LogLocator
from numpy.typing import NDArray

from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    INK,
    MAX_COLUMNS,
    explain_empty,
    handles_of,
    new_figure,
    percent_axis,
    style_axes,
    to_png,
)

Row = Mapping[str, Any]

# Colour, marker, side to which whiskers are shifted.
_STYLES = {"model": (BLUE, "o", -1), "compared model": (GREEN, "D", 1)}
_ASIDE = 0.004  # shift of the whiskers of two models
_MARGIN_DBZ = 2.0


def calibration_figure(rows: Sequence[Row], scores: Sequence[Row]) -> bytes:
    """Draw the observed frequency of meteorological echo against the probability, and the number of pixels.

    Each radar has a panel. `rows` are those of `reliability.reliability_rows`, `scores` those of
    `tables.score_rows` over all ranges and reflectivities, with the expected calibration error.
    """
    radars = list(dict.fromkeys(str(row["radar"]) for row in rows))
    columns = min(max(len(radars), 1), MAX_COLUMNS)
    lines = -(-max(len(radars), 1) // columns)
    figure = new_figure(max(3.9 * columns, 5), 5.2 * lines + 0.4)
    grid = figure.subplots(2 * lines, columns, squeeze=False, height_ratios=[3, 1] * lines)
    for axes in grid.flat:
        style_axes(axes)
    for index in range(lines * columns):
        upper, lower = grid[2 * (index // columns) : 2 * (index // columns) + 2, index % columns]
        if index >= max(len(radars), 1):
            upper.set_visible(False)
            lower.set_visible(False)
            continue
        radar = radars[index] if radars else ""
        of_radar = [row for row in rows if row["radar"] == radar]
        errors = {row["cleaner"]: row["ece"] for row in scores if row["radar"] == radar}
        _draw_reliability(upper, of_radar)
        upper.set_title(_error_title(radar, errors), loc="left", fontsize=10, linespacing=1.4)
        _draw_counts(lower, of_radar)
        upper.tick_params(labelbottom=False)
        lower.set_xlabel("probability predicted by the model")
    handles = handles_of(grid.flat)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return to_png(figure)


def reflectivity_figure(
    pairs: Mapping[str, Mapping[str, NDArray[np.int64]]], edges: NDArray[np.float64], rows: Sequence[Row]
) -> bytes:
    """Draw the joint frequency of estimated and observed reflectivity: a row of panels per radar, one per measure.

    `pairs` are (estimate, observed) counts between `edges` in dBZ by radar and measure, for at least one radar.
    `rows` are those of `tables.reflectivity_rows` for the same frames over all ranges, reflectivities and masks.
    """
    columns = max(map(len, pairs.values()))
    figure = new_figure(5.0 * columns, 4.9 * len(pairs))
    grid = figure.subplots(len(pairs), columns, squeeze=False)
    limits = _extent(
        np.sum([counts for of_radar in pairs.values() for counts in of_radar.values()], axis=0), edges
    )
    for line, (radar, of_radar) in zip(grid, pairs.items(), strict=True):
        of_rows = [row for row in rows if row["radar"] == radar]
        for axes, (measure, counts) in zip(line, of_radar.items(), strict=True):
            head = ", ".join(filter(None, (radar, measure)))
            axes.set_title(f"{head}\n{_in_words(of_rows, measure)}", loc="left", fontsize=9, linespacing=1.5)
            _draw_pairs(axes, counts, edges, limits)
    return to_png(figure)


def _draw_pairs(
    axes: Axes, counts: NDArray[np.int64], edges: NDArray[np.float64], limits: tuple[float, float]
) -> None:
    style_axes(axes)
    axes.set_xlabel("reflectivity in the picture (dBZ)")
    axes.set_ylabel("reflectivity by the model (dBZ)")
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    axes.set_aspect("equal")
    axes.plot(limits, limits, color=INK, linewidth=0.9, linestyle="--", zorder=3)
    if not counts.any():
        explain_empty(axes, "no pixel")
        return
    image = axes.pcolormesh(
        edges, edges, np.ma.masked_equal(counts, 0), norm=LogNorm(1, max(2, counts.max())), cmap="viridis"
    )
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    bar.set_label("pixels", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _error_title(radar: str, errors: Mapping[str, float | None]) -> str:
    parts = [f"{name} {100 * value:.2f} %" for name in _STYLES if (value := errors.get(name)) is not None]
    return f"{radar}\nECE: {', '.join(parts) or 'n/a'}"


def _draw_reliability(axes: Axes, rows: Sequence[Row]) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.9, linestyle="--", label="perfect reliability")
    drawn = False
    for cleaner, (colour, marker, side) in _STYLES.items():
        found = [row for row in rows if row["cleaner"] == cleaner and row["pixels"]]
        if not found:
            continue
        drawn = True
        place = [row["mean_probability"] for row in found]
        frequency = [row["observed_frequency"] for row in found]
        axes.plot(
            place,
            frequency,
            marker=marker,
            color=colour,
            markersize=4.5,
            linewidth=1.4,
            label=cleaner,
            clip_on=False,
        )
        for x, row in zip(place, found, strict=True):
            if row["observed_frequency_low"] is not None:
                ends = [row["observed_frequency_low"], row["observed_frequency_high"]]
                axes.plot([x + side * _ASIDE] * 2, ends, color=colour, linewidth=1, solid_capstyle="butt")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of echo that is meteorological")
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    if not drawn:
        explain_empty(axes, "nothing to score")


def _draw_counts(axes: Axes, rows: Sequence[Row]) -> None:
    for cleaner, (colour, *_) in _STYLES.items():
        found = [row for row in rows if row["cleaner"] == cleaner]
        if not any(row["pixels"] for row in found):
            continue
        edges = [row["probability_from"] for row in found] + [1.0]
        counts = [row["pixels"] for row in found]
        solid = cleaner == "model"
        axes.stairs(
            counts, edges, baseline=0.5, fill=solid, color=colour, alpha=0.55 if solid else 1, linewidth=1.4
        )
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(0.5, max([2.0, *(3.0 * row["pixels"] for row in rows)]))
    axes.set_xlim(0, 1)
    axes.set_ylabel("pixels")
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    axes.minorticks_off()
    percent_axis(axes.xaxis)


def _extent(counts: NDArray[np.int64], edges: NDArray[np.float64]) -> tuple[float, float]:
    """Return the range of reflectivities with counts, over both axes."""
    used = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
    if not used.size:
        return 0.0, 60.0
    return float(edges[used[0]]) - _MARGIN_DBZ, float(edges[used[-1] + 1]) + _MARGIN_DBZ


def _in_words(rows: Sequence[Row], measure: str) -> str:
    row = next((row for row in rows if row["measure"] == measure), None)
    if row is None or not row["pixels"]:
        return "no pixel\n"
    values = {
        "MAE": (row["mae_dbz"], " dBZ"),
        "RMSE": (row["rmse_dbz"], " dBZ"),
        "bias": (row["bias_dbz"], " dBZ"),
        "r": (row["r"], ""),
        "R²": (row["r2"], ""),
    }
    parts = [
        f"{name} n/a" if value is None else f"{name} {value:.2f}{unit}" for name, (value, unit) in values.items()
    ]
    return f"n {row['pixels']:,} px, {', '.join(parts[:2])}\n{', '.join(parts[2:])}"
