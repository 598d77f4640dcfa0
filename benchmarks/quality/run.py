"""
Cleaners against each other on the real sample: what each removes of what is no rain, at the same rain kept.

    make benchmark-quality
    make benchmark-quality OPTIONS="--model default=a.pt --model ensemble=a.pt,b.pt,c.pt"
    make benchmark-quality OPTIONS="--only planted --unseen spokes,rings=without_spokes_and_rings.pt"

With --model nothing is trained. Without it the config's model is, and beside it the same network taught by the
reference masks of the training period (RESULTS-ceiling), and twice without half of the planted kinds
(RESULTS-unseen-1 and -2): the ceiling, and what is removed of artefacts that training did not plant.

Reads the stores of a run of config/maritimes.yaml, which snakemake makes where they are missing, and the reference
masks. Scored are the frames of `evaluation.period`; operating points are chosen on the validation samples. Filters
are swept over their parameters on the scored frames themselves: for each share of rain kept the best parameter is
published, which is more than a user of the filter would get. Nothing else is tuned by the scored frames.
Then artefacts are planted into those frames, one kind at a time, from ranges of the benchmark's own; --unseen
names a model that was trained without some kinds. On two cores all of it takes about an hour, of which trainings
take half.

Writes tables (CSV and Markdown) and a figure into RESULTS/quality: equal stores and models give equal files, but
for times.csv. wradlib and Py-ART are the extra `benchmark`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
import yaml

from radar_cleaner.config.artefacts import PLANT_KINDS
from radar_cleaner.errors import RadarCleanerError
from radar_cleaner.planning.radars import fill_windows
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_text
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import read_samples

from . import ROOT, figure, planted_scores, planted_tables, tables
from .companions import make_ceiling, make_unseen
from .compare import OPERATING_SHARE, Scored, compare_on_radar
from .jobs import Job, cores, filled, jobs_of, make_results, votes_of_scored_frames
from .learned import JOINED, NamedModel, load_models, model_methods
from .libraries import versions
from .methods import Method, library_methods, own_methods
from .planted import VOTING, Planter, Plants
from .planted_scores import PlantScore, UnseenModel, check_unseen
from .scenes import Frames


@dataclass(frozen=True)
class PlantedPart:
    """What the planted part needs beside a job: what is planted, the votes' weights, models that lack kinds."""

    plants: Plants
    weights: dict[str, float]
    unseen: tuple[UnseenModel, ...]


def main() -> None:
    options = parse(sys.argv[1:])
    if not options.without_libraries and options.only != "planted":
        require_libraries()
    try:
        config = filled(yaml.safe_load(options.config.read_text(encoding="utf-8")))
        results = options.results or Path(config["results"])
        named = tuple(map(NamedModel.from_flag, options.model))
        unseen = tuple(map(UnseenModel.from_flag, options.unseen))
        check_unseen(unseen)
        jobs = jobs_of(config, results, not options.without_libraries, options.every)
        if not options.as_is:
            targets = ["prepare", *votes_of_scored_frames(config)] if named else ["evaluate"]
            make_results(options.config, targets)
        models = named or (NamedModel("model", (results / "model/best.pt",)),)
        if not (named or options.as_is or options.without_companions):
            models += (make_ceiling(options.config, config["evaluation"]["reference"], results),)
            if not unseen and options.only != "real":
                unseen = make_unseen(options.config, results)
        jobs = [replace(job, models=models) for job in jobs]
        run(options, results, jobs, planted_part(config, options, unseen))
    except RadarCleanerError as error:
        sys.exit(f"benchmark-quality: {error}")


