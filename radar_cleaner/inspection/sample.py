"""Read a few frames of a radar into a store of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from radar_cleaner.config.frames import Stores
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.image import Candidate, FrameDecoder, largest_file
from radar_cleaner.frames.sources import FrameFile, read_frames
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter


def choose_frames(frames: Sequence[FrameFile], count: int, time: int | None = None) -> list[FrameFile]:
    """Return at most `count` frames, evenly spread, and the one nearest to a time (seconds since 1970)."""
    places = {int(place) for place in np.linspace(0, len(frames) - 1, min(count, len(frames))).round()}
    if time is not None:
        places.add(min(range(len(frames)), key=lambda index: abs(frames[index].time - time)))
    times = {frames[place].time for place in places}
    return [frame for frame in frames if frame.time in times]


def write_sample(path: Path, frames: Sequence[FrameFile], size: tuple[int, int]) -> list[tuple[str, str]]:
    """Write an rgb store of frames of (width, height) `size`; return (name, reason) of those that are refused.

    Raises ConfigError if all are refused.
    """
    decoder = FrameDecoder(size)
    most = 1 + max((frame.picture or 0 for frame in frames), default=0)
    refused: list[tuple[str, str]] = []
    accepted = 0
    with StoreWriter(
        path,
        variables=RGB.frame_variables((size[1], size[0], 3)),
        attrs={"radar": "sample"},
        codec=Stores().codec,
        provenance={"stage": "show_frame"},
    ) as store:
        pictures = read_frames(frames, most * largest_file(size))
        for time, group in groupby(pictures, key=lambda picture: picture[0].time):
            kept, bad = decoder.decode_same_time([Candidate(file, file.full_name, data) for file, data in group])
            refused += bad
            if kept is not None:
                store.append(time, rgb=kept.rgb, alpha=kept.alpha)
                accepted += 1
        if not accepted:
            name, reason = refused[0]
            raise ConfigError(f"all {len(refused)} frames looked at are refused, the first, {name}: {reason}")
    return refused
