"""
Train networks on a zoo and on the sample, each without the radars of a fold.

    python -m benchmarks.zoo.train --zoo FOLDER --fold 1 2 3 4 5   # a network for each fold
    python -m benchmarks.zoo.train --zoo FOLDER                    # one network for all radars

benchmarks/zoo/recipe.yaml has the settings. The labels are the references: of the zoo, and of the training period
of the sample. The radars of the fold validate the network. `python -m benchmarks.zoo --folds 5` lists the folds.

Stores are made once, in RESULTS. Networks are in RESULTS-fold-N/model/best.pt or RESULTS-all/model/best.pt.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from radar_cleaner.config.load import read_config
from radar_cleaner.errors import RadarCleanerError
from radar_cleaner.planning.plan import Plan
from radar_cleaner.storage.paths import Layout

from ..quality import ROOT
from ..quality.runs import Config, read_yaml, run_snakemake, train_beside
from .__main__ import CARRIED, FOLDS
from .decoding import config_of
from .radars import Zoo, make_folds

RECIPE = Path(__file__).with_name("recipe.yaml")
SAMPLE = ROOT / "config/maritimes.yaml"
RESULTS = "results-zoo-training"
_PICTURE = ("size_px", "plot_box_px", "overlay")  # keys of `frames` that a radar may have for itself


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        for model in run(options):
            print(model)
    except RadarCleanerError as error:
        sys.exit(f"benchmarks.zoo.train: {error}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zoo.train", description=(__doc__ or "").strip().splitlines()[0]
    )
    parser.add_argument("--zoo", type=Path, default=CARRIED, help="a folder in the layout of resources/zoo")
    parser.add_argument("--fold", type=int, nargs="*", default=[], help="leave out these folds; without: none")
    parser.add_argument("--folds", type=int, default=FOLDS, help="the number of folds")
    parser.add_argument("--results", default=RESULTS, help="where stores are made")
    parser.add_argument("--cores", default="all", help="of snakemake")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> list[Path]:
    """Make the stores, train the networks, and return their files. Raises RadarCleanerError."""
    zoo = Zoo.load(options.zoo)
    folds = make_folds(zoo.radars, options.folds)
    results = Path(options.results)
    config = training_config(zoo, results)
    plan, layout = Plan(read_config(config)), Layout(results)
    labels = [str(layout.labels(radar, shard) / "zarr.json") for radar, shard in plan.pairs("training")]
    run_snakemake(config, results / "config.yaml", [*labels, str(results / "samples/train.csv")], options.cores)
    if not options.fold:
        return [train_beside(config, results, "all", {})]
    return [
        train_beside(
            config, results, f"fold-{number}", {"samples.validation_radars": folds[number - 1]}, "samples"
        )
        for number in options.fold
    ]


def training_config(zoo: Zoo, results: Path) -> Config:
    """Return the recipe with the radars of a zoo and of the sample, and one folder with the references of all.

    The scored half of the sample is in no period.
    """
    config, of_zoo, of_sample = read_yaml(RECIPE), config_of(zoo, str(results)), read_yaml(SAMPLE)
    _, last = of_sample["training"]["period"]
    _, after = of_sample["evaluation"]["period"]
    names = {key: of_zoo["frames"][key] for key in ("pattern", "time_format")}
    config |= {
        "results": str(results),
        "radars": [*_with_own_pictures(of_zoo), *_with_own_pictures(of_sample)],
        "frames": {**names, "cadence_minutes": 1, "shard": "hour"},
    }
    config["training"]["period"] = [["2000-01-01", last], [after, "2100-01-01"]]
    config["votes"]["reference"] = str(link_references(results / "reference", of_zoo, of_sample))
    return config


def _with_own_pictures(config: Config) -> list[dict[str, Any]]:
    """Return the radars of a config with its keys of pictures and palette as their own."""
    own = {key: config["frames"][key] for key in _PICTURE if key in config["frames"]}
    return [{**radar, **own, "labels": {"palette": config["labels"]["palette"]}} for radar in config["radars"]]


def link_references(folder: Path, *configs: Config) -> Path:
    """Link the masks of each radar of some configs into one folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for config in configs:
        for radar in config["radars"]:
            place = folder / radar["id"]
            place.unlink(missing_ok=True)
            masks = ROOT / config["evaluation"]["reference"] / radar["id"]
            place.symlink_to(os.path.relpath(masks, folder.resolve()), target_is_directory=True)
    return folder


if __name__ == "__main__":
    main()
