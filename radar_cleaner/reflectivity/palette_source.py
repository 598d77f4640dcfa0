"""Find the palette or hues that the keys of a section `labels` name: a CSV file, or the legend of the frames."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from radar_cleaner.config.labels import Colours, Legend
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.legend import read_legend
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


def find_palette(colours: Colours, frames: Store) -> Palette | None:
    """Return the palette of the methods `palette` and `legend`, None for the HSV methods. Raises ConfigError.

    The method `legend` reads it from the frames; a store without frames has none.
    """
    if colours.method == "palette":
        return read_palette(colours)
    if colours.method == "legend":
        return read_common_legend(frames, colours.legend, colours.tolerance)
    return None


def find_hue_scale(colours: Colours) -> ColourScale:
    """Return the colour scale of the HSV methods. Raises ConfigError."""
    ranges = colours.hues or (HSV_SIMPLE if colours.method == "hsv_simple" else HSV_MULTI)
    low, high = colours.dbz_range
    return hue_scale(ranges, (low, high), colours.min_saturation, colours.min_value)


def read_palette(colours: Colours) -> Palette:
    """Read the palette of `labels.palette`, a CSV file. Raises ConfigError."""
    path = colours.palette
    if path is None:
        raise ConfigError("labels.palette: the method palette needs a CSV file of colour,dbz_min")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        return parse_palette(text, path, colours.unit, colours.zr)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a CSV of colours ({error})") from error


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
