"""The figure of what cleaners remove against the meteorological echo that they lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

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

PURPLE = "#CC79A7"  # of the same palette as the other colours
# Colour, line and mark differ together: lines are distinct in grey print and with any colour vision.
THIN = (
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
    (ORANGE, "--", "8"),
)
THICK = ((BLUE, "-", "*"), (VERMILION, "-", "o"), (INK, "-", "d"), (INK, "--", "H"), (BLUE, "--", "8"))
MARKED = (0, 0.25, 0.5, 0.75)  # places of the first mark along a line, so that marks seldom overlap


def removal_figure(
    envelopes: Mapping[str, Mapping[str, NDArray[np.floating]]],
    lost: NDArray[np.floating],
    shares: Sequence[float],
    probabilistic: Sequence[str],
) -> bytes:
    """Draw the share removed at each share `lost`, by radar and cleaner; `probabilistic` cleaners are thick lines.

    `shares` kept are marked.
    """
    figure = new_figure(max(9.0, 4.6 * len(envelopes)), 6.2)
    panels = figure.subplots(1, max(1, len(envelopes)), squeeze=False, sharey=True)[0]
    for axes, (radar, of_radar) in zip(panels, envelopes.items(), strict=False):
        style_axes(axes)
        thick = [name for name in of_radar if name in probabilistic]
        thin = [name for name in of_radar if name not in probabilistic]
        for names, styles, width in ((thin, THIN, 1.1), (thick, THICK, 2.2)):
            for index, name in enumerate(names):
                _draw_line(axes, name, lost, of_radar[name], styles[index % len(styles)], width, index)
        _set_axes(axes, lost, shares)
        axes.set_title(radar, loc="left", fontweight="bold", fontsize=11)
    panels[0].set_ylabel("non-meteorological echo removed")
    handles, labels = panels[0].get_legend_handles_labels()
    legend = {"ncols": 4, "frameon": False, "fontsize": 8, "handlelength": 3.5}
    figure.legend(handles, labels, loc="outside lower center", **legend)
    return to_png(figure)


def _draw_line(
    axes: Axes,
    name: str,
    lost: NDArray[np.floating],
    removed: NDArray[np.floating],
    style: tuple[str, str, str],
    width: float,
    index: int,
) -> None:
    colour, line, mark = style
    axes.plot(
        lost,
        removed,
        color=colour,
        linestyle=line,
        linewidth=width,
        marker=mark,
        markersize=5 if width < 2 else 7,
        markeredgecolor=INK,
        markeredgewidth=0.4,
        markevery=(int(MARKED[index % len(MARKED)] * 20) + 2, 20),
        drawstyle="steps-post",
        label=name,
        zorder=2 if width < 2 else 3,
    )


def _set_axes(axes: Axes, lost: NDArray[np.floating], shares: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(lost[-1], lost[0])  # the more is kept, the further right
    ticks = [1 - share for share in shares]
    axes.set_xticks([0.1, *reversed(ticks), 0.002, 0.001])
    axes.set_xticks([], minor=True)
    axes.set_xticklabels(["90 %", *(f"{100 * share:g} %" for share in reversed(shares)), "99.8 %", "99.9 %"])
    for tick in ticks:
        axes.axvline(tick, color=GREY, linewidth=0.9, zorder=1)
    axes.set_ylim(0, 1)
    percent_axis(axes.yaxis)
    axes.set_xlabel("meteorological echo kept")
