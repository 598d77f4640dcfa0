"""Colours, sizes and axes that all figures share, and how a figure becomes a PNG.

Figures are drawn by matplotlib's object interface on the Agg canvas: no window, no global state, so that equal
numbers give an equal picture. Colours are those of Okabe and Ito, distinct for any colour vision. No meaning
depends on colour alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from PIL import Image

from radar_cleaner.storage.atomic import replacing

# Okabe and Ito, Color Universal Design, 2008.
ORANGE, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8A8F94"
INK, GRID = "#1f2933", "#d9dee3"
DPI = 110
MAX_COLUMNS = 3


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches, with a constrained layout."""
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")


def panel_grid(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure and at least `count` axes, up to three in a row; surplus axes are hidden."""
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
    """Give axes the light lines and small labels of all charts."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, color=GREY)
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)


def percent_axis(axis: Any) -> None:
    """Show shares as percent."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def handles_of(panels: Iterable[Axes]) -> dict[str, Any]:
    """Return the handles of a common legend by label, the first of each: no panel needs to have all of them."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return handles


def explain_empty(axes: Axes, text: str) -> None:
    """Write in the middle of a panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def to_png(figure: Figure, colours: int | None = 256) -> bytes:
    """Draw a figure as a PNG. A palette of `colours` makes it a third of the size; None keeps all colours."""
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
    """Write a PNG file, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(png)
