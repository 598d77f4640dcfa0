"""The variants of an ablation: a config, and the same config with one change each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from radar_cleaner.config.labelers import declared_labelers
from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError

from .runs import Config, changed

LABELERS = tuple(labeler.name for labeler in declared_labelers())

BASE, COST, OTHER_NETWORKS = "base", "cost", "networks"
GROUPS = {
    "labelers": "each labeler off",
    "injection": "no artefact injected in training",
    "radar": "each radar alone, without the others",
    "time": "one time instead of several",
    "atlas": "no clutter atlas, neither as a labeler nor as a channel",
    "holes": "no inpainting masks in training",
    "seed": "another seed: the effect of chance alone",
    COST: "networks that cost less or more; only on request",
    OTHER_NETWORKS: "the other networks; only on request",
}
# By name: words, and options of training.model.
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
# The changes for each other network. The learning rate is usual for these networks and was not searched;
# encoder_unet needs envs/requirements-encoders.txt.
KINDS_OF_NETWORK: dict[str, dict[str, Any]] = {
    "rate_net": {},
    "window_attention": {"training.learning_rate": 0.002},
    "encoder_unet": {"training.learning_rate": 0.002},
}


@dataclass(frozen=True)
class Variant:
    """A run of the config with `changes`, a value by dotted key.

    `name` is that of its folder, `groups` are names that select it as well, `words` those of the tables. `own` are
    the kinds of stores that the changes affect; the others are the base's. `radars` are those of its training;
    `model_of` names the variant whose model it takes instead of a training.
    """

    name: str
    groups: frozenset[str]
    words: str
    radars: tuple[str, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    model_of: str | None = None


def plan_variants(config: Config) -> list[Variant]:
    """Return the base and all variants of a config as its user wrote it.

    A variant without an effect is left out. Of two equal variants the first is kept. Raises ConfigError.
    """
    planned: list[Variant] = []
    configs: list[Any] = []
    for variant in _all_variants(config):
        settings = read_config(changed(config, variant.changes)), variant.model_of
        if settings not in configs:
            configs.append(settings)
            planned.append(variant)
        elif (index := configs.index(settings)) > 0:
            first = planned[index]
            planned[index] = replace(first, groups=first.groups | variant.groups | {variant.name})
    return planned


def select(variants: Sequence[Variant], only: Iterable[str]) -> list[Variant]:
    """Return the base and the variants named by group or by name; without names all that need no request."""
    wanted = set(only)
    known = {*GROUPS, *(name for one in variants for name in (one.name, *one.groups))}
    if wanted - known:
        raise ConfigError(f"--only {','.join(sorted(wanted - known))}: choose of {', '.join(sorted(known))}")
    wanted = wanted or known - {COST, OTHER_NETWORKS, *NETWORKS, *KINDS_OF_NETWORK}
    return [one for one in variants if one.name == BASE or {one.name, *one.groups} & wanted]


def _all_variants(config: Config) -> Iterable[Variant]:
    settings = read_config(config)
    radars = tuple(radar.id for radar in settings.radars)

    def variant(name: str, group: str, words: str, changes: Mapping[str, Any], *own: str) -> Variant:
        return Variant(name, frozenset({group}), words, radars, changes, frozenset(own))

    yield variant(BASE, BASE, "as configured", {})
    for labeler in LABELERS:
        key, off = ("votes.reference", None) if labeler == "reference" else (f"votes.{labeler}", 0)
        yield variant(f"votes-without-{labeler}", "labelers", f"labelers without {labeler}", {key: off}, "labels")
    nothing = {"training.plants.fraction": 0}
    yield variant("without-injection", "injection", "no artefact injected", nothing)
    for entry, radar in zip(config["radars"], radars, strict=True):
        # Alone it has no other radars: neither as a channel nor as a labeler.
        own = ("warp", "aligned", "labels", "samples")
        name, words = f"only-{radar}", f"{radar} alone"
        alone = replace(variant(name, "radar", words, {"radars": [entry]}, *own), radars=(radar,))
        yield alone
        for other, unseen in zip(config["radars"], radars, strict=True):
            if unseen != radar:
                changes = {"radars": [other]}
                yield replace(alone, name=f"{name}-on-{unseen}", changes=changes, model_of=name)
    yield variant("one-time", "time", "one time", {"samples.input_minutes": [0]}, "samples")
    masked = ["aligned"] if settings.samples.atlas == "mask" else []
    no_atlas = {"samples.atlas": "none", "votes.atlas": 0}
    yield variant("without-atlas", "atlas", "no atlas", no_atlas, "labels", *masked)
    yield variant("without-holes", "holes", "no inpainting masks", {"training.holes.fraction": 0})
    for name, (words, model) in NETWORKS.items():
        yield variant(name, COST, words, {f"training.model.{key}": value for key, value in model.items()})
    for name, more in KINDS_OF_NETWORK.items():
        yield variant(name, OTHER_NETWORKS, name, {"training.model.name": name, **more})
    yield variant("other-seed", "seed", "another seed", {"training.seed": settings.training.seed ^ 1})
