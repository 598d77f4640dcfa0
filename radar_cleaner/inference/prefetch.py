"""Do work in another thread while the caller goes on, and return the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_in_thread(work: Callable[[T], R], items: Iterable[T], prefetch: int = 2) -> Iterator[R]:
    """Yield the result of `work` for each item, in order; the thread works at most `prefetch` items in advance.

    Items are taken in the caller's thread. An error of `work` is raised in place of its result.
    """
    with ThreadPoolExecutor(1) as thread:
        pending: deque[Future[R]] = deque()
        for item in items:
            pending.append(thread.submit(work, item))
            if len(pending) > prefetch:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
