"""Add tallies up over frames, blocks of time and radars.

A tally is a frozen dataclass of sums and counts. `add` sums two of them field by field, so a tally needs no
arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import reduce
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

BLOCK_SECONDS = 3600  # Frames of one hour show the same weather, so one hour is one draw of the bootstrap.
ALL_RADARS = "all radars"

T = TypeVar("T")


class Summable(Protocol):
    """Scores of one radar that add up to the scores of several."""

    def __add__(self, other: Self) -> Self: ...


S = TypeVar("S", bound=Summable)


def add(first: Any, second: Any) -> Any:
    """Sum two tallies of one type: dataclasses and mappings part by part, None to None, all else by `+`."""
    if first is None:
        return None
    if is_dataclass(first):
        names = [field.name for field in fields(first)]
        parts = {name: add(getattr(first, name), getattr(second, name)) for name in names}
        return replace(first, **parts)  # type: ignore[type-var]
    if isinstance(first, Mapping):
        return {key: add(value, second[key]) for key, value in first.items()}
    return first + second


class Blocks(Generic[T]):
    """The tallies of one radar by block of time; `empty` is the tally of no frame."""

    def __init__(self, empty: T) -> None:
        self._empty = empty
        self._tallies: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._tallies)

    def add(self, time: int, tally: T) -> None:
        """Count a frame of this time (seconds since 1970)."""
        block = time // BLOCK_SECONDS
        self._tallies[block] = add(self._tallies.get(block, self._empty), tally)

    def total(self) -> T:
        """Sum the tallies of all blocks."""
        tally: T = reduce(add, self._tallies.values(), self._empty)
        return tally

    def stack(self, pick: Callable[[T], NDArray[np.number]]) -> NDArray[np.number]:
        """Return (block, ...) what `pick` takes from each tally, by time; one block at least."""
        return np.stack([pick(tally) for _, tally in sorted(self._tallies.items())] or [pick(self._empty)])

    def __add__(self, other: Blocks[T]) -> Blocks[T]:
        both = Blocks(self._empty)
        for blocks in (self, other):
            for block, tally in blocks._tallies.items():
                both._tallies[block] = add(both._tallies.get(block, self._empty), tally)
        return both


def with_all_radars(scores: Mapping[str, S]) -> dict[str, S]:
    """Return the scores by radar, and over all radars if there are several."""
    if len(scores) < 2:
        return dict(scores)
    first, *rest = scores.values()
    total = first
    for one in rest:
        total = total + one
    return {**scores, ALL_RADARS: total}
