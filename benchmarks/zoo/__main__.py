"""
Cleaners on radars that nobody tuned them for: the other echo that each removes, radar by radar.

    python -m benchmarks.zoo                           # the radars in the repository
    python -m benchmarks.zoo --zoo FOLDER              # a complete zoo
    python -m benchmarks.zoo --models a.pt b.pt        # further networks, alone
    python -m benchmarks.zoo --folds 5                 # only list the radars of each fold
    python -m benchmarks.zoo --models 1=a.pt 2=b.pt 3=c.pt 4=d.pt 5=e.pt   # each radar by the network of its fold

The pictures are decoded by the usual rules. Every cleaner that needs no training is scored, and the pretrained
network without and with the label model. Nothing is pooled over radars: each counts the same, whatever its pixels.
Folds are those of all radars of the zoo, also with --radars.

Writes zoo.csv (a row for each radar, cleaner, part of the reference and point), zoo.md and zoo.png into
RESULTS/quality, and the tables to the standard output. wradlib and Py-ART are the extra `benchmark`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from radar_cleaner.errors import ConfigError, RadarCleanerError
from radar_cleaner.evaluation.certain_part import WHOLE
from radar_cleaner.frames.reference_masks import ReferenceSource
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_text

from ..quality import ROOT
from . import tables
from .decoding import decode
from .points import all_points
from .radars import Zoo, make_folds
from .scoring import CLEANERS, Job, Models, RadarSweep, score_radar

CARRIED = ROOT / "resources/zoo"
FOLDS = 5


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        run(options)
    except RadarCleanerError as error:
        sys.exit(f"benchmarks.zoo: {error}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zoo", description=(__doc__ or "").strip().splitlines()[0]
    )
    parser.add_argument("--zoo", type=Path, default=CARRIED, help="a folder in the layout of resources/zoo")
    parser.add_argument("--radars", nargs="+", default=[], help="only these")
    parser.add_argument("--cleaners", nargs="*", default=CLEANERS, help="only these; none beside --models")
    parser.add_argument("--models", nargs="+", default=[], metavar="[FOLD=]PATH", help="model files")
    parser.add_argument("--folds", type=int, help=f"list the folds, or their number beside FOLD=PATH ({FOLDS})")
    parser.add_argument("--results", help="default: results-zoo, or results-zoo-other with --zoo")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="default: all")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """List the folds; or decode, score, and write the tables and the figure."""
    zoo = Zoo.load(options.zoo)
    folds = make_folds(zoo.radars, options.folds or FOLDS) if options.folds or options.models else []
    if options.folds and not options.models:
        for number, fold in enumerate(folds, 1):
            print(f"{number}: {' '.join(fold)}")
        return
    zoo = zoo.only(options.radars or zoo.radars)
    cleaners, models = known_cleaners(options.cleaners), Models.parse(options.models, len(folds))
    if not cleaners and not options.models:
        raise ConfigError("--cleaners: names no cleaner; write some, or --models")
    carried = options.zoo.resolve() == CARRIED
    results = Path(options.results or ("results-zoo" if carried else "results-zoo-other"))
    sweeps = score(zoo, str(results), options.cores, cleaners, models, folds)
    points = all_points(sweeps, {name: radar.kind for name, radar in zoo.radars.items()})
    text = tables.page(zoo, sweeps, points)
    write_csv(results / "quality/zoo.csv", tables.with_pixels(points, sweeps))
    write_text(results / "quality/zoo.md", text)
    if zoo.of_kind(tables.DIRTY):
        probabilistic = next(iter(sweeps.values())).parts[WHOLE].probabilistic
        write_png(results / "quality/zoo.png", tables.figure(zoo, sweeps, probabilistic))
    print(text)
    print(f"written to {results / 'quality'}")


def known_cleaners(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of cleaners. Raises ConfigError for an unknown one, or a missing library."""
    unknown = sorted({*names} - {*CLEANERS})
    if unknown:
        raise ConfigError(f"--cleaners: unknown: {', '.join(unknown)}; choose from {', '.join(CLEANERS)}")
    missing = [
        name
        for name in ("wradlib", "pyart")
        if any(one.startswith(name) for one in names) and find_spec(name) is None
    ]
    if missing:
        raise ConfigError(
            f"no {' and no '.join(missing)}: `make .venv/installed-benchmark` installs them; or choose --cleaners"
        )
    return tuple(names)


def score(
    zoo: Zoo, results: str, cores: int, cleaners: Sequence[str], models: Models, folds: Sequence[Sequence[str]]
) -> dict[str, RadarSweep]:
    """Decode a zoo and score its radars, several at a time."""
    settings, plan = decode(zoo, results, str(cores))
    jobs = []
    for name, radar in plan.radars.items():
        source = ReferenceSource(
            radar=name,
            folder=str(zoo.folder / "truth" / name),
            pattern=radar.names.pattern,
            time_format=radar.names.time_format,
            time_zone=radar.names.time_zone,
        )
        files = models.of_radar(name, folds)
        jobs.append(Job(settings, name, tuple(plan.shards(name)), source, tuple(cleaners), files))
    sweeps = {}
    with ProcessPoolExecutor(min(cores, len(jobs)), get_context("spawn")) as pool:
        for sweep in pool.map(score_radar, jobs):
            sweeps[sweep.radar] = sweep
            print(f"{sweep.radar}: {sweep.frames} frames scored", file=sys.stderr, flush=True)
    return sweeps


if __name__ == "__main__":
    main()
