"""Averages of weights against their closed forms."""

import pytest
import torch

from radar_cleaner.config.training import Averaging
from radar_cleaner.training.weight_averaging import Averages, first_averaged_epoch


def options(**changes):
    return Averaging(**changes)


class Toy(torch.nn.Module):
    def __init__(self, value):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([value], dtype=torch.float64))


def walk(averages, values, ends=()):
    model = Toy(values[0])
    for step, value in enumerate(values):
        with torch.no_grad():
            model.weight.fill_(value)
        averages.after_step(model, step in ends)
    return {name: kept.weight.item() for name, kept in averages.candidates(model).items()}


def test_ema_is_the_exponentially_weighted_mean_of_all_steps():
    values, decay = [1.0, 4.0, -2.0, 3.0, 0.5], 0.7
    found = walk(Averages(Toy(9.0), options(ema=decay)), values)
    # The first step's weights represent all before it.
    count = len(values) - 1
    wanted = decay**count * values[0] + sum(
        (1 - decay) * decay ** (count - step) * values[step] for step in range(1, len(values))
    )
    assert found == {"raw": 0.5, "ema": pytest.approx(wanted, rel=1e-12)}


def test_swa_is_the_plain_mean_of_the_ends_of_its_epochs():
    values = [1.0, 4.0, -2.0, 3.0, 0.5, 7.0]
    found = walk(Averages(Toy(9.0), options(swa=0.5)), values, ends={1, 3, 5})
    assert found == {"raw": 7.0, "swa": pytest.approx((4 + 3 + 7) / 3, rel=1e-12)}


def test_an_average_that_has_not_begun_is_not_a_candidate():
    assert set(walk(Averages(Toy(0.0), options(swa=0.5, ema=0.9)), [1.0, 2.0])) == {"raw", "ema"}


def test_averages_go_on_where_they_were_left():
    how = options(ema=0.9, swa=0.5)
    values = [1.0, 4.0, -2.0, 3.0, 0.5, 7.0]
    whole = walk(Averages(Toy(0.0), how), values, ends={1, 3, 5})
    first = Averages(Toy(0.0), how)
    walk(first, values[:4], ends={1, 3})
    second = Averages(Toy(0.0), how)
    second.load_state_dict(first.state_dict())
    assert walk(second, values[4:], ends={1}) == whole


def test_what_is_off_keeps_no_weights():
    averages = Averages(Toy(0.0), options())
    assert walk(averages, [1.0, 2.0], ends={1}) == {"raw": 2.0} and averages.state_dict() == {}


@pytest.mark.parametrize(
    ("swa", "epochs", "first"),
    [(0, 12, None), (0.25, 12, 9), (0.01, 12, 11), (1, 12, 1), (0.5, 1, None), (0.07, 100, 93)],
)
def test_swa_takes_the_last_share_of_the_epochs(swa, epochs, first):
    assert first_averaged_epoch(options(swa=swa), epochs) == first
