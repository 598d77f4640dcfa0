"""Work that goes on in another thread while the caller does its own, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_thread(work: Callable[[T], R], items: Iterable[T], ahead: int = 2) -> Iterator[R]:
    """The results of some work on each item, in their order; it is so many items ahead of who asks.

    The items themselves are asked for in the caller's thread. What the work raises is raised where its result
    would come.
    """
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(thread.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
