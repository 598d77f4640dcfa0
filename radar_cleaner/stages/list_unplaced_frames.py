"""List the pictures of a radar whose name gives no time: no shard would ever name them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.sources import list_frames
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.atomic import format_rows, write_text

logger = logging.getLogger(__name__)


def list_unplaced_frames(
    *,
    source: str,
    pattern: str,
    time_format: str,
    time_zone: str,
    on_bad_frame: Literal["quarantine", "fail"],
    output: Path,
    listings: Path | None = None,
    copies: str | None = None,
) -> None:
    """List the pictures of a radar whose name gives no time.

    Parameters
    ----------
    source
        The radar's frames: a folder, a glob, an archive, or an address `s3://bucket/prefix`.
    pattern
        Regular expression whose first group is the time in a file name.
    time_format
        strptime format of that time.
    time_zone
        Zone of the times in the names, as `UTC` or `Asia/Bangkok`.
    on_bad_frame
        `quarantine` lists them, `fail` stops at the first.
    output
        CSV to write: file, reason.
    listings
        Folder of lists of what archives and object stores hold.
    copies
        Folder below which objects were fetched to.
    """
    listing = list_frames(source, NameFormat(pattern, time_format, time_zone), listings, copies)
    if listing.unplaced and on_bad_frame == "fail":
        name, reason = listing.unplaced[0]
        raise FrameError(f"{listing.root}{name}: {reason}; rename it, or set on_bad_frame: quarantine")
    write_text(output, format_rows(["file", "reason"], listing.unplaced))
    logger.info("%s: %d frames with a time, %d without", source, len(listing.frames), len(listing.unplaced))
