"""Count, by radar and UTC day, the frames that were found, read, rejected and missing.

Found is read and rejected together. Missing are the slots of the cadence, between the first and the last
read frame of each run of consecutive shards, that hold no read frame; what lies between two runs was never
asked for. A shard that is one frame long counts as part of its hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radar_cleaner.shards import FORMATS, next_shard, shard_of, shard_start, to_datetime

COLUMNS = ["radar", "day", "found", "read", "rejected", "missing"]
NO_DAY = "no time in the name"


@dataclass(frozen=True)
class ShardFrames:
    """Of one radar's shard: times of the frames read (seconds since 1970), number of those rejected."""

    name: str
    times: Sequence[int]
    rejected: int


def count_coverage(
    shards: Mapping[str, Sequence[ShardFrames]], unplaced: Mapping[str, int], cadence_minutes: float
) -> pd.DataFrame:
    """The coverage table, a row a radar and day, by radar.

    Rejected frames count on the day that their shard begins with; those of a shard of a month have a row of
    their own, named by the month, as their day is not known. `unplaced` is the number of a radar's pictures
    whose name gives no time: they have a row of their own too.
    """
    rows: dict[tuple[str, str], list[int]] = {}  # read, rejected, missing
    for radar, parts in sorted(shards.items()):
        for part in parts:
            for time in part.times:
                rows.setdefault((radar, _day(time)), [0, 0, 0])[0] += 1
            if part.rejected:
                rows.setdefault((radar, _day_of_shard(part.name)), [0, 0, 0])[1] += part.rejected
        for times in _runs(parts):
            for time in missing_slots(times, round(60 * cadence_minutes)):
                rows.setdefault((radar, _day(time)), [0, 0, 0])[2] += 1
        if unplaced.get(radar):
            rows[radar, NO_DAY] = [0, unplaced[radar], 0]
    table = [
        (radar, day, read + rejected, read, rejected, missing)
        for (radar, day), (read, rejected, missing) in sorted(rows.items())
    ]
    return pd.DataFrame(table, columns=COLUMNS)


def missing_slots(times: Sequence[int], cadence: int) -> list[int]:
    """Times, one each `cadence` seconds from the first to the last of `times`, with none within half of it."""
    if not times:
        return []
    first = min(times)
    held = {(time - first + cadence // 2) // cadence for time in times}
    return [first + slot * cadence for slot in np.arange(max(held) + 1).tolist() if slot not in held]


def _runs(shards: Sequence[ShardFrames]) -> list[list[int]]:
    """Frame times of each run of consecutive shards."""
    names: dict[str, list[int]] = {}
    for shard in shards:
        names.setdefault(_block(shard.name), []).extend(shard.times)
    runs: list[list[int]] = []
    last = None
    for name, times in sorted(names.items()):
        if last is None or next_shard(last) != name:
            runs.append([])
        runs[-1].extend(times)
        last = name
    return runs


def _block(shard: str) -> str:
    return shard_of(shard_start(shard), "hour") if len(shard) > len("20240711T12") else shard


def _day(time: int) -> str:
    return to_datetime(time).strftime("%Y-%m-%d")


def _day_of_shard(shard: str) -> str:
    month = len(shard) == len(to_datetime(0).strftime(FORMATS["month"]))
    return _day(shard_start(shard))[: 7 if month else None]
