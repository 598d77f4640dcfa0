"""Decode the frames of a store: the colour scale of a section `labels`, and the observed pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import Colours, PictureColours
from radar_cleaner.config.values import TRANSPARENT
from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.image import decode_frame
from radar_cleaner.reflectivity.archive import DEFAULT_TOLERANCE
from radar_cleaner.reflectivity.frame_decoder import FrameDecoder, Unknown
from radar_cleaner.reflectivity.palette import ColourScale, Palette
from radar_cleaner.reflectivity.palette_source import find_hue_scale, find_palette
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.plot_box import Box, overlay_mask
from radar_cleaner.storage.reader import Store


def colour_scale(colours: PictureColours, frames: Store) -> tuple[ColourScale, Palette | None]:
    """Return the colour scale of a method, and its palette if it has one. Raises ConfigError.

    The method `legend` reads the palette from the frames. A store without frames then has no palette. A colour
    that is nearer to one of `ground_colours` or `nodata_colours` than to a class has no echo.
    """
    palette = find_palette(colours, frames)
    others = np.array(colours.rgb("ground_colours") + colours.rgb("nodata_colours"), np.uint8).reshape(-1, 3)
    if palette is not None:
        tolerance = DEFAULT_TOLERANCE if colours.tolerance == "auto" else colours.tolerance
        return palette.scale(tolerance, others), palette
    return find_hue_scale(colours), None


def build_decoder(
    labels: Colours, frames: Store, picture: Picture, observed: NDArray[np.bool_]
) -> tuple[FrameDecoder, Palette | None]:
    """Return the decoder of the frames of a store, and its palette if it has one. Raises ConfigError.

    `observed` (y, x) are the pixels in range that no known overlay hides.
    """
    scale, palette = colour_scale(labels, frames)
    decoder = FrameDecoder(
        scale,
        palette,
        picture,
        observed,
        labels.min_dbz,
        nodata=np.array(labels.rgb("nodata_colours"), np.uint8).reshape(-1, 3),
        unknown=Unknown(
            unmatched=NODATA if labels.unmatched == "nodata" else UNDETECT,
            transparent=NODATA if TRANSPARENT in labels.nodata_colours else UNDETECT,
        ),
    )
    return decoder, palette


def observed_mask(size: tuple[int, int], plot_box: Box, overlay: Overlay) -> NDArray[np.bool_]:
    """Return (y, x) of the plot box: true where no overlay hides the echo.

    `size` is the (width, height) of the frame.
    """
    boxes: list[Box] = [(box[0], box[1], box[2], box[3]) for box in overlay.boxes_px]
    picture = None if overlay.mask_file is None else _read_mask(Path(overlay.mask_file), size)
    return ~overlay_mask(size, plot_box, overlay.border_px, boxes, picture)


def _read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    try:
        return decode_frame(path.read_bytes(), path.name, size)[..., :3]
    except (OSError, FrameError) as error:
        raise ConfigError(f"overlay mask {path}: {error}") from error
