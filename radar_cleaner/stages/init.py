"""Look at a folder of pictures and write a config for them, with comments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from time import time

from radar_cleaner.config import shipped
from radar_cleaner.config.load import UNKNOWN
from radar_cleaner.errors import ConfigError
from radar_cleaner.inspection.colours import Colours, read_palette_colours
from radar_cleaner.inspection.draft import Key, render, split_common
from radar_cleaner.inspection.findings import RadarFindings, cadence_key, inspect_radar, place_keys
from radar_cleaner.inspection.sources import Contents, read_folder
from radar_cleaner.inspection.times import find_cadence
from radar_cleaner.storage.atomic import write_text


def init(
    folder: Path,
    /,
    *,
    latitude: float | None = None,
    longitude: float | None = None,
    output: Path = Path("radar.yaml"),
) -> None:
    """Look at a folder of pictures and write a config for them, with comments.

    Parameters
    ----------
    folder
        The pictures: of one radar, or of several in sub-folders or with their own names.
    latitude
        Latitude of the radar in degrees north.
    longitude
        Longitude of the radar in degrees east.
    output
        Config to write. A file that exists is not replaced.
    """
    if output.exists():
        raise ConfigError(f"--output {output}: exists already; write another name, or remove it")
    contents = read_folder(folder, int(time()))
    if len(contents.series) > 1 and latitude is not None:
        names = ", ".join(series.id for series in contents.series)
        raise ConfigError(
            f"--latitude: {len(contents.series)} radars were found ({names}); write it into the config"
        )
    palettes = _known_palettes()
    radars = [inspect_radar(folder, series, palettes) for series in contents.series]
    keys = _config(radars, latitude, longitude)
    write_text(output, render(_head(contents, sum(key.unknown for key in keys)), keys))


def _known_palettes() -> dict[str, Colours]:
    """Return the colours of the palettes that come with the workflow, by their path."""
    paths = sorted((shipped.ROOT / "config/palettes").glob("*.csv"))
    return {os.path.relpath(path): read_palette_colours(path) for path in paths}


def _config(radars: Sequence[RadarFindings], latitude: float | None, longitude: float | None) -> list[Key]:
    """Return the keys of the config. Those that all radars have alike are in `frames` and `labels`."""
    frames, own_frames = split_common([radar.frames for radar in radars])
    labels, own_labels = split_common([radar.labels for radar in radars])
    entries = []
    for radar, frame_keys, label_keys in zip(radars, own_frames, own_labels, strict=True):
        box = radar.sizes[0].plot_box if radar.sizes else None
        keys = [*radar.entry[:2], *place_keys(latitude, longitude, box), *radar.entry[2:], *frame_keys]
        if label_keys:
            keys.append(Key("labels", tuple(label_keys)))
        entries.append(tuple(keys))
    series = [radar.series.readings[0].read if radar.series.readings else [] for radar in radars]
    is_loop = any(key.name == "loop" for radar in radars for key in radar.frames)
    cadence = cadence_key(find_cadence(series), is_loop)
    return [
        Key("results", "results"),
        Key("radars", entries),
        Key("frames", (*frames, *cadence)),
        Key("labels", tuple(labels)),
        Key("samples", {"atlas": "channel"}, "as the pretrained model needs it"),
        Key("cleaning", {"model": "pretrained"}),
    ]


def _head(contents: Contents, unknown: int) -> str:
    count = sum(len(series.paths) for series in contents.series)
    lines = [f"Written by `radar-cleaner init {contents.folder}` from the names and colours of {count} pictures."]
    if unknown:
        lines += [f"{UNKNOWN} is a value that they do not show. Write {unknown} of them, then look at the result:"]
    lines += ["  radar-cleaner show-frame --config FILE", "docs/reference/config.md explains every key."]
    if contents.timeless:
        few = ", ".join(contents.timeless[:5]) + (", ..." if len(contents.timeless) > 5 else "")
        lines += [f"Pictures without a time, {len(contents.timeless)} in all: {few}"]
    return "\n".join(lines)
