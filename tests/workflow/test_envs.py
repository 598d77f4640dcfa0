"""The environments agree: one set of pins, and in each conda environment what its rules import, and no more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rerun_cases import changed
from workflow_cases import REPOSITORY, SMOKE, TARGETS

from envs.write_environments import CPU_BUILDS, HEADS, environment, environments_of_rules, needs
from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError
from radar_cleaner.planning.environment import check_packages, torch_build

ENVS = REPOSITORY / "envs"
CONDA = REPOSITORY / "workflow/envs"
RULES = environments_of_rules()
IMPORT_WITHOUT = """
import importlib, json, sys
from importlib.machinery import PathFinder
stages, absent = map(set, map(json.loads, sys.argv[1:]))
class Present(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in absent else super().find_spec(name, path, target)
sys.meta_path[:] = [Present if finder is PathFinder else finder for finder in sys.meta_path]
for stage in stages:
    importlib.import_module(f"radar_cleaner.stages.{stage}")
importlib.import_module("radar_cleaner.cli")
"""


def pins(lines: list[str]) -> dict[str, str]:
    """Version by name of `name==version` lines."""
    found = [Requirement(line) for line in lines if re.match(r"[A-Za-z]", line)]
    assert all(len(one.specifier) == 1 and str(one.specifier).startswith("==") for one in found)
    return {canonicalize_name(one.name): str(one.specifier)[2:] for one in found}


def requirements() -> dict[str, str]:
    return pins((ENVS / "requirements.txt").read_text().splitlines())


def installed_by(name: str) -> list[str]:
    """The packages that pip installs into a conda environment."""
    content = yaml.safe_load((CONDA / f"{name}.yaml").read_text())
    *conda, pip = content["dependencies"]
    assert content["name"] == f"radar-cleaner-{name}" and content["channels"] == ["conda-forge", "nodefaults"]
    assert conda == ["python=3.11", "pip"] and list(pip) == ["pip"]
    return list(pip["pip"])


def test_every_rule_names_an_environment() -> None:
    text = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    assert set(re.findall(r"^rule (\w+):", text, re.MULTILINE)) - set(TARGETS) == RULES.keys()
    assert set(RULES.values()) == {"preparation", "training"}


@pytest.mark.parametrize("name", HEADS)
def test_an_environment_is_what_its_rules_import(name: str) -> None:
    assert (CONDA / f"{name}.yaml").read_text() == environment(name), "make lock"
    held = pins(installed_by(name))
    assert held.items() <= requirements().items()
    assert ("torch" in held) == (name != "preparation")


@pytest.mark.parametrize("name", HEADS)
def test_the_stages_can_be_imported_where_nothing_but_their_environment_is(name: str) -> None:
    stages = [rule for rule, named in RULES.items() if name.startswith(named)]
    held = {*pins(installed_by(name)), "radar-cleaner"}
    absent = [
        module for module, of in packages_distributions().items() if not held & set(map(canonicalize_name, of))
    ]
    assert ("torch" in absent) == (name == "preparation") and "snakemake" in absent
    command = [sys.executable, "-c", IMPORT_WITHOUT, json.dumps(stages), json.dumps(absent)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_training_environments_differ_in_where_torch_is_from_and_in_nothing_else() -> None:
    assert installed_by("training-cpu") == [CPU_BUILDS, *installed_by("training-gpu")]


def test_the_lock_is_the_requirements_with_a_hash_each_but_for_torch() -> None:
    text = (ENVS / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[A-Za-z])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    wanted = {name: version for name, version in requirements().items() if name != "torch"}
    assert pins([entry.split(" ")[0] for entry in entries]) == wanted, "make lock"
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_requirements_are_complete_and_allowed_by_the_package() -> None:
    pinned = requirements()
    for one in map(Requirement, distribution("radar-cleaner").requires or []):
        if one.marker is None or one.marker.evaluate({"extra": "workflow"}):
            assert one.specifier.contains(pinned[canonicalize_name(one.name)]), one
            assert needs(canonicalize_name(one.name)) <= pinned.keys(), one


LEADS = changed(changed(SMOKE, "samples.block_minutes", 60), "samples.lead_minutes", [0, 6])
FORECASTS = changed(LEADS, "evaluation.optical_flow", True)
ENCODER = changed(SMOKE, "training.model", {"name": "encoder_unet"})


@pytest.mark.parametrize(
    ("config", "package", "extra"), [(FORECASTS, "pysteps", "forecasts"), (ENCODER, "transformers", "encoders")]
)
def test_a_package_that_a_key_needs_must_be_installed_or_in_the_conda_environment(
    config: dict[str, Any], package: str, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held, settings = CONDA / "training-cpu.yaml", read_config(config)
    check_packages(settings, held)
    own = tmp_path / "training-cpu.yaml"
    own.write_text(held.read_text().replace("  - pip\n", f"  - pip\n  - {package}\n"))
    monkeypatch.setattr("radar_cleaner.planning.environment.find_spec", lambda name: None)
    check_packages(settings, own)
    with pytest.raises(ConfigError, match=rf"needs the package {package}, .*'radar-cleaner\[{extra}\]'"):
        check_packages(settings, held)


def test_no_package_is_required_that_no_key_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radar_cleaner.planning.environment.find_spec", lambda name: None)
    held = CONDA / "training-cpu.yaml"
    check_packages(read_config(changed(FORECASTS, "samples.lead_minutes", [0])), held)
    check_packages(read_config(changed(ENCODER, "cleaning.model", "other.pt")), held)


def test_an_unknown_build_of_torch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RADAR_CLEANER_TORCH", raising=False)
    assert torch_build() == "cpu"
    monkeypatch.setenv("RADAR_CLEANER_TORCH", "tpu")
    with pytest.raises(ConfigError, match=r"RADAR_CLEANER_TORCH=tpu .* cpu .* gpu"):
        torch_build()


def test_the_container_installs_the_pins() -> None:
    text = (ENVS / "Containerfile").read_text()
    assert f"torch=={requirements()['torch']}" in text
    assert "--require-hashes --no-deps --requirement envs/requirements.lock" in text
