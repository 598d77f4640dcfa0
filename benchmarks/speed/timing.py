"""Time things in turns: machines are noisy, and a ratio of two things of one round tells more than seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timings:
    """Seconds that each thing took, a value a round: of CPU (all threads), and by the clock."""

    cpu: dict[str, list[float]]
    clock: dict[str, list[float]]

    def ratio(self, name: str, to: str) -> float:
        """CPU time to that of another thing: the median of the rounds' ratios."""
        return _ratio(self.cpu[name], self.cpu[to])

    def clock_ratio(self, name: str, to: str) -> float:
        """Time by the clock to that of another thing: the median of the rounds' ratios."""
        return _ratio(self.clock[name], self.clock[to])


def _ratio(times: Sequence[float], others: Sequence[float]) -> float:
    return median(one / other for one, other in zip(times, others, strict=True))


def in_turns(things: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Run all things once to warm up, then so many rounds of all of them, each timed."""
    for thing in things.values():
        thing()
    timings = Timings({name: [] for name in things}, {name: [] for name in things})
    for _ in range(rounds):
        for name, thing in things.items():
            started, used = time.perf_counter(), time.process_time()
            thing()
            timings.cpu[name].append(time.process_time() - used)
            timings.clock[name].append(time.perf_counter() - started)
    return timings
