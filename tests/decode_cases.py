"""Decode a store of frames as the workflow does: learn its picture, then decode it."""

from __future__ import annotations

from pathlib import Path

from radar_cleaner.config.frames import Overlay, Stores
from radar_cleaner.config.labels import Colours, PictureColours
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.stages.decode_reflectivity import decode_reflectivity
from radar_cleaner.stages.learn_picture import learn_picture
from radar_cleaner.storage.reader import Store, open_store


def learn_and_decode(
    rgb: Path,
    plot_box: Box,
    geometry: RadarGeometry,
    overlay: Overlay,
    labels: Colours,
) -> Store:
    """Write `picture.zarr`, `picture.png` and `reflectivity.zarr` beside an rgb store; return the last."""
    folder = rgb.parent
    learn_picture(
        rgb=[rgb],
        plot_box=plot_box,
        geometry=geometry,
        overlay=overlay,
        labels=labels.cut(PictureColours),
        picture=PictureFrames(),
        output=folder / "picture.zarr",
        mask=folder / "picture.png",
    )
    decode_reflectivity(
        rgb=rgb,
        picture=folder / "picture.zarr",
        plot_box=plot_box,
        geometry=geometry,
        overlay=overlay,
        labels=labels,
        stores=Stores(),
        output=folder / "reflectivity.zarr",
    )
    return open_store(folder / "reflectivity.zarr", "reflectivity")
