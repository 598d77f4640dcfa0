"""The plug-ins of a package, read from the source of its modules, without an import of what they need.

A plug-in registers itself by a decorator whose arguments are literals: `@register_labeler("density", order=30)`.
So a call of Snakemake knows the plug-ins and neither NumPy nor torch is imported.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def registrations(folder: str, *decorators: str) -> tuple[tuple[str, ast.Call], ...]:
    """Return the module and the call of each decorator of these names, in the order of the modules.

    `folder` is relative to the package, as `targets/labelers`.
    """
    return tuple(
        (path.stem, decorator)
        for path in sorted((_PACKAGE / folder).glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in decorators
    )
