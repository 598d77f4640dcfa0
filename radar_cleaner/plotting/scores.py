"""Charts of scores, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    SKY,
    explain_empty,
    handles_of,
    panel_grid,
    percent_axis,
    to_png,
)

CLEANER_STYLES = ((ORANGE, "s", "//"), (SKY, "^", ".."), (BLUE, "o", ""), (GREEN, "D", "xx"))

Scores = Mapping[str, Any]


def removal_curve_figure(curve: Sequence[Scores], scores: Sequence[Scores], threshold: float) -> bytes:
    """Draw the removed share of non-meteorological echo against the kept share of meteorological echo, by radar.

    `curve` are rows of `tables.curve_rows`, `scores` those of `tables.score_rows` for all bands. Cleaners
    without a threshold are points, as is the model at its own threshold.
    """
    radars = _unique(curve)
    figure, panels = panel_grid(len(radars), width=3.9, height=3.9)
    for axes, radar in zip(panels, radars, strict=False):
        line = [
            (row["retention"], row["removal"])
            for row in curve
            if row["radar"] == radar and row["retention"] is not None and row["removal"] is not None
        ]
        points = np.array(line, dtype=np.float64).reshape(-1, 2)
        axes.plot(points[:, 0], points[:, 1], color=BLUE, linewidth=1.8, label="model, any threshold", zorder=2)
        low = [0.9]
        for row in (row for row in scores if row["radar"] == radar):
            if row["retention"] is None or row["removal"] is None:
                continue
            colour, marker = _cleaner_style(row, scores)[:2]
            name = f"model at {threshold:g}" if row["cleaner"] == "model" else row["cleaner"]
            axes.plot(
                row["retention"],
                row["removal"],
                marker,
                color=colour,
                markeredgecolor=INK,
                markersize=9,
                label=name,
                zorder=3,
                clip_on=False,
            )
            low.append(row["retention"] - 0.03)
        # Any useful cleaner keeps nearly all rain: the rest of the axis would be empty.
        axes.set_xlim(max(0.0, min(low)), 1.0)
        axes.set_ylim(0, 1)
        axes.set_title(radar, loc="left", fontweight="bold", fontsize=11)
        axes.set_xlabel("meteorological echo kept (retention)")
        axes.set_ylabel("non-meteorological echo removed")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
        if not line:
            explain_empty(axes, "nothing to score")
    if radars:
        handles = handles_of(panels)
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, frameon=False)
    return to_png(figure)


def scores_figure(scores: Sequence[Scores]) -> bytes:
    """Draw bars of retention, removal and CSI by radar and cleaner, with whiskers if there are intervals.

    `scores` are rows of `tables.score_rows` for all bands.
    """
    radars, cleaners = _unique(scores), _unique(scores, "cleaner")
    step = 0.81 / max(1, len(cleaners))
    figure, panels = panel_grid(3, width=3.9, height=0.9 + 0.25 * max(3, len(cleaners)) * max(1, len(radars)))
    titles = {
        "retention": "meteorological echo kept",
        "removal": "non-meteorological echo removed",
        "csi": "critical success index (CSI)",
    }
    for axes, (score, title) in zip(panels, titles.items(), strict=True):
        for index, cleaner in enumerate(cleaners):
            rows = [row for row in scores if row["cleaner"] == cleaner]
            shift = (index - (len(cleaners) - 1) / 2) * step
            places = np.array([radars.index(row["radar"]) for row in rows]) + shift
            values = [np.nan if row[score] is None else row[score] for row in rows]
            colour, _, hatch = _cleaner_style(rows[0], scores)
            axes.barh(places, values, 0.93 * step, color=colour, hatch=hatch, edgecolor="white", label=cleaner)
            for place, value, row in zip(places, values, rows, strict=True):
                ends = (row.get(f"{score}_low"), row.get(f"{score}_high"))
                if ends[0] is not None and ends[1] is not None:
                    axes.plot(
                        [float(ends[0]), float(ends[1])],
                        [place, place],
                        color=INK,
                        linewidth=1.2,
                        solid_capstyle="butt",
                    )
                text = "n/a" if np.isnan(value) else f"{100 * value:.1f} %"
                axes.text(1.02, place, text, va="center", fontsize=8, clip_on=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(radars) - 0.45, -0.55)
        axes.set_yticks(range(len(radars)), radars)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        axes.grid(axis="y", visible=False)
        percent_axis(axes.xaxis)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    return to_png(figure)


def _unique(rows: Sequence[Scores], key: str = "radar") -> list[str]:
    return list(dict.fromkeys(str(row[key]) for row in rows))


def _cleaner_style(row: Scores, scores: Sequence[Scores]) -> tuple[str, str, str]:
    if str(row["cleaner"]).startswith("member"):  # of an ensemble
        return GREY, ".", ""
    return CLEANER_STYLES[_unique(scores, "cleaner").index(row["cleaner"]) % len(CLEANER_STYLES)]
