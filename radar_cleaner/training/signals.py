"""A training that is asked to stop: SIGTERM, SIGUSR1 (from Slurm before a time limit) and Ctrl-C.

torchrun turns every exit code into 1; a file named `again` beside the checkpoint tells that the training
stopped because it was asked to, and goes on when it is called again.
"""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from radar_cleaner.errors import Interrupted
from radar_cleaner.storage.atomic import write_text

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interruption:
    """Within its block these signals are taken: at once, as Interrupted, or noted in `asked` once `patient`.

    A second Ctrl-C ends the process at once.
    """

    def __init__(self) -> None:
        self.asked = ""
        self.patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():  # only it may set handlers
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
            raise Interrupted(f"stopped by {self.asked} before the first step; call it again to begin")


def marker(checkpoint: Path) -> Path:
    """The file that says 'again', beside a checkpoint."""
    return checkpoint.with_name("again")


def mark_again(checkpoint: Path, reason: str) -> None:
    """Tell that the training is to be called again, if the disk has room for the word."""
    try:
        write_text(marker(checkpoint), f"again: {reason}\n")
    except OSError as error:
        logger.warning("%s cannot be written: %s", marker(checkpoint), error)


def clear_mark(checkpoint: Path) -> None:
    """A training that begins or is finished need not be called again."""
    marker(checkpoint).unlink(missing_ok=True)
