"""Ranges of hue, from weak to strong echo, joined to one range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

ROUNDING = 1e-9  # the ends are decimal fractions


@dataclass(frozen=True)
class HueSpan:
    """One range of hue on the circle 0..1: where it begins (weak), its length, and whether hue rises along it."""

    start: float
    length: float
    rises: bool


def join_hues(ranges: Mapping[str, Sequence[float]]) -> HueSpan:
    """Join ranges `[low, high]` in their order, weak to strong. A range with low above high goes through hue 0.

    Raises ValueError for a range that is empty or beyond 0..1, if two neighbours do not meet, or if the ranges
    cover more than the circle.
    """
    if not ranges:
        raise ValueError("has no range; write, for example, {green: [0.18, 0.38], yellow: [0.10, 0.18]}")
    for name, ends in ranges.items():
        if len(ends) != 2 or not all(0 <= end <= 1 for end in ends) or _width(*ends) < ROUNDING:
            raise ValueError(
                f"{name} {list(ends)} is not a range of hue; write two numbers from 0 to 1, [low, high]"
            )
    names = list(ranges)
    falls = all(_same(ranges[after][1], ranges[before][0]) for before, after in pairwise(names))
    rises = all(_same(ranges[after][0], ranges[before][1]) for before, after in pairwise(names))
    if not (falls or rises):
        before, after = next(
            (before, after) for before, after in pairwise(names) if not _same(ranges[after][1], ranges[before][0])
        )
        raise ValueError(
            f"{after} {list(ranges[after])} does not begin where {before} {list(ranges[before])} ends; write the"
            " ranges from weak to strong, without gaps"
        )
    length = sum(_width(low, high) for low, high in ranges.values())
    if length > 1 + ROUNDING:
        raise ValueError(f"its ranges cover {length:g} of the circle of hues; write at most 1 together")
    low, high = ranges[names[0]]
    return HueSpan(high, length, False) if falls else HueSpan(low, length, True)


def check_hues(ranges: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """Return the ranges if they join. Raises ValueError."""
    join_hues(ranges)
    return ranges


def _width(low: float, high: float) -> float:
    return high - low if high >= low else high - low + 1


def _same(first: float, second: float) -> bool:
    """Return whether two hues are one; 0 and 1 are one."""
    difference = abs(first - second) % 1
    return min(difference, 1 - difference) < ROUNDING
