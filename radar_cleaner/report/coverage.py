"""Count, by radar and UTC day, the frames that were found, read, rejected and missing.

Found is read and rejected together. Missing are the slots of the cadence that hold no read frame: in the parts of
the period that was asked for or, where none was, from a radar's first read frame to its last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from radar_cleaner.storage.shards import FORMATS, shard_start, to_datetime

COLUMNS = ["radar", "day", "found", "read", "rejected", "missing"]
NO_DAY = "no time in the name"
Period = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class ShardFrames:
    """Of one radar's shard: times of the frames read (seconds since 1970), number of those rejected."""

    name: str
    times: Sequence[int]
    rejected: int


def count_coverage(
    shards: Mapping[str, Sequence[ShardFrames]],
    unplaced: Mapping[str, int],
    cadence_minutes: float,
    period: Period = (),
) -> pd.DataFrame:
    """The coverage table, a row a radar and day, by radar.

    Rejected frames count on the day that their shard begins with; those of a shard of a month have a row of
    their own, named by the month, as their day is not known. `unplaced` is the number of a radar's pictures
    whose name gives no time: they have a row of their own too. `period` is (start, end) pairs, end excluded.
    """
    rows: dict[tuple[str, str], list[int]] = {}  # read, rejected, missing
    for radar, parts in sorted(shards.items()):
        for part in parts:
            for time in part.times:
                rows.setdefault((radar, _day(time)), [0, 0, 0])[0] += 1
            if part.rejected:
                rows.setdefault((radar, _day_of_shard(part.name)), [0, 0, 0])[1] += part.rejected
        times = [time for part in parts for time in part.times]
        for time in missing_slots(times, round(60 * cadence_minutes), period):
            rows.setdefault((radar, _day(time)), [0, 0, 0])[2] += 1
        if unplaced.get(radar):
            rows[radar, NO_DAY] = [0, unplaced[radar], 0]
    table = [
        (radar, day, read + rejected, read, rejected, missing)
        for (radar, day), (read, rejected, missing) in sorted(rows.items())
    ]
    return pd.DataFrame(table, columns=COLUMNS)


def missing_slots(times: Sequence[int], cadence: int, period: Period = ()) -> list[int]:
    """Times, one each `cadence` seconds in step with the first of `times`, with none of `times` within half of it.

    Over the parts of the period, (start, end) with the end excluded, or from the first to the last of `times`.
    """
    if not times:
        return [time for start, end in period for time in range(start, end, cadence)]
    first = min(times)
    held = {(time - first + cadence // 2) // cadence for time in times}
    missing = []
    for start, end in period or ((first, max(times) + 1),):
        slots = range(-((first - start) // cadence), -((first - end) // cadence))
        missing += [first + slot * cadence for slot in slots if slot not in held]
    return missing


def _day(time: int) -> str:
    return to_datetime(time).strftime("%Y-%m-%d")


def _day_of_shard(shard: str) -> str:
    month = len(shard) == len(to_datetime(0).strftime(FORMATS["month"]))
    return _day(shard_start(shard))[: 7 if month else None]
