"""Decode the colours of one shard's frames to reflectivity."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from radar_cleaner.config.frames import Overlay, Stores
from radar_cleaner.config.labels import Colours
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.other_layouts import open_layouts
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.reflectivity.decoding import build_decoder, observed_mask
from radar_cleaner.reflectivity.picture import read_picture
from radar_cleaner.reflectivity.plot_box import Box
from radar_cleaner.reflectivity.repeats import RepeatedFrames
from radar_cleaner.reflectivity.statistics import count_echoes
from radar_cleaner.reflectivity.unmatched import UnmatchedColours
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.specs import REFLECTIVITY
from radar_cleaner.storage.writer import StoreWriter

log = logging.getLogger(__name__)


def decode_reflectivity(
    *,
    rgb: Path,
    picture: Path,
    plot_box: Box,
    geometry: RadarGeometry,
    overlay: Overlay,
    labels: Colours,
    layouts: list[Path] | None = None,
    layout_warps: list[Path] | None = None,
    stores: Stores,
    output: Path,
) -> None:
    """Decode the colours of frames to reflectivity.

    Parameters
    ----------
    rgb
        Store of the radar's frames.
    picture
        Store of what its pictures show apart from the weather.
    plot_box
        The map in the frame: x0 y0 x1 y1 in pixels, half open.
    geometry
        The radar and the grid of its plot box.
    overlay
        What is drawn over the map.
    labels
        How colours become reflectivity.
    layouts
        Reflectivity stores of the other layouts of this radar, whose frames are added.
    layout_warps
        Warp stores from the radar's grid to theirs, in the same order.
    stores
        How the store is compressed.
    output
        Reflectivity store to write.
    """
    frames = open_store(rgb, "rgb")
    height, width = frames.shape("rgb")[:2]
    observed = observed_mask((width, height), plot_box, overlay) & in_range(geometry)
    picture_store = open_store(picture, "picture")
    learned = read_picture(picture_store, observed.shape)
    decoder, palette = build_decoder(labels, frames, learned, observed)
    unmatched = UnmatchedColours(learned.soft)
    x0, y0, x1, y1 = plot_box
    fractions: list[float] = []
    echoes = 0
    others = open_layouts(geometry, layouts or [], layout_warps or [])
    own = {time: index for index, time in enumerate(frames.times.tolist())}
    added = {time: layout for layout in others for time in layout.times if time not in own}
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
            "inputs": {
                str(frames.path): frames.digest,
                str(picture_store.path): picture_store.digest,
                **{path: digest for layout in others for path, digest in layout.inputs.items()},
            },
        },
    ) as store:
        repeats = RepeatedFrames()
        seen, opaque = max(int(decoder.observed.sum()), 1), frames.is_filled("alpha")
        for time in sorted(own.keys() | added.keys()):
            if time in added:
                frame = added[time].frame(time)
                fractions.append(float(frame["echo_fraction"]))
                store.append(time, **frame)
                continue
            index = own[time]
            pixels = frames.frame("rgb", index)[y0:y1, x0:x1]
            alpha = None if opaque else frames.frame("alpha", index)[y0:y1, x0:x1]
            decoded = decoder(pixels, alpha)
            unmatched.add(pixels, decoded.unmatched)
            observed_pixels, echo_pixels = count_echoes(decoded.codes)
            fractions.append(echo_pixels / observed_pixels if observed_pixels else 0.0)
            echoes += echo_pixels
            repeats.add(decoded.codes, fractions[-1])
            store.append(
                time,
                reflectivity=decoded.codes,
                uncertainty=decoded.uncertainty,
                echo_fraction=np.array(fractions[-1], dtype=np.float32),
                unmatched_fraction=np.array(decoded.unmatched.size / seen, dtype=np.float32),
            )
        counts = unmatched.summarize(echoes)
        store.add_attrs(counts.attrs() | repeats.attrs())
    if counts.are_many:
        log.warning("%s: %s", frames.path, counts.describe(geometry.radar))
    log.info(
        "%s: %d frames decoded by %s; on average %.1f %% of the pixels have echo",
        frames.path,
        len(fractions),
        labels.method,
        100 * float(np.mean(fractions or [0])),
    )
