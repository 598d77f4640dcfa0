"""Batches that are made in another thread while the device works on the batch before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

R = TypeVar("R")


class BatchPrefetcher(Generic[R]):
    """Computes batches of (items, epoch); the next batch in another thread, where the caller announces it."""

    def __init__(self, compute: Callable[[Sequence[int], int], R]) -> None:
        self._compute = compute
        self._thread = ThreadPoolExecutor(1, "batches")
        self._next: tuple[tuple[tuple[int, ...], int], Future[R]] | None = None

    def begin(self, items: Sequence[int], epoch: int) -> None:
        """Begin the batch that will be taken next."""
        self._next = (tuple(items), epoch), self._thread.submit(self._compute, items, epoch)

    def take(self, items: Sequence[int], epoch: int) -> R:
        """Return the batch of these items; compute it now unless it was begun."""
        begun, self._next = self._next, None
        if begun is not None and begun[0] == (tuple(items), epoch):
            return begun[1].result()
        return self._compute(items, epoch)
