"""
What each part of the cleaner is worth: config/maritimes.yaml run with one thing changed at a time.

    make benchmark-ablation
    make benchmark-ablation OPTIONS="--epochs 4 --only planting,radar"

Each variant is a run by snakemake of its own config in its own results folder, RESULTS-ablation/NAME; stores that
its change leaves as they are it takes from the base's, by links. Seed and epochs are those of the base; a variant
of its own shows what another seed does. What is up to date is kept: a second call makes what is missing. A variant
that fails is named, and the others go on.

Scored as by `make benchmark-quality`: non-meteorological echo removed at fixed shares of meteorological echo kept,
on the frames of `evaluation.period` that have a mask, or, with --inside, on the last third of `training.period`,
of which the first two thirds train then; differences to the base have 90 % intervals by a bootstrap
over the same hours. So are the votes alone, which need no training. A network that saw one radar is scored on the
others too.

Writes ablation.csv, ablation.md and ablation.png into RESULTS-ablation. With --epochs 4 it takes an hour on two
cores; --list names the variants.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import pandas as pd
import yaml

from radar_cleaner.errors import RadarCleanerError
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_text

from . import ROOT
from . import ablation_tables as tables
from .ablation_tables import Outcome
from .jobs import Job, cores, filled, jobs_of, votes_of_scored_frames
from .readings import NETWORK, Reading, Task, read
from .scoring import SHARES
from .variants import BASE, GROUPS, Config, Variant, changed, link_shared, plan_variants, select


class RunError(RadarCleanerError):
    """Snakemake did not make a variant."""


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        failed = run(options)
    except RadarCleanerError as error:
        sys.exit(f"benchmark-ablation: {error}")
    if failed:
        sys.exit("\n".join(f"benchmark-ablation: {name} failed: {reason}" for name, reason in failed.items()))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/maritimes.yaml"))
    parser.add_argument("--folder", type=Path, help="instead of RESULTS-ablation")
    parser.add_argument("--epochs", type=int, help="of all variants, instead of the config's")
    parser.add_argument("--seed", type=int, help="of all variants but the other seed, instead of the config's")
    groups = "; ".join(f"{name}: {words}" for name, words in GROUPS.items())
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], help=f"groups or variants ({groups})"
    )
    parser.add_argument("--list", action="store_true", help="name the variants and do nothing")
    parser.add_argument("--cores", default="all", help="of snakemake")
    parser.add_argument(
        "--inside",
        action="store_true",
        help="of training.period, train on the first two thirds and score the rest",
    )
    parser.add_argument("--every", type=int, default=1, help="score only each so manieth frame: for a quick look")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> dict[str, str]:
    """Make, score and write all variants; gives those that failed, and why. Raises RadarCleanerError."""
    config = read_config(options.config, options.epochs, options.inside, options.seed)
    whole = filled(config)
    folder = options.folder or Path(f"{whole['results']}-ablation")
    variants = select(plan_variants(config), options.only)
    if options.list:
        print("\n".join(f"{one.name}: {one.words}" for one in variants))
        return {}
    jobs = jobs_of(whole, folder / BASE, False, options.every)
    print(f"{len(variants)} variants of {options.config}, {whole['training']['epochs']} epochs each, in {folder}")
    outcomes: list[Outcome] = []
    failed: dict[str, str] = {}
    with ProcessPoolExecutor(min(len(jobs), cores()), get_context("spawn")) as pool:
        for number, variant in enumerate(variants, 1):
            print(f"{number:2}/{len(variants)} {variant.name}: ", end="", flush=True)
            try:
                print(make(variant, config, folder, options.cores), end="; ", flush=True)
                outcomes.append(Outcome(variant, score(variant, folder, jobs, pool)))
                print(told(outcomes), flush=True)
            except ValueError as error:  # of the project all are; of a network that gives no numbers it is this
                failed[variant.name] = str(error)
                print(f"failed: {error}", flush=True)
                if variant.name == BASE:
                    return failed  # there is nothing to compare with
            write(folder, outcomes, failed, options.config, whole)
    print(f"written to {folder}")
    return failed


def read_config(path: Path, epochs: int | None, inside: bool = False, seed: int | None = None) -> Config:
    """The config as its user wrote it, but that it trains; with other epochs and seed where these are given.

    `inside` the training period alone: who chooses by the scores has read nothing of the evaluation period.
    """
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    changes: Config = {"cleaning.model": "trained"}
    if inside:
        start, end = map(pd.Timestamp, config["training"]["period"])
        cut = (start + (end - start) * 2 / 3).floor("h")
        first, between, last = (f"{time:%Y-%m-%d %H:%M}" for time in (start, cut, end))
        changes |= {"training.period": [first, between], "evaluation.period": [between, last]}
    told = {"training.epochs": epochs, "training.seed": seed}
    return changed(config, changes | {key: value for key, value in told.items() if value is not None})


def make(variant: Variant, config: Config, folder: Path, cpus: str) -> str:
    """Let snakemake make what is missing of a variant, its output in a log; gives a word of it.

    Raises RunError.
    """
    own = changed(config, {**variant.changes, "results": str(folder / variant.name)})
    file, log = folder / f"{variant.name}.yaml", folder / f"{variant.name}.log"
    write_text(file, yaml.safe_dump(own, sort_keys=False))
    if variant.name != BASE:
        link_shared(folder / variant.name, folder / BASE, variant.own)
    targets = ["prepare", "train", *votes_of_scored_frames(filled(own))]
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", cpus, "--configfile", str(file)]
    started = monotonic()
    with log.open("wb") as stream:
        code = subprocess.run(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT).returncode
    said = log.read_text(encoding="utf-8", errors="replace")
    if code:
        rules = ", ".join(dict.fromkeys(re.findall(r"^Error in rule (\w+)", said, re.MULTILINE))) or "snakemake"
        raise RunError(f"{rules}; see {log}")
    return "up to date" if "Nothing to be done" in said else f"made in {(monotonic() - started) / 60:.0f} min"


def score(variant: Variant, folder: Path, jobs: Sequence[Job], pool: Executor) -> dict[str, dict[str, Reading]]:
    """Readings by radar and answer; of votes where they are not the base's."""
    voting = variant.radars if variant.name == BASE or "labels" in variant.own else ()
    tasks = [Task(job, folder / variant.name, job.radar in voting) for job in jobs]
    return dict(zip((job.radar for job in jobs), pool.map(read, tasks), strict=True))


