"""The labelers of the label model, read from the source of their modules without an import of NumPy or OpenCV.

A labeler is one module of `radar_cleaner.targets.labelers`. It registers its class by
`@register_labeler("NAME", order=..., weight=..., description="...")`. The arguments are literals. The config takes
the keys of the section `votes` from them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "targets" / "labelers"


@dataclass(frozen=True)
class DeclaredLabeler:
    """The arguments of `register_labeler`, the key of the weight in `votes`, and the name of the module."""

    module: str
    name: str
    order: int
    weight: float
    description: str
    needs: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.name)


@cache
def declared_labelers() -> tuple[DeclaredLabeler, ...]:
    """Return the labelers of the package in the order in which the label model adds their evidence."""
    found = [labeler for path in sorted(_FOLDER.glob("*.py")) for labeler in _read(path)]
    return tuple(sorted(found, key=lambda labeler: (labeler.order, labeler.name)))


def _read(path: Path) -> list[DeclaredLabeler]:
    source = path.read_text(encoding="utf-8")
    if "@register_labeler(" not in source:
        return []
    calls = [
        decorator
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "register_labeler"
    ]
    return [
        DeclaredLabeler(
            path.stem,
            ast.literal_eval(call.args[0]),
            **{str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords},
        )
        for call in calls
    ]
