"""The labelers by name. A labeler's module is imported when the labeler is first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.targets.labelers.base import Echoes, Labeler, LogOdds, Sources

L = TypeVar("L", bound=type[Labeler])
_REGISTERED: dict[str, type[Labeler]] = {}


def register_labeler(
    name: str, *, order: int, weight: float, description: str, key: str = "", needs: str = ""
) -> Callable[[L], L]:
    """Register a labeler under a name.

    The config reads the arguments from the source of the module (`config.labelers`): they are literals.

    Parameters
    ----------
    name
        Name in tables and messages.
    order
        Position in the sum of the label model and in the config.
    weight
        Default of its weight, `votes.NAME` in the config.
    description
        What the evidence is, for the reference of the config.
    key
        Key of its weight in `votes`, if it is not the name.
    needs
        What it reads beside the frame: `neighbours`, `atlas`, `other_radars` or `masks`.
    """

    def register(labeler: L) -> L:
        _REGISTERED[name] = labeler
        return labeler

    return register


def find_labeler(name: str) -> type[Labeler]:
    """Return the labeler of a name. Raises KeyError."""
    if name not in _REGISTERED:
        declared = {labeler.name: labeler for labeler in declared_labelers()}
        importlib.import_module(f"radar_cleaner.targets.labelers.{declared[name].module}")
    return _REGISTERED[name]


def open_labelers(weights: Mapping[str, float], sources: Sources) -> dict[str, Labeler]:
    """Open the labelers with a weight above 0, in the order of `weights`."""
    opened = {name: find_labeler(name).open(sources) for name, weight in weights.items() if weight > 0}
    return {name: labeler for name, labeler in opened.items() if labeler is not None}


def collect_evidence(labelers: Mapping[str, Labeler], echoes: Echoes, time: int) -> dict[str, LogOdds]:
    """Return the log-odds of a frame's echoes by labeler; labelers without evidence are left out."""
    evidence = {name: labeler.log_odds(echoes, time) for name, labeler in labelers.items()}
    return {name: np.asarray(values) for name, values in evidence.items() if values is not None}
