"""Time functions in turns. Machines are noisy: a ratio of two times of one round is more exact than seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timings:
    """Seconds of each function in each round: CPU time of all threads, and clock time."""

    cpu: dict[str, list[float]]
    clock: dict[str, list[float]]

    def ratio(self, name: str, to: str) -> float:
        """Return the CPU time relative to that of another function: the median of the rounds' ratios."""
        return _ratio(self.cpu[name], self.cpu[to])

    def clock_ratio(self, name: str, to: str) -> float:
        """Return the clock time relative to that of another function: the median of the rounds' ratios."""
        return _ratio(self.clock[name], self.clock[to])


def _ratio(times: Sequence[float], references: Sequence[float]) -> float:
    return median(time / reference for time, reference in zip(times, references, strict=True))


def in_turns(functions: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Run all functions once to warm up, then time each of them in each round."""
    for function in functions.values():
        function()
    timings = Timings({name: [] for name in functions}, {name: [] for name in functions})
    for _ in range(rounds):
        for name, function in functions.items():
            started, used = time.perf_counter(), time.process_time()
            function()
            timings.cpu[name].append(time.process_time() - used)
            timings.clock[name].append(time.perf_counter() - started)
    return timings
