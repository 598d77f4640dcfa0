"""The labelers of the label model, read from the source of their modules without an import of NumPy or OpenCV.

A labeler is one module of `radar_cleaner.targets.labelers`. It registers its class by
`@register_labeler("NAME", order=..., weight=..., description="...")`. The arguments are literals. The config takes
the keys of the section `votes` from them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from radar_cleaner.config.registrations import registrations


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
    found = [
        DeclaredLabeler(
            module,
            ast.literal_eval(call.args[0]),
            **{str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords},
        )
        for module, call in registrations("targets/labelers", "register_labeler")
    ]
    return tuple(sorted(found, key=lambda labeler: (labeler.order, labeler.name)))
