"""Decode and check the frames of one shard, and refuse the bad ones with a reason."""

from __future__ import annotations

import hashlib
import logging
from itertools import groupby
from pathlib import Path
from typing import Literal

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import NamedFrame, decode_frame, largest_file, settle_same_time
from radar_cleaner.frames.sources import list_frames, read_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.atomic import format_rows, write_text
from radar_cleaner.storage.shards import format_time, shard_end, shard_start
from radar_cleaner.storage.writer import StoreWriter, Variable

logger = logging.getLogger(__name__)


def build_rgb_store(
    *,
    radar: str,
    source: str,
    pattern: str,
    time_format: str,
    time_zone: str,
    shard: str,
    size: tuple[int, int],
    codec: Literal["compact", "fast"],
    on_bad_frame: Literal["quarantine", "fail"],
    output: Path,
    rejects: Path,
    listings: Path | None = None,
    copies: str | None = None,
) -> None:
    """Decode and check the frames of a shard; refuse bad ones.

    Parameters
    ----------
    radar
        Id of the radar.
    source
        Its frames: a folder, a glob, an archive, or an address `s3://bucket/prefix`.
    pattern
        Regular expression whose first group is the time in a file name.
    time_format
        strptime format of that time.
    time_zone
        Zone of the times in the names, as `UTC` or `Asia/Bangkok`.
    shard
        Name of the shard: frames of its times are read.
    size
        Width and height in pixels that a frame must have.
    codec
        How the store is compressed.
    on_bad_frame
        `quarantine` lists a bad frame and goes on, `fail` stops at it.
    output
        Store to write: `rgb`, whole frames.
    rejects
        CSV to write: file, reason.
    listings
        Folder of lists of what archives and object stores hold.
    copies
        Folder below which objects were fetched to.
    """
    start, end = shard_start(shard), shard_end(shard)
    listing = list_frames(source, NameFormat(pattern, time_format, time_zone), listings, copies)
    files = [frame for frame in listing.frames if start <= frame.time < end]
    width, height = size
    parameters = {
        "radar": radar,
        "shard": shard,
        "pattern": pattern,
        "time_format": time_format,
        "time_zone": time_zone,
        "size": list(size),
        "codec": codec,
    }
    accepted: list[tuple[str, str, int, str]] = []
    refused: list[tuple[str, str]] = []
    with StoreWriter(
        output,
        variables={
            "rgb": Variable(
                "uint8", (height, width, 3), ("y", "x", "band"), {"long_name": "picture, red green blue"}
            )
        },
        attrs={"radar": radar},
        codec=codec,
        provenance={"stage": "build_rgb_store", "parameters": parameters},
    ) as store:
        pictures = read_frames(files, largest_file(size))
        for time, group in groupby(pictures, key=lambda picture: picture[0].time):
            kept, bad, origins = _read_time([(listing.name_of(file), data) for file, data in group], size)
            if bad and on_bad_frame == "fail":
                name, reason = bad[0]
                raise FrameError(f"{listing.root}{name}: {reason}; remove it, or set on_bad_frame: quarantine")
            refused += bad
            if kept is not None:
                store.append(time, rgb=kept.pixels)
                accepted.append((format_time(time), kept.name, *origins[kept.name]))
        store.files["sources.csv"] = format_rows(["time", "file", "bytes", "sha256"], accepted)
    write_text(rejects, format_rows(["file", "reason"], refused))
    logger.info("%s %s: %d frames taken, %d refused", radar, shard, len(accepted), len(refused))
    for name, reason in refused:
        logger.warning("refused %s: %s", name, reason)


def _read_time(
    pictures: list[tuple[str, bytes | FrameError]], size: tuple[int, int]
) -> tuple[NamedFrame | None, list[tuple[str, str]], dict[str, tuple[int, str]]]:
    """Of the pictures of one time: the frame to keep, (name, reason) of the refused, size and sha256 by name."""
    frames: list[NamedFrame] = []
    refused: list[tuple[str, str]] = []
    origins: dict[str, tuple[int, str]] = {}
    for name, data in pictures:
        try:
            if isinstance(data, FrameError):
                raise data
            frames.append(NamedFrame(name, decode_frame(data, name, size)))
            origins[name] = (len(data), hashlib.sha256(data).hexdigest())
        except FrameError as error:
            refused.append((name, str(error)))
    if not frames:
        return None, refused, origins
    kept, others = settle_same_time(frames)
    return kept, refused + others, origins
