"""The time in a name: a regular expression finds its text, strptime reads it, a zone places it.

strptime costs some 10 us a name, and an archive's names are read at every call of the workflow. Where the
format has fixed places for hours and minutes, a day is read by strptime once and its times are added up; what
does not fit that way goes through strptime, so that both always say the same (tests/test_names.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from zoneinfo import ZoneInfo

# Directives of fixed width; a format that has others, or a blank, which stands for any number of them, is read
# by strptime alone.
WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
HOURS = {f"{hour:02d}": 3600 * hour for hour in range(24)}
MINUTES = {f"{minute:02d}": 60 * minute for minute in range(60)}
SECONDS = {f"{second:02d}": second for second in range(60)}


@dataclass(frozen=True)
class NameFormat:
    """How a name tells the time: a regular expression's first group, read by strptime in a zone.

    A pattern with a `/` in it is searched in the path below the source's root, others in the file name.
    """

    pattern: str
    time_format: str
    time_zone: str = "UTC"

    def to_flag(self) -> str:
        """Return the format as JSON text: a value on a command line."""
        return json.dumps(asdict(self))

    @property
    def of_path(self) -> bool:
        """Whether the folders tell a part of the time."""
        return "/" in self.pattern

    def reader(self) -> Callable[[str], int]:
        """The function from a name to seconds since 1970; it raises ValueError with the reason for none."""
        return _reader(self)

    def read(self, name: str) -> int:
        """Seconds since 1970 of a name. Raises ValueError with the reason where it has none."""
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
    at = _places(time_format)
    if at is None:
        return lambda text: read_exactly(text, time_format, zone)
    length, clock = at.pop("length"), sorted(at[key] for key in "HMS" if key in at)
    edges = [0, *(edge for start in clock for edge in (start, start + 2)), length]
    gaps = [slice(*edges[i : i + 2]) for i in range(0, len(edges), 2) if edges[i] < edges[i + 1]]
    rest_of = itemgetter(*gaps or [slice(0)])
    hour, minute = (slice(at[key], at[key] + 2) for key in "HM")
    second = slice(at["S"], at["S"] + 2) if "S" in at else None
    midnights: dict[str, int] = {}  # by the text without its clock
    uneven: set[str] = set()  # the days on which the zone's clock is moved

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


def read_exactly(text: str, time_format: str, zone: ZoneInfo) -> int:
    """Seconds since 1970 of a text, read by strptime."""
    try:
        moment = datetime.strptime(text, time_format)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"no time in the name: '{text}' is not {time_format}") from None
    if not 1000 <= moment.year < 9999:  # others have no shard
        raise ValueError(f"no time in the name: '{text}' is of the year {moment.year}")
    return int(moment.timestamp())


def _places(time_format: str) -> dict[str, int] | None:
    """Where in a text each directive begins, and the text's length; None where that is not always so.

    In a text of that length each directive takes its full width, as none can take more.
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
    """Whether the zone's clock runs through a day without being moved."""
    try:
        hours = [midnight + timedelta(hours=hour) for hour in range(24)]
        hours.append(midnight + timedelta(hours=24, seconds=-1))
        return len({moment.replace(tzinfo=zone).utcoffset() for moment in hours}) == 1
    except OverflowError:
        return False
