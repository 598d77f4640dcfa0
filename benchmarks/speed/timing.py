"""Time things in turns: machines are noisy, and a ratio of two things of one round tells more than seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Timings:
    """Seconds of CPU (all threads) that each thing took, a value a round."""

    cpu: dict[str, list[float]]

    def ratio(self, name: str, to: str) -> float:
        """CPU time to that of another thing: the median of the rounds' ratios."""
        return median(one / other for one, other in zip(self.cpu[name], self.cpu[to], strict=True))


def in_turns(things: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Run all things once to warm up, then so many rounds of all of them, each timed."""
    for thing in things.values():
        thing()
    cpu: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, thing in things.items():
            used = time.process_time()
            thing()
            cpu[name].append(time.process_time() - used)
    return Timings(cpu)
