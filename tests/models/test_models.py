"""Networks and the padding around them."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import SMALL, config
from torch.nn import functional

from radar_cleaner.errors import ConfigError
from radar_cleaner.models.blocks import checkpoint_gradients, draw_weights
from radar_cleaner.models.dropout import KeyedDropout2d, KeyedDropPath, keyed_modules, set_keys
from radar_cleaner.models.padding import apply_padded, pad_to_multiple
from radar_cleaner.models.registry import build_model, find_model, model_options
from radar_cleaner.models.standardize import Standardized
from radar_cleaner.models.window_attention import Block, Stage, WindowAttentionOptions

MODES = ("reflect", "replicate", "constant")
KINDS = (
    {"depth": 3},
    {"depth": 3, "input_scale": 2},
    {"depth": 3, "input_scale": 3, "depthwise": True},
    *({"model": name} for name in SMALL if name != "tiny_unet"),
)


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


@pytest.mark.parametrize(("shape", "mode"), [((33, 47), "reflect"), ((5, 3), "constant"), ((1, 1), "replicate")])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_heads_have_the_size_of_any_picture(kind, shape, mode):
    made = config(**kind)
    model = build_model(made).eval()
    draw_weights(model, 0)
    heads = apply_padded(model, torch.rand(2, made.channels, *shape), mode)
    assert [tuple(head.shape) for head in heads] == [(2, 1, *shape)] * 2
    assert all(torch.isfinite(head).all() for head in heads)


def test_three_times_make_fifteen_channels_and_the_atlas_one_more():
    assert config().channels == 15
    assert config(atlas="channel").channels == 16
    assert config(input_minutes=(0,), atlas="mask").channels == 7


def test_weights_depend_on_the_seed_alone():
    first, second, other = build_model(config()), build_model(config()), build_model(config())
    torch.manual_seed(1)
    draw_weights(first, 5)
    torch.manual_seed(2)
    draw_weights(second, 5)
    draw_weights(other, 6)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.mask_head.weight, other.mask_head.weight)


def test_cells_of_pixels_keep_what_is_at_each_pixel():
    """The output of a network on cells of 2 x 2 pixels can be different for each pixel of a cell."""
    model = build_model(config(input_minutes=(0,), input_scale=2, depth=1, base_width=32))
    assert model.multiple == 4
    x = torch.rand(1, 7, 8, 8)
    seen = []
    model.first.register_forward_pre_hook(lambda first, given: seen.append(given[0]))
    model(x)
    assert seen[0].shape == (1, 28, 4, 4)
    assert torch.equal(functional.pixel_shuffle(seen[0], 2), x)


def test_separable_convolutions_have_a_fifth_of_the_weights():
    def count(**changes):
        return sum(
            weight.numel() for weight in build_model(config(base_width=16, depth=3, **changes)).parameters()
        )

    assert 4 < count() / count(depthwise=True) < 6


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_weight_matters(kind):
    model = build_model(config(**kind))
    draw_weights(model, 0)
    set_keys(keyed_modules(model), [3, 4])
    logit, scaled = apply_padded(model, torch.rand(2, 15, 64, 64), "reflect")
    (logit.square().mean() + scaled.square().mean()).backward()
    still = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still


@pytest.mark.parametrize("name", SMALL)
def test_a_sample_is_cleaned_alike_alone_and_in_a_batch(name):
    model = build_model(config(name)).train()
    draw_weights(model, 0)
    x = torch.rand(3, 15, 64, 64)
    set_keys(keyed_modules(model), [1])
    alone, _ = apply_padded(model, x[1:2], "reflect")
    set_keys(keyed_modules(model), [0, 1, 2])
    together, _ = apply_padded(model, x, "reflect")
    assert torch.allclose(alone[0], together[1], atol=1e-5)


def test_unknown_models_are_refused_with_those_there_are():
    there = "encoder_unet, rate_net, tiny_unet, window_attention"
    with pytest.raises(
        ConfigError, match=f"'big_unet' is not known; choose one of {there}. A network of your own needs"
    ):
        build_model(config(model="big_unet"))
    with pytest.raises(ConfigError, match="input_minutes is empty"):
        config(input_minutes=())


def test_standardized_channels_reach_the_network_with_mean_0_and_deviation_1():
    made = config(normalize=True)
    model = build_model(made).eval()
    assert isinstance(model, Standardized)
    x = torch.rand(4, made.channels, 16, 16) * torch.arange(1, made.channels + 1)[:, None, None] + 3
    model.set_statistics(x.mean((0, 2, 3)), x.std((0, 2, 3)))
    seen = []
    model.body.register_forward_hook(lambda body, given, heads: seen.append(given[0]))
    model(x)
    assert torch.allclose(seen[0].mean((0, 2, 3)), torch.zeros(made.channels), atol=1e-4)
    assert torch.allclose(seen[0].std((0, 2, 3)), torch.ones(made.channels), atol=1e-3)
    again = build_model(made).eval()
    again.load_state_dict(model.state_dict())  # the statistics travel with the weights
    assert torch.equal(again(x)[0], model(x)[0])


def test_dropout_is_for_training_only():
    model = build_model(config(dropout=0.5))
    draw_weights(model, 1)
    x = torch.rand(1, config().channels, 16, 16)
    seen = model.eval()(x)[0]
    model.train()
    set_keys(keyed_modules(model), [7])
    first, again = model(x)[0], model(x)[0]
    set_keys(keyed_modules(model), [8])
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


def test_stochastic_depth_leaves_out_whole_samples_and_keeps_the_mean():
    drop = KeyedDropPath(0.25).train()
    drop.keys = range(2000)
    kept = drop(torch.ones(2000, 2, 3))
    assert ((kept == 0) | (kept == 1 / 0.75)).all()
    assert (kept == kept[:, :1, :1]).all()
    assert kept.mean() == pytest.approx(1, abs=0.03)
    assert torch.equal(drop.eval()(torch.ones(2, 5)), torch.ones(2, 5))


def test_two_dropouts_of_a_network_draw_apart():
    model = build_model(config("window_attention", drop_path=0.5, blocks=4)).train()
    modules = keyed_modules(model)
    set_keys(modules, range(64))
    drawn = [module(torch.ones(64, 1)).flatten() for module in modules]
    assert len(drawn) > 3
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(drawn, 2))


@pytest.mark.parametrize("leads", [(0,), (0, 6, 12)])
@pytest.mark.parametrize("name", SMALL)
def test_a_network_has_an_output_for_each_lead_time(name, leads):
    model = find_model(name).network(config(name).inputs.names, len(leads), model_options(config(name))).eval()
    heads = apply_padded(model, torch.rand(2, 15, 40, 50), "reflect")
    assert [tuple(head.shape) for head in heads] == [(2, len(leads), 40, 50)] * 2


@pytest.mark.parametrize("name", SMALL)
def test_it_takes_any_helper_channels(name):
    made = config(name, atlas="channel", time_of_day=True, coordinates=True, static=("terrain",), normalize=True)
    model = build_model(made).eval()
    draw_weights(model, 1)
    logit, _ = model(torch.rand(1, made.channels, 64, 64))
    assert made.channels == 15 + 1 + 2 + 4 + 1 and torch.isfinite(logit).all()


@pytest.mark.parametrize("name", SMALL)
def test_levels_computed_again_give_the_same_gradients(name):
    model = build_model(config(name)).train()
    draw_weights(model, 2)
    x = torch.rand(2, 15, 64, 64)

    def gradients():
        model.zero_grad()
        set_keys(keyed_modules(model), [5, 6])
        logit, scaled = model(x)
        (logit.square().mean() + scaled.square().mean()).backward()
        return torch.cat([weight.grad.flatten() for weight in model.parameters()])

    kept = gradients()
    checkpoint_gradients(model)
    assert torch.allclose(gradients(), kept, atol=1e-6, rtol=1e-4)


def test_rate_net_keeps_the_resolution_of_its_input():
    """A change of one pixel changes the output at every pixel near it, and frames are padded to cells only."""
    model = build_model(config("rate_net", input_scale=1)).eval()
    draw_weights(model, 0)
    assert model.multiple == 1
    x = torch.rand(1, 15, 21, 21)
    changed = x.clone()
    changed[0, :, 10, 10] += 1
    moved = (model(x)[0] - model(changed)[0]).abs()[0, 0]
    assert (moved[8:13, 8:13] > 0).all()


def test_attention_depends_on_the_place_in_the_radars_field():
    """The place of a window changes the bias of attention, and with it the output at another place."""
    made = config("window_attention")
    model = build_model(made).eval()
    draw_weights(model, 0)
    with torch.no_grad():
        for block in (module for module in model.modules() if isinstance(module, Block)):
            block.of_place[-1].weight.normal_(generator=torch.Generator().manual_seed(0))
    x = torch.rand(1, made.channels, 32, 32)
    x[:, -3:] = 0.5
    near = model(x)[0]
    with torch.no_grad():
        for block in (module for module in model.modules() if isinstance(module, Block)):
            block.of_place[-1].weight.zero_()
    assert torch.allclose(model(x)[0], near, atol=1e-6)  # a bias that is equal everywhere has no effect
    x[:, -3:] = torch.rand(1, 3, 32, 32)
    unbiased = model(x)[0]
    with torch.no_grad():
        for block in (module for module in model.modules() if isinstance(module, Block)):
            block.of_place[-1].weight.normal_(generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(model(x)[0], unbiased, atol=1e-5)


def test_windows_that_are_shifted_join_no_opposite_edges():
    """A picture's left edge does not depend on its right one, though the shifted windows are padded."""
    stage = Stage(16, WindowAttentionOptions(base_width=16, window=4, blocks=2), 0.0).eval()
    draw_weights(stage, 0)
    x, place = torch.rand(1, 16, 8, 128), torch.rand(1, 3, 8, 128)
    changed = x.clone()
    changed[..., 120:] = torch.rand(1, 16, 8, 8)
    moved = (stage(x, place) - stage(changed, place)).abs().amax((0, 1, 2))
    assert (moved[:96] == 0).all() and (moved[118:] > 0).all()


def test_with_a_norm_by_pixel_the_answer_depends_on_the_surroundings_only():
    """Tiles with a margin give what the whole frame gives, and echo far away changes nothing."""
    x = torch.rand(1, 15, 96, 160)
    far = x.clone()
    far[..., 128:] = 5 * torch.rand(1, 15, 96, 32)
    for norm, local in (("pixel", True), ("group", False)):
        model = build_model(config(depth=2, base_width=8, norm=norm))
        draw_weights(model, 1)
        with torch.no_grad():
            whole, beside, tile = (model(given)[0] for given in (x, far, x[..., :96]))
        for other in (beside[..., :64], tile[..., :64]):
            assert torch.allclose(whole[..., :64], other, atol=1e-5) == local
