"""Choose the frames that the report shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from radar_cleaner.report.page import count_of

T = TypeVar("T")

APART_SECONDS = 3600  # frames nearer in time look much the same


@dataclass(frozen=True)
class FrameCount:
    """The numbers of kept and removed echo pixels of a radar's frame."""

    radar: str
    time: int  # seconds since 1970
    kept: int
    removed: int


@dataclass(frozen=True)
class Choice:
    """A frame to show, and why."""

    frame: FrameCount
    reason: str


def choose_frames(counts: Iterable[FrameCount], max_frames: int) -> list[Choice]:
    """Choose the frames with most removed echo, and last the one with most rain; at most `max_frames`.

    The radars alternate. Frames of one radar are an hour apart as long as there are others. Equal counts give an
    equal choice.
    """
    left = sorted(counts, key=lambda count: (count.time, count.radar))
    if not left or max_frames < 1:
        return []
    rainy = max(left, key=lambda count: count.kept)
    # A single picture shows what was removed, if anything was.
    shows_rain = max_frames > 1 or not any(count.removed for count in left)
    chosen: list[FrameCount] = [rainy] if shows_rain else []
    left = [count for count in left if count.removed and count not in chosen]
    removed: list[FrameCount] = []
    while left and len(chosen) < max_frames:

        def rank(count: FrameCount) -> tuple[bool, int, int]:
            near = any(
                count.radar == other.radar and abs(count.time - other.time) < APART_SECONDS for other in chosen
            )
            of_radar = sum(count.radar == other.radar for other in removed)
            return near, of_radar, -count.removed

        best = min(left, key=rank)
        left.remove(best)
        chosen.append(best)
        removed.append(best)
    choices = [Choice(count, f"{count_of(count.removed, 'pixel')} of echo removed") for count in removed]
    if shows_rain:
        choices.append(Choice(rainy, f"most rain: {count_of(rainy.kept, 'pixel')} of echo kept"))
    return choices


def sample_evenly(items: Sequence[T], count: int) -> list[T]:
    """Take at most `count` items, evenly over all of them, with the first and the last."""
    if len(items) <= count:
        return list(items)
    if count < 2:
        return list(items[:count])
    return [items[round(index * (len(items) - 1) / (count - 1))] for index in range(count)]
