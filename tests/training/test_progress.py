"""A bar where someone watches, few lines where nobody does, and speeds that are true."""

import contextlib
import io
import logging
import math
import os
import pty
import re
import struct
import time
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest
import torch

from radar_cleaner.training.progress import Progress, peak_memory


@pytest.fixture
def terminal():
    """(stream, read): a pseudo-terminal of 120 columns, and what it has shown."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    stream = os.fdopen(theirs, "w")

    def read():
        stream.close()
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                shown += part
        return shown.decode()

    yield stream, read
    os.close(ours)


def go(progress, epochs=1, steps=12, pause=0.0):
    for epoch in range(epochs):
        for step in range(steps):
            time.sleep(pause)
            yield progress.step(epoch, step, 0.5 / (step + 1), 0.006, samples=8, waited_s=pause / 4)


def test_a_terminal_gets_a_bar_with_all_figures(terminal, caplog):
    caplog.set_level(logging.INFO)
    stream, read = terminal
    list(go(Progress(12, 2, stream=stream), epochs=2, pause=0.02))
    bars = [bar for bar in re.split(r"[\r\n]+", read()) if bar.strip()]
    assert any(re.search(r"epoch 1/2: +\d+%\|.*\| \d+/12 \[", bar) for bar in bars)
    last = bars[-1]
    assert re.search(
        r"epoch 2/2: 100%\|.+\| 12/12 \[.*loss 0\.0417, rate 6\.00e-03, [\d.]+ samples/s, waits \d+ %, \d+ MB\]",
        last,
    )
    assert all(len(bar) <= 120 for bar in bars)
    assert not caplog.records


def test_a_file_gets_three_lines_an_epoch_and_no_bar(caplog):
    caplog.set_level(logging.INFO)
    stream = io.StringIO()
    list(go(Progress(12, 2, stream=stream), epochs=2))
    assert stream.getvalue() == ""
    starts = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert starts == [f"epoch {epoch} step {step}/12" for epoch in (1, 2) for step in (4, 8, 12)]
    assert re.fullmatch(
        r"epoch 1 step 8/12: loss 0\.0625, rate 6\.00e-03, [\d.]+ samples/s, waits \d+ %, \d+ MB",
        caplog.records[1].getMessage(),
    )


@pytest.mark.parametrize(("steps", "lines"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (100, 3)])
def test_an_epoch_of_any_length_has_at_most_three_lines_the_last_at_its_end(caplog, steps, lines):
    caplog.set_level(logging.INFO)
    list(go(Progress(steps, 1, stream=io.StringIO()), steps=steps))
    assert len(caplog.records) == lines
    assert f"step {steps}/{steps}" in caplog.records[-1].getMessage()


def test_the_other_processes_are_silent_but_measure(terminal, caplog):
    caplog.set_level(logging.INFO)
    stream, read = terminal
    measured = list(go(Progress(12, 1, enabled=False, stream=stream)))
    assert read() == "" and not caplog.records
    assert measured[-1]["samples_per_s"] > 0


def test_speed_and_waiting_are_those_of_the_steps_not_of_the_time_between_epochs(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("radar_cleaner.training.progress.time.perf_counter", lambda: now[0])

    def epoch_of(epoch, seconds):
        for step in range(30):
            now[0] += seconds
            measured = progress.step(epoch, step, 1.0, 0.1, samples=8, waited_s=seconds / 4)
        return measured

    progress = Progress(30, 3, stream=io.StringIO())
    assert math.isnan(progress.step(0, 0, 1.0, 0.1, 8, 0.0)["samples_per_s"])  # nothing is timed yet
    progress.start_epoch(0)
    first = epoch_of(0, 0.5)
    assert (first["samples_per_s"], first["wait_share"]) == pytest.approx((16, 0.25))
    assert first["memory_mb"] == pytest.approx(peak_memory() / 1e6, rel=0.01)
    now[0] += 1000  # a validation
    progress.start_epoch(1)
    assert epoch_of(1, 0.25)["samples_per_s"] == pytest.approx(32)  # the last steps alone
    now[0] += 1000
    assert epoch_of(2, 0.125)["samples_per_s"] == pytest.approx(64)  # also without a call at the begin


def test_a_run_resumed_within_an_epoch_starts_its_bar_there(terminal):
    stream, read = terminal
    with Progress(12, 1, stream=stream) as progress:
        progress.step(0, 7, 1.0, 0.1, 8, 0.0)
        progress.start_epoch(0, 8)
    shown = read()
    assert "7/12" in shown and "8/12" in shown and "0/12 " not in shown


def test_memory_is_the_most_that_was_ever_held():
    before = peak_memory()
    block = torch.ones(50_000_000, dtype=torch.uint8)
    held = peak_memory()
    del block
    assert 10**7 < before <= held <= peak_memory()
    assert held < 10**12
