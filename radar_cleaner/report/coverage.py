"""Count, by radar and UTC day, the frames that were found, read, rejected and missing.

Found is read and rejected together. Missing are the slots of the cadence without a read frame: in the parts of the
configured period or, without one, from a radar's first read frame to its last.
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
    """The frames of one radar's shard: times of those read (seconds since 1970), number of those rejected."""

    name: str
    times: Sequence[int]
    rejected: int


def count_coverage(
    shards: Mapping[str, Sequence[ShardFrames]],
    unplaced: Mapping[str, int],
    cadence_minutes: float,
    period: Period = (),
) -> pd.DataFrame:
    """Return the coverage table, a row for each radar and day, by radar.

    Rejected frames count on the first day of their shard. Those of a shard of a month have a row of their own,
    named by the month, as their day is unknown. `unplaced` is the number of a radar's pictures without a time in
    their name: they have a row of their own too. `period` is (start, end) pairs, end excluded.
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
    """Return the slots of the cadence in seconds, from the first of `times`, with no time within half of it.

    They are in the parts of the period, (start, end) with the end excluded, or between the first and last time.
    """
    if not times:
        return [time for start, end in period for time in range(start, end, cadence)]
    first = min(times)
    filled = {(time - first + cadence // 2) // cadence for time in times}
    missing = []
    for start, end in period or ((first, max(times) + 1),):
        slots = range(-((first - start) // cadence), -((first - end) // cadence))
        missing += [first + slot * cadence for slot in slots if slot not in filled]
    return missing


def _day(time: int) -> str:
    return to_datetime(time).strftime("%Y-%m-%d")


def _day_of_shard(shard: str) -> str:
    month = len(shard) == len(to_datetime(0).strftime(FORMATS["month"]))
    return _day(shard_start(shard))[: 7 if month else None]
