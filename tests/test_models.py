"""Networks and the padding around them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import config

from radar_cleaner.errors import ConfigError
from radar_cleaner.models import apply_padded, build_model, draw_weights, pad_to_multiple

MODES = ("reflect", "replicate", "constant")


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    multiple=st.sampled_from([1, 2, 4, 8, 16]),
    mode=st.sampled_from(MODES),
)
def test_padding_is_numpys_and_cuts_back(shape, multiple, mode):
    x = torch.from_numpy(np.random.default_rng(0).random((2, 3, *shape), dtype=np.float32))
    padded = pad_to_multiple(x, multiple, mode)
    more = [(0, -size % multiple) for size in shape]
    assert all(size % multiple == 0 for size in padded.shape[-2:])
    assert torch.equal(padded[..., : shape[0], : shape[1]], x)
    name = {"reflect": "reflect", "replicate": "edge", "constant": "constant"}[mode]
    assert np.array_equal(padded.numpy(), np.pad(x.numpy(), ((0, 0), (0, 0), *more), mode=name))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(33, 47), (5, 3), (1, 1), (32, 32)])
def test_heads_have_the_size_of_any_picture(shape, mode):
    made = config(depth=3)
    model = made.build()
    heads = apply_padded(model, torch.rand(2, made.channels, *shape), mode)
    assert [tuple(head.shape) for head in heads] == [(2, *shape)] * 2
    assert all(torch.isfinite(head).all() for head in heads)


def test_three_times_make_fifteen_channels_and_the_atlas_one_more():
    assert config().channels == 15
    assert config(atlas="channel").channels == 16
    assert config(input_minutes=(0,), atlas="mask").channels == 7


def test_weights_depend_on_the_seed_alone():
    first, second, other = config().build(), config().build(), config().build()
    torch.manual_seed(1)
    draw_weights(first, 5)
    torch.manual_seed(2)
    draw_weights(second, 5)
    draw_weights(other, 6)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.mask_head.weight, other.mask_head.weight)


def test_every_weight_matters():
    model = config(depth=3).build()
    draw_weights(model, 0)
    logit, scaled = apply_padded(model, torch.rand(1, 15, 16, 16), "reflect")
    (logit.square().mean() + scaled.square().mean()).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_a_sample_is_judged_alike_alone_and_in_a_batch():
    model = config().build()
    draw_weights(model, 0)
    x = torch.rand(3, 15, 16, 16)
    alone, _ = apply_padded(model, x[1:2], "reflect")
    together, _ = apply_padded(model, x, "reflect")
    assert torch.allclose(alone[0], together[1], atol=1e-5)


def test_unknown_models_are_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="'big_unet' is not known; there is tiny_unet"):
        build_model("big_unet", 15, 16, 3)
    with pytest.raises(ConfigError, match="depth 0"):
        build_model("tiny_unet", 15, 16, 0)
