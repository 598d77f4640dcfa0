"""Pictures of frames in kilometres from the radar, as PNG bytes.

Every function takes arrays of one plot box, (y, x) and row 0 north, and the box's extent in kilometres from
`extent_km`. Echoes are drawn over a pale backdrop: the map, made from the radar's own frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    FLAG_FILLED,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_REMOVED,
    METEOROLOGICAL,
    NON_METEOROLOGICAL,
    UNKNOWN,
    decode_dbz,
    is_echo,
)
from radar_cleaner.plotting.style import BLUE, GREY, INK, VERMILION, YELLOW, new_figure, to_png

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Picture = NDArray[np.uint8]  # (y, x, 3)
Extent = tuple[float, float, float, float]  # left, right, bottom, top in km

DBZ_TICKS = np.arange(0, 71, 10)
FLAG_COLOURS = {
    "kept": (FLAG_KEPT, BLUE),
    "removed": (FLAG_REMOVED, VERMILION),
    "filled": (FLAG_FILLED, YELLOW),
}
CLASS_COLOURS = {
    "meteorological": (METEOROLOGICAL, BLUE),
    "non-meteorological": (NON_METEOROLOGICAL, VERMILION),
    "unknown": (UNKNOWN, YELLOW),
}


def extent_km(
    shape: tuple[int, int],
    center_px: Sequence[float],
    pixel_km: tuple[float, float],
    offset: Sequence[int] = (0, 0),
) -> Extent:
    """Return the edges in km of a picture whose pixel (0, 0) is pixel -offset (column, row) of the plot box.

    `center_px` is the radar, of a mosaic the middle; `pixel_km` is the width and height of a pixel there.
    """
    left, top = -0.5 - offset[0] - center_px[0], center_px[1] + offset[1] + 0.5
    wide, high = pixel_km
    return left * wide, (left + shape[1]) * wide, (top - shape[0]) * high, top * high


def median_map(frames: Sequence[Picture], echoes: Sequence[Mask]) -> Picture:
    """Estimate the map under the echoes (y, x, 3): the median colour of a pixel over frames without an echo.

    A pixel with an echo in all frames gets the median of all.
    """
    colours, echo = np.stack(frames), np.stack(echoes)
    echo &= ~echo.all(axis=0)
    # Sorted with the echoes last, the median of the other frames is in the middle of the values before them.
    order = np.sort(np.where(echo[..., None], np.uint16(256), colours), axis=0)
    middle = (len(colours) - echo.sum(axis=0) - 1) // 2
    picked = np.take_along_axis(order, middle[None, :, :, None], axis=0)[0]
    return np.asarray(picked, dtype=np.uint8)


def pale(picture: Picture) -> Picture:
    """Return a grey, faint version of a map, a backdrop for echoes."""
    grey = picture.astype(np.float64) @ [0.299, 0.587, 0.114]
    low, high = np.quantile(grey, [0.02, 0.98]) if grey.size else (0.0, 1.0)
    share = np.clip((grey - low) / max(high - low, 1.0), 0, 1)
    return np.repeat((222 + 28 * share)[..., None], 3, axis=-1).astype(np.uint8)


def cleaning_figure(
    title: str,
    frame: Picture,
    frame_extent: Extent,
    codes: Codes,
    cleaned: Codes,
    flags: Codes,
    backdrop: Picture,
    extent: Extent,
) -> bytes:
    """Draw four panels: the frame as published, its reflectivity, the quality flag, the cleaned reflectivity."""
    figure = new_figure(10.4, 9.2)
    panels = _panels(figure, 2, 2, (frame.shape[1], codes.shape[1]))
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK)
    _draw_published(panels[0], "before: the picture as published", frame, frame_extent, extent)
    _draw_dbz(panels[1], "before: reflectivity decoded from it", codes, backdrop, extent)
    _draw_flags(panels[2], "quality flag of each pixel", flags, backdrop, extent)
    image = _draw_dbz(panels[3], "after: cleaned reflectivity", cleaned, backdrop, extent)
    _dbz_bar(figure, image, [panels[1], panels[3]])
    return to_png(figure)


def label_figure(
    title: str,
    frame: Picture,
    frame_extent: Extent,
    codes: Codes,
    classes: Codes,
    backdrop: Picture,
    extent: Extent,
) -> bytes:
    """Draw a frame beside its reflectivity and the weak label of each echo."""
    figure = new_figure(13.2, 5.5)
    panels = _panels(figure, 1, 3, (frame.shape[1], codes.shape[1], codes.shape[1]))
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK)
    _draw_published(panels[0], "the picture as published", frame, frame_extent, extent)
    image = _draw_dbz(panels[1], "reflectivity", codes, backdrop, extent)
    _dbz_bar(figure, image, [panels[1]], location="bottom")
    shown = np.where(is_echo(codes), classes, 0)
    _draw_classes(panels[2], "weak label of each echo", shown, CLASS_COLOURS, backdrop, extent)
    return to_png(figure)


def atlas_figure(
    title: str,
    world: Picture,
    frequency: NDArray[np.float32],
    clutter: Mask,
    extent: Extent,
) -> bytes:
    """Draw the frequency of echo in quiet weather over the map, and the clutter mask."""
    figure = new_figure(10.2, 4.9)
    panels = _panels(figure, 1, 2)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK)
    for axes in panels:
        axes.imshow(pale(world), extent=extent, interpolation="nearest")
    often = np.ma.masked_less_equal(np.nan_to_num(frequency), 0.0)
    # The square root shows rare echoes as well as permanent ones.
    image = panels[0].imshow(
        np.sqrt(often), extent=extent, cmap=_dark_end(), vmin=0, vmax=1, interpolation="nearest"
    )
    bar = figure.colorbar(image, ax=panels[0], shrink=0.82, pad=0.02)
    shares = np.array([0, 0.05, 0.2, 0.4, 0.6, 0.8, 1])
    bar.set_ticks(np.sqrt(shares).tolist(), labels=[f"{100 * share:g} %" for share in shares])
    bar.ax.tick_params(labelsize=8)
    bar.set_label("share of quiet frames with an echo", fontsize=9)
    frame_axes(panels[0], "echo frequency", extent)
    masked = {"clutter": (1, VERMILION)}
    name = f"clutter mask: {int(clutter.sum()):,} pixels"
    _draw_classes(panels[1], name, clutter.astype(np.uint8), masked, pale(world), extent)
    return to_png(figure)


def overlap_figure(title: str, pairs: Sequence[tuple[str, Picture, Picture, Mask, Extent]]) -> bytes:
    """Draw the maps of two radars in a checkerboard on one grid: coasts must continue over its edges.

    Each pair is its title, the target's own map, the other radar's map on that grid, its coverage, the extent.
    """
    figure = new_figure(5.2 * len(pairs), 5.5)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK)
    for axes, (name, own, other, coverage, extent) in zip(_panels(figure, 1, len(pairs)), pairs, strict=True):
        square = max(1, own.shape[1] // 12)
        row, column = np.indices(coverage.shape) // square
        theirs = coverage & ((row + column) % 2 == 1)
        # A little darker, so that the squares are visible where the maps agree.
        darker = (other * 0.86).astype(np.uint8)
        mixed = np.where(coverage[..., None], np.where(theirs[..., None], darker, own), pale(own))
        axes.imshow(mixed, extent=extent, interpolation="nearest")
        frame_axes(axes, name, extent)
    return to_png(figure)


def place(picture: Picture, shape: tuple[int, int], offset: tuple[int, int]) -> Picture:
    """Place a picture (y, x, 3) on a blank one of `shape`, upper left at `offset` (column, row), and crop it."""
    height, width = picture.shape[:2]
    column, row = offset
    top, left, bottom, right = (
        max(row, 0),
        max(column, 0),
        min(row + height, shape[0]),
        min(column + width, shape[1]),
    )
    blank = np.full((*shape, 3), 250, np.uint8)
    if top < bottom and left < right:
        blank[top:bottom, left:right] = picture[top - row : bottom - row, left - column : right - column]
    return blank


def composite_figure(title: str, codes: Codes, flags: Codes, backdrop: Picture, extent: Extent) -> bytes:
    """Draw the composite of all radars: reflectivity and quality flag."""
    figure = new_figure(10.2, 5.0)
    panels = _panels(figure, 1, 2)
    figure.suptitle(title, fontsize=13, fontweight="bold", color=INK)
    _dbz_bar(figure, _draw_dbz(panels[0], "reflectivity", codes, backdrop, extent), [panels[0]])
    _draw_flags(panels[1], "quality flag", flags, backdrop, extent)
    return to_png(figure)


def _panels(figure: Figure, rows: int, columns: int, widths: Sequence[float] | None = None) -> list[Axes]:
    return list(figure.subplots(rows, columns, squeeze=False, width_ratios=widths).flat)


def frame_axes(axes: Axes, title: str, extent: Extent) -> None:
    """Give a panel its title and its axes in kilometres."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK)
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    axes.set_aspect("equal", anchor="N")
    axes.set_xlabel("km to the east", fontsize=8)
    axes.set_ylabel("km to the north", fontsize=8)
    axes.tick_params(labelsize=7, color=GREY)
    for spine in axes.spines.values():
        spine.set_color(GREY)


