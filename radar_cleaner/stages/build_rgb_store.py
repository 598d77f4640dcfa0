"""Decode and check the frames of one shard; list the bad ones with a reason."""

from __future__ import annotations

import logging
from dataclasses import asdict
from io import BytesIO
from itertools import groupby
from pathlib import Path

from radar_cleaner.config.frames import BadFrames, Stores
from radar_cleaner.errors import FrameError
from radar_cleaner.frames.choice import PictureChoice
from radar_cleaner.frames.image import Candidate, FrameDecoder, largest_file
from radar_cleaner.frames.loops import list_pictures
from radar_cleaner.frames.picture_file import read_size
from radar_cleaner.frames.sources import FrameFile, read_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.atomic import format_rows, write_text
from radar_cleaner.storage.shards import format_time, shard_end, shard_start
from radar_cleaner.storage.specs import RGB
from radar_cleaner.storage.writer import StoreWriter

logger = logging.getLogger(__name__)


def build_rgb_store(
    *,
    radar: str,
    source: str,
    names: NameFormat,
    shard: str,
    size: tuple[int, int],
    choice: PictureChoice | None = None,
    stores: Stores,
    frames: BadFrames,
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
    names
        How the time is read from a file name.
    shard
        Name of the shard: frames of its times are read.
    size
        Width and height in pixels that a frame must have.
    choice
        The pictures of this layout among those of the radar.
    stores
        How the store is compressed.
    frames
        What happens to a bad frame.
    output
        Store to write: `rgb` and `alpha`, whole frames.
    rejects
        CSV to write: file, reason.
    listings
        Folder of the lists of archives and object stores.
    copies
        Folder of the fetched objects.
    """
    start, end = shard_start(shard), shard_end(shard)
    listing = list_pictures(source, names, listings, copies)
    choice = choice or PictureChoice()
    files = [frame for frame in listing.frames if start <= frame.time < end and choice.at(frame.time)]
    parameters = {"radar": radar, "shard": shard, **asdict(names), "size": list(size), "codec": stores.codec}
    accepted: list[tuple[str, str, int, str]] = []
    refused: list[tuple[str, str]] = []
    with StoreWriter(
        output,
        variables=RGB.frame_variables((size[1], size[0], 3)),
        attrs={"radar": radar},
        codec=stores.codec,
        provenance={"stage": "build_rgb_store", "parameters": parameters},
    ) as store:
        decoder = FrameDecoder(size)
        most = 1 + max((file.picture or 0 for file in files), default=0)
        largest = max(largest_file(claimed) for claimed in (size, *choice.sizes))
        pictures = read_frames(files, most * largest)
        for time, group in groupby(pictures, key=lambda picture: picture[0].time):
            kept, bad = decoder.decode_same_time(
                [
                    Candidate(file, listing.name_of(file), data)
                    for file, data in group
                    if _is_own(choice, file, data)
                ]
            )
            if bad and frames.on_bad_frame == "fail":
                name, reason = bad[0]
                raise FrameError(f"{listing.root}{name}: {reason}; remove it, or set on_bad_frame: quarantine")
            refused += bad
            if kept is not None:
                store.append(time, rgb=kept.rgb, alpha=kept.alpha)
                accepted.append((format_time(time), kept.name, kept.bytes, kept.sha256))
        store.files["sources.csv"] = format_rows(["time", "file", "bytes", "sha256"], accepted)
    write_text(rejects, format_rows(["file", "reason"], refused))
    logger.info("%s %s: %d frames accepted, %d refused", radar, shard, len(accepted), len(refused))
    for name, reason in refused:
        logger.warning("refused %s: %s", name, reason)


def _is_own(choice: PictureChoice, file: FrameFile, data: bytes | FrameError) -> bool:
    """Return whether a picture is of this layout; the radar's own layout takes what cannot be read."""
    if choice == PictureChoice():  # no layouts: its header need not be read
        return True
    size = read_size(BytesIO(data)) if isinstance(data, bytes) else None
    return choice.takes(file.time, size)
