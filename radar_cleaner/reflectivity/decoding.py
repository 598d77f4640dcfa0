"""Decode the frames of a store: the colour scale of a section `labels`, and the observed pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Colours, Legend
from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.image import decode_frame
from radar_cleaner.reflectivity.legend import read_legend
from radar_cleaner.reflectivity.palette import (
    HSV_MULTI,
    HSV_SIMPLE,
    ColourScale,
    Palette,
    hue_scale,
    parse_palette,
)
from radar_cleaner.reflectivity.plot_box import Box, check_box, overlay_mask, range_mask
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.shards import format_time


def colour_scale(colours: Colours, frames: Store) -> tuple[ColourScale, Palette | None]:
    """Return the colour scale of a method, and its palette if it has one. Raises ConfigError.

    The method `legend` reads the palette from the frames. A store without frames then has no palette.
    """
    palette: Palette | None = None
    if colours.method == "palette":
        palette = read_palette(colours.palette)
    elif colours.method == "legend":
        palette = read_common_legend(frames, colours.legend, colours.tolerance)
    if palette is not None:
        return palette.scale(colours.tolerance), palette
    hues = HSV_SIMPLE if colours.method == "hsv_simple" else HSV_MULTI
    low, high = colours.dbz_range
    return hue_scale(hues, (low, high), colours.min_saturation, colours.min_value), None


def observed_mask(
    size: tuple[int, int], plot_box: Box, center: tuple[float, float], overlay: Overlay
) -> NDArray[np.bool_]:
    """Return (y, x) of the plot box: true for pixels in range that no overlay hides.

    `size` is the (width, height) of the frame; `center` is the radar's (column, row) in the frame.
    """
    boxes: list[Box] = [(box[0], box[1], box[2], box[3]) for box in overlay.boxes_px]
    picture = None if overlay.mask is None else _read_mask(Path(overlay.mask), size)
    hidden = overlay_mask(size, plot_box, overlay.border_px, boxes, picture)
    x0, y0, x1, y1 = plot_box
    return ~hidden & range_mask(hidden.shape, (center[0] - x0, center[1] - y0), max(x1 - x0, y1 - y0) / 2)


def read_palette(path: str | None) -> Palette:
    """Read a palette from a CSV file. Raises ConfigError."""
    if path is None:
        raise ConfigError("labels.palette: the method palette needs a CSV file of colour,dbz_min")
    try:
        return parse_palette(Path(path).read_text(encoding="utf-8-sig"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"palette {path}: cannot be read ({error})") from error


def read_common_legend(frames: Store, legend: Legend, tolerance: float) -> Palette | None:
    """Return the legend of the first frame; None without frames.

    Raises ConfigError if a later frame shows another legend.
    """
    if legend.box_px is None or not legend.dbz:
        raise ConfigError("labels.legend: the method legend needs box_px and dbz")
    x0, y0, x1, y1 = legend.box_px
    height, width = frames.shape("rgb")[:2]
    check_box((x0, y0, x1, y1), (width, height))
    first: Palette | None = None
    for index, time in enumerate(frames.times):
        name = f"{frames.path} at {format_time(int(time))}, labels.legend.box_px {list(legend.box_px)}"
        palette = read_legend(frames.frame("rgb", index)[y0:y1, x0:x1], legend.dbz, legend.scale, name)
        first = first or palette
        same = len(palette.colours) == len(first.colours) and np.array_equal(
            first.classes(palette.colours, tolerance), np.arange(len(first.colours))
        )
        if not same:
            raise ConfigError(
                f"{name}: its legend differs from that of earlier frames; raise labels.tolerance, or use the"
                " method palette"
            )
    return first


def _read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        return decode_frame(path.read_bytes(), path.name, size)
    except (OSError, FrameError) as error:
        raise ConfigError(f"overlay mask {path}: {error}") from error
