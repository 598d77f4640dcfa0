"""What an ablation compares: a config, and the same config with one thing changed."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from radar_cleaner.errors import ConfigError
from radar_cleaner.targets.label_model import LABELERS

from .jobs import filled

Config = dict[str, Any]

# What a run makes up to its model, by folder.
KINDS = frozenset({"rgb", "reflectivity", "atlas", "warp", "aligned", "static", "labels", "samples"})
BASE, COST, OTHER_NETWORKS = "base", "cost", "networks"
GROUPS = {
    "labelers": "each labeler off",
    "planting": "nothing planted in training",
    "radar": "each radar alone, the others never seen",
    "time": "one time instead of several",
    "atlas": "no atlas, neither as a vote nor as a channel",
    "holes": "no holes in training",
    "seed": "another seed: what chance alone does",
    COST: "networks that cost less or more; only where they are asked for",
    OTHER_NETWORKS: "the other networks that come along; only where they are asked for",
}
# By name: words, and what of training.model they are.
NETWORKS: dict[str, tuple[str, dict[str, int | bool]]] = {
    "width-8": ("width 8", {"base_width": 8}),
    "width-24": ("width 24", {"base_width": 24}),
    "width-8-depth-2": ("width 8, depth 2", {"base_width": 8, "depth": 2}),
    "width-8-depth-4": ("width 8, depth 4", {"base_width": 8, "depth": 4}),
    "depth-2": ("depth 2", {"depth": 2}),
    "depth-4": ("depth 4", {"depth": 4}),
    "depthwise": ("depthwise", {"depthwise": True}),
    "scale-2": ("scale 2", {"input_scale": 2}),
    "scale-2-width-24": ("scale 2, width 24", {"input_scale": 2, "base_width": 24}),
    "scale-4-width-32": ("scale 4, width 32, depth 2", {"input_scale": 4, "base_width": 32, "depth": 2}),
}
# Of the other networks: what is changed for each. The learning rate is what such networks usually have, it is not
# searched for; encoder_unet needs envs/requirements-encoders.txt.
KINDS_OF_NETWORK: dict[str, dict[str, Any]] = {
    "rate_net": {},
    "window_attention": {"training.learning_rate": 0.002},
    "encoder_unet": {"training.learning_rate": 0.002},
}


@dataclass(frozen=True)
class Variant:
    """A run of the config with `changes`, a value by dotted key.

    `name` is that of its folder, `groups` are names by which it is asked for as well, `words` those of the tables.
    `own` are the kinds of stores that the changes make others of; the rest is the base's. `radars` are those that
    it is trained on.
    """

    name: str
    groups: frozenset[str]
    words: str
    radars: tuple[str, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


def plan_variants(config: Config) -> list[Variant]:
    """The base and all variants of a config as its user wrote it.

    One that changes nothing is left out; of two that change the same the first does for both. Raises ConfigError.
    """
    planned: list[Variant] = []
    configs: list[Config] = []
    for variant in _all_variants(config):
        own = filled(changed(config, variant.changes))
        if own not in configs:
            configs.append(own)
            planned.append(variant)
        elif (index := configs.index(own)) > 0:
            first = planned[index]
            planned[index] = replace(first, groups=first.groups | variant.groups | {variant.name})
    return planned


def select(variants: Sequence[Variant], only: Iterable[str]) -> list[Variant]:
    """The base and what is named by group or by variant; all but COST where nothing is. Raises ConfigError."""
    wanted = set(only)
    known = {*GROUPS, *(name for one in variants for name in (one.name, *one.groups))}
    if wanted - known:
        raise ConfigError(f"--only {','.join(sorted(wanted - known))}: choose of {', '.join(sorted(known))}")
    wanted = wanted or known - {COST, OTHER_NETWORKS, *NETWORKS, *KINDS_OF_NETWORK}
    return [one for one in variants if one.name == BASE or {one.name, *one.groups} & wanted]


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A copy of a config, the values at dotted keys replaced; sections that are not there are added."""
    config = copy.deepcopy(config)
    for key, value in changes.items():
        *path, leaf = key.split(".")
        part = config
        for name in path:
            if part.get(name) is None:  # a section without a key
                part[name] = {}
            part = part[name]
        part[leaf] = copy.deepcopy(value)
    return config


def link_shared(folder: Path, base: Path, own: Iterable[str]) -> None:
    """Let a variant's folder hold the base's stores by link, but for the kinds that it makes itself.

    Links of whole kinds: what the base makes again the variant then has, and Snakemake sees that it is newer. A
    folder that the variant made itself stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind in sorted(KINDS):
        place = folder / kind
        if kind in own:
            if place.is_symlink():
                place.unlink()
        elif not place.exists() and (base / kind).is_dir():
            place.unlink(missing_ok=True)  # one that leads nowhere
            place.symlink_to(os.path.relpath(base / kind, folder), target_is_directory=True)


def _all_variants(config: Config) -> Iterable[Variant]:
    whole = filled(config)
    radars = tuple(radar["id"] for radar in whole["radars"])

    def variant(name: str, group: str, words: str, changes: Mapping[str, Any], *own: str) -> Variant:
        return Variant(name, frozenset({group}), words, radars, changes, frozenset(own))

    yield variant(BASE, BASE, "as configured", {})
    for labeler in LABELERS:
        key, off = ("votes.reference", None) if labeler == "reference" else (f"votes.{labeler}", 0)
        yield variant(f"votes-without-{labeler}", "labelers", f"votes without {labeler}", {key: off}, "labels")
    yield variant("without-planting", "planting", "nothing planted", {"training.plants.fraction": 0})
    for entry, radar in zip(config["radars"], radars, strict=True):
        # Alone it is told nothing of others: not as a channel, not as a vote.
        own = ("warp", "aligned", "labels", "samples")
        alone = variant(f"only-{radar}", "radar", f"{radar} alone", {"radars": [entry]}, *own)
        yield replace(alone, radars=(radar,))
    yield variant("one-time", "time", "one time", {"samples.input_minutes": [0]}, "samples")
    masked = ["aligned"] if whole["samples"]["atlas"] == "mask" else []
    no_atlas = {"samples.atlas": "none", "votes.atlas": 0}
    yield variant("without-atlas", "atlas", "no atlas", no_atlas, "labels", *masked)
    yield variant("without-holes", "holes", "no holes", {"training.holes.fraction": 0})
    for name, (words, model) in NETWORKS.items():
        changes = {f"training.model.{key}": value for key, value in model.items()}
        yield variant(name, COST, words, changes)
    for name, changes in KINDS_OF_NETWORK.items():
        yield variant(name, OTHER_NETWORKS, name, {"training.model.name": name, **changes})
    yield variant("other-seed", "seed", "another seed", {"training.seed": whole["training"]["seed"] ^ 1})
