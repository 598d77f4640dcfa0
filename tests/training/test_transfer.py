"""A training that begins with another model's weights copies the weights that fit, and reports the others."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learning_cases import SMALL, config

from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import save_model
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.transfer import freeze, start_from, transfer_weights


def drawn(made: ModelConfig, seed: int) -> torch.nn.Module:
    model = build_model(made).eval()
    draw_weights(model, seed)
    return model


@pytest.mark.parametrize("name", SMALL)
def test_an_equal_network_takes_every_weight(name: str) -> None:
    made = config(name)
    source, model = drawn(made, 1), drawn(made, 2)
    found = transfer_weights(model, made, source.state_dict(), made)
    assert not found.part and not found.drawn
    x = torch.rand(1, made.channels, 64, 64)
    assert torch.equal(model(x)[0], source(x)[0])


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("normalize", [False, True])
def test_a_channel_more_changes_nothing_where_it_is_silent(name: str, normalize: bool) -> None:
    """Channels of both are matched by name: with the new channels at 0 the output is that of the source."""
    old = config(name, normalize=normalize)
    new = config(name, atlas="channel", day_of_year=True, normalize=normalize)
    source, model = drawn(old, 1), drawn(new, 2)
    places = [new.inputs.names.index(channel) for channel in old.inputs.names]
    mean, std = torch.zeros(new.channels), torch.ones(new.channels)
    if normalize:  # each network has the statistics of its own data, here of the same
        mean[places], std[places] = torch.rand(old.channels), 0.5 + torch.rand(old.channels)
        model.set_statistics(mean, std)
        source.set_statistics(mean[places], std[places])
    found = transfer_weights(model, new, source.state_dict(), old)
    assert not found.drawn and len(found.part) >= 1
    assert all("echo_frequency" in text.split("; drawn at random are ")[1] for text in found.part.values())
    wide = torch.zeros(1, new.channels, 64, 64)
    x = torch.rand(1, old.channels, 64, 64)
    wide[:, places] = x
    assert torch.allclose(model(wide)[0], source(x)[0], atol=1e-5)


@pytest.mark.parametrize("normalize", [False, True])
def test_weights_for_standardized_channels_do_not_fit_others_and_the_reverse(normalize: bool) -> None:
    """The shapes agree, but the weights are for other values."""
    old, new = config(normalize=normalize), config(normalize=not normalize)
    message = rf"samples\.normalize {str(normalize).lower()}, .* set samples.normalize to {str(normalize).lower()}"
    with pytest.raises(ConfigError, match=message):
        transfer_weights(drawn(new, 1), new, drawn(old, 2).state_dict(), old)


@given(
    old=st.sets(st.sampled_from([-24, -12, -6, 6, 12]), max_size=3),
    new=st.sets(st.sampled_from([-20, -10, -5, 5, 10]), max_size=3),
)
def test_input_times_match_by_their_order(old: set[int], new: set[int]) -> None:
    """The frame before matches the frame before at any cadence; weights for other times are drawn at random."""
    before = config(input_minutes=tuple(sorted({0, *old})))
    after = config(input_minutes=tuple(sorted({0, *new})))
    source, model = drawn(before, 1), drawn(after, 2)
    fresh = drawn(after, 2)
    transfer_weights(model, after, source.state_dict(), before)

    def by_order(made: ModelConfig, weight: torch.Tensor) -> dict[int, torch.Tensor]:
        minutes = made.inputs.input_minutes
        order = [
            sum(0 < other <= at for other in minutes) - sum(at <= other < 0 for other in minutes) for at in minutes
        ]
        return {place: weight[:, 4 * number : 4 * number + 4] for number, place in enumerate(order)}

    first = "first.0.0.weight"
    lent, taken, own = (
        by_order(made, network.state_dict()[first])
        for made, network in ((before, source), (after, model), (after, fresh))
    )
    for order, weight in taken.items():
        assert torch.equal(weight, lent.get(order, own[order]))


def test_the_copied_and_the_random_channels_are_named(tmp_path) -> None:
    old, new = config(input_minutes=(0, 6)), config(input_minutes=(-6, 0), atlas="channel")
    path = tmp_path / "best.pt"
    save_model(path, old, drawn(old, 1).state_dict(), {})
    lines = start_from(path, drawn(new, 2), new)
    assert lines[0].startswith("The training began with ") and str(path) in lines[0]
    assert lines[1].startswith("A part of first.0.0.weight was copied: the channels own_reflectivity_0, own_avail")
    assert "drawn at random are own_reflectivity_-6" in lines[1] and lines[1].endswith("echo_frequency.")


def test_another_depth_takes_what_has_its_shape_and_names_the_rest() -> None:
    flat, deep = config(depth=2), config(depth=3)
    found = transfer_weights(drawn(deep, 1), deep, drawn(flat, 2).state_dict(), flat)
    assert {name.split(".")[0] + name.split(".")[1] for name in found.drawn} == {"downs2", "ups2", "joins2"}
    assert found.sentences("old.pt")[-1].startswith("Drawn at random, because old.pt has no weights that fit: ")


def test_another_network_lends_nothing_and_that_is_an_error() -> None:
    own, other = config("window_attention"), config("tiny_unet", base_width=4)
    with pytest.raises(ConfigError, match="no weight of that tiny_unet fits this window_attention; start"):
        transfer_weights(drawn(own, 1), own, drawn(other, 1).state_dict(), other)


def test_a_file_that_is_not_a_model_is_refused(tmp_path) -> None:
    (tmp_path / "best.pt").write_bytes(b"no")
    with pytest.raises(ModelError, match="truncated or corrupt"):
        start_from(tmp_path / "best.pt", drawn(config(), 0), config())


def test_frozen_weights_are_those_whose_names_begin_so() -> None:
    model = drawn(config(normalize=True), 0)
    names = freeze(model, ["first", r"downs\.0", "first.0"])
    assert names and all(name.startswith(("first", "downs.0")) for name in names)
    still = {name.removeprefix("body.") for name, weight in model.named_parameters() if not weight.requires_grad}
    assert still == set(names)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["third"], "'third' matches no weight; the weights are downs.0"),
        (["["], "'\\[' is not a regular expression"),
        ([".*"], "leaves no weight to train"),
    ],
)
def test_patterns_that_cannot_be_meant_are_refused(patterns: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        freeze(drawn(config(), 0), patterns)
