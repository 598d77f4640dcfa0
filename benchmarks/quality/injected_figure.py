"""The figure of the injected echo that each cleaner removes, by kind, the radars side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radar_cleaner.evaluation.threshold_sweep import SHARES
from radar_cleaner.plotting.removal import THICK, THIN
from radar_cleaner.plotting.style import GREY, INK, VERMILION, new_figure, style_axes, to_png

from .injected import ADDITIVE
from .injected_scores import ALL_ADDITIVE, InjectedScore
from .injected_tables import removed_shares
from .runs import UNSEEN


def draw_injected(found: Sequence[InjectedScore]) -> bytes:
    """Draw the share removed of each kind at the highest of SHARES kept; a mark for each cleaner."""
    radars = list(dict.fromkeys(one.radar for one in found))
    methods = sorted(dict.fromkeys(one.cleaner for one in found), key=lambda method: method == UNSEEN)
    kinds = [*ADDITIVE, ALL_ADDITIVE]
    figure = new_figure(max(7.0, 3.8 * len(radars)), 1.4 + 0.42 * len(kinds))
    panels = figure.subplots(1, len(radars), squeeze=False, sharey=True)[0]
    styles = _styles(found)
    for axes, radar in zip(panels, radars, strict=True):
        style_axes(axes)
        for index, method in enumerate(methods):
            shares = {
                one.kind: removed_shares(one)[0] for one in found if (one.radar, one.cleaner) == (radar, method)
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
        axes.set_xlabel(f"injected echo removed, {100 * SHARES[0]:g} % of the rain kept")
    panels[0].set_ylim(len(kinds) - 0.5, -0.5)
    panels[0].set_yticks(range(len(kinds)), [kind.replace("_", " ") for kind in kinds])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return to_png(figure)


def _styles(found: Sequence[InjectedScore]) -> dict[str, tuple[str, str, bool]]:
    """Return colour, mark and whether it is filled, by cleaner."""
    roles = {one.cleaner: one.role for one in found}
    plain = [(method, role) for method, role in roles.items() if method != UNSEEN]
    styles: dict[str, tuple[str, str, bool]] = {UNSEEN: (VERMILION, "o", False)}
    for group, marks in ((("filter",), THIN[2:]), (("model",), THICK)):
        of_group = [method for method, role in sorted(plain, key=lambda pair: pair[1] != "model") if role in group]
        for index, method in enumerate(of_group):
            colour, _, mark = marks[index % len(marks)]
            styles[method] = colour, mark, True
    return styles
