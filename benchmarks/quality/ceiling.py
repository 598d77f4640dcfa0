"""What the network can learn at best: taught by the reference masks of the training period."""

from __future__ import annotations

from pathlib import Path

import yaml

from radar_cleaner.tables import write_text

from .jobs import make_results
from .learned import NamedModel
from .variants import changed, link_shared

NAME = "ceiling: taught by the reference"


def make_ceiling(config: Path, masks: str, results: Path) -> NamedModel:
    """Let snakemake train the ceiling of a config, beside the results of it, with whose stores it begins."""
    folder = results.with_name(f"{results.name}-ceiling")
    changes = {"results": str(folder), "votes.reference": masks, "cleaning.model": "trained"}
    own = changed(yaml.safe_load(config.read_text(encoding="utf-8")), changes)
    link_shared(folder, results, ["targets"])
    write_text(folder / "config.yaml", yaml.safe_dump(own, sort_keys=False))
    make_results(folder / "config.yaml", ["train"])
    return NamedModel(NAME, (folder / "model/best.pt",), joined=False)
