"""Decode the colours of one shard's frames to reflectivity."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from radar_cleaner.config.frames import Overlay, Stores
from radar_cleaner.config.labels import Colours
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.reflectivity.colour_table import ColourTable, pack_echoes
from radar_cleaner.reflectivity.decoding import colour_scale, observed_mask
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.statistics import echo_fraction
from radar_cleaner.storage.reader import ReadAhead, open_store
from radar_cleaner.storage.specs import REFLECTIVITY
from radar_cleaner.storage.writer import StoreWriter

log = logging.getLogger(__name__)


def decode_reflectivity(
    *,
    rgb: Path,
    plot_box: Box,
    geometry: RadarGeometry,
    overlay: Overlay,
    labels: Colours,
    stores: Stores,
    output: Path,
) -> None:
    """Decode the colours of frames to reflectivity.

    Parameters
    ----------
    rgb
        Store of the radar's frames.
    plot_box
        The map in the frame: x0 y0 x1 y1 in pixels, half open.
    geometry
        The radar and the grid of its plot box.
    overlay
        What is drawn over the map.
    labels
        How colours become reflectivity.
    stores
        How the store is compressed.
    output
        Reflectivity store to write.
    """
    frames = open_store(rgb, "rgb")
    height, width = frames.shape("rgb")[:2]
    observed = observed_mask((width, height), plot_box, overlay) & in_range(geometry)
    scale, palette = colour_scale(labels, frames)
    table, reader = ColourTable(scale), ReadAhead(frames)
    x0, y0, x1, y1 = plot_box
    fractions: list[float] = []
    with StoreWriter(
        output,
        variables=REFLECTIVITY.frame_variables(observed.shape),
        attrs={
            **geometry.attrs(),
            "plot_box_px": list(plot_box),
            "class_lower_dbz": palette.lower_dbz.tolist() if palette else [],
            "class_upper_dbz": palette.upper_dbz.tolist() if palette else [],
            "label_method": labels.method,
            **(palette.attrs if palette else {}),
        },
        codec=stores.codec,
        provenance={
            "stage": "decode_reflectivity",
            "parameters": {"overlay": overlay.model_dump(mode="json"), "labels": labels.model_dump(mode="json")},
            "inputs": {str(frames.path): frames.digest},
        },
    ) as store:
        for index, time in enumerate(frames.times.tolist()):
            pixels = reader.frame("rgb", index)[y0:y1, x0:x1]
            codes = pack_echoes(table(pixels), observed, labels.min_dbz)
            fractions.append(echo_fraction(codes))
            store.append(time, reflectivity=codes, echo_fraction=np.array(fractions[-1], dtype=np.float32))
    log.info(
        "%s: %d frames decoded by %s; on average %.1f %% of the pixels have echo",
        frames.path,
        len(fractions),
        labels.method,
        100 * float(np.mean(fractions or [0])),
    )
