"""Decode the colours of one shard's frames to reflectivity."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    NODATA,
    REFLECTIVITY_ATTRS,
)
from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.image import decode_frame
from radar_cleaner.reflectivity.colour_table import (
    ColourTable,
    check_box,
    echo_fraction,
    overlay_mask,
    pack_echoes,
    range_mask,
)
from radar_cleaner.reflectivity.legend import read_legend
from radar_cleaner.reflectivity.palette import HSV_MULTI, HSV_SIMPLE, Palette, hue_scale, parse_palette
from radar_cleaner.storage.reader import ReadAhead, Store, open_store
from radar_cleaner.storage.shards import format_time
from radar_cleaner.storage.writer import StoreWriter, Variable

logger = logging.getLogger(__name__)
Box = tuple[int, int, int, int]
Method = Literal["palette", "legend", "hsv_multi", "hsv_simple"]


def decode_reflectivity(
    *,
    radar: str,
    rgb: Path,
    output: Path,
    codec: Literal["compact", "fast"],
    plot_box: Box,
    center: tuple[float, float],
    range_km: float,
    border: int,
    boxes: list[Box] | None = None,
    mask: Path | None = None,
    method: Method,
    palette: Path | None = None,
    tolerance: float = 0.0,
    legend_box: Box | None = None,
    legend_dbz: list[float] | None = None,
    legend_scale: Literal["ends", "bounds"] = "ends",
    dbz_range: tuple[float, float] = (0.0, 60.0),
    min_saturation: float = 0.25,
    min_value: float = 0.25,
    min_dbz: float,
) -> None:
    """Decode the colours of frames to reflectivity.

    Parameters
    ----------
    radar
        Id of the radar.
    rgb
        Store of its frames.
    output
        Store to write: `reflectivity`, `echo_fraction`.
    codec
        How the store is compressed.
    plot_box
        The map in the frame: x0 y0 x1 y1 in pixels, half open.
    center
        The radar in the frame: column and row.
    range_km
        The radar's range.
    border
        Width in pixels of the border drawn around the plot box.
    boxes
        Boxes in the frame where something is drawn over the map.
    mask
        Picture of the frame's size, black where nothing is drawn over the map.
    method
        How a colour tells reflectivity.
    palette
        For `palette`: CSV of colour and dbz_min.
    tolerance
        For `palette` and `legend`: the largest RGB distance from a class's colour.
    legend_box
        For `legend`: the legend bar in the frame.
    legend_dbz
        For `legend`: dBZ of the bar's two ends, or the lower bound of each class, low to high.
    legend_scale
        For `legend`: which of the two `legend_dbz` gives.
    dbz_range
        For the HSV methods: dBZ of the weak and of the strong end of the hues.
    min_saturation
        For the HSV methods: the least saturation of an echo, 0..1.
    min_value
        For the HSV methods: the least value (brightness) of an echo, 0..1.
    min_dbz
        Weaker echoes count as none.
    """
    frames = open_store(rgb, "rgb")
    height, width = frames.shape("rgb")[:2]
    picture = _mask_picture(mask, (width, height)) if mask else None
    overlay = overlay_mask((width, height), plot_box, border, boxes or [], picture)
    x0, y0, x1, y1 = plot_box
    center_px = (center[0] - x0, center[1] - y0)
    radius_px = max(x1 - x0, y1 - y0) / 2
    observed = ~overlay & range_mask(overlay.shape, center_px, radius_px)

    classes: Palette | None = None
    if method == "palette":
        classes = _palette(palette)
    elif method == "legend":
        classes = _legend_of_all(frames, legend_box, legend_dbz, legend_scale, tolerance)
    if classes:
        scale = classes.scale(tolerance)
    else:  # a hue method; or no frame that shows a legend, and then none to decode either
        hues = HSV_SIMPLE if method == "hsv_simple" else HSV_MULTI
        scale = hue_scale(hues, dbz_range, min_saturation, min_value)
    table = ColourTable(scale)
    fractions: list[float] = []
    with StoreWriter(
        output,
        variables={
            "reflectivity": Variable("uint8", overlay.shape, ("y", "x"), REFLECTIVITY_ATTRS, NODATA),
            "echo_fraction": Variable(
                "float32", attrs={"long_name": "share of the observed pixels that echo", "units": "1"}
            ),
        },
        attrs={
            "radar": radar,
            "plot_box_px": list(plot_box),
            "center_px": list(center_px),
            "metres_per_pixel": range_km * 1000 / radius_px,
            "range_km": range_km,
            "class_lower_dbz": classes.lower_dbz.tolist() if classes else [],
            "class_upper_dbz": classes.upper_dbz.tolist() if classes else [],
            "label_method": method,
        },
        codec=codec,
        provenance={
            "stage": "decode_reflectivity",
            "parameters": {
                "border": border,
                "boxes": boxes or [],
                "mask": mask and str(mask),
                "palette": palette and str(palette),
                "legend_box": legend_box,
                "legend_dbz": legend_dbz,
                "legend_scale": legend_scale,
                "tolerance": tolerance,
                "dbz_range": list(dbz_range),
                "min_saturation": min_saturation,
                "min_value": min_value,
                "min_dbz": min_dbz,
                "codec": codec,
            },
            "inputs": {str(frames.path): frames.digest},
        },
    ) as store:
        ahead = ReadAhead(frames)
        for index, time in enumerate(frames.times):
            pixels = ahead.frame("rgb", index)[y0:y1, x0:x1]
            codes = pack_echoes(table(pixels), observed, min_dbz)
            fractions.append(echo_fraction(codes))
            store.append(
                int(time),
                reflectivity=codes,
                echo_fraction=np.array(fractions[-1], dtype=np.float32),
            )
    logger.info(
        "%s: %d frames decoded by %s, on average %.1f %% of the pixels echo",
        frames.path,
        len(fractions),
        method,
        100 * float(np.mean(fractions or [0])),
    )


def _palette(path: Path | None) -> Palette:
    if path is None:
        raise ConfigError("method palette needs --palette, a CSV of colour,dbz_min")
    try:
        return parse_palette(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"palette {path}: cannot be read ({error})") from error


def _mask_picture(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        return decode_frame(path.read_bytes(), path.name, size)
    except (OSError, FrameError) as error:
        raise ConfigError(f"overlay mask {path}: {error}") from error


def _legend_of_all(
    frames: Store,
    box: Box | None,
    dbz: list[float] | None,
    scale: Literal["ends", "bounds"],
    tolerance: float,
) -> Palette | None:
    """The legend of the first frame, after a check that all others show the same one; None without frames."""
    if box is None or dbz is None:
        raise ConfigError("method legend needs --legend-box and --legend-dbz")
    height, width = frames.shape("rgb")[:2]
    check_box(box, (width, height))
    x0, y0, x1, y1 = box
    first: Palette | None = None
    for index, time in enumerate(frames.times):
        name = f"{frames.path} at {format_time(int(time))}, legend_box {list(box)}"
        legend = read_legend(frames.frame("rgb", index)[y0:y1, x0:x1], dbz, scale, name)
        first = first or legend
        same = len(legend.colours) == len(first.colours) and np.array_equal(
            first.classes(legend.colours, tolerance), np.arange(len(first.colours))
        )
        if not same:
            raise ConfigError(
                f"{name}: its legend is another than before; raise the tolerance, or use the method palette"
            )
    return first
