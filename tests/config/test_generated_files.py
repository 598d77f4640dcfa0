"""The files that `make generate` writes from the section models are up to date and correct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field
from rerun_cases import rows_of
from workflow_cases import REPOSITORY

from docs.write_config_reference import DEFAULTS, SCHEMA, files, keys_of, type_words
from radar_cleaner.config.config import Config
from radar_cleaner.config.load import read_config
from radar_cleaner.config.section import Section
from radar_cleaner.config.training import Learning


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == files()[path], "run `make generate`"


def test_the_default_config_has_every_default() -> None:
    content = yaml.safe_load(DEFAULTS.read_text())
    written, left_out = Config.model_validate(content), Config.model_validate({"radars": content["radars"]})
    assert written == left_out
    assert content.keys() == Config.model_fields.keys()


def test_every_key_and_every_section_has_help() -> None:
    def check(section: type[Section], place: str) -> None:
        for key in keys_of(section):
            if key.section is None:
                assert key.help.endswith((".", ")")), f"{place}{key.name}"
                assert type_words(key.part) != "value", f"{place}{key.name}"
            else:
                assert key.section.__doc__, f"{place}{key.name}"
                check(key.section, f"{place}{key.name}.")

    check(Config, "")


@pytest.mark.parametrize("name", ["config.yaml", "maritimes.yaml", "zoo.yaml", "forecasts.yaml", "realtime.yaml"])
def test_the_schema_accepts_our_configs(name: str) -> None:
    validator: Any = pytest.importorskip("jsonschema").Draft202012Validator
    config = json.loads(json.dumps(yaml.safe_load((REPOSITORY / "config" / name).read_text()), default=str))
    assert list(validator(json.loads(SCHEMA.read_text())).iter_errors(config)) == []
    assert read_config(config).radars


def test_a_new_key_needs_no_other_place_than_its_section() -> None:
    """Schema, reference page, default config, flag and rerun table follow from the model."""

    class Labelled(Learning):
        """All keys that determine the weights of a model."""

        label_noise: float = Field(0, ge=0, le=0.5, description="Rate at which a label is flipped.")

    assert Labelled.model_json_schema()["properties"]["label_noise"]["maximum"] == 0.5
    key = next(key for key in keys_of(Labelled) if key.name == "label_noise")
    assert (type_words(key.part), key.default) == ("number, 0 to 0.5", "0")
    assert Labelled(label_noise=0.25).to_flag() == '{"label_noise": 0.25}'
    assert rows_of("training", Labelled, {"train_model"}, Labelled()) == {
        "training.label_noise": (0.25, {"train_model"})
    }