def told(outcomes: Sequence[Outcome]) -> str:
    """What the network of the last outcome removes, and how much more than the base's."""
    base, last = outcomes[0].readings, outcomes[-1]
    parts = []
    for radar, readings in last.readings.items():
        removed = 100 * readings[NETWORK].removed[0]
        more = removed - 100 * base[radar][NETWORK].removed[0]
        parts.append(f"{radar} {removed:.1f} %" + ("" if last is outcomes[0] else f" ({more:+.1f})"))
    return f"removed at {100 * SHARES[0]:g} % kept: {', '.join(parts)}"


def write(
    folder: Path, outcomes: Sequence[Outcome], failed: Mapping[str, str], config: Path, whole: Config
) -> None:
    """Write table, page and figure of what there is by now."""
    rows = tables.rows_of(outcomes)
    words = {one.variant.name: one.variant.words for one in outcomes} | {name: name for name in failed}
    write_csv(folder / "ablation.csv", pd.DataFrame(rows))
    write_text(folder / "ablation.md", tables.page(rows, words, heading(config, whole), failed))
    write_png(folder / "ablation.png", tables.draw(rows, words))


def heading(config: Path, whole: Config) -> str:
    """What the page's tables mean."""
    training = whole["training"]
    return (
        f"# What each part is worth\n\nBy `python -m benchmarks.quality.ablation` on {config}: one training each, "
        f"of {training['epochs']} epochs, seed {training['seed']}. In brackets: how many points more of the "
        "non-meteorological echo are removed than as configured, with the 90 % interval by a bootstrap over the "
        "same hours. The interval tells what other weather would do and not what another training would: that the "
        "row of another seed tells. A radar alone has fewer samples, so that as many epochs are fewer steps."
    )


if __name__ == "__main__":
    main()
