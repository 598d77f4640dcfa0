"""Charts of forecasts, as PNG bytes: the scores of each method by lead time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from radar_cleaner.plotting.scores import Scores
from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    ORANGE,
    explain_empty,
    handles_of,
    panel_grid,
    percent_axis,
    to_png,
)

_STYLES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "D", "-."))
_APART = 0.02  # of the axis: whiskers of methods beside each other
_LOWEST = 0.05  # height of a panel whose scores are all next to nothing


def forecast_figure(rows: Sequence[Scores]) -> bytes:
    """Draw CSI against lead time, a line per method and a panel per event; a last panel has errors in dBZ.

    `rows` are those of `forecast_tallies.forecast_rows`. Those of the last radar are drawn, which is all radars
    together if there are several. Whiskers are 90 % intervals.
    """
    radar = rows[-1]["radar"] if rows else ""
    drawn = [row for row in rows if row["radar"] == radar]
    events = list(dict.fromkeys(str(row["event"]) for row in drawn))
    methods = list(dict.fromkeys(str(row["method"]) for row in drawn))
    figure, panels = panel_grid(len(events) + 1, width=3.6, height=3.0)
    if not any(row["csi"] is not None for row in drawn):
        explain_empty(panels[0], "no forecast was scored")
        return to_png(figure)
    for axes, event in zip(panels, events, strict=False):
        of_event = [row for row in drawn if row["event"] == event]
        _draw_lines(axes, of_event, methods, "csi")
        axes.set_title(event, loc="left", fontsize=10, fontweight="bold")
        axes.set_title(_share(of_event), loc="right", fontsize=8)
        axes.set_ylabel("critical success index (CSI)")
        axes.set_ylim(0, max(axes.get_ylim()[1], _LOWEST))
        percent_axis(axes.yaxis)
    error = panels[len(events)]
    _draw_lines(error, [row for row in drawn if row["event"] == events[0]], methods, "mae_dbz")
    error.set_title("error where rain was hit", loc="left", fontsize=10, fontweight="bold")
    error.set_ylabel("mean absolute error (dBZ)")
    error.set_ylim(bottom=0)
    for axes in panels[: len(events) + 1]:
        axes.set_xlabel("lead time (minutes)")
        axes.set_xticks(sorted({row["lead_minutes"] for row in drawn}))
    handles = handles_of(panels)
    shown = [method for method in methods if method in handles]
    figure.legend([handles[method] for method in shown], shown, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(f"Forecasts scored on {radar}", fontsize=11, x=0.01, ha="left")
    return to_png(figure)


def _draw_lines(axes: Axes, rows: Sequence[Scores], methods: Sequence[str], score: str) -> None:
    longest = max(row["lead_minutes"] for row in rows)
    for number, (method, (colour, marker, dash)) in enumerate(zip(methods, _STYLES, strict=False)):
        points = [row for row in rows if row["method"] == method and row[score] is not None]
        if not points:
            continue
        shift = (number - (len(methods) - 1) / 2) * _APART * longest
        x = np.array([row["lead_minutes"] + shift for row in points])
        values = [row[score] for row in points]
        # A score of 0 is on the edge of the panel.
        axes.plot(
            x, values, dash, color=colour, marker=marker, markersize=5, label=method, clip_on=False, zorder=3
        )
        for place, row in zip(x, points, strict=True):
            ends = [row[name] for name in (f"{score}_low", f"{score}_high") if row.get(name) is not None]
            if len(ends) == 2:
                axes.plot([place, place], ends, color=colour, linewidth=1.2, solid_capstyle="butt")


def _share(rows: Sequence[Scores]) -> str:
    """Format how common the event is, at the first lead time."""
    first = rows[0]
    came = first["hits"] + first["misses"]
    total = came + first["false_alarms"] + first["correct_negatives"]
    return f"in {100 * came / total:.2g} % of pixels" if total else ""
