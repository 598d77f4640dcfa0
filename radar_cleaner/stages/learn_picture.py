"""Learn from frames what the pictures of a radar show apart from the weather."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.frames import Overlay
from radar_cleaner.config.labels import PictureColours
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.reflectivity.archive import Look
from radar_cleaner.reflectivity.decoding import colour_scale, observed_mask
from radar_cleaner.reflectivity.picture import Picture, overlay_picture, picture_attrs, picture_variables
from radar_cleaner.reflectivity.picture_learning import learn
from radar_cleaner.reflectivity.picture_warnings import describe_picture
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.sampled_frames import SampledFrames
from radar_cleaner.storage.atomic import write_bytes
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.writer import StoreWriter

log = logging.getLogger(__name__)


def learn_picture(
    *,
    rgb: list[Path],
    plot_box: Box,
    geometry: RadarGeometry,
    overlay: Overlay,
    labels: PictureColours,
    picture: PictureFrames,
    output: Path,
    mask: Path,
) -> None:
    """Learn the map and the overlay of a radar's pictures.

    Parameters
    ----------
    rgb
        Stores of the radar's frames.
    plot_box
        The map in the frame: x0 y0 x1 y1 in pixels, half open.
    geometry
        The radar and the grid of its plot box.
    overlay
        What is drawn over the map, as far as it is known.
    labels
        The meaning of the colours.
    picture
        How many frames are looked at.
    output
        Picture store to write.
    mask
        Picture of the overlay to write, of the frame's size and black where nothing is drawn.
    """
    stores = [open_store(path, "rgb") for path in rgb]
    height, width = stores[0].shape("rgb")[:2]
    observed = observed_mask((width, height), plot_box, overlay) & in_range(geometry)
    scale, palette = colour_scale(labels, next((store for store in stores if store.times.size), stores[0]))
    frames = SampledFrames.of(stores, picture.frames, plot_box)
    look = Look(
        scale=scale,
        palette=palette,
        nodata=_colours(labels.rgb("nodata_colours")),
        ground=_colours(labels.rgb("ground_colours")),
        observed=observed,
        tolerance=None if labels.tolerance == "auto" else labels.tolerance,
        opacity=None if labels.opacity == "auto" else labels.opacity,
        find_overlay=overlay.mask == "auto",
    )
    learned = learn(frames, look)
    warnings = describe_picture(geometry.radar, frames, learned, look, plot_box)
    for warning in filter(None, warnings.values()):
        log.warning(warning)
    with StoreWriter(
        output,
        static=picture_variables(learned),
        attrs={"radar": geometry.radar, **warnings, **picture_attrs(learned)},
        provenance={
            "stage": "learn_picture",
            "parameters": {
                **picture.model_dump(mode="json"),
                "overlay": overlay.model_dump(mode="json"),
                "labels": labels.model_dump(mode="json"),
            },
            "inputs": {str(store.path): store.digest for store in stores},
        },
    ):
        pass
    write_bytes(mask, overlay_picture(learned, plot_box, (width, height)))
    _log(geometry.radar, learned, observed)


def _colours(colours: list[tuple[int, int, int]]) -> NDArray[np.uint8]:
    return np.array(colours, np.uint8).reshape(-1, 3)


def _log(radar: str, picture: Picture, observed: NDArray[np.bool_]) -> None:
    log.info(
        "%s: picture of %d frames: %d colours of the map, %d pixels of overlay (%.1f %%), softness %.2f,"
        " tolerance %g, opacity %g",
        radar,
        picture.frames,
        len(picture.ground_colours),
        int(picture.overlay.sum()),
        100 * float(picture.overlay.sum()) / max(int(observed.sum()), 1),
        picture.softness,
        picture.tolerance,
        picture.opacity,
    )
