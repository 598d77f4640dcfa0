"""The figures, the radars side by side: what each method removes against the meteorological echo that it loses,
and what it removes of each kind of planted echo.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    new_figure,
    percent_axis,
    style_axes,
    to_png,
)

from .compare import LOST, Scored
from .planted import ADDITIVE
from .planted_scores import ALL_ADDITIVE, UNSEEN, PlantScore
from .planted_tables import removed_shares
from .scoring import SHARES

PURPLE = "#CC79A7"  # of the same palette as the other colours
# Colours, lines and marks differ together: each line is told apart in grey print and with any colour vision.
CLASSICAL = (
    (GREY, "-", "s"),
    (GREY, "--", "D"),
    (ORANGE, "-", "^"),
    (GREEN, "-", "v"),
    (SKY, "-", "<"),
    (SKY, "--", ">"),
    (PURPLE, "-", "p"),
    (PURPLE, "--", "P"),
    (PURPLE, ":", "X"),
    (GREEN, "--", "h"),
)
OURS = ((VERMILION, "-", "o"), (BLUE, "-", "*"), (INK, "-", "d"), (INK, "--", "H"), (BLUE, "--", "8"))
MARKED = [0, 0.25, 0.5, 0.75]  # where along the axis a line's first mark lies, so that marks seldom meet


def draw(found: Sequence[Scored]) -> bytes:
    """PNG of the envelopes; classical filters are thin lines, labels and models thick ones."""
    radars = list(dict.fromkeys(one.radar for one in found))
    figure = new_figure(max(9.0, 4.6 * len(radars)), 6.2)
    panels = figure.subplots(1, len(radars), squeeze=False, sharey=True)[0]
    for axes, radar in zip(panels, radars, strict=True):
        of_radar = [one for one in found if one.radar == radar]
        _draw_radar(axes, of_radar)
        axes.set_title(radar, loc="left", fontweight="bold", fontsize=11)
    panels[0].set_ylabel("non-meteorological echo removed")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8, handlelength=3.5
    )
    return to_png(figure)


def _draw_radar(axes: Axes, found: Sequence[Scored]) -> None:
    style_axes(axes)
    classical = [one for one in found if one.kind == "classical"]
    ours = [one for one in found if one.kind != "classical"]
    for group, styles, width in ((classical, CLASSICAL, 1.1), (ours, OURS, 2.2)):
        for index, one in enumerate(group):
            colour, line, mark = styles[index % len(styles)]
            axes.plot(
                LOST,
                one.envelope,
                color=colour,
                linestyle=line,
                linewidth=width,
                marker=mark,
                markersize=5 if width < 2 else 7,
                markeredgecolor=INK,
                markeredgewidth=0.4,
                markevery=(int(MARKED[index % len(MARKED)] * 20) + 2, 20),
                drawstyle="steps-post",
                label=one.method,
                zorder=2 if width < 2 else 3,
            )
    axes.set_xscale("log")
    axes.set_xlim(LOST[-1], LOST[0])  # the more is kept the further right
    ticks = [1 - share for share in SHARES]
    axes.set_xticks([0.1, *reversed(ticks), 0.002, 0.001])
    axes.set_xticks([], minor=True)
    axes.set_xticklabels(["90 %", *(f"{100 * share:g} %" for share in reversed(SHARES)), "99.8 %", "99.9 %"])
    for tick in ticks:
        axes.axvline(tick, color=GREY, linewidth=0.9, zorder=1)
    axes.set_ylim(0, 1)
    percent_axis(axes.yaxis)
    axes.set_xlabel("meteorological echo kept")


def draw_planted(found: Sequence[PlantScore]) -> bytes:
    """PNG of the share removed of each kind where the highest of SHARES is kept; a mark a method, side by side."""
    radars = list(dict.fromkeys(one.radar for one in found))
    methods = sorted(dict.fromkeys(one.method for one in found), key=lambda method: method == UNSEEN)
    kinds = [*ADDITIVE, ALL_ADDITIVE]
    figure = new_figure(max(7.0, 3.8 * len(radars)), 1.4 + 0.42 * len(kinds))
    panels = figure.subplots(1, len(radars), squeeze=False, sharey=True)[0]
    styles = _planted_styles(found)
    for axes, radar in zip(panels, radars, strict=True):
        style_axes(axes)
        for index, method in enumerate(methods):
            shares = {
                one.kind: removed_shares(one)[0] for one in found if (one.radar, one.method) == (radar, method)
            }
            colour, mark, filled = styles[method]
            axes.plot(
                [shares.get(kind, np.nan) for kind in kinds],
                np.arange(len(kinds)) + (index - (len(methods) - 1) / 2) * 0.8 / len(methods),
                linestyle="none",
                marker=mark,
                markersize=6,
                color=colour,
                markerfacecolor=colour if filled else "white",
                markeredgecolor=INK if filled else colour,
                markeredgewidth=0.5 if filled else 1.4,
                label=method,
                clip_on=False,
                zorder=3,
            )
        for line in np.arange(len(kinds) - 1) + 0.5:
            axes.axhline(line, color=GREY, linewidth=0.9 if kinds[int(line + 0.5)] == ALL_ADDITIVE else 0.3)
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        axes.set_title(radar, loc="left", fontweight="bold", fontsize=11)
        axes.set_xlabel(f"planted echo removed, {100 * SHARES[0]:g} % of the rain kept")
    panels[0].set_ylim(len(kinds) - 0.5, -0.5)
    panels[0].set_yticks(range(len(kinds)), [kind.replace("_", " ") for kind in kinds])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return to_png(figure)


def _planted_styles(found: Sequence[PlantScore]) -> dict[str, tuple[str, str, bool]]:
    """Colour, mark and whether it is filled, by method; as in the other figure, as far as methods are the same."""
    roles = {one.method: one.role for one in found}
    plain = [(method, role) for method, role in roles.items() if method != UNSEEN]
    styles: dict[str, tuple[str, str, bool]] = {UNSEEN: (VERMILION, "o", False)}
    for group, marks in ((("classical",), CLASSICAL[2:]), (("labels", "model"), OURS)):
        of_group = [method for method, role in sorted(plain, key=lambda pair: pair[1] != "model") if role in group]
        for index, method in enumerate(of_group):
            colour, _, mark = marks[index % len(marks)]
            styles[method] = colour, mark, True
    return styles
