"""The summary of a network equals what a pencil finds."""

import copy

import pytest
import torch
from learning_cases import config
from torch import nn

from radar_cleaner.models.registry import build_model
from radar_cleaner.models.summary import summarize_model


def small_network():
    """3 channels -> 8 at full size -> 4 at half of it."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 2, stride=2, bias=False)
    )


def test_counts_and_operations_equal_a_computation_by_hand():
    model = small_network()
    model[0].requires_grad_(False)
    found = summarize_model(model, channels=3, crop=10)
    first, norm, second = 8 * 3 * 3 * 3 + 8, 8 + 8, 4 * 8 * 2 * 2
    assert found.parameters == first + norm + second
    assert found.trainable == norm + second
    # float32, and the norm's buffers: two times 8 float32, one int64.
    assert found.megabytes == pytest.approx((4 * (first + norm + second + 16) + 8) / 1e6)
    # Multiplications and additions of both convolutions, at each pixel that they make.
    operations = 2 * (8 * 10 * 10) * (3 * 3 * 3) + 2 * (4 * 5 * 5) * (8 * 2 * 2)
    assert found.gflop_per_sample == pytest.approx(operations / 1e9)


def test_operations_grow_with_the_area_and_weights_do_not():
    one, four = (summarize_model(build_model(config(base_width=8, depth=2)), 15, crop) for crop in (32, 64))
    assert four.gflop_per_sample == pytest.approx(4 * one.gflop_per_sample)
    assert four.parameters == one.parameters


def test_a_crop_that_the_network_cannot_halve_counts_as_the_next_larger():
    model = build_model(config(base_width=8, depth=2))
    assert summarize_model(model, 15, 61) == summarize_model(model, 15, 64)


def test_the_network_is_left_as_it_was_and_nothing_is_drawn():
    model = small_network().append(nn.Dropout(0.5)).train()
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    summarize_model(model, 3, 10)
    assert model.training and next(model.parameters()).device.type == "cpu"
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(drawn, torch.get_rng_state())


def test_the_largest_network_is_summarized_without_computing_it():
    found = summarize_model(
        build_model(config(base_width=64, depth=4)), 15, 8192
    )  # its first level alone would take 17 GB
    assert found.gflop_per_sample > 10_000


class Looking(nn.Module):
    """Its computation depends on the data, which an empty picture does not have."""

    multiple = 2

    def __init__(self, ask):
        super().__init__()
        self.ask, self.convolution = ask, nn.Conv2d(3, 4, 1, bias=False)

    def forward(self, x):
        return self.convolution(x) if self.ask(x) else x


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x.max().item() <= 0,
        lambda x: not x.any(),
        lambda x: x.numpy().max() <= 0,
        lambda x: not x.tolist()[0][0][0][0],
    ],
)
def test_a_network_that_depends_on_its_values_is_summarized_with_a_crop_of_zeros(ask):
    found = summarize_model(Looking(ask), channels=3, crop=9)
    assert found.parameters == 12
    assert found.gflop_per_sample == pytest.approx(2 * 10 * 10 * 3 * 4 / 1e9)


def test_an_error_in_a_network_is_raised_as_it_is():
    with pytest.raises(RuntimeError, match=r"expected .*3 channels"):
        summarize_model(Looking(lambda x: True), channels=5, crop=9)


def test_it_can_be_read():
    text = str(summarize_model(small_network(), 3, 10))
    assert text == "368 weights (368 trainable), 0.00 MB, 4.96e-05 GFLOP a crop"
