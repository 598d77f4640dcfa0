"""How many steps of time each picture of an animation lasts.

An encoder joins equal pictures into one that lasts longer. Without its duration all pictures before it would get
wrong times. The durations are read from the file without decoding it: Pillow gives them one decoded picture at a
time.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

# A duration is a multiple of the usual one within this share of it, up to this many times.
SAME, MOST = 0.05, 100


def count_steps(data: bytes, pictures: int) -> list[int]:
    """Return for each picture of an animation how many steps it lasts, at least 1 each.

    The first and the last picture last 1 step, because animations pause on them. If two neighbours last equally
    long, longer than the usual step, the animation changes its speed, and every picture lasts 1 step.
    """
    single = [1] * pictures
    try:
        durations = list(_durations(data))
    except (IndexError, struct.error):
        return single
    if len(durations) != pictures or pictures < 4:
        return single
    counts = Counter(durations[:-1])
    usual = min(counts, key=lambda duration: (-counts[duration], duration))
    if usual <= 0:
        return single
    steps = [1, *(_multiple(duration / usual) for duration in durations[1:-1]), 1]
    if any(one == other > 1 for one, other in pairwise(steps)):
        return single
    return steps


def _multiple(ratio: float) -> int:
    whole = round(ratio)
    return whole if 1 <= whole <= MOST and abs(ratio - whole) <= SAME * whole else 1


def _durations(data: bytes) -> Sequence[float] | Iterator[float]:
    """Return the durations of the pictures in a GIF, PNG or WebP, in any unit; nothing for other files."""
    if data[:4] == b"GIF8":
        return _of_gif(data)
    if data[:4] == b"\x89PNG":
        return _of_png(data)
    return _of_webp(data) if data[:4] == b"RIFF" else ()


def _of_gif(data: bytes) -> Iterator[float]:
    at, delay = 13 + _colours(data[10]), 0
    while data[at] != 0x3B:
        if data[at] == 0x21:
            if data[at + 1] == 0xF9:
                (delay,) = struct.unpack_from("<H", data, at + 4)
            at += 2
        else:
            yield float(delay)
            at += 10 + _colours(data[at + 9]) + 1
        while data[at]:
            at += 1 + data[at]
        at += 1


def _colours(flags: int) -> int:
    """Return the bytes of the colour table that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _of_png(data: bytes) -> Iterator[float]:
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"fcTL":
            delay, parts = struct.unpack_from(">HH", data, at + 28)
            yield delay / (parts or 100)
        at += 12 + length


def _of_webp(data: bytes) -> Iterator[float]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"ANMF":
            yield float(int.from_bytes(data[at + 20 : at + 23], "little"))
        at += 8 + length + length % 2
