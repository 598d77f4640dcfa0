"""Count how often each pixel of a radar echoes when it should not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np

from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import AHEAD, TimeSeries
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.storage.writer import Static, StoreWriter
from radar_cleaner.targets.clutter_atlas import (
    ColourDeviation,
    EchoCount,
    frequent,
    quiet_frames,
    quiet_places,
    spread_evenly,
)

logger = logging.getLogger(__name__)

MUCH_OF_IT = 0.5  # of the picture; where less of it is known the log warns


def build_clutter_atlas(
    *,
    results: Path,
    radar: str,
    stores: list[str],
    method: Literal["frequency", "deviation"],
    window: int = 0,
    quiet_fraction: float = 0.1,
    min_quiet_frames: int,
    threshold: float,
    max_frames: int = 200,
    max_std: float = 2.0,
    output: Path,
) -> None:
    """Count how often each pixel echoes when it should not.

    Parameters
    ----------
    results
        Folder of the stores.
    radar
        Id of the radar.
    stores
        Shards of the atlas period: RADAR=SHARD,FIRST..LAST,...
    method
        `frequency` counts in quiet frames; `deviation` looks for echo colours that hardly change.
    window
        For `frequency`: side in pixels of the window about a pixel that must be quiet; 0 for the whole frame.
    quiet_fraction
        For `frequency`: it is quiet where at most this share of the observed pixels echo.
    min_quiet_frames
        A pixel that is looked at in fewer frames than this is not known, and not clutter.
    threshold
        Clutter echoes in at least this share of the frames looked at.
    max_frames
        For `deviation`: frames to look at, spread evenly over the period.
    max_std
        For `deviation`: the colour of clutter has a standard deviation below this (0..255).
    output
        Store to write: `echo_frequency`, `clutter`.
    """
    shards = sorted(set(decode_stores(stores).get(radar, [])))
    if not shards:
        raise ConfigError(f"--stores {stores}: no shard of {radar}; let atlas.period hold frames of it")
    if method == "frequency" and 0 < window**2 * quiet_fraction < 1:
        raise ConfigError(
            f"--window {window}: a single echo in it is more than --quiet-fraction {quiet_fraction:g}, so that no"
            " echo would be counted; raise one of them, or write 0 for the whole frame"
        )
    layout = Layout(results)
    ahead = AHEAD if method == "frequency" else 1  # the others' frames are far between
    reflectivity = TimeSeries([layout.reflectivity(radar, shard) for shard in shards], "reflectivity", ahead)
    times = np.concatenate([store.times for store in reflectivity.stores])
    if method == "frequency" and not window:
        fractions = np.concatenate([store.read("echo_fraction") for store in reflectivity.stores])
        times = times[quiet_frames(fractions, quiet_fraction)]
    elif method == "deviation":
        times = times[spread_evenly(len(times), max_frames)]

    windowed = method == "frequency" and window > 0
    first = reflectivity.stores[0]
    height, width = first.shape("reflectivity")
    x0, y0, x1, y1 = first.attrs["plot_box_px"]
    echoes, colours = EchoCount((height, width)), ColourDeviation((height, width))
    pictures = TimeSeries([layout.rgb(radar, shard) for shard in shards], "rgb") if method == "deviation" else None
    inputs = {str(store.path): store.digest for store in reflectivity.stores}
    for time in times.tolist():
        codes = reflectivity.frame("reflectivity", time)
        assert codes is not None, reflectivity.describe(time)
        echoes.add(codes, quiet_places(codes, window, quiet_fraction) if windowed else None)
        if pictures:
            pixels = pictures.frame("rgb", time)
            if pixels is None:
                raise StoreError(
                    f"{reflectivity.describe(time)} has reflectivity, but no frame; run snakemake to make it again"
                )
            colours.add(pixels[y0:y1, x0:x1])
    frequency = echoes.frequency(min_quiet_frames)
    clutter = frequent(frequency, threshold)
    if pictures:
        clutter &= colours.deviation() < max_std
        inputs |= {str(store.path): store.digest for store in pictures.stores}

    known = echoes.known_share(min_quiet_frames)
    if known < MUCH_OF_IT:
        logger.warning(
            "%s: only %.1f %% of the picture is %s in min_quiet_frames %d or more of %d frames; in the rest no"
            " pixel is called clutter; lengthen atlas.period%s",
            radar,
            100 * known,
            f"quiet (echo at most {quiet_fraction:g})" if method == "frequency" else "looked at",
            min_quiet_frames,
            len(reflectivity.times),
            " or raise atlas.quiet_fraction" if method == "frequency" else "",
        )
    with StoreWriter(
        output,
        static={
            "echo_frequency": Static(
                frequency, ("y", "x"), {"long_name": "share of the frames that echo here", "units": "1"}
            ),
            "clutter": Static(clutter, ("y", "x"), {"long_name": "clutter mask"}),
        },
        attrs={
            "radar": radar,
            "frames_used": echoes.frames,
            "method": method,
            "known_share": round(known, 4),
            "too_few_frames": not known,
        },
        provenance={
            "stage": "build_clutter_atlas",
            "parameters": {
                "stores": stores,
                "window": window,
                "quiet_fraction": quiet_fraction,
                "min_quiet_frames": min_quiet_frames,
                "threshold": threshold,
                "max_frames": max_frames,
                "max_std": max_std,
            },
            "inputs": inputs,
        },
    ):
        pass
    logger.info(
        "%s: atlas of %d of %d frames; %.1f %% of the picture has enough of them, %d pixels are clutter",
        radar,
        echoes.frames,
        len(reflectivity.times),
        100 * known,
        int(clutter.sum()),
    )