def _draw_published(axes: Axes, title: str, frame: Picture, whole: Extent, box: Extent) -> None:
    """Draw a whole frame, with ticks within its plot box alone: kilometres have no meaning outside."""
    axes.imshow(frame, extent=whole, interpolation="nearest")
    frame_axes(axes, title, whole)
    axes.set_xticks([tick for tick in axes.get_xticks() if box[0] <= tick <= box[1]])
    axes.set_yticks([tick for tick in axes.get_yticks() if box[2] <= tick <= box[3]])


def _draw_dbz(axes: Axes, title: str, codes: Codes, backdrop: Picture, extent: Extent) -> Any:
    axes.imshow(backdrop, extent=extent, interpolation="nearest")
    values = np.ma.masked_where(~is_echo(codes), decode_dbz(codes))
    norm = BoundaryNorm(np.arange(DBZ_TICKS[0], DBZ_TICKS[-1] + 1, 5), _dark_end().N, extend="both")
    image = axes.imshow(values, extent=extent, cmap=_dark_end(), norm=norm, interpolation="nearest")
    frame_axes(axes, title, extent)
    return image


def _dbz_bar(figure: Figure, image: Any, axes: list[Axes], location: str = "right") -> None:
    """Draw a colour bar at the `right` of axes or at their `bottom`."""
    bar = figure.colorbar(
        image, ax=axes, location=location, shrink=0.82, aspect=20 * len(axes), pad=0.02, ticks=DBZ_TICKS
    )
    bar.ax.tick_params(labelsize=8)
    bar.set_label("dBZ", fontsize=9)


