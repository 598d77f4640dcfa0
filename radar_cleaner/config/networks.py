"""The options of a network, read without torch, so that a config is checked before anything runs.

A network of this package is one module of `radar_cleaner.models`. The module defines the options as a section
model and registers the network class by `@register_model("NAME", Options)`, where NAME is the module's name.
Planning reads the section model from the module's source (`network_options_model`): it runs the imports, the
constants and the classes up to the section model, without the imports of torch and of `radar_cleaner.models`.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pydantic import ValidationError

from radar_cleaner.config.section import Section
from radar_cleaner.errors import ConfigError

Options = TypeVar("Options", bound=Section)

_MODELS = Path(__file__).resolve().parents[1] / "models"
_NEEDS_TORCH = ("torch", "transformers", "radar_cleaner.models")


@cache
def network_names() -> tuple[str, ...]:
    """Return the names of the networks of this package, sorted."""
    return tuple(
        sorted(path.stem for path in _MODELS.glob("*.py") if f'@register_model("{path.stem}"' in _read(path))
    )


@cache
def network_options_model(name: str) -> type[Section]:
    """Return the section model of the options of a network of this package; torch is not imported."""
    tree = ast.parse(_read(_MODELS / f"{name}.py"))
    wanted = next(
        decorator.args[1].id
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.args[1], ast.Name)
    )
    kept: list[ast.stmt] = []
    for node in tree.body:
        if not _imports_torch(node):
            kept.append(node)
        if isinstance(node, ast.ClassDef) and node.name == wanted:
            break
    module = ModuleType(f"radar_cleaner.config.networks.{name}")
    sys.modules[module.__name__] = module  # where pydantic looks for the names of annotations
    exec(compile(ast.Module(kept, type_ignores=[]), str(_MODELS / f"{name}.py"), "exec"), module.__dict__)
    options: type[Section] = module.__dict__[wanted]
    return options


def read_options(kind: type[Options], text: str, model: str) -> Options:
    """Read the options of a network from a JSON object. Raises ConfigError that names each wrong one."""
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise ConfigError("; ".join(_describe(problem, kind, model) for problem in error.errors())) from None


def write_options(options: Section) -> str:
    """Return the JSON object that `read_options` reads, with every option in it."""
    return json.dumps(options.model_dump(mode="json"), sort_keys=True)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _imports_torch(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name == module or name.startswith(f"{module}.") for name in names for module in _NEEDS_TORCH)


def _describe(problem: Mapping[str, Any], kind: type[Section], model: str) -> str:
    name = ".".join(str(part) for part in problem["loc"][:1])
    if problem["type"] == "extra_forbidden":
        return f"{name}: {model} does not have this option; it has {', '.join(kind.model_fields) or 'none'}"
    words = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {words[0].lower()}{words[1:]}, not {problem['input']!r}" if name else words
