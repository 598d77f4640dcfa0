"""Write the conda environments from the pins and from what the rules import: `make lock`.

An environment contains the distributions that the stages of its rules import, and their dependencies.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from radar_cleaner.storage.code_digest import import_closure  # noqa: E402

# Imported only for a key of the config or a subcommand.
EXTRAS = {
    "tensorboard",
    "wandb",
    "mlflow",
    "transformers",
    "huggingface_hub",  # with transformers, as safetensors
    "safetensors",
    "onnxscript",
    "pysteps",
    "pyart",
    "wradlib",
}
CPU_BUILDS = "--extra-index-url https://download.pytorch.org/whl/cpu"
HEADS = {
    "preparation": "# With --sdm conda: the environment of the rules that do not use torch.",
    "training-cpu": "# With --sdm conda: the environment of the rules that use torch.",
    "training-gpu": "# The same with RADAR_CLEANER_TORCH=gpu: on Linux torch's CUDA build.",
}


def environments_of_rules() -> dict[str, str]:
    """The environment that each rule names: `preparation` or `training`."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", text, re.MULTILINE | re.DOTALL)
    named = {rule: re.search(r"^    conda:\n        (.*)$", body, re.MULTILINE) for rule, body in rules}
    return {
        rule: "training" if match[1] == "TRAINING_ENVIRONMENT" else Path(match[1].strip('"')).stem
        for rule, match in named.items()
        if match
    }


def imported(stages: list[str]) -> set[str]:
    """The distributions that the stages import, by their name on the package index."""
    paths = {ROOT / "radar_cleaner/cli.py", ROOT / "radar_cleaner/__main__.py"}
    paths.update(path for stage in stages for path in import_closure(stage))
    names: set[str] = set()
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    known = packages_distributions()
    foreign = names - sys.stdlib_module_names - {"radar_cleaner"} - EXTRAS
    # A namespace such as mpl_toolkits belongs to several.
    return {canonicalize_name(one) for name in foreign for one in known[name]}


@cache
def needs(name: str) -> frozenset[str]:
    """A distribution and all that it needs, without the CUDA libraries, whose versions torch names itself."""
    found = {name}
    for one in map(Requirement, distribution(name).requires or []):
        if (one.marker is None or one.marker.evaluate({"extra": ""})) and not re.match(
            "nvidia|cuda|triton", one.name
        ):
            found |= needs(canonicalize_name(one.name))
    return frozenset(found)


def environment(name: str) -> str:
    """The text of an environment's file."""
    rules = [rule for rule, named in environments_of_rules().items() if name.startswith(named)]
    wanted = {one for direct in imported(rules) for one in needs(direct)}
    lines = (ROOT / "envs/requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if canonicalize_name(line.split("==")[0]) in wanted]
    assert len(pins) == len(wanted), f"not in requirements.txt: {wanted} but {pins}"
    packages = [CPU_BUILDS] * (name == "training-cpu") + sorted(pins, key=str.lower)
    head = [HEADS[name], f"name: radar-cleaner-{name}", "channels: [conda-forge, nodefaults]", "dependencies:"]
    return "\n".join(
        [*head, "  - python=3.11", "  - pip", "  - pip:", *(f"      - {one}" for one in packages), ""]
    )


if __name__ == "__main__":
    for name in HEADS:
        (ROOT / "workflow/envs" / f"{name}.yaml").write_text(environment(name), encoding="utf-8")
