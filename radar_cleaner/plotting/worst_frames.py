"""A picture of frames and of the errors of a model in them, as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import SubFigure
from matplotlib.patches import Circle, Patch
from numpy.typing import NDArray

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, is_echo
from radar_cleaner.plotting.maps import Extent, Picture, frame_axes
from radar_cleaner.plotting.style import BLUE, GREY, INK, VERMILION, explain_empty, new_figure, to_png

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_BLANK, _UNSEEN, _ECHO = 250, 226, 190  # greys: no echo, nodata, correctly classified echo
_ROW_INCHES = 4.5


@dataclass(frozen=True)
class ErrorRow:
    """A frame: its title and text, and (y, x) the picture as published, codes, reference classes, masks of errors.

    `reference_name` names the reference in a title.
    """

    title: str
    words: Sequence[str]
    picture: Picture
    codes: Codes
    reference: Codes
    lost: Mask
    left: Mask
    reference_name: str
    extent: Extent


def worst_frames_figure(rows: Sequence[ErrorRow], rings_km: Sequence[float], why_none: str) -> bytes:
    """Draw a row of three panels per frame: as published, the reference, the errors of the model.

    Thin circles are drawn at `rings_km`, where they fit. Without a frame the picture is the text `why_none`.
    """
    if not rows:
        figure = new_figure(6, 1.2)
        axes = figure.subplots()
        axes.set_axis_off()
        explain_empty(axes, why_none)
        return to_png(figure)
    figure = new_figure(10.4, _ROW_INCHES * len(rows))
    for part, row in zip(figure.subfigures(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        part.suptitle(
            "\n".join((row.title, *row.words)), x=0.012, ha="left", fontsize=10, color=INK, linespacing=1.4
        )
        published, reference, errors = part.subplots(1, 3)
        published.imshow(row.picture, extent=row.extent, interpolation="antialiased")
        frame_axes(published, "the picture as published", row.extent)
        echo = is_echo(row.codes)
        weather, other = (echo & (row.reference == value) for value in (METEOROLOGICAL, NON_METEOROLOGICAL))
        _draw_reference(reference, row, weather, other, rings_km)
        _draw_errors(errors, row, rings_km)
        _name_colours(part, row, weather, other)
    return to_png(figure)


def _draw_reference(axes: Axes, row: ErrorRow, weather: Mask, other: Mask, rings_km: Sequence[float]) -> None:
    canvas = _canvas(row.codes)
    _paint(canvas, is_echo(row.codes), GREY)
    _paint(canvas, grow(other) & ~weather, VERMILION)
    _paint(canvas, weather, BLUE)
    _show(axes, f"reference: {row.reference_name}", canvas, row, rings_km)


def _draw_errors(axes: Axes, row: ErrorRow, rings_km: Sequence[float]) -> None:
    canvas = _canvas(row.codes)
    canvas[is_echo(row.codes)] = _ECHO
    _paint(canvas, grow(row.left) & ~row.lost, VERMILION)
    _paint(canvas, grow(row.lost) & ~row.left, BLUE)
    _show(axes, "errors of the model", canvas, row, rings_km)


def grow(mask: Mask) -> Mask:
    """Dilate a mask (y, x) by a pixel, so that single pixels are visible."""
    return cv2.dilate(mask.view(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)


def _canvas(codes: Codes) -> Picture:
    grey = np.where(codes == NODATA, np.uint8(_UNSEEN), np.uint8(_BLANK))
    return np.repeat(grey[..., None], 3, axis=-1)


def _paint(canvas: Picture, where: Mask, colour: str) -> None:
    canvas[where] = np.rint(255 * np.array(to_rgb(colour))).astype(np.uint8)


def _show(axes: Axes, title: str, canvas: Picture, row: ErrorRow, rings_km: Sequence[float]) -> None:
    axes.imshow(canvas, extent=row.extent, interpolation="antialiased")
    frame_axes(axes, title, row.extent)
    axes.set_ylabel("")
    axes.set_yticklabels([])
    for radius in rings_km:
        if radius < max(map(abs, row.extent)):
            axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=INK, linewidth=0.4, alpha=0.45))


def _name_colours(part: SubFigure, row: ErrorRow, weather: Mask, other: Mask) -> None:
    """Draw a legend below the panels, with the number of pixels of each colour."""
    unscored = int((is_echo(row.codes) & ~weather & ~other).sum())
    names = [
        (BLUE, f"weather: {int(weather.sum()):,} px, {int(row.lost.sum()):,} lost"),
        (VERMILION, f"other echo: {int(other.sum()):,} px, {int(row.left.sum()):,} kept"),
        *([(GREY, f"not scored: {unscored:,} px")] if unscored else []),
    ]
    part.legend(
        handles=[Patch(facecolor=colour, edgecolor=GREY, label=name) for colour, name in names],
        loc="outside lower center",
        ncols=len(names),
        fontsize=8.5,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.6,
    )
