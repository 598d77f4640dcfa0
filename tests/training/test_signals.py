"""Signals that ask a training to stop."""

import signal

import pytest

from radar_cleaner.errors import Interrupted
from radar_cleaner.training.signals import SIGNALS, Interruption, clear_mark, mark_again, marker


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_by_a_patient_training_and_ends_another(number):
    before = signal.getsignal(number)
    with Interruption() as interruption:
        interruption.patient = True
        assert not interruption.asked
        signal.raise_signal(number)
        assert interruption.asked == signal.Signals(number).name
    with pytest.raises(Interrupted, match=f"stopped by {signal.Signals(number).name}"), Interruption():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_it_at_once():
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        interruption.patient = True
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_a_second_sigterm_changes_nothing():
    with Interruption() as interruption:
        interruption.patient = True
        signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGTERM)
    assert interruption.asked == "SIGTERM"


def test_the_mark_asks_for_a_retry_until_it_is_cleared(tmp_path):
    checkpoint = tmp_path / "checkpoints/current.pt"
    mark_again(checkpoint, "stopped by SIGUSR1")
    assert marker(checkpoint).read_text() == "again: stopped by SIGUSR1\n"
    clear_mark(checkpoint)
    clear_mark(checkpoint)
    assert not marker(checkpoint).exists()