def _draw_flags(axes: Axes, title: str, flags: Codes, backdrop: Picture, extent: Extent) -> None:
    unseen = flags == FLAG_NODATA
    shaded = np.where(unseen[..., None], np.uint8(200), backdrop)
    _draw_classes(axes, title, flags, FLAG_COLOURS, shaded, extent)


def _draw_classes(
    axes: Axes,
    title: str,
    classes: Codes,
    colours: dict[str, tuple[int, str]],
    backdrop: Picture,
    extent: Extent,
) -> None:
    """Draw classes in flat colours over a backdrop; the legend of the figure counts their pixels."""
    axes.imshow(backdrop, extent=extent, interpolation="nearest")
    for _, (value, colour) in colours.items():
        where = np.ma.masked_not_equal(classes, value)
        axes.imshow(where, extent=extent, cmap=ListedColormap([colour]), interpolation="nearest")
    patches = [
        Patch(facecolor=colour, edgecolor=GREY, label=f"{name} ({int((classes == value).sum()):,} px)")
        for name, (value, colour) in colours.items()
        if (classes == value).any()
    ]
    frame_axes(axes, title, extent)
    # Below the axes, so that it hides no echo.
    if patches:
        axes.figure.legend(  # type: ignore[union-attr]
            handles=patches,
            loc="outside lower right",
            ncols=len(patches),
            fontsize=9,
            frameon=False,
            handlelength=1.2,
            columnspacing=1.4,
        )


def _dark_end() -> Colormap:
    """Return colours from light to dark with rising value, distinct for any colour vision and in grey."""
    colours = colormaps["magma_r"](np.linspace(0.06, 1, 256))
    return ListedColormap(colours, name="echo").with_extremes(bad=(0, 0, 0, 0))
