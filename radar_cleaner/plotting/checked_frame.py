"""A frame beside its decoded classes, with the plot box, the place and a table of the classes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from radar_cleaner.plotting.maps import pale
from radar_cleaner.plotting.place import draw_map_lines
from radar_cleaner.plotting.style import BLUE, DPI, INK, VERMILION, new_figure, to_png

Picture = NDArray[np.uint8]  # (y, x, 3)
Line = NDArray[np.float64]  # (points, 2): column, row
Box = tuple[int, int, int, int]
_PANEL_INCHES, _MAX_HEIGHT_INCHES, _TABLE_INCHES = 6.2, 9.0, 3.4
_ROW_INCHES = 0.21
_NOTE_COLUMNS = 56
_FEW_COLOURS = 100  # of a frame that leaves room for those of the table in a palette


@dataclass(frozen=True)
class ClassRow:
    """A row of the table: a class or another kind of pixel, its colour, its reflectivity and its pixels."""

    name: str
    colour: str
    reflectivity: str
    pixels: int
    share: float


@dataclass(frozen=True)
class Place:
    """Lines in pixels of the plot box: coast, borders, graticule, range rings with labels."""

    coast: Sequence[Line] = ()
    borders: Sequence[Line] = ()
    graticule: Sequence[tuple[str, Line]] = ()
    rings: Sequence[tuple[str, Line]] = ()
    shown: Sequence[Line] = ()  # the coast where the picture shows it


def checked_frame_figure(
    title: str,
    frame: Picture,
    plot_box: Box,
    place: Place,
    center_px: tuple[float, float] | None,
    boxes: Mapping[str, Box],
    kinds: NDArray[np.integer] | None,
    rows: Sequence[ClassRow],
    notes: Sequence[str],
) -> bytes:
    """Draw the frame with its place, and its pixels in the colours of their rows; return PNG bytes.

    `center_px` is the radar's pixel in the frame, `boxes` are named boxes of the frame, such as legends. `kinds`
    (y, x) of the plot box is the index of the row of each pixel, -1 for undetect; without it there is one panel.
    `notes` are lines below the table.
    """
    height, width = frame.shape[:2]
    panels = 1 if kinds is None else 2
    scale = min(_PANEL_INCHES / width, _MAX_HEIGHT_INCHES / height)
    lines = [line for note in notes for line in textwrap.wrap(note, _NOTE_COLUMNS)]
    tall = max(height * scale + 1.0, _ROW_INCHES * (len(rows) + len(lines) + 4))
    figure = new_figure(panels * width * scale + _TABLE_INCHES + 0.6, tall)
    widths = [width * scale] * panels + [_TABLE_INCHES]
    axes = figure.subplots(1, panels + 1, width_ratios=widths)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    smooth = "nearest" if scale * DPI >= 1 else "antialiased"
    axes[0].imshow(frame, interpolation=smooth)
    _draw_place(axes[0], plot_box, place, center_px)
    for name, box in {"": plot_box, **boxes}.items():
        _draw_box(axes[0], name, box)
    caption = "the frame; the box is its map"
    if place.coast:
        caption += "\norange: the coast where the config puts it"
    if place.shown:
        caption += ", blue: where the picture shows it"
    axes[0].set_title(caption, loc="left", fontsize=9, color=INK)
    if kinds is not None:
        axes[1].imshow(_with_kinds(frame, plot_box, kinds, rows), interpolation=smooth)
        axes[1].set_title("its pixels in the colours of the table", loc="left", fontsize=9, color=INK)
        _draw_box(axes[1], "", plot_box)
    for panel in axes[:panels]:
        panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        panel.set_axis_off()
    _draw_table(axes[-1], rows, lines, tall)
    few = len(np.unique(frame.reshape(-1, 3)[:: max(1, frame.size // 30_000)], axis=0)) <= _FEW_COLOURS
    return to_png(figure, 256 if few else None)  # the colours of the classes stay exact


def _draw_place(axes: Axes, plot_box: Box, place: Place, center_px: tuple[float, float] | None) -> None:
    draw_map_lines(axes, plot_box, place.coast, place.borders, place.graticule, place.shown)
    origin = np.array(plot_box[:2], float)
    for label, line in place.rings:
        points = line + origin
        (drawn,) = axes.plot(points[:, 0], points[:, 1], color=BLUE, linewidth=0.7)
        drawn.set_clip_path(_window(axes, plot_box))
        column, row = points[np.argmin(np.abs(points[:, 0] - points[:, 0].mean()) + points[:, 1])]
        if plot_box[1] <= row < plot_box[3]:
            _write(axes, column, row, label, BLUE)
    if center_px is not None:
        axes.plot(*center_px, marker="+", markersize=11, markeredgewidth=1.3, color=VERMILION)


def _window(axes: Axes, box: Box) -> Rectangle:
    x0, y0, x1, y1 = box
    window = Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor="none")
    axes.add_patch(window)
    return window


def _draw_box(axes: Axes, name: str, box: Box) -> None:
    x0, y0, x1, y1 = box
    axes.add_patch(Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=VERMILION, linewidth=1))
    if name:
        _write(axes, x0, y1, name, VERMILION)


def _write(axes: Axes, column: float, row: float, text: str, colour: str) -> None:
    around = [withStroke(linewidth=2, foreground="white", alpha=0.8)]
    axes.text(column, row, text, ha="center", va="top", fontsize=6.5, color=colour, path_effects=around)


def _with_kinds(frame: Picture, plot_box: Box, kinds: NDArray[np.integer], rows: Sequence[ClassRow]) -> Picture:
    """Return the frame in pale gray with the pixels of each row in its colour."""
    x0, y0, x1, y1 = plot_box
    picture = pale(frame)
    colours = np.rint(255 * np.array([to_rgb(row.colour) for row in rows] or [(0, 0, 0)])).astype(np.uint8)
    inside = picture[y0:y1, x0:x1]
    inside[...] = np.where(kinds[..., None] >= 0, colours[np.maximum(kinds, 0)], inside)
    return picture


def _draw_table(axes: Axes, rows: Sequence[ClassRow], lines: Sequence[str], tall: float) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(tall / _ROW_INCHES, 0)
    columns = ((0.1, "left"), (0.62, "right"), (0.84, "right"), (1, "right"))
    for (at, side), text in zip(columns, ("class", "dBZ", "pixels", "%"), strict=True):
        axes.text(at, 0.6, text, ha=side, va="center", fontsize=8, fontweight="bold", color=INK)
    for index, row in enumerate(rows, start=1):
        axes.add_patch(Rectangle((0, index + 0.2), 0.07, 0.8, facecolor=row.colour, edgecolor=INK, linewidth=0.4))
        texts = (row.name, row.reflectivity, f"{row.pixels:,}", f"{100 * row.share:.2f}")
        for (at, side), text in zip(columns, texts, strict=True):
            axes.text(at, index + 0.6, text, ha=side, va="center", fontsize=8, color=INK)
    for index, line in enumerate(lines, start=len(rows) + 2):
        axes.text(0, index + 0.6, line, ha="left", va="center", fontsize=7.5, color=INK)
