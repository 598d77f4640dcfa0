"""Pictures of the place of a frame on Earth: coast, borders and graticule drawn over it.

Lines are (points, 2) arrays of (column, row) in pixels of the plot box, as the modules `coast` and `graticule` of
`georeference` return them. Axes have pixels of the frame as coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from radar_cleaner.plotting.style import BLUE, DPI, INK, VERMILION, new_figure, to_png

Picture = NDArray[np.uint8]  # (y, x, 3)
Line = NDArray[np.float64]
Box = tuple[int, int, int, int]
_WIDTH_INCHES, _MAX_HEIGHT_INCHES = 8.0, 10.0
_LINE_INCHES, _PAD_INCHES = 0.2, 0.12


def over_white(frame: Picture, alpha: NDArray[np.uint8]) -> Picture:
    """Return a frame as it is seen on white; `alpha` (y, x) is its opacity. Black would hide the lines."""
    share = alpha[..., None] / np.float32(255)
    return np.rint(frame * share + 255 * (1 - share)).astype(np.uint8)


def draw_map_lines(
    axes: Axes,
    plot_box: Box,
    coast: Sequence[Line],
    borders: Sequence[Line],
    graticule: Sequence[tuple[str, Line]],
    shown: Sequence[Line] = (),
) -> None:
    """Draw coast, borders and graticule over a frame, within its plot box (x0, y0, x1, y1; half open).

    `shown` is the coast where the picture shows it.
    """
    x0, y0, x1, y1 = plot_box
    window = Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=INK, linewidth=0.8)
    axes.add_patch(window)
    origin = np.array([x0, y0], float)

    def draw(lines: Sequence[Line], colour: str, width: float, style: str = "-") -> None:
        collection = LineCollection(
            [line + origin for line in lines],
            colors=colour,
            linewidths=width,
            linestyles=style,
            # White beside each line, so that it is visible on any ground.
            path_effects=[withStroke(linewidth=width + 1.2, foreground="white", alpha=0.6)],
        )
        axes.add_collection(collection, autolim=False)
        collection.set_clip_path(window)

    draw([line for _, line in graticule], INK, 0.5, ":")
    draw(borders, INK, 0.7, "--")
    draw(coast, VERMILION, 0.9)
    draw(shown, BLUE, 0.9)
    for label, line in graticule:
        _label(axes, label, line[np.isfinite(line).all(axis=1)], origin, (x1 - x0, y1 - y0))


def place_figure(
    title: str,
    frame: Picture,
    plot_box: Box,
    coast: Sequence[Line],
    borders: Sequence[Line],
    graticule: Sequence[tuple[str, Line]],
    shown: Sequence[Line] = (),
) -> bytes:
    """Draw a whole frame and the lines of `draw_map_lines`, as PNG bytes."""
    height, width = frame.shape[:2]
    scale = min(_WIDTH_INCHES / width, _MAX_HEIGHT_INCHES / height)
    lines = 1 + title.count("\n")
    figure = new_figure(
        width * scale + 2 * _PAD_INCHES, height * scale + _LINE_INCHES * (lines + 2) + 4 * _PAD_INCHES
    )
    figure.set_layout_engine("constrained", w_pad=_PAD_INCHES, h_pad=_PAD_INCHES)
    axes = figure.subplots()
    axes.imshow(frame, interpolation="nearest" if scale * DPI >= 1 else "antialiased")
    draw_map_lines(axes, plot_box, coast, borders, graticule, shown)
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold", color=INK)
    axes.set_axis_off()
    handles = [Line2D([], [], color=VERMILION, label="coast where the config puts it")]
    if shown:
        handles.append(Line2D([], [], color=BLUE, label="coast where the picture shows it"))
    if borders:
        handles.append(Line2D([], [], color=INK, linestyle="--", linewidth=0.8, label="borders"))
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=8, frameon=False)
    return to_png(figure)


def _label(axes: Axes, label: str, line: Line, origin: Line, size: tuple[int, int]) -> None:
    """Write the label of a line within the plot box, where the line is nearest to the lower or left edge."""
    if label.endswith(("N", "S")) or label == "0°":
        column, row = line[np.argmin(line[:, 0])]
        align = ("left", "bottom")
    else:
        column, row = line[np.argmax(line[:, 1])]
        align = ("center", "bottom")
    column, row = np.clip((column, row), 2, np.array(size) - 3) + origin
    axes.text(
        column,
        row,
        label,
        ha=align[0],
        va=align[1],
        fontsize=6.5,
        color=INK,
        path_effects=[withStroke(linewidth=2, foreground="white", alpha=0.8)],
    )
