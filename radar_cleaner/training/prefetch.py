"""Batches cut while the one before is worked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from radar_cleaner.datasets.crops import RawBatch


class CutAhead:
    """Cuts items of an epoch, (items, epoch), in a thread of its own: the next batch where it is told of it."""

    def __init__(self, cut: Callable[[Sequence[int], int], RawBatch]) -> None:
        self._cut = cut
        self._thread = ThreadPoolExecutor(1, "cut")
        self._next: tuple[tuple[tuple[int, ...], int], Future[RawBatch]] | None = None

    def begin(self, items: Sequence[int], epoch: int) -> None:
        """Begin with a batch that will be taken next."""
        self._next = (tuple(items), epoch), self._thread.submit(self._cut, items, epoch)

    def take(self, items: Sequence[int], epoch: int) -> RawBatch:
        """A batch: the one begun with, or, where another one is wanted, that."""
        begun, self._next = self._next, None
        if begun is not None and begun[0] == (tuple(items), epoch):
            return begun[1].result()
        return self._cut(items, epoch)