def run(options: argparse.Namespace, results: Path, jobs: Sequence[Job], part: PlantedPart) -> None:
    """Score all radars and write what was found."""
    with ProcessPoolExecutor(options.processes or min(len(jobs), cores()), get_context("spawn")) as pool:
        if options.only != "planted":
            found = list(chain.from_iterable(pool.map(score, jobs)))
            write(results / "quality", found, jobs[0], options.config)
        if options.only != "real":
            planted = list(chain.from_iterable(pool.map(partial(score_planted, part=part), jobs)))
            write_planted(results / "quality", planted, part, options.config)
    print(f"written to {results / 'quality'}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/maritimes.yaml"))
    parser.add_argument("--results", type=Path, help="instead of the config's results folder")
    parser.add_argument(
        "--model", action="append", default=[], help="NAME=PATH, or NAME=PATH,PATH,... (their mean)"
    )
    parser.add_argument(
        "--as-is", action="store_true", help="take the results as they are; snakemake is not called"
    )
    parser.add_argument("--only", choices=("real", "planted"), help="frames as they are, or planted; else both")
    parser.add_argument(
        "--unseen", action="append", default=[], help="KIND[,KIND...]=PATH of a model trained without these kinds"
    )
    parser.add_argument(
        "--plants", type=Path, default=ROOT / "benchmarks/plants.yaml", help="ranges of what is planted"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is planted")
    parser.add_argument("--without-libraries", action="store_true", help="leave out wradlib and Py-ART")
    parser.add_argument("--without-companions", action="store_true", help="train the config's model alone")
    parser.add_argument("--every", type=int, default=1, help="score only each so manieth frame: for a quick look")
    parser.add_argument("--processes", type=int, help="radars that are scored at once")
    return parser.parse_args(arguments)


def require_libraries() -> None:
    """End with the remedy where wradlib or Py-ART are not installed."""
    missing = [name for name in ("wradlib", "pyart") if find_spec(name) is None]
    if missing:
        sys.exit(
            f"benchmark-quality: no {' and no '.join(missing)}; `make benchmark-quality` installs them,"
            " --without-libraries leaves their filters out"
        )


def score(job: Job) -> list[Scored]:
    """All methods on a radar."""
    cv2.setNumThreads(1)
    frames = Frames(job.results, job.radar, job.masks, job.names, job.cadence_minutes)
    times = frames.scored_times(job.evaluation)[:: job.every]
    samples = read_samples(job.results / "samples/val.csv")
    validation = [time for time, radar in samples if radar == job.radar and frames.has_mask(time)][:: job.every]
    methods: list[Method] = [*own_methods(job.shape)]
    methods += library_methods(frames, job.training) if job.libraries else []
    for model in job.models:
        methods += model_methods(model, job.results, frames, job.threshold, job.votes)
    tell = partial(print, flush=True)
    return compare_on_radar(frames, methods, times, validation, job.edges, job.shape, tell)


def planted_part(
    config: dict[str, Any], options: argparse.Namespace, unseen: tuple[UnseenModel, ...]
) -> PlantedPart:
    """What is planted by the options and by the config's input times and votes."""
    fill_windows(config)
    plants = Plants(options.plants, tuple(config["samples"]["input_minutes"]), options.seed)
    return PlantedPart(plants, {name: config["votes"][name] for name in VOTING}, unseen)


def score_planted(job: Job, part: PlantedPart) -> list[PlantScore]:
    """All methods on the planted frames of a radar."""
    cv2.setNumThreads(1)
    frames = Frames(job.results, job.radar, job.masks, job.names, job.cadence_minutes)
    models = [(one, PLANT_KINDS) for one in job.models] + [(one.model, one.kinds) for one in part.unseen]
    methods = planted_scores.classical_contestants(job.shape)
    for model, kinds in models:
        ask = load_models(model, job.results, frames)
        methods.append(planted_scores.model_contestant(model.name, ask, kinds))
        if model.joined and job.votes and kinds == PLANT_KINDS:
            methods.append(planted_scores.model_contestant(f"{model.name}{JOINED}", ask, kinds, job.votes))
    others = [Layout(job.results).aligned(job.radar, shard) for shard in frames.shards]
    others = [path for path in others if path.exists()]
    planter = Planter(frames, part.plants, part.weights, job.shape, others)
    times = frames.scored_times(job.evaluation)[:: job.every]
    return planted_scores.score_plants(planter, methods, times, partial(print, flush=True))


def write_planted(folder: Path, scores: list[PlantScore], part: PlantedPart, config: Path) -> None:
    """Write tables and figure of the planted frames."""
    found = planted_tables.with_all_radars(scores)
    write_csv(folder / "planted.csv", pd.DataFrame(planted_tables.plant_rows(found)))
    write_csv(folder / "planted_fill.csv", pd.DataFrame(planted_tables.fill_rows(found)))
    heading = planted_tables.heading(part.plants, f"`python -m benchmarks.quality.run` on {config}")
    write_text(folder / "planted.md", planted_tables.page(found, heading))
    write_png(folder / "planted.png", figure.draw_planted(found))


def write(folder: Path, found: list[Scored], job: Job, config: Path) -> None:
    """Write tables and figure."""
    edges = job.edges
    named = {
        "removed_at_shares_kept": tables.share_rows(found),
        "operating_points": tables.point_rows(found),
        "by_size_and_dbz": tables.group_rows(found, edges),
        "rain_and_reflectivity": tables.rain_rows(found),
        "against_best_filter": tables.comparison_rows(found),
        "curves": tables.curve_rows(found),
        "times": tables.time_rows(found),
    }
    for name, rows in named.items():
        write_csv(folder / f"{name}.csv", pd.DataFrame(rows))
    write_text(folder / "quality.md", tables.page(found, edges, heading(job, config)))
    write_png(folder / "quality.png", figure.draw(found))


def heading(job: Job, config: Path) -> str:
    """What the page's tables mean."""
    libraries = ", ".join(f"{name} {version}" for name, version in versions().items()) if job.libraries else "none"
    return (
        f"# Cleaning quality\n\nBy `python -m benchmarks.quality.run` on {config}; libraries: {libraries}.\n\n"
        "Shares are of echo pixels against the reference. Filters have, at each share kept, the parameter that "
        "removes most there; a share that a filter does not meet exactly is read at the next higher one that it "
        "does (`at`). In brackets: 90 % intervals by a bootstrap over hours, which takes the weather of different "
        "hours as independent and is therefore rather too narrow. Operating points are chosen on the validation "
        f"samples ({100 * OPERATING_SHARE:g} % kept there) or are the defaults of their authors."
    )


if __name__ == "__main__":
    main()
