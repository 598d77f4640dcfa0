"""Guess how the time is written in the names of pictures, and the time between two frames.

A reading is a pattern and a format that fit all names and give possible times. Where several readings fit, all are
returned: 070820241200 is the 7th of August or the 8th of July, and the names alone cannot decide that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from radar_cleaner.config.frames import FileNames
from radar_cleaner.frames.timestamps import NameFormat

OLDEST = 315_532_800  # 1980; older radars left no pictures of this kind
DAY = 86400
WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2, "b": 3}
LONG_YEARS = ("Ymd", "Yj", "dmY", "mdY", "dbY", "Ybd", "bdY")
SHORT_YEARS = ("ymd", "dmy", "mdy", "dby")
CLOCKS = ("HMS", "HM")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
TOKEN = re.compile(rf"\d+|(?<![a-z]){_MONTH}(?![a-z])", re.IGNORECASE)
# Longest text between the parts of a date or of a clock, and between date and clock.
INNER_GAP, OUTER_GAP = 3, 24
AFTER = r"(?!\d)"  # after a number
END = f"){AFTER}"  # of a pattern
ZONE_LETTERS = re.compile(
    r"[ _.-]?(Z|UTC|GMT|CES?T|EES?T|WES?T|BST|MSK|[ECMP][SD]T|JST|KST|HKT|IST|ICT|A[EC][SD]T|local)(?![A-Za-z])"
)
ZONE_OFFSET = re.compile(rf"[+-](?:0\d|1[0-4]):?(?:00|30|45){AFTER}")
SAMPLED_NAMES = 5
TRIED_NAMES = 40
# A reading may fail on this share of the names: pictures whose own name is damaged.
MISREAD = 0.05
# Days apart: an archive without gaps in one reading has gaps of weeks in a reading that swaps day and month.
CLOSE, FAR = 2 * DAY, 20 * DAY


@dataclass(frozen=True)
class Reading:
    """A pattern and format, and the time that they give each name.

    Times are seconds since 1970, None where pattern and format do not fit.
    """

    names: NameFormat
    times: tuple[int | None, ...]
    zone: str = ""  # the letters of a time zone that follow the time in every name, such as Z or CET

    @property
    def read(self) -> list[int]:
        """The times of the names that fit."""
        return [time for time in self.times if time is not None]


class _Token(NamedTuple):
    start: int
    end: int
    text: str


class _Candidate(NamedTuple):
    tier: int  # the kinds that are tried first have lower numbers
    pattern: str
    time_format: str


def read_times(names: Sequence[str], latest: int) -> list[Reading]:
    """Return the readings of names: paths below their folder, with `/`. Several mean that the names are ambiguous.

    A time after `latest` (seconds since 1970) is impossible. Readings that differ by less than a minute are one.
    """
    found: list[Reading] = []
    candidates = sorted({candidate for name in _spread(names, SAMPLED_NAMES) for candidate in _candidates(name)})
    for tier in sorted({candidate.tier for candidate in candidates}):
        here = [candidate for candidate in candidates if candidate.tier == tier]
        found += _fitting(names, here, latest)
        if any(len(set(reading.read)) == len(names) for reading in found):
            break
    if not found:
        return []
    most = max(len(set(reading.read)) for reading in found)
    best = [reading for reading in found if len(set(reading.read)) == most]
    return [_simplest(_with_zone(reading, names, latest), names) for reading in _contiguous(_different(best))]


def _spread(items: Sequence[str], count: int) -> list[str]:
    """Return at most `count` items, evenly spread, with the first and the last."""
    places = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))
    return [items[place] for place in places.tolist()]


def _candidates(path: str) -> Iterator[_Candidate]:
    """Yield the patterns and formats that a name may have, those of its file name before those of its path."""
    name = path.rsplit("/", 1)[-1]
    yield from _of_text(name, 0)
    if "/" in path:
        yield from (candidate for candidate in _of_text(path, 3) if "/" in candidate.pattern)


def _of_text(text: str, tier: int) -> Iterator[_Candidate]:
    tokens = [_Token(*match.span(), match[0]) for match in TOKEN.finditer(text)]
    for first in range(len(tokens)):
        for last in range(first, min(first + 6, len(tokens))):
            part = tokens[first : last + 1]
            for dates, short in ((LONG_YEARS, 0), (SHORT_YEARS, 1)):
                for date in dates:
                    for clock in CLOCKS:
                        for order in (date + clock, clock + date):
                            body = _body(text, part, order, len(date))
                            if body is not None:
                                yield _placed(text, tokens, first, tier + short, *body)
    for index, token in enumerate(tokens):
        if token.text.isdigit() and len(token.text) in (10, 13):
            rest = r"\d{3}" if len(token.text) == 13 else ""
            yield _placed(text, tokens, index, tier + 1, rf"(?<!\d)(\d{{10}}){rest}(?!\d)", "%s")
        if token.text.isdigit() and len(token.text) > 12:
            for length, time_format in ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M")):
                if len(token.text) > length:
                    yield _Candidate(tier + 2, rf"(\d{{{length}}})(?!\d)", time_format)
                    yield _Candidate(tier + 2, rf"(?<!\d)(\d{{{length}}})", time_format)


def _body(text: str, part: Sequence[_Token], order: str, date_length: int) -> tuple[str, str] | None:
    """Return pattern and format of tokens that are exactly the directives of `order`; None if they are not."""
    clock_first = order[0] == "H"
    joint = len(order) - date_length if clock_first else date_length
    pattern, time_format, at = "", "", 0
    gaps: list[str] = []  # the text before each directive but the first
    for index, token in enumerate(part):
        gap = text[part[index - 1].end : token.start] if index else ""
        if index and not _may_part(gap, outer=at == joint):
            return None
        taken = _directives(order[at:], token.text)
        if not taken:
            return None
        if index:
            gaps.append(gap)
        gaps += [""] * (len(taken) - 1)
        pattern += re.escape(gap) + _expression(taken, token.text)
        time_format += gap.replace("%", "%%") + "".join(f"%{directive}" for directive in taken)
        at += len(taken)
    if at != len(order):
        return None
    inner = [gaps[: joint - 1], gaps[joint:]]
    if "/" not in text and any(len(set(group)) > 1 for group in inner):
        return None  # neither 2024-0711 nor 2024_07-11 is a date
    if clock_first and not gaps[joint - 1]:
        return None
    return rf"(?<!\d)({pattern})(?!\d)", time_format


def _may_part(gap: str, outer: bool) -> bool:
    """Return whether a text can be between two parts of a time."""
    return "/" in gap or len(gap) <= (OUTER_GAP if outer else INNER_GAP)


def _directives(order: str, token: str) -> str:
    """Return the first directives of `order` that fill a token exactly; an empty text if none do."""
    if not token.isdigit():
        return "b" if order.startswith("b") else ""
    if len(token) == 1:  # a day or an hour without a leading zero
        return order[:1] if order[:1] in ("m", "d", "H", "M", "S") else ""
    width = 0
    for count, directive in enumerate(order, start=1):
        if directive == "b":
            return ""
        width += WIDTHS[directive]
        if width >= len(token):
            return order[:count] if width == len(token) else ""
    return ""


def _expression(taken: str, token: str) -> str:
    if taken == "b":
        return "[A-Za-z]{3}"
    return r"\d{1,2}" if len(token) == 1 else rf"\d{{{len(token)}}}"


def _placed(
    text: str, tokens: Sequence[_Token], first: int, tier: int, pattern: str, time_format: str
) -> _Candidate:
    """Return a candidate whose pattern finds its own place, and not an earlier one that looks like it."""
    match = re.search(pattern, text)
    if match is not None and match.start(1) != tokens[first].start:
        digits = sum(token.text.isdigit() for token in tokens[:first])
        pattern = rf"^(?:\D*\d+){{{digits}}}\D*?{pattern}"
    return _Candidate(tier, pattern, time_format)


def _fitting(names: Sequence[str], candidates: Iterable[_Candidate], latest: int) -> list[Reading]:
    """Return the readings that fit most names, at least nearly all, and give possible times."""
    readings = []
    few = _spread(names, TRIED_NAMES)
    for candidate in candidates:
        names_format = NameFormat(candidate.pattern, candidate.time_format)
        if len(few) < len(names) and not _fits(_times(few, names_format, latest)):
            continue
        times = _times(names, names_format, latest)
        if _fits(times):
            readings.append(Reading(names_format, times))
    most = max((len(reading.read) for reading in readings), default=0)
    return [reading for reading in readings if len(reading.read) == most]


def _fits(times: Sequence[int | None]) -> bool:
    return times.count(None) <= MISREAD * len(times)


def _times(names: Sequence[str], names_format: NameFormat, latest: int) -> tuple[int | None, ...]:
    read = names_format.reader()
    times: list[int | None] = []
    for name in names:
        try:
            time = read(name if names_format.of_path else name.rsplit("/", 1)[-1])
        except ValueError:
            times.append(None)
        else:
            times.append(time if OLDEST <= time <= latest else None)
    return tuple(times)


def _different(readings: Sequence[Reading]) -> list[Reading]:
    """Keep one of the readings that give equal times, or times within a minute: the one with most directives."""
    kept: list[Reading] = []
    for reading in sorted(readings, key=_preference):
        if not any(_within_a_minute(reading, other) for other in kept):
            kept.append(reading)
    return kept


def _preference(reading: Reading) -> tuple[bool, int, int, str]:
    names = reading.names
    return names.of_path, -names.time_format.count("%"), len(names.pattern), names.pattern


def _within_a_minute(first: Reading, second: Reading) -> bool:
    return all(
        (one is None) == (other is None) and (one is None or other is None or abs(one - other) < 60)
        for one, other in zip(first.times, second.times, strict=True)
    )


def _contiguous(readings: list[Reading]) -> list[Reading]:
    """Leave out readings with gaps of weeks where another reading has none longer than two days."""
    if len(readings) < 2:
        return readings
    gaps = [_longest_gap(reading.read) for reading in readings]
    if min(gaps) == 0 or min(gaps) > CLOSE:
        return readings
    return [reading for reading, gap in zip(readings, gaps, strict=True) if gap < FAR]


def _longest_gap(times: Iterable[int]) -> int:
    return max((after - before for before, after in pairwise(sorted(times))), default=0)


def _with_zone(reading: Reading, names: Sequence[str], latest: int) -> Reading:
    """Return the reading with the time zone that follows the time in every name, if there is one.

    A difference from UTC (+0200) becomes part of the format; letters (Z, CET) are only noted.
    """
    search = re.compile(reading.names.pattern).search
    rests = []
    for name, time in zip(names, reading.times, strict=True):
        text = name if reading.names.of_path else name.rsplit("/", 1)[-1]
        match = search(text)
        if time is not None and match is not None:
            rests.append(text[match.end(1) :])
    letters = {match[1] if (match := ZONE_LETTERS.match(rest)) else "" for rest in rests}
    offsets = {match[0] if (match := ZONE_OFFSET.match(rest)) else "" for rest in rests}
    if "" not in letters and len(letters) == 1:
        return replace(reading, zone=letters.pop())
    if "" in offsets or len(offsets) > 2 or not reading.names.pattern.endswith(END):
        return reading
    pattern = f"{reading.names.pattern.removesuffix(END)}{ZONE_OFFSET.pattern.removesuffix(AFTER)}{END}"
    zoned = NameFormat(pattern, f"{reading.names.time_format}%z")
    return Reading(zoned, _times(names, zoned, latest))


def _simplest(reading: Reading, names: Sequence[str]) -> Reading:
    """Return the reading with the default pattern of the config, if that reads the same times."""
    default = FileNames()
    if reading.names.time_format != default.time_format:
        return reading
    plain = NameFormat(default.pattern, default.time_format)
    return replace(reading, names=plain) if _times(names, plain, 2**40) == reading.times else reading


@dataclass(frozen=True)
class Cadence:
    """The commonest time between two frames, the share of the pairs that have it, and the way to the slots.

    `off_slot_minutes` is the largest distance of a frame from its slot, a multiple of the cadence. It is 0 if the
    frames are evenly spaced, on slots or beside them.
    """

    minutes: int | float
    share: float
    off_slot_minutes: float


def find_cadence(series: Iterable[Sequence[int]]) -> Cadence | None:
    """Return the cadence of the times of each radar, in seconds; None if no radar has two times."""
    differences: Counter[int] = Counter()
    times: list[int] = []
    for one in series:
        distinct = sorted(set(one))
        times += distinct
        differences.update(after - before for before, after in pairwise(distinct))
    if not differences:
        return None
    total = sum(differences.values())
    rounded: Counter[int] = Counter()
    for seconds, count in differences.items():
        rounded[round(seconds / 60)] += count
    minutes, count = min(rounded.items(), key=lambda item: (-item[1], item[0]))
    if minutes == 0:
        seconds, count = min(differences.items(), key=lambda item: (-item[1], item[0]))
        return Cadence(seconds / 60, count / total, 0)
    return Cadence(minutes, count / total, _off_slot(times, 60 * minutes))


def _off_slot(times: Sequence[int], step: int) -> float:
    """Return the largest distance in minutes of a time from a multiple of the step; 0 if all are equally far."""
    rest = np.asarray(times) % step
    return 0.0 if (rest == rest[0]).all() else float(np.minimum(rest, step - rest).max() / 60)
