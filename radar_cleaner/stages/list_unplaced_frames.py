"""List the pictures of a radar without a readable time in their name: they are in no shard."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.config.frames import BadFrames
from radar_cleaner.errors import FrameError
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.atomic import format_rows, write_text

logger = logging.getLogger(__name__)


def list_unplaced_frames(
    *,
    source: str,
    names: NameFormat,
    frames: BadFrames,
    output: Path,
    listings: Path | None = None,
    copies: str | None = None,
) -> None:
    """List the pictures of a radar without a readable time in their name.

    Parameters
    ----------
    source
        The frames of the radar: a folder, a glob, an archive, or an address `s3://bucket/prefix`.
    names
        How the time is read from a file name.
    frames
        What happens to a bad frame.
    output
        CSV to write: file, reason.
    listings
        Folder of the lists of archives and object stores.
    copies
        Folder of the fetched objects.
    """
    listing = list_frames(source, names, listings, copies)
    if listing.unplaced and frames.on_bad_frame == "fail":
        name, reason = listing.unplaced[0]
        raise FrameError(f"{listing.root}{name}: {reason}; rename it, or set on_bad_frame: quarantine")
    write_text(output, format_rows(["file", "reason"], listing.unplaced))
    logger.info("%s: %d frames with a time, %d without", source, len(listing.frames), len(listing.unplaced))
