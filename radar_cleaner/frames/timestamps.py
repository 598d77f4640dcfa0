"""Read the time in a file name: a regular expression finds the text, strptime parses it, a zone applies.

strptime takes about 10 us a name, and the names of an archive are read at every call of the workflow. If hours
and minutes have fixed places in the format, strptime parses each day once and the times of the day are added.
All other texts are parsed by strptime, so that the results are equal (`tests/frames/test_timestamps.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from zoneinfo import ZoneInfo

# The format of seconds since 1970, which strptime lacks. A number of 13 digits is in milliseconds.
EPOCH = "%s"
MILLISECONDS = 13
# Directives of fixed width. A format with other directives, or with a blank, which matches any number of blanks,
# is parsed by strptime alone.
WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
HOURS = {f"{hour:02d}": 3600 * hour for hour in range(24)}
MINUTES = {f"{minute:02d}": 60 * minute for minute in range(60)}
SECONDS = {f"{second:02d}": second for second in range(60)}


@dataclass(frozen=True)
class NameFormat:
    """How the time of a picture is found: by default the first group of a regular expression, parsed by strptime.

    A pattern with a `/` is searched in the path below the root of the source, any other in the file name.
    """

    pattern: str
    time_format: str
    time_zone: str = "UTC"
    time_from: str = "name"  # or `mtime`, the date of the file, or the path of a CSV file,time
    loop_minutes: float = 0  # between two pictures of an animation; 0: an animation is refused
    loop_last: str = "name"  # the picture that has the time of the name: `name` the last one, `first` the first
    loop_pause: int = 0  # pictures at the end of an animation that repeat the one before them
    slot_minutes: float = 0  # between two slots, counted from 1970-01-01 00:00 UTC
    snap_minutes: float = 0  # pictures at most this far from a slot have its time

    def to_flag(self) -> str:
        """Return what differs from the defaults as JSON text: a value on a command line."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({f.name: values[f.name] for f in fields(self) if values[f.name] != f.default})

    def settle(self, time: float) -> tuple[int, int]:
        """Return the time that a picture of this time has, and how many seconds earlier that is."""
        if self.snap_minutes:
            slot = round(round(time / 60 / self.slot_minutes) * self.slot_minutes * 60)
            if abs(time - slot) <= 60 * self.snap_minutes:
                return slot, round(time - slot)
        return int(time), 0

    @property
    def of_path(self) -> bool:
        """Whether the folders are part of the time."""
        return "/" in self.pattern

    def reader(self) -> Callable[[str], int]:
        """Give the function from a name to seconds since 1970. It raises ValueError with a reason."""
        return _reader(self)

    def read(self, name: str) -> int:
        """Parse a name to seconds since 1970. Raises ValueError with a reason."""
        return _reader(self)(name)


@lru_cache(maxsize=64)
def _reader(names: NameFormat) -> Callable[[str], int]:
    expression = re.compile(names.pattern)
    search, group = expression.search, min(expression.groups, 1)
    read_text = _text_reader(names.time_format, names.time_zone)

    def read(name: str) -> int:
        match = search(name)
        if match is None:
            raise ValueError(f"no time in the name: nothing matches {names.pattern!r}")
        return read_text(match[group] or "")

    return read


def _text_reader(time_format: str, time_zone: str) -> Callable[[str], int]:
    zone = ZoneInfo(time_zone)
    if time_format == EPOCH:
        return _read_epoch
    at = _places(time_format)
    if at is None:
        return lambda text: read_exactly(text, time_format, zone)
    length, clock = at.pop("length"), sorted(at[key] for key in "HMS" if key in at)
    edges = [0, *(edge for start in clock for edge in (start, start + 2)), length]
    gaps = [slice(*edges[i : i + 2]) for i in range(0, len(edges), 2) if edges[i] < edges[i + 1]]
    rest_of = itemgetter(*gaps or [slice(0)])
    hour, minute = (slice(at[key], at[key] + 2) for key in "HM")
    second = slice(at["S"], at["S"] + 2) if "S" in at else None
    midnights: dict[str, int] = {}  # by the text without hours, minutes and seconds
    uneven: set[str] = set()  # days on which the zone's clock changes

    def read(text: str) -> int:
        if len(text) == length:
            try:
                time = midnights[rest_of(text)] + HOURS[text[hour]] + MINUTES[text[minute]]
                return time + SECONDS[text[second]] if second else time
            except KeyError:
                pass
        time = read_exactly(text, time_format, zone)
        if len(text) == length and (day := rest_of(text)) not in uneven:
            for start in clock:
                text = f"{text[:start]}00{text[start + 2 :]}"
            if _is_even(datetime.strptime(text, time_format), zone):
                midnights[day] = read_exactly(text, time_format, zone)
            else:
                uneven.add(day)
        return time

    return read


def _read_epoch(text: str) -> int:
    try:
        return _checked(datetime.fromtimestamp(int(text) // (1000 if len(text) == MILLISECONDS else 1), UTC), text)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"no time in the name: '{text}' is not {EPOCH}, seconds since 1970") from None


def read_exactly(text: str, time_format: str, zone: ZoneInfo) -> int:
    """Parse a text by strptime to seconds since 1970."""
    try:
        moment = datetime.strptime(text, time_format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"no time in the name: '{text}' is not {time_format}") from None
    return _checked(moment, text)


def _checked(moment: datetime, text: str) -> int:
    if not 1000 <= moment.year < 9999:  # other years have no shard
        raise ValueError(f"no time in the name: '{text}' is of the year {moment.year}")
    return int(moment.timestamp())


def _places(time_format: str) -> dict[str, int] | None:
    """Give the position of each directive in a text, and the text's length; None if they are not fixed.

    In a text of that length each directive has its full width, because none can be wider.
    """
    found: dict[str, int] = {}
    position = 0
    for literal, directive in re.findall(r"([^%])|%(.?)", time_format, re.DOTALL):
        if literal.isspace() or (directive in WIDTHS and directive in found):
            return None
        if literal or directive == "%":
            position += 1
        elif directive in WIDTHS:
            found[directive] = position
            position += WIDTHS[directive]
        else:
            return None
    return found | {"length": position} if {"H", "M"} <= found.keys() else None


def _is_even(midnight: datetime, zone: ZoneInfo) -> bool:
    """Whether the zone's clock does not change during a day."""
    try:
        hours = [midnight + timedelta(hours=hour) for hour in range(24)]
        hours.append(midnight + timedelta(hours=24, seconds=-1))
        return len({moment.replace(tzinfo=zone).utcoffset() for moment in hours}) == 1
    except OverflowError:
        return False
