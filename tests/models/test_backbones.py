"""Backbones of transformers: those that fit make a network, those that do not are refused as it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from learning_cases import SMALL, config

from radar_cleaner.errors import ConfigError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.encoder_unet import EncoderUNet, EncoderUNetOptions
from radar_cleaner.models.registry import build_model, resolve_options

RESNET = SMALL["encoder_unet"]["backbone"]
VIT = {"hidden_size": 8, "num_hidden_layers": 4, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}
LEVELS = {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 8, 16, 16]}
WINDOWS = {"embed_dim": 8, "depths": [1, 1, 2, 1], "num_heads": [1, 1, 2, 2], "window_size": 4}
# Each as small as it is still itself, and what its pictures' sides are multiples of.
FITTING: dict[str, tuple[dict[str, Any], int]] = {
    "resnet": (LEVELS | {"layer_type": "basic", "embedding_size": 8}, 32),
    "convnext": (LEVELS, 32),
    "convnextv2": (LEVELS, 32),
    "swin": (WINDOWS, 32),
    "swinv2": (WINDOWS, 32),
    "dinov2": (VIT, 14),
    "dinov2_with_registers": (VIT, 14),
    "beit": (VIT | {"intermediate_size": 16, "image_size": 64, "patch_size": 16}, 16),
}


@pytest.mark.parametrize("kind", FITTING)
def test_one_that_fits_makes_a_network_for_pictures_of_its_multiple(kind: str) -> None:
    options, multiple = FITTING[kind]
    made = resolve_options(config("encoder_unet", backbone={"model_type": kind, **options}, base_width=4))
    model = build_model(made).eval()
    draw_weights(model, 0)
    assert model.multiple == multiple
    with torch.no_grad():
        logit, _ = model(torch.rand(1, made.channels, multiple, 3 * multiple))
    assert logit.shape == (1, 1, multiple, 3 * multiple) and torch.isfinite(logit).all()


def test_what_its_sides_are_multiples_of_is_what_it_makes_of_a_picture() -> None:
    halved_once_more = {**RESNET, "downsample_in_first_stage": True}
    assert build_model(config("encoder_unet", backbone=halved_once_more)).multiple == 64
    thirds = {"model_type": "dinov2", **VIT, "patch_size": 12, "image_size": 48}
    assert build_model(config("encoder_unet", backbone=thirds)).multiple == 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "bert"}, "backbone bert: transformers cannot build it"),
        ({"model_type": "resnat"}, "backbone resnat: transformers cannot build it"),
        ({"depths": "deep"}, "backbone resnet: transformers cannot build it .*depths"),
        ({"depths": [1, 1, 1]}, "has 3 stages, 4 are needed"),
        ({"hidden_sizes": [8, 16]}, "backbone resnet: transformers cannot build it"),
        ({"hidden_sizes": [8, 16, 24, 0]}, "backbone resnet: "),
        ({"layer_type": "odd"}, "backbone resnet: transformers cannot build it .*odd"),
        ({"dephts": [1, 1, 1, 1]}, "backbone: resnet has no key dephts; did you mean depths?"),
        (
            {"model_type": "dinov2", **VIT, "hidden_act": "odd"},
            "backbone dinov2: transformers cannot build it",
        ),
        ({"model_type": "convnext", **LEVELS, "patch_size": 32}, "backbone convnext: a frame of .* gives"),
    ],
)
def test_one_that_does_not_fit_is_refused_in_a_line(changes: dict[str, Any], message: str) -> None:
    base = {} if "model_type" in changes else RESNET
    with pytest.raises(ConfigError, match=message) as error:
        build_model(resolve_options(config("encoder_unet", backbone={**base, **changes})))
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module", params=["float32", "float16", "bfloat16"])
def gray(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ResNet for gray pictures as `save_pretrained` writes it in a number format."""
    folder = tmp_path_factory.mktemp("backbone") / request.param
    how = transformers.AutoConfig.for_model(**{**RESNET, "num_channels": 1})
    torch.manual_seed(3)
    backbone = transformers.AutoBackbone.from_config(how)
    backbone.to(getattr(torch, request.param)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("normalize", [False, True])
def test_a_folder_of_gray_pictures_and_short_numbers_is_begun_with_in_fp32(gray: Path, normalize: bool) -> None:
    made = resolve_options(config("encoder_unet", backbone=str(gray), normalize=normalize))
    assert "dtype" not in made.options
    model = build_model(made)
    draw_weights(model, 0)
    body = getattr(model, "body", model)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    lying = transformers.ResNetBackbone.from_pretrained(gray, dtype=torch.float32).state_dict()
    assert all(torch.equal(value, lying[name]) for name, value in body.encoder.state_dict().items())
    logit, _ = model(torch.rand(1, made.channels, 32, 32))
    logit.sum().backward()
    assert body.mapping.weight.grad.abs().sum() > 0


def test_its_first_mapping_is_a_picture_of_mean_0_and_deviation_1(gray: Path) -> None:
    """Of the radar's own reflectivity: stretched where channels come as 0..1, as it is where standardized."""
    for normalize, (gain, offset) in {False: (4.0, -2.0), True: (1.0, 0.0)}.items():
        made = resolve_options(config("encoder_unet", backbone=str(gray), normalize=normalize))
        model = build_model(made)
        draw_weights(model, 0)
        mapping = getattr(model, "body", model).mapping
        assert mapping.weight.shape[0] == 1 and mapping.bias.item() == offset
        assert mapping.weight.sum().item() == pytest.approx(gain)


@pytest.mark.parametrize(
    ("name", "content"), [("config.json", "{"), ("config.json", "[]"), ("model.safetensors", "no weights")]
)
def test_a_folder_with_a_broken_file_is_refused_by_its_name(
    gray: Path, tmp_path: Path, name: str, content: str
) -> None:
    for file in gray.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=f"backbone {tmp_path}: transformers cannot build it"):
        draw_weights(build_model(resolve_options(config("encoder_unet", backbone=str(tmp_path)))), 0)


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nor a folder with a config\.json"):
        EncoderUNet.resolve(EncoderUNetOptions(backbone=str(tmp_path)))
