"""Model files and training states."""

import logging
import pickle
import resource
import sys

import pytest
import torch
from learning_cases import config

from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.files import load_model, read_model_provenance, save_model
from radar_cleaner.models.registry import build_model, resolve_options
from radar_cleaner.storage.digests import digest_of
from radar_cleaner.training.checkpoints import load_state, save_state

STATE = {"epoch": 3, "best": {"w": torch.arange(4.0)}, "history": [{"loss": 0.5}]}


def make_model(seed=0):
    model = build_model(config())
    draw_weights(model, seed)
    return model


def test_a_model_comes_back_as_it_was_saved(tmp_path):
    model = make_model()
    save_model(tmp_path / "best.pt", config(), model.state_dict(), {"version": "1", "inputs": {"a": "b"}})
    loaded_config, digest, loaded = load_model(tmp_path / "best.pt")
    assert loaded_config == config()
    assert digest.startswith("sha256:")
    assert read_model_provenance(tmp_path / "best.pt") == {"version": "1", "inputs": {"a": "b"}}
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


def test_equal_models_are_equal_files_whatever_their_name(tmp_path):
    for name in ("best.pt", "other.pt"):
        save_model(tmp_path / name, config(), make_model().state_dict(), {"b": 1, "a": (2, 3)})
    save_model(tmp_path / "unlike.pt", config(), make_model(1).state_dict(), {"b": 1, "a": (2, 3)})
    assert (tmp_path / "best.pt").read_bytes() == (tmp_path / "other.pt").read_bytes()
    assert (tmp_path / "best.pt").read_bytes() != (tmp_path / "unlike.pt").read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_broken_model_files_are_named_with_a_remedy(tmp_path):
    path = tmp_path / "best.pt"
    with pytest.raises(ModelError, match=r"best\.pt: there is no model file"):
        load_model(path)
    save_model(path, config(), make_model().state_dict(), {})
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"no model", pickle.dumps({"format": 1}, 2)):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"best\.pt: "):
            load_model(path)
    torch.save({"weights": {}}, path)
    with pytest.raises(ModelError, match=r"not a 'radar_cleaner model 3' file"):
        load_model(path)


def test_a_model_file_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("the file ran code",))

    torch.save({"format": Evil()}, tmp_path / "best.pt")
    with pytest.raises(ModelError, match="truncated or corrupt"):
        load_model(tmp_path / "best.pt")


def test_weights_that_do_not_fit_their_config_are_refused(tmp_path):
    save_model(tmp_path / "best.pt", config(base_width=16), make_model().state_dict(), {})
    with pytest.raises(ModelError, match="do not fit"):
        load_model(tmp_path / "best.pt")


def test_a_network_that_cannot_be_made_here_is_not_to_be_trained_again(tmp_path, monkeypatch):
    path = tmp_path / "best.pt"
    made = config("encoder_unet")
    save_model(path, made, build_model(made).state_dict(), {})
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"best\.pt: model encoder_unet needs the package transformers") as error:
        load_model(path)
    assert "train it again" not in str(error.value)
    save_model(path, config("nobodys_net"), {}, {})
    with pytest.raises(
        ConfigError, match=r"best\.pt: model 'nobodys_net' is not known; .* its file in training\.model"
    ):
        load_model(path)


def as_version_2(content):
    """Return the content of a model file as version 2 wrote it: the keys of the inputs among the others."""
    values = dict(content["config"])
    return {**content, "format": "radar_cleaner model 2", "config": values.pop("inputs") | values}


def test_a_file_of_before_an_option_there_is_now_has_its_default(tmp_path):
    path = tmp_path / "best.pt"
    save_model(path, config(), make_model().state_dict(), {})
    content = as_version_2(torch.load(path, weights_only=True))
    content["config"]["options"] = '{"base_width": 8, "depth": 2}'
    del content["config"]["coordinates"]
    torch.save(content, path)
    assert resolve_options(load_model(path)[0]) == resolve_options(config())


