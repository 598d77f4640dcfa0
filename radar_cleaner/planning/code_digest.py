"""The package modules that a stage runs: inputs of its rule, so that an edit reruns just what it touches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "radar_cleaner"


def import_closure(stage: str, root: Path) -> list[Path]:
    """Files of the package that `radar_cleaner.stages.<stage>` imports, directly or not, itself included, sorted.

    `root` is the folder that holds the package. A template beside a module is no module: its rule names it.
    """
    pending = [f"{PACKAGE}.stages.{stage}"]
    found: dict[str, Path] = {}
    while pending:
        module = pending.pop()
        path = _file(module, root)
        if path is not None and module not in found:
            found[module] = path
            pending += _imports(path)
    return sorted(found.values())


def _file(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _imports(path: Path) -> tuple[str, ...]:
    names: list[str] = []
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] == PACKAGE and name != PACKAGE)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node, those in branches, functions and classes too; no look into expressions."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()):
            yield child
            yield from _statements(child)
