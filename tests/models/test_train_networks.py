"""Every network trains by the same command, from random weights or from another's."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from learning_cases import (
    SMALL,
    augmentation,
    config,
    environment,
    finish,
    inputs,
    running,
    small_cache,
    start_training,
    train_flags,
    train_here,
    training,
    write_stores,
)
from safetensors.torch import load_file, save_file
from workflow_cases import REPOSITORY

from radar_cleaner.config.networks import network_names
from radar_cleaner.conventions import NODATA
from radar_cleaner.errors import ConfigError
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.inference.predictor import load_predictor
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import load_model, read_model_provenance, read_weights
from radar_cleaner.models.registry import build_model, load_code
from radar_cleaner.training.loop import train

TEMPLATE = REPOSITORY / "docs/model_template.py"


@pytest.fixture(autouse=True)
def _determinism_ends_with_the_test():
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a results folder with stores, and their description."""
    results = tmp_path_factory.mktemp("made") / "results"
    return results, write_stores(results)


def trained(made, folder: Path, **changes: object) -> Path:
    """The model file of a training into `folder`."""
    results, stores = made
    flags = train_flags(results, stores, **changes)
    flags |= {"output": folder, "checkpoint": folder / "current.pt", "runs": folder / "runs"}
    train_here(flags)
    return folder / "best.pt"


