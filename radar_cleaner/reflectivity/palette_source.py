"""Find the palette or hues that the keys of a section `labels` name: a CSV file, or a legend."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.labels import PictureColours
from radar_cleaner.config.units import DBZ
from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.image import decode_frame, header_size
from radar_cleaner.reflectivity.legend import LegendPalette, read_legend
from radar_cleaner.reflectivity.palette import (
    HSV_MULTI,
    HSV_SIMPLE,
    ColourScale,
    Palette,
    hue_scale,
    parse_palette,
)
from radar_cleaner.reflectivity.plot_box import check_box
from radar_cleaner.storage.reader import Store
from radar_cleaner.storage.shards import format_time


def find_palette(colours: PictureColours, frames: Store) -> Palette | None:
    """Return the palette of the methods `palette` and `legend`, None for the HSV methods. Raises ConfigError.

    The method `legend` reads it from `legend.file` or the frames; a store without frames has none.
    """
    if colours.method == "palette":
        return read_palette(colours)
    if colours.method == "legend":
        return read_legend_file(colours) if colours.legend.file else read_common_legend(frames, colours)
    return None


def find_hue_scale(colours: PictureColours) -> ColourScale:
    """Return the colour scale of the HSV methods. Raises ConfigError."""
    ranges = colours.hues or (HSV_SIMPLE if colours.method == "hsv_simple" else HSV_MULTI)
    low, high = colours.dbz_range
    return hue_scale(ranges, (low, high), colours.min_saturation, colours.min_value)


def read_palette(colours: PictureColours) -> Palette:
    """Read the palette of `labels.palette`, a CSV file. Raises ConfigError."""
    path = colours.palette
    if path is None:
        raise ConfigError("labels.palette: the method palette needs a CSV file of colour,dbz_min")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        return parse_palette(text, path, colours.unit, colours.zr)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a CSV of colours ({error})") from error


def read_legend_file(colours: PictureColours) -> Palette:
    """Read the palette of `labels.legend.file`, a picture of a legend. Raises ConfigError."""
    legend, path = colours.legend, Path(colours.legend.file or "")
    try:
        size = header_size(path)
        if size is None:
            raise FrameError("is not a picture")
        picture = decode_frame(path.read_bytes(), path.name, size)[..., :3]
    except (OSError, FrameError) as error:
        raise ConfigError(f"labels.legend.file: {path} cannot be read ({error}); name a PNG, GIF or JPG") from None
    box = legend.box_px or (0, 0, *size)
    return _read_bar(picture, box, colours, f"labels.legend.file {path}").palette


def read_common_legend(frames: Store, colours: PictureColours) -> Palette | None:
    """Return the legend of the first frame; None without frames.

    Raises ConfigError if a later frame shows another legend.
    """
    if colours.legend.box_px is None:
        raise ConfigError("labels.legend: the method legend needs box_px and dbz")
    x0, y0, x1, y1 = colours.legend.box_px
    first: LegendPalette | None = None
    before = np.zeros(0, dtype=np.uint8)
    for index, time in enumerate(frames.times.tolist()):
        picture = frames.frame("rgb", index)
        bar = picture[y0:y1, x0:x1]
        name = f"{frames.path} at {format_time(time)}, labels.legend.box_px {list(colours.legend.box_px)}"
        if first is None:
            first = _read_bar(picture, colours.legend.box_px, colours, name)
        elif not np.array_equal(bar, before) and not first.matches(picture):
            raise ConfigError(
                f"{name}: its legend differs from that of earlier frames, so that it is another product; move its"
                " frames to another folder, or use the method palette"
            )
        before = bar
    return None if first is None else first.palette


def _read_bar(picture: NDArray[np.uint8], box: Sequence[int], colours: PictureColours, name: str) -> LegendPalette:
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    check_box((x0, y0, x1, y1), (width, height))
    legend = colours.legend
    unit = legend.unit or colours.unit or DBZ
    return read_legend(picture, legend.dbz, legend.scale, name, unit, colours.zr, (x0, y0, x1, y1))
