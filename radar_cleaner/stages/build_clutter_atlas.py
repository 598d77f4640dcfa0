"""Count how often each pixel of a radar has echo in quiet weather."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.atlas import Clutter
from radar_cleaner.errors import ConfigError
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import TimeSeries
from radar_cleaner.storage.shards import decode_stores
from radar_cleaner.storage.specs import ATLAS
from radar_cleaner.storage.writer import StoreWriter
from radar_cleaner.targets.clutter_atlas import Atlas, count_atlas, frames_per_read

logger = logging.getLogger(__name__)
WARN_BELOW = 0.5  # share of the pixels that are known


def build_clutter_atlas(*, results: Path, radar: str, stores: list[str], atlas: Clutter, output: Path) -> None:
    """Count how often each pixel has echo in quiet weather.

    Parameters
    ----------
    results
        Folder of the stores.
    radar
        Id of the radar.
    stores
        Shards of the atlas period: RADAR=SHARD,FIRST..LAST,...
    atlas
        How the atlas is counted.
    output
        Atlas store to write.
    """
    shards = sorted(set(decode_stores(stores).get(radar, [])))
    if not shards:
        raise ConfigError(f"--stores {stores}: no shard of {radar}; atlas.period must contain frames of it")
    layout = Layout(results)
    reflectivity = TimeSeries(
        [layout.reflectivity(radar, shard) for shard in shards], "reflectivity", frames_per_read(atlas)
    )
    rgb = None
    if atlas.method == "deviation":
        rgb = TimeSeries([layout.rgb(radar, shard) for shard in shards], "rgb")
    counted = count_atlas(reflectivity, rgb, atlas)
    with StoreWriter(
        output,
        static={
            "echo_frequency": ATLAS.static("echo_frequency", counted.echo_frequency),
            "clutter": ATLAS.static("clutter", counted.clutter),
        },
        attrs={
            "radar": radar,
            "frames_used": counted.frames,
            "method": atlas.method,
            "known_share": round(counted.known_share, 4),
            "too_few_frames": not counted.known_share,
        },
        provenance={
            "stage": "build_clutter_atlas",
            "parameters": {"stores": stores, **atlas.model_dump(mode="json")},
            "inputs": counted.inputs,
        },
    ):
        pass
    _log(radar, counted, atlas, len(reflectivity.times))


def _log(radar: str, counted: Atlas, atlas: Clutter, frames: int) -> None:
    if counted.known_share < WARN_BELOW:
        logger.warning(
            "%s: only %.1f %% of the pixels are %s in at least %d of %d frames (atlas.min_quiet_frames); the"
            " others are unknown, never clutter; lengthen atlas.period%s",
            radar,
            100 * counted.known_share,
            f"quiet (echo at most {atlas.quiet_fraction:g})" if atlas.method == "frequency" else "observed",
            atlas.min_quiet_frames,
            frames,
            " or raise atlas.quiet_fraction" if atlas.method == "frequency" else "",
        )
    logger.info(
        "%s: atlas of %d of %d frames; %.1f %% of the pixels have enough frames, %d pixels are clutter",
        radar,
        counted.frames,
        frames,
        100 * counted.known_share,
        int(counted.clutter.sum()),
    )
