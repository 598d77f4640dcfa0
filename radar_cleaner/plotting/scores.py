"""Charts of scores, as PNG bytes, and what all charts share.

Drawn by matplotlib's object interface on the Agg canvas: no window, no global state, so that equal numbers
give an equal picture. Colours are those of Okabe and Ito, told apart with any colour vision, and no meaning
hangs on colour alone. Pictures of frames are in `map_figures`, those of training in `training_figures`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from radar_cleaner.storage.atomic import replacing

# Okabe and Ito, Color Universal Design, 2008.
ORANGE, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8A8F94"
INK, GRID = "#1f2933", "#d9dee3"
CLEANER_STYLES = ((ORANGE, "s", "//"), (SKY, "^", ".."), (BLUE, "o", ""), (GREEN, "D", "xx"))
DPI = 110
MAX_COLUMNS = 3

Scores = Mapping[str, Any]


def removal_curve_figure(curve: Sequence[Scores], scores: Sequence[Scores], threshold: float) -> bytes:
    """Share removed of non-meteorological echo against share kept of meteorological echo, a panel a radar.

    `curve` are rows of `evaluation.curve_rows`, `scores` those of `evaluation.score_rows` for all bands:
    the cleaners without a threshold are points, and so is the model at its own threshold.
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
        # Near all rain is kept by any cleaner worth a look: the rest of the axis would be empty.
        axes.set_xlim(max(0.0, min(low)), 1.0)
        axes.set_ylim(0, 1)
        axes.set_title(radar, loc="left", fontweight="bold", fontsize=11)
        axes.set_xlabel("meteorological echo kept (retention)")
        axes.set_ylabel("non-meteorological echo removed")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
        if not line:
            say_nothing(axes, "nothing to score")
    if radars:
        named = handles_of(panels)
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=2, frameon=False)
    return to_png(figure)


def scores_figure(scores: Sequence[Scores]) -> bytes:
    """Bars of retention, removal and CSI by radar and cleaner, whiskers where there is an interval.

    `scores` are rows of `evaluation.score_rows` for all bands.
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


def to_png(figure: Figure, colours: int | None = 256) -> bytes:
    """Draw a figure; a palette of so many colours makes the file a third of the size."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixels[..., :3])
    if colours is not None:
        picture = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def write_png(path: Path, png: bytes) -> None:
    """Write a picture, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(png)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, which lays itself out."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")


def panel_grid(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure and at least `count` axes, up to three in a row; those too many are not shown."""
    count = max(count, 1)
    columns = min(count, MAX_COLUMNS)
    rows = -(-count // columns)
    figure = new_figure(max(width * columns, 5), height * rows + 0.4)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for index, axes in enumerate(panels):
        axes.set_visible(index < count)
        style_axes(axes)
    return figure, panels


def style_axes(axes: Axes) -> None:
    """Light axes and small labels, as all charts have."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, color=GREY)
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)


def handles_of(panels: Iterable[Axes]) -> dict[str, Any]:
    """What a legend of all panels holds, by its label: the first of each; no panel need have all of them."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return found


def _unique(rows: Sequence[Scores], key: str = "radar") -> list[str]:
    return list(dict.fromkeys(str(row[key]) for row in rows))


def _cleaner_style(row: Scores, scores: Sequence[Scores]) -> tuple[str, str, str]:
    if str(row["cleaner"]).startswith("member"):  # of an ensemble
        return GREY, ".", ""
    return CLEANER_STYLES[_unique(scores, "cleaner").index(row["cleaner"]) % len(CLEANER_STYLES)]


def percent_axis(axis: Any) -> None:
    """Show shares as percent."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def say_nothing(axes: Axes, text: str) -> None:
    """Why a panel is empty, in its middle."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)
