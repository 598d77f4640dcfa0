"""Interruptions of a training: SIGTERM, SIGUSR1 (from Slurm before a time limit) and Ctrl-C.

torchrun turns every exit code into 1. A file named `again` beside the checkpoint therefore marks a training that
was stopped on request and resumes when it is started again.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from radar_cleaner.errors import Interrupted, RadarCleanerError
from radar_cleaner.storage.atomic import write_text

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interruption:
    """Handles the signals within its block: raises Interrupted, or, once `patient`, notes the signal in `asked`.

    A second Ctrl-C ends the process at once.
    """

    def __init__(self) -> None:
        self.asked = ""
        self.patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # only the main thread may set handlers
            self._before = {number: signal.signal(number, self._take) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = signal.Signals(number).name
        if not self.patient:
            raise Interrupted(f"stopped by {self.asked} before the first step; start the training again")


@contextmanager
def interruptible(checkpoint: Path) -> Iterator[Interruption]:
    """Handle the signals; leave the file `again` beside the checkpoint after a requested stop only."""
    first = os.environ.get("RANK", "0") == "0"
    with Interruption() as interruption:
        if first:
            clear_mark(checkpoint)
        try:
            yield interruption
        except RadarCleanerError as error:
            # The error here may be that another process, which was asked earlier, has ended.
            if first and (interruption.asked or isinstance(error, Interrupted)):
                mark_again(checkpoint, str(error))
            raise


def marker(checkpoint: Path) -> Path:
    """Return the path of the file `again` beside a checkpoint."""
    return checkpoint.with_name("again")


def mark_again(checkpoint: Path, reason: str) -> None:
    """Mark that the training is to be started again, unless the disk is full."""
    try:
        write_text(marker(checkpoint), f"again: {reason}\n")
    except OSError as error:
        logger.warning("%s cannot be written: %s", marker(checkpoint), error)


def clear_mark(checkpoint: Path) -> None:
    """Remove the mark."""
    marker(checkpoint).unlink(missing_ok=True)
