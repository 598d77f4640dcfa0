"""Count the frames of a radar that were read and refused; fail if none was read."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.refusals import count_refusals
from radar_cleaner.storage.atomic import format_rows, write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.shards import decode_stores

log = logging.getLogger(__name__)


def check_frames(*, results: Path, radar: str, stores: list[str], newest: bool = False, output: Path) -> None:
    """Count the frames of a radar that were read and refused, by reason; fail if none was read, also of a layout.

    Parameters
    ----------
    results
        Folder of the results.
    radar
        Id of the radar.
    stores
        Its stores and those of its layouts, as RADAR=FIRST..LAST,...
    newest
        Whether these are the newest stores only: they may be without a frame.
    output
        CSV to write: frames, reason, example. The first row counts the frames that were read.
    """
    layout = Layout(results)
    pairs = [(name, shard) for name, shards in decode_stores(stores).items() for shard in shards]
    found = Counter({name: 0 for name, _ in pairs})
    for name, shard in pairs:
        found[name] += len(open_store(layout.rgb(name, shard), "rgb").times)
    read = found.total()
    tables = [layout.unplaced(radar), *(layout.rejects(*pair) for pair in pairs)]
    counts = count_refusals(read, (row for table in tables for row in _rows(table)))
    if counts.refused and not read and not newest:
        raise FrameError(f"{counts.describe(radar)}; see {layout.rgb(radar, '*').parent}/*.rejected.csv")
    for name, number in found.items():
        if read and not number and name != radar and not newest:
            key = f"radars[].layouts[{int(name.rpartition('.')[2]) - 1}]"
            raise FrameError(
                f"{key}: none of the {read} frames of radar {radar} is of this layout; correct its size_px and"
                " period, or leave it out"
            )
    if counts.refused and counts.are_many:
        log.warning(counts.describe(radar))
    rows = [(read, "read", ""), *((number, reason, name) for reason, number, name in counts.reasons)]
    write_text(output, format_rows(["frames", "reason", "example"], rows))


def _rows(table: Path) -> Iterator[tuple[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["file"], row["reason"]
