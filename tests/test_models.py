"""Networks and the padding around them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import config
from torch.nn import functional

from radar_cleaner.errors import ConfigError
from radar_cleaner.models import Standardized, apply_padded, draw_weights, pad_to_multiple, set_keys
from radar_cleaner.models.keyed_dropout import KeyedDropout2d

MODES = ("reflect", "replicate", "constant")
KINDS = ({}, {"input_scale": 2}, {"input_scale": 3, "depthwise": True})


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
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_heads_have_the_size_of_any_picture(kind, shape, mode):
    made = config(depth=3, **kind)
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


def test_cells_of_pixels_keep_what_is_at_each_pixel():
    """A network on cells of 2 x 2 pixels can answer for each pixel by that pixel alone."""
    model = config(input_minutes=(0,), input_scale=2, depth=1, base_width=32).build()
    assert model.multiple == 4
    x = torch.rand(1, 7, 8, 8)
    seen = []
    model.first.register_forward_pre_hook(lambda first, given: seen.append(given[0]))
    model(x)
    assert seen[0].shape == (1, 28, 4, 4)
    assert torch.equal(functional.pixel_shuffle(seen[0], 2), x)


def test_separable_convolutions_have_a_fifth_of_the_weights():
    def count(**changes):
        return sum(weight.numel() for weight in config(base_width=16, depth=3, **changes).build().parameters())

    assert 4 < count() / count(depthwise=True) < 6


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_weight_matters(kind):
    model = config(depth=3, **kind).build()
    draw_weights(model, 0)
    logit, scaled = apply_padded(model, torch.rand(1, 15, 32, 32), "reflect")
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
        config(model="big_unet")
    with pytest.raises(ConfigError, match="depth is 0, allowed is 1 or more"):
        config(depth=0)
    with pytest.raises(ConfigError, match="input_scale is 0, allowed is 1 or more"):
        config(input_scale=0)
    with pytest.raises(ConfigError, match="input_minutes is empty"):
        config(input_minutes=())


def test_standardized_channels_reach_the_network_with_mean_0_and_deviation_1():
    made = config(normalize=True)
    model = made.build().eval()
    assert isinstance(model, Standardized)
    x = torch.rand(4, made.channels, 16, 16) * torch.arange(1, made.channels + 1)[:, None, None] + 3
    model.set_statistics(x.mean((0, 2, 3)), x.std((0, 2, 3)))
    seen = []
    model.body.register_forward_hook(lambda body, given, heads: seen.append(given[0]))
    model(x)
    assert torch.allclose(seen[0].mean((0, 2, 3)), torch.zeros(made.channels), atol=1e-4)
    assert torch.allclose(seen[0].std((0, 2, 3)), torch.ones(made.channels), atol=1e-3)
    again = made.build().eval()
    again.load_state_dict(model.state_dict())  # the statistics travel with the weights
    assert torch.equal(again(x)[0], model(x)[0])


def test_dropout_is_for_training_only():
    model = config(dropout=0.5).build()
    draw_weights(model, 1)
    x = torch.rand(1, config().channels, 16, 16)
    seen = model.eval()(x)[0]
    model.train()
    set_keys(model, [7])
    first, again = model(x)[0], model(x)[0]
    set_keys(model, [8])
    assert torch.equal(first, again) and not torch.equal(first, model(x)[0])
    assert not torch.equal(first, seen)


def test_dropout_leaves_out_its_share_of_whole_channels_and_keeps_the_mean():
    dropout = KeyedDropout2d(0.3).train()
    dropout.keys = range(200)
    kept = dropout(torch.ones(200, 64, 2, 2))
    assert ((kept == 0) | (kept == 1 / 0.7)).all()
    assert (kept == kept[:, :, :1, :1]).all()
    assert (kept == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert kept.mean() == pytest.approx(1, abs=0.03)
    assert not torch.equal(kept[0], kept[1])
