"""Models that are trained beside the config's, to compare with it: of the same stores, seed and length."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from radar_cleaner.storage.atomic import write_text

from .jobs import filled, make_results
from .learned import NamedModel
from .planted_scores import UNSEEN, UnseenModel
from .variants import changed, link_shared

CEILING = "ceiling: taught by the reference"


def make_ceiling(config: Path, masks: str, results: Path) -> NamedModel:
    """What the network can learn at best: taught by the reference `masks` of the training period."""
    path = _train(config, results, "ceiling", {"votes.reference": masks}, "labels")
    return NamedModel(CEILING, (path,), joined=False)


def make_unseen(config: Path, results: Path) -> tuple[UnseenModel, ...]:
    """Two models, each trained without half of the planted kinds, so that each kind is new to one of them.

    None where training plants fewer than two kinds.
    """
    plants = filled(yaml.safe_load(config.read_text(encoding="utf-8")))["training"]["plants"]
    kinds = plants["kinds"] if plants["fraction"] else []
    halves = kinds[::2], kinds[1::2]
    if not all(halves):
        return ()
    found = []
    for number, (left_out, planted) in enumerate(zip(halves, halves[::-1], strict=True), 1):
        path = _train(config, results, f"{UNSEEN}-{number}", {"training.plants.kinds": planted})
        found.append(UnseenModel(tuple(left_out), NamedModel(UNSEEN, (path,))))
    return tuple(found)


def _train(config: Path, results: Path, name: str, changes: Mapping[str, Any], *own: str) -> Path:
    """Let snakemake train by a config with `changes` in RESULTS-NAME, of the stores of `results` but its `own`."""
    folder = results.with_name(f"{results.name}-{name}")
    changes = {"results": str(folder), "cleaning.model": "trained", **changes}
    link_shared(folder, results, own)
    text = yaml.safe_dump(changed(yaml.safe_load(config.read_text(encoding="utf-8")), changes), sort_keys=False)
    write_text(folder / "config.yaml", text)
    make_results(folder / "config.yaml", ["train"])
    return folder / "model/best.pt"
