"""Cleaners to compare: each gives an echo a score, the higher the likelier it is meteorological.

A module of this package that calls `registry.register` adds one or more cleaners by their names in
`evaluation.cleaners`.
"""

from __future__ import annotations

import importlib
import pkgutil


def import_all() -> None:
    """Import all modules of this package, so that their cleaners are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
