"""Progress of a training: a bar on a terminal, a few lines per epoch in a log file."""

from __future__ import annotations

import logging
import math
import resource
import sys
import time
from collections import deque
from types import TracebackType
from typing import NamedTuple, Never, Self, TextIO

import torch
from tqdm import tqdm

logger = logging.getLogger(__name__)

_LINES_AN_EPOCH = 3
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_WINDOW = 20  # steps over which speeds are averaged
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of getrusage's ru_maxrss


class _Step(NamedTuple):
    seconds: float
    waited: float
    samples: int


class Progress:
    """Shows the steps of a training; `enabled` on the first process only.

    A terminal gets a bar. If `stream` is not a terminal, the logger gets lines instead.
    """

    def __init__(
        self, steps_an_epoch: int, epochs: int, enabled: bool = True, stream: TextIO | None = None
    ) -> None:
        stream = sys.stderr if stream is None else stream
        self._steps, self._epochs, self._stream = steps_an_epoch, epochs, stream
        self._lines = enabled and not stream.isatty()
        self._bars = enabled and stream.isatty()
        self._bar: tqdm[Never] | None = None
        self._window: deque[_Step] = deque(maxlen=_WINDOW)
        self._epoch = -1
        self._clock = 0.0

    def start_epoch(self, epoch: int, step: int = 0) -> None:
        """Begin the steps of an epoch, both counted from 0; the time since the last step is not counted."""
        self.close()
        self._epoch = epoch
        if self._bars:
            self._bar = tqdm(
                total=self._steps,
                initial=step,
                desc=f"epoch {epoch + 1}/{self._epochs}",
                file=self._stream,
                dynamic_ncols=True,
                bar_format=_BAR,
            )
        self._clock = time.perf_counter()

    def step(
        self, epoch: int, step: int, loss: float, rate: float, samples: int, waited_s: float
    ) -> dict[str, float]:
        """Record a finished step, and return its speed and memory; step and epoch are counted from 0.

        `samples` are those of all processes, `waited_s` the seconds in which the step had no data.
        samples_per_s and wait_share are averages over the last steps (NaN before the first one).
        memory_mb is the peak memory of this process, on its GPU where it uses one.
        """
        now = time.perf_counter()
        if epoch == self._epoch:
            self._window.append(_Step(now - self._clock, waited_s, samples))
            self._clock = now
        else:  # the start of the epoch was not recorded
            self.start_epoch(epoch, step)
        measured = self._measure()
        if self._bar is not None:
            self._bar.set_postfix_str(_describe(loss, rate, measured), refresh=False)
            self._bar.update()
        elif self._lines and (
            (step + 1) % math.ceil(self._steps / _LINES_AN_EPOCH) == 0 or step + 1 == self._steps
        ):
            text = _describe(loss, rate, measured)
            logger.info("epoch %d step %d/%d: %s", epoch + 1, step + 1, self._steps, text)
        if step + 1 == self._steps:
            self.close()
        return measured

    def close(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _measure(self) -> dict[str, float]:
        seconds = sum(step.seconds for step in self._window)
        return {
            "samples_per_s": sum(step.samples for step in self._window) / seconds if seconds else math.nan,
            "wait_share": sum(step.waited for step in self._window) / seconds if seconds else math.nan,
            "memory_mb": peak_memory() / 1e6,
        }


def peak_memory() -> int:
    """Return the peak memory of this process in bytes: on its GPU where it uses one, else in RAM."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES


def _describe(loss: float, rate: float, measured: dict[str, float]) -> str:
    return (
        f"loss {loss:.4f}, rate {rate:.2e}, {measured['samples_per_s']:.1f} samples/s, "
        f"waits {100 * measured['wait_share']:.0f} %, {measured['memory_mb']:.0f} MB"
    )