@pytest.mark.parametrize("name", network_names())
def test_a_network_trains_and_cleans_frames_of_another_size(made, tmp_path, name):
    path = trained(made, tmp_path, model=name, options=json.dumps(SMALL.get(name, {})), crop=32, epochs=2)
    cleaner = load_predictor(path, 1)
    assert cleaner.config.model == name
    own = torch.randint(0, 255, (3, 50, 71), dtype=torch.uint8).numpy()
    answer = cleaner.predict(FrameInputs(own, own * 0 + NODATA, (35.0, 25.0), 40.0, 1720699200))
    assert answer.probability.shape == (50, 71) and 0 <= answer.probability.min() <= answer.probability.max() <= 1
    assert f"A `{name}`" in (tmp_path / "card.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*network_names(), "my_net"])
def test_a_network_overfits_four_samples(tmp_path, name):
    """With its default options; `val_mask_f1` is the Dice of the mask on echoes."""
    load_code(TEMPLATE)
    torch.set_num_threads(1)
    cache, samples = small_cache(4, (64, 64))
    how = training(
        model=ModelConfig(name, inputs()),
        how=augmentation(crop=64),
        epochs=20,
        crops_per_sample=2,
        learning_rate=3e-3,
    )
    found = train(how, running(), cache, samples, samples, environment(tmp_path / "current.pt"))
    assert max(row["val_mask_f1"] for row in found.history) >= 0.98


def test_a_network_of_ones_own_trains_by_its_file(made, tmp_path):
    """The documented template, as a user has it: outside the package."""
    own = tmp_path / "my_net.py"
    own.write_text(TEMPLATE.read_text().replace('"my_net"', '"their_net"'))
    path = trained(made, tmp_path, model="their_net", options='{"width": 6}', code=own, epochs=1)
    found, _, model = load_model(path)
    assert json.loads(found.options) == {"width": 6, "dropout": 0.0} and model.fine[0].out_channels == 6
    assert "code" in read_model_provenance(path)["inputs"]
    assert load_predictor(path, 1, own).config.model == "their_net"


def test_another_version_of_ones_network_is_told(made, tmp_path, caplog):
    own = tmp_path / "other_net.py"
    own.write_text(TEMPLATE.read_text().replace('"my_net"', '"other_net"'))
    path = trained(made, tmp_path, model="other_net", options="{}", code=own, epochs=1)
    own.write_text(own.read_text() + "\n# changed\n")
    with caplog.at_level(logging.WARNING):
        load_predictor(path, 1, own)
    assert "was trained with another version of" in caplog.text


def test_it_begins_with_the_weights_of_another_and_logs_it(made, tmp_path, caplog):
    """From a model of other times and channels: the common weights are copied, and the card lists them."""
    first = trained(made, tmp_path / "first", input_minutes=[-6, 0], epochs=1)
    with caplog.at_level(logging.INFO):
        second = trained(made, tmp_path / "second", start_from=first, atlas="channel", epochs=1)
    card = (tmp_path / "second/card.md").read_text()
    for text in (caplog.text, card):
        assert f"whole weights of {first}." in text
        assert "A part of first.0.0.weight was copied: the channels own_reflectivity_-6" in text
        assert "; drawn at random are own_reflectivity_6, own_availability_6" in text
        assert "echo_frequency." in text
    assert "start_from" in read_model_provenance(second)["inputs"]


def test_frozen_weights_do_not_move_and_the_others_do(made, tmp_path):
    first = trained(made, tmp_path / "first", epochs=1)
    second = trained(made, tmp_path / "second", start_from=first, freeze=["first", "downs"], epochs=1)
    (_, before), (_, after) = read_weights(first), read_weights(second)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in moved} == {"ups", "joins", "mask_head", "reflectivity_head"}
    card = (tmp_path / "second/card.md").read_text()
    assert "weights are frozen: downs.0.0.0.weight" in card
    assert f"| trainable weights | {sum(before[name].numel() for name in moved)} |" in card


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"first\.0\.0", r".*0\.weight"])
def test_a_norm_behind_frozen_weights_learns(made, tmp_path, pattern):
    """In a process of its own: torch's GroupNorm would end it."""
    results, stores = made
    first = trained(made, tmp_path / "first", epochs=1)
    best = tmp_path / "best.pt"
    finish(
        start_training(
            train_flags(
                results,
                stores,
                start_from=first,
                freeze=[pattern],
                epochs=1,
                output=tmp_path,
                checkpoint=tmp_path / "checkpoints/current.pt",
            )
        )
    )
    (_, before), (_, after) = read_weights(first), read_weights(best)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    still = before.keys() - moved
    assert still == {name for name in before if re.match(pattern, name)}
    assert "first.0.1.bias" in moved


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small ResNet, with BatchNorm, as `save_pretrained` writes it."""
    path = tmp_path_factory.mktemp("backbone") / "resnet"
    torch.manual_seed(3)
    how = transformers.AutoConfig.for_model(**SMALL["encoder_unet"]["backbone"])
    backbone = transformers.AutoBackbone.from_config(how)
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2)
    backbone.save_pretrained(path)
    return path


@pytest.mark.parametrize("frozen", [True, False])
def test_a_pretrained_encoder_stays_where_it_is_frozen_and_learns_where_not(made, tmp_path, folder, frozen):
    """Its statistics (BatchNorm) stay in both cases. The model file is all that is needed afterwards."""
    options = {"backbone": str(folder), "freeze_encoder": frozen, "base_width": 8}
    path = trained(made, tmp_path, model="encoder_unet", options=json.dumps(options), crop=32, epochs=1)
    before = transformers.ResNetBackbone.from_pretrained(folder).state_dict()
    after = {f"encoder.{name}": read_weights(path)[1][f"encoder.{name}"] for name in before}
    moved = {name for name in before if not torch.equal(before[name], after[f"encoder.{name}"])}
    assert bool(moved) is not frozen and not any("running" in name for name in moved)
    folder.rename(folder.with_name("away"))
    try:
        assert load_predictor(path, 1).config.model == "encoder_unet"
    finally:
        folder.with_name("away").rename(folder)


def test_a_folder_with_other_weights_is_refused(made, tmp_path, folder):
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text((folder / "config.json").read_text())
    save_file({"unlike": torch.zeros(3)}, other / "model.safetensors", metadata={"format": "pt"})
    options = {"backbone": str(other), "base_width": 8}
    with pytest.raises(ConfigError, match=r"backbone: .*other lacks .* weights, such as"):
        trained(made, tmp_path, model="encoder_unet", options=json.dumps(options), crop=32, epochs=1)


def test_a_training_with_a_changed_folder_does_not_resume(made, tmp_path, folder, caplog):
    """Other weights at the same place: the state is of another training, and the model file names the weights."""
    own = tmp_path / "resnet"
    shutil.copytree(folder, own)
    (own / "notes.d").mkdir()
    options = {"backbone": str(own), "base_width": 8}
    changes = {"model": "encoder_unet", "options": json.dumps(options), "crop": 32, "epochs": 1}
    first = read_model_provenance(trained(made, tmp_path, **changes))["inputs"]
    assert {"backbone/config.json", "backbone/model.safetensors"} == {name for name in first if "backbone" in name}
    weights = load_file(own / "model.safetensors")
    save_file({name: 2 * value for name, value in weights.items()}, own / "model.safetensors", {"format": "pt"})
    with caplog.at_level(logging.INFO):
        second = read_model_provenance(trained(made, tmp_path, **changes))["inputs"]
    assert "is not resumed: it belongs to a training with other parameters, data or code" in caplog.text
    assert [name for name in first if first[name] != second[name]] == ["backbone/model.safetensors"]


@pytest.mark.parametrize("name", ["resnet-18", "convnext-tiny", "swin-tiny", "dinov2-small"])
def test_every_named_backbone_makes_a_network(name):
    made_of = config("encoder_unet", backbone=name, base_width=4)
    model = build_model(made_of).eval()
    assert model.multiple == (14 if name == "dinov2-small" else 32)
    assert model(torch.rand(1, 15, 2 * model.multiple, model.multiple))[0].shape[2:] == (
        2 * model.multiple,
        model.multiple,
    )
