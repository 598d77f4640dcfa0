"""
The value of each part of the cleaner: config/maritimes.yaml with one change at a time.

    make benchmark-ablation
    make benchmark-ablation OPTIONS="--epochs 4 --only injection,radar"

Each variant is a run of its own config in its own folder, RESULTS-ablation/NAME. Stores that the change does not
affect are links to the base's. Seed and epochs are those of the base; one variant has another seed. A second call
makes only what is missing. A variant that fails is named, and the others go on.

The rule `sweep_thresholds` scores each variant: other echo removed at fixed shares of meteorological echo kept, on
the frames of `evaluation.period` with a mask. With --inside it is the last third of `training.period`, and the
first two thirds train. Differences to the base have 90 % intervals over the same hours.

Writes ablation.csv, ablation.md and ablation.png into RESULTS-ablation; --list names the variants.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

import pandas as pd

from radar_cleaner.config.load import read_config
from radar_cleaner.errors import ConfigError, RadarCleanerError
from radar_cleaner.evaluation.removal import load_removals
from radar_cleaner.evaluation.threshold_sweep import SHARES
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_text

from . import ablation_tables as tables
from .ablation_tables import Outcome
from .runs import Config, changed, link_shared, read_yaml, run_snakemake
from .variants import BASE, GROUPS, Variant, plan_variants, select


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        failed = run(options)
    except RadarCleanerError as error:
        sys.exit(f"benchmark-ablation: {error}")
    if failed:
        sys.exit("\n".join(f"benchmark-ablation: {name} failed: {reason}" for name, reason in failed.items()))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/maritimes.yaml"))
    parser.add_argument("--folder", type=Path, help="instead of RESULTS-ablation")
    parser.add_argument("--epochs", type=int, help="of all variants")
    parser.add_argument("--seed", type=int, help="of all variants but the other seed")
    groups = "; ".join(f"{name}: {words}" for name, words in GROUPS.items())
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], help=f"groups or variants ({groups})"
    )
    parser.add_argument("--list", action="store_true", help="only name the variants")
    parser.add_argument("--cores", default="all", help="of snakemake")
    parser.add_argument(
        "--inside",
        action="store_true",
        help="of training.period, train on the first two thirds and score the rest",
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> dict[str, str]:
    """Make, score and write all variants; return the failed ones and why. Raises RadarCleanerError."""
    config = prepare_config(options.config, options.epochs, options.inside, options.seed)
    settings = read_config(config)
    if not settings.evaluation.reference:
        raise ConfigError("evaluation.reference: an ablation is scored against masks; set it")
    folder = options.folder or Path(f"{settings.results}-ablation")
    variants = select(plan_variants(config), options.only)
    if options.list:
        print("\n".join(f"{one.name}: {one.words}" for one in variants))
        return {}
    epochs = settings.training.epochs
    print(f"{len(variants)} variants of {options.config}, {epochs} epochs each, in {folder}")
    outcomes: list[Outcome] = []
    failed: dict[str, str] = {}
    for number, variant in enumerate(variants, 1):
        print(f"{number:2}/{len(variants)} {variant.name}: ", end="", flush=True)
        try:
            print(make(variant, config, folder, options.cores), end="; ", flush=True)
            outcomes.append(Outcome(variant, load_removals(folder / variant.name / "evaluation/removal.npz")))
            print(describe(outcomes), flush=True)
        except RadarCleanerError as error:
            failed[variant.name] = str(error)
            print(f"failed: {error}", flush=True)
            if variant.name == BASE:
                return failed  # there is nothing to compare with
        write(folder, outcomes, failed, heading(options.config, epochs, settings.training.seed))
    print(f"written to {folder}")
    return failed


def prepare_config(path: Path, epochs: int | None, inside: bool = False, seed: int | None = None) -> Config:
    """Return the config as its user wrote it, made to train, with the cleaners that are compared.

    `epochs` and `seed` replace the config's. `inside` keeps to the training period, so that no choice by these
    scores reads the evaluation period.
    """
    config = read_yaml(path)
    changes: Config = {"cleaning.model": "trained", "evaluation.cleaners": ["network", "model", "label_model"]}
    if inside:
        start, end = map(pd.Timestamp, config["training"]["period"])
        cut = (start + (end - start) * 2 / 3).floor("h")
        first, between, last = (f"{time:%Y-%m-%d %H:%M}" for time in (start, cut, end))
        changes |= {"training.period": [first, between], "evaluation.period": [between, last]}
    given = {"training.epochs": epochs, "training.seed": seed}
    return changed(config, changes | {key: value for key, value in given.items() if value is not None})


def make(variant: Variant, config: Config, folder: Path, cores: str) -> str:
    """Let Snakemake make what is missing of a variant, with its output in a log. Raises RunError."""
    changes = {**variant.changes, "results": str(folder / variant.name)}
    if variant.model_of:
        changes["cleaning.model"] = str(folder / variant.model_of / "model/best.pt")
    if variant.name != BASE:
        link_shared(folder / variant.name, folder / BASE, variant.own)
    file, log, started = folder / f"{variant.name}.yaml", folder / f"{variant.name}.log", monotonic()
    output = run_snakemake(changed(config, changes), file, ["sweep_thresholds"], cores, log)
    return "up to date" if "Nothing to be done" in output else f"made in {(monotonic() - started) / 60:.0f} min"


def describe(outcomes: Sequence[Outcome]) -> str:
    """Describe what the network of the last outcome removes, and its gain over the base's."""
    base, last = outcomes[0].removals, outcomes[-1]
    parts = []
    for radar, removals in last.removals.items():
        removed = 100 * removals["network"].choices[0].removed
        more = removed - 100 * base[radar]["network"].choices[0].removed
        parts.append(f"{radar} {removed:.1f} %" + ("" if last is outcomes[0] else f" ({more:+.1f})"))
    return f"removed at {100 * SHARES[0]:g} % kept: {', '.join(parts)}"


def write(folder: Path, outcomes: Sequence[Outcome], failed: Mapping[str, str], heading: str) -> None:
    """Write table, page and figure of the outcomes so far."""
    rows = tables.rows_of(outcomes)
    words = {one.variant.name: one.variant.words for one in outcomes} | {name: name for name in failed}
    write_csv(folder / "ablation.csv", pd.DataFrame(rows))
    write_text(folder / "ablation.md", tables.page(rows, words, heading, failed))
    write_png(folder / "ablation.png", tables.draw(rows, words))


def heading(config: Path, epochs: int, seed: int) -> str:
    """Explain the page's tables."""
    return (
        f"# The value of each part\n\nBy `python -m benchmarks.quality.ablation` on {config}: one training each, "
        f"of {epochs} epochs, seed {seed}. In brackets: the gain over the base in points of the "
        "non-meteorological echo removed, with the 90 % interval by a bootstrap over the same hours. The interval "
        "covers other weather, not another training: the row of another seed shows that. A radar alone has fewer "
        "samples, so the same epochs are fewer steps."
    )


if __name__ == "__main__":
    main()
