"""Ranges of hue, from weak to strong echo, joined to one range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

Range = Sequence[float]
T = TypeVar("T", bound=Sequence[Range])

ROUNDING = 1e-9  # the ends are decimal fractions


@dataclass(frozen=True)
class HueSpan:
    """One range of hue on the circle 0..1: where it begins (weak), its length, and whether hue rises along it."""

    start: float
    length: float
    rises: bool


def join_hues(ranges: Sequence[Range]) -> HueSpan:
    """Join ranges `[low, high]` in their order, weak to strong. A range with low above high goes through hue 0.

    Raises ValueError for a range that is empty, if two neighbours do not meet, or if the ranges cover more than
    the circle.
    """
    for one in ranges:
        if _width(one) < ROUNDING:
            raise ValueError(f"{list(one)} is empty; write two different numbers, [low, high]")
    falls = all(_same(after[1], before[0]) for before, after in pairwise(ranges))
    rises = all(_same(after[0], before[1]) for before, after in pairwise(ranges))
    if not (falls or rises):
        before, after = next(pair for pair in pairwise(ranges) if not _same(pair[1][1], pair[0][0]))
        raise ValueError(
            f"{list(after)} does not begin where {list(before)} ends; write the ranges from weak to strong,"
            " without gaps"
        )
    length = sum(map(_width, ranges))
    if length > 1 + ROUNDING:
        raise ValueError(f"the ranges cover {length:g} of the circle of hues; write at most 1 together")
    low, high = ranges[0]
    return HueSpan(high, length, False) if falls else HueSpan(low, length, True)


def check_hues(ranges: T) -> T:
    """Return the ranges if they join or if there are none. Raises ValueError."""
    if ranges:
        join_hues(ranges)
    return ranges


def _width(one: Range) -> float:
    low, high = one
    return high - low if high >= low else high - low + 1


def _same(first: float, second: float) -> bool:
    """Return whether two hues are one; 0 and 1 are one."""
    difference = abs(first - second) % 1
    return min(difference, 1 - difference) < ROUNDING