def test_a_file_of_before_there_were_several_networks_is_read(tmp_path):
    path = tmp_path / "best.pt"
    model = make_model()
    save_model(path, config(), model.state_dict(), {})
    content = as_version_2(torch.load(path, weights_only=True))
    del content["config"]["options"]
    content["config"] |= {"base_width": 8, "depth": 2, "dropout": 0.0}
    torch.save(content, path)
    found, _, read = load_model(path)
    assert resolve_options(found) == resolve_options(config())
    x = torch.rand(1, 15, 16, 16)
    assert torch.equal(read(x)[0], model(x)[0])
    del content["config"]["atlas"]
    torch.save(content, path)
    with pytest.raises(ModelError, match="do not fit"):
        load_model(path)


def test_an_equal_training_resumes(tmp_path):
    path = tmp_path / "checkpoints/current.pt"
    assert load_state(path, "sha256:a") is None
    save_state(path, "sha256:a", STATE)
    state = load_state(path, "sha256:a")
    assert state["epoch"] == 3
    assert torch.equal(state["best"]["w"], STATE["best"]["w"])


def test_another_training_is_set_aside_with_a_word(tmp_path, caplog):
    path = tmp_path / "current.pt"
    save_state(path, "sha256:a", STATE)
    content = path.read_bytes()
    with caplog.at_level(logging.INFO):
        assert load_state(path, "sha256:b") is None
    assert "set aside as current.pt.aside" in caplog.text
    assert not path.exists()
    assert (tmp_path / "current.pt.aside").read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"no state", "half"])
def test_a_broken_state_is_set_aside(tmp_path, caplog, content):
    path = tmp_path / "current.pt"
    save_state(path, "sha256:a", STATE)
    path.write_bytes(path.read_bytes()[:300] if content == "half" else content)
    with caplog.at_level(logging.INFO):
        assert load_state(path, "sha256:a") is None
    assert "cannot be read" in caplog.text
    assert not path.exists()


def test_a_broken_newest_state_falls_back_to_the_one_before(tmp_path, caplog):
    path = tmp_path / "current.pt"
    for epoch in (3, 4):
        save_state(path, "sha256:a", {**STATE, "epoch": epoch})
    whole = path.read_bytes()
    for number, content in enumerate((whole[:-50], whole[:-1] + b"x", b"")):
        path.write_bytes(content)
        with caplog.at_level(logging.INFO):
            assert load_state(path, "sha256:a")["epoch"] == 3
        assert not path.exists() and (tmp_path / "current.pt.aside").read_bytes() == content
        assert caplog.text.count("current.pt is not resumed: it cannot be read") == number + 1
    save_state(path, "sha256:a", {**STATE, "epoch": 4})
    assert load_state(path, "sha256:a")["epoch"] == 4


def test_no_state_of_another_training_is_fallen_back_to(tmp_path):
    path = tmp_path / "current.pt"
    save_state(path, "sha256:a", STATE)
    save_state(path, "sha256:b", STATE)
    path.write_bytes(b"")
    assert load_state(path, "sha256:b") is None
    assert sorted(each.name for each in tmp_path.iterdir()) == ["current.previous.pt.aside", "current.pt.aside"]


def test_a_full_disk_leaves_the_states_as_they_were_and_is_reported(tmp_path):
    path = tmp_path / "current.pt"
    for epoch in (3, 4):
        save_state(path, "sha256:a", {**STATE, "epoch": epoch})
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # as a disk that has no more room
    try:
        with pytest.raises(
            ModelError, match=r"current\.pt: the state .* cannot be saved \(File too large\); make room"
        ):
            save_state(path, "sha256:a", {**STATE, "more": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert before == {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert load_state(path, "sha256:a")["epoch"] == 4


def test_a_digest_differs_between_values_and_does_not_depend_on_the_order_of_keys():
    assert digest_of({"a": 1, "b": [2, 3]}) == digest_of({"b": [2, 3], "a": 1})
    assert digest_of({"a": 1e-3}) != digest_of({"a": 2e-3})
