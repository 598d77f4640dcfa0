"""Time things in turns: machines are noisy, and a ratio of two things of one round tells more than seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timings:
    """Seconds of CPU (all threads) and of the clock that each thing took, a value a round."""

    cpu: dict[str, list[float]]
    clock: dict[str, list[float]]

    def least(self, name: str) -> float:
        """Seconds of CPU in the round that was disturbed least."""
        return min(self.cpu[name])

    def ratio(self, name: str, to: str) -> float:
        """CPU time to that of another thing: the median of the rounds' ratios."""
        return median(one / other for one, other in zip(self.cpu[name], self.cpu[to], strict=True))

    def speedup(self, name: str, to: str) -> float:
        """How many times as quick by the clock as another thing: the median of the rounds' ratios."""
        return median(other / one for one, other in zip(self.clock[name], self.clock[to], strict=True))


def in_turns(things: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Run all things once to warm up, then so many rounds of all of them, each timed."""
    for thing in things.values():
        thing()
    cpu: dict[str, list[float]] = {name: [] for name in things}
    clock: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, thing in things.items():
            began, used = time.perf_counter(), time.process_time()
            thing()
            cpu[name].append(time.process_time() - used)
            clock[name].append(time.perf_counter() - began)
    return Timings(cpu, clock)
