"""Networks by name, those of a user's file among them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from workflow_cases import REPOSITORY

from radar_cleaner.config.networks import network_names, network_options_model, read_options, write_options
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.blocks import Network
from radar_cleaner.models.registry import find_model, load_code, register_model, registered_models
from radar_cleaner.models.tiny_unet import TinyUNetOptions
from radar_cleaner.stages.list_models import list_models

TEMPLATE = REPOSITORY / "docs/model_template.py"


def test_planning_reads_the_options_of_every_network_without_torch() -> None:
    program = """
import sys
from radar_cleaner.config.networks import network_names, network_options_model
print(*(f"{name}:{','.join(network_options_model(name).model_fields)}" for name in network_names()))
assert "torch" not in sys.modules
"""
    read = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    own = [model for model in registered_models() if model.file.parent.name == "models"]
    assert read.stdout.split() == [f"{model.name}:{','.join(model.options.model_fields)}" for model in own]


@pytest.mark.parametrize("name", network_names())
def test_every_option_of_a_network_has_a_default_and_a_description(name: str) -> None:
    model = find_model(name)
    assert model.summary and model.options.model_json_schema() == network_options_model(name).model_json_schema()
    assert all(field.description and not field.is_required() for field in model.options.model_fields.values())


def test_a_users_file_registers_its_network_however_often_it_is_loaded() -> None:
    load_code(TEMPLATE)
    load_code(TEMPLATE)
    assert find_model("my_net").file == TEMPLATE
    load_code(None)


@pytest.mark.parametrize(
    ("name", "helper", "text"),
    [
        ("small", None, "register_model('small', TinyUNetOptions)(TinyUNet)"),
        ("lent", "Net = type('Net', (TinyUNet,), {})", "register_model('lent', TinyUNetOptions)(helper_lent.Net)"),
        ("within", "register_model('within', TinyUNetOptions)(TinyUNet)", ""),
    ],
)
def test_a_network_that_is_written_elsewhere_belongs_to_the_file_that_registers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, helper: str | None, text: str
) -> None:
    head = "from radar_cleaner.models.registry import register_model\n"
    head += "from radar_cleaner.models.tiny_unet import TinyUNet, TinyUNetOptions\n"
    monkeypatch.syspath_prepend(tmp_path)
    if helper is not None:
        (tmp_path / f"helper_{name}.py").write_text(head + helper + "\n")
        head += f"import helper_{name}\n"
    file = tmp_path / f"{name}.py"
    file.write_text(head + text + "\n")
    load_code(file)
    load_code(file)
    assert find_model(name).file == file and find_model("tiny_unet").file != file


def test_a_file_that_fails_does_not_claim_the_networks_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        load_code(tmp_path / "broken.py")
    load_code(TEMPLATE)
    assert find_model("my_net").file == TEMPLATE


def test_a_name_belongs_to_one_file(tmp_path: Path) -> None:
    copy = tmp_path / "copy.py"
    copy.write_text(TEMPLATE.read_text().replace('"my_net"', '"tiny_unet"'))
    with pytest.raises(ConfigError, match=r"model 'tiny_unet' of .*copy\.py is also the name of one of"):
        load_code(copy)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.py", "", r"empty\.py: registers no model; decorate its class with @register_model"),
        ("net.txt", "", r"net\.txt is not a Python file; its name must end in \.py"),
        (None, "", r"there is no file .*nowhere\.py"),
    ],
)
def test_a_file_that_cannot_be_a_networks_is_refused(
    tmp_path: Path, name: str | None, text: str, message: str
) -> None:
    path = tmp_path / (name or "nowhere.py")
    if name is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_code(path)


def test_options_that_are_not_a_section_model_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'odd': its options .* are not a section model"):
        register_model("odd", dict)(Network)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('{"depth": 9}', "depth: input should be less than or equal to 6, not 9"),
        ('{"depth": "3"}', "depth: input should be a valid integer, not '3'"),
        ('{"depth": true}', "depth: input should be a valid integer, not True"),
        ('{"width": 3}', "width: tiny_unet does not have this option; it has base_width, depth, dropout"),
        ('{"dropout": NaN}', "dropout: input should be a finite number"),
        ("[]", "input should be an object"),
    ],
)
def test_a_wrong_option_is_named(options: str, message: str) -> None:
    with pytest.raises(ConfigError, match="(?i)" + message):
        read_options(TinyUNetOptions, options, "tiny_unet")


def test_options_are_read_as_they_were_written() -> None:
    for name in network_names():
        kind = network_options_model(name)
        assert read_options(kind, write_options(kind()), name) == kind()


def test_the_list_tells_each_network_and_each_of_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    list_models(code=TEMPLATE)
    printed = capsys.readouterr().out
    for name in (*network_names(), "my_net"):
        assert f"\n{name}: " in f"\n{printed}"
    assert (
        "    base_width: 16\n        Channels of the first level; each further level has twice as many." in printed
    )
    assert "    drop_path: 0.1" in printed and "    width: 16\n        Channels of the layers." in printed
    assert "resnet-18" in printed
    assert max(map(len, printed.splitlines())) <= 115
