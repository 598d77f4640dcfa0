"""The results of an ablation: rows of a table, a page of Markdown, and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from radar_cleaner.evaluation.threshold_sweep import SHARES, Removal
from radar_cleaner.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    explain_empty,
    new_figure,
    style_axes,
    to_png,
)

from .injected_tables import DIGITS, Row
from .variants import BASE, Variant

ANSWERS = {
    "network": "the network",
    "model": "the network with the labelers, as in the products",
    "label model": "the labelers, without a network",
}
Interval = tuple[float, float] | None
DRAWN_SHARE = SHARES[0]  # of meteorological echo kept, in the figure
STYLES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (ORANGE, "D"), (GREY, "v"))  # of radars


@dataclass(frozen=True)
class Outcome:
    """A variant and its removals by radar and cleaner."""

    variant: Variant
    removals: Mapping[str, Mapping[str, Removal]]


def rows_of(outcomes: Sequence[Outcome]) -> list[Row]:
    """Return one row for each variant, answer, radar and share kept: the share removed, and its gain.

    `difference` is in shares of the non-meteorological echo. The labelers have rows where a variant has its own.
    """
    base = next(one for one in outcomes if one.variant.name == BASE)
    return [
        row
        for answer in ANSWERS
        for one in outcomes
        if answer != "label model" or one is base or ("labels" in one.variant.own and not one.variant.model_of)
        for radar, of_radar in one.removals.items()
        for row in _rows(one.variant, answer, radar, of_radar[answer], base.removals[radar][answer])
    ]


def _rows(variant: Variant, answer: str, radar: str, removal: Removal, base: Removal) -> list[Row]:
    more, ends = removal.minus(base)
    return [
        {
            "answer": answer,
            "variant": variant.name,
            "radar": radar,
            "trained_on": ";".join(variant.radars),
            "share": share,
            "kept": _rounded(choice.kept),
            "removed": _rounded(choice.removed),
            "difference": _rounded(more[index]),
            "difference_low": _rounded(ends[0, index]),
            "difference_high": _rounded(ends[1, index]),
        }
        for index, (share, choice) in enumerate(zip(SHARES, removal.choices, strict=True))
    ]


def page(rows: Sequence[Row], words: Mapping[str, str], heading: str, failed: Mapping[str, str]) -> str:
    """Return all tables as Markdown. `words` name the variants, `failed` are those without a result, and why."""
    parts = [heading]
    for answer, title in ANSWERS.items():
        for radar in dict.fromkeys(row["radar"] for row in rows if row["answer"] == answer):
            chosen = [row for row in rows if (row["answer"], row["radar"]) == (answer, radar)]
            parts += [f"## {radar}: {title}", _table(chosen, words)]
    if failed:
        parts += ["## Failed", "\n".join(f"- {words[name]}: {reason}" for name, reason in failed.items())]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Row], words: Mapping[str, str]) -> str:
    lines = [["removed (difference) where is kept", *(f"{100 * share:g} %" for share in SHARES)]]
    lines.append(["---"] * len(lines[0]))
    for name in dict.fromkeys(row["variant"] for row in rows):
        cells = [_cell(row) for row in rows if row["variant"] == name]
        lines.append([named(name, words, next(row for row in rows if row["variant"] == name)), *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def named(name: str, words: Mapping[str, str], row: Row) -> str:
    """Name a variant, and mark a radar that its network has not seen in training."""
    unseen = row["radar"] not in row["trained_on"].split(";")
    return f"{words[name]} (this radar not seen)" if unseen else words[name]


def _cell(row: Row) -> str:
    if row["removed"] is None:
        return "n/a"
    above = f" at {100 * row['kept']:.1f} %" if row["kept"] >= row["share"] + 0.001 else ""
    removed = f"{100 * row['removed']:.1f} %{above}"
    if row["variant"] == BASE or row["difference"] is None:
        return removed
    ends = ""
    if row["difference_low"] is not None:
        ends = f"; {100 * row['difference_low']:+.1f} to {100 * row['difference_high']:+.1f}"
    return f"{removed} ({100 * row['difference']:+.1f}{ends})"


def draw(rows: Sequence[Row], words: Mapping[str, str]) -> bytes:
    """Draw the differences to the base at DRAWN_SHARE: a row for each variant, a mark for each radar."""
    shown = [row for row in rows if row["share"] == DRAWN_SHARE and row["variant"] != BASE]
    radars = list(dict.fromkeys(row["radar"] for row in rows))
    names = list(dict.fromkeys(row["variant"] for row in shown))
    answers = [answer for answer in ANSWERS if any(row["answer"] == answer for row in shown)] or ["network"]
    figure = new_figure(2.6 + 3.7 * len(answers), 1.6 + 0.36 * max(3, len(names)))
    panels = figure.subplots(1, len(answers), sharex=True, sharey=True, squeeze=False)[0]
    for axes, answer in zip(panels, answers, strict=True):
        style_axes(axes)
        axes.set_title(ANSWERS[answer], loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel(f"points more removed than as configured, {100 * DRAWN_SHARE:g} % kept")
        axes.axvline(0, color=INK, linewidth=1)
        _draw_points(axes, [row for row in shown if row["answer"] == answer], names, radars)
    panels[0].set_yticks(range(len(names)), [words[name] for name in names])
    panels[0].set_ylim(max(1, len(names)) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return to_png(figure)


def _draw_points(axes: Axes, rows: Sequence[Row], names: Sequence[str], radars: Sequence[str]) -> None:
    """Draw a mark for each radar, hollow if the network has not seen it in training."""
    for index, radar in enumerate(radars):
        colour, mark = STYLES[index % len(STYLES)]
        axes.plot([], [], mark, color=colour, markeredgecolor=INK, label=radar)
        for row in (row for row in rows if row["radar"] == radar and row["difference"] is not None):
            place = names.index(row["variant"]) + 0.36 * ((index + 0.5) / len(radars) - 0.5)
            _draw_interval(axes, place, _ends(row), colour)
            unseen = radar not in row["trained_on"].split(";")
            axes.plot(
                100 * row["difference"],
                place,
                mark,
                color="white" if unseen else colour,
                markeredgecolor=colour if unseen else INK,
                markeredgewidth=1.4 if unseen else 0.6,
                markersize=6,
                zorder=3,
            )
    axes.plot([], [], "o", color="white", markeredgecolor=GREY, markeredgewidth=1.4, label="radar not seen")
    if not rows:
        explain_empty(axes, "nothing to show")


def _draw_interval(axes: Axes, place: float, ends: Interval, colour: str) -> None:
    if ends is not None:
        axes.plot([100 * end for end in ends], [place, place], color=colour, linewidth=1.6, zorder=2)


def _ends(row: Row) -> Interval:
    low, high = row["difference_low"], row["difference_high"]
    return None if low is None or high is None else (low, high)


def _rounded(value: Any) -> float | None:
    return None if value is None or np.isnan(value) else round(float(value), DIGITS)
