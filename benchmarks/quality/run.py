"""
Cleaners against each other on the real sample: the other echo that each removes, at equal shares of weather kept.

    make benchmark-quality
    make benchmark-quality OPTIONS="--model resources/pretrained/best.pt"

Without --model the config's model is trained, and beside it the same network taught by the reference masks
(RESULTS-ceiling) and two networks without half of the kinds of artefacts each (RESULTS-unseen-1 and -2).

First the rule `sweep_thresholds` compares the cleaners of benchmarks/quality.yaml on the frames of
`evaluation.period` with a mask. Filters get, for each share kept, the setting that is best on these very frames,
which is more than a user would get. Then artefacts are injected into those frames, one kind at a time, with
ranges of the benchmark's own. Both take about an hour on two cores, half of it for trainings.

Writes RESULTS/evaluation/removal.csv and .png, and tables and a figure into RESULTS/quality. wradlib and Py-ART
are the extra `benchmark`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import cv2
import pandas as pd

from radar_cleaner.config.artefacts import ARTEFACT_KINDS, ArtefactKind
from radar_cleaner.config.cleaning import Decision
from radar_cleaner.config.config import Config
from radar_cleaner.config.evaluation import CleaningScores
from radar_cleaner.config.labels import Morphology
from radar_cleaner.config.load import read_config
from radar_cleaner.config.samples import ModelInputs
from radar_cleaner.errors import ConfigError, RadarCleanerError
from radar_cleaner.evaluation.cleaners.networks import NetworkCleaner
from radar_cleaner.evaluation.cleaners.registry import Context, Network, make_cleaners
from radar_cleaner.evaluation.cleaners.scene import StoredFrames
from radar_cleaner.evaluation.metrics import MET, NON_MET
from radar_cleaner.evaluation.removal import load_removals
from radar_cleaner.evaluation.scorer import Run
from radar_cleaner.evaluation.tallies import COMPARED, MODEL
from radar_cleaner.evaluation.threshold_sweep import SHARES, Removal
from radar_cleaner.frames.reference_masks import References, ReferenceSource
from radar_cleaner.inference.ensemble import EnsembleReader
from radar_cleaner.planning.plan import Plan
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.atomic import write_csv, write_text
from radar_cleaner.storage.paths import Layout

from . import ROOT, injected_tables, runs
from .injected import LABELERS, InjectedFusion, InjectedReader, Injection, Injector
from .injected_figure import draw_injected
from .injected_scores import Contestant, InjectedScore, score_injected

LABELERS_OF_A_FRAME = "labelers of one frame and the atlas"


@dataclass(frozen=True)
class Job:
    """The settings of a radar's injected frames: `models` by name, `unseen` models by the kinds that they lack."""

    settings: Config
    radar: str
    stores: tuple[str, ...]  # shards by radar, as on a command line
    scored: tuple[str, ...]  # shards of the evaluation period
    shape: Morphology
    references: References
    models: Mapping[str, Path]
    unseen: Mapping[tuple[str, ...], Path]
    injection: Injection


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        run(options)
    except RadarCleanerError as error:
        sys.exit(f"benchmark-quality: {error}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command's options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config/maritimes.yaml"))
    parser.add_argument("--results", type=Path, help="instead of the config's results folder")
    parser.add_argument("--model", help="a model file; nothing is trained")
    parser.add_argument("--only", choices=("real", "injected"), help="frames as they are, or with artefacts")
    parser.add_argument("--ranges", type=Path, default=ROOT / "benchmarks/plants.yaml", help="of the artefacts")
    parser.add_argument("--seed", type=int, default=0, help="of the artefacts")
    parser.add_argument("--without-libraries", action="store_true", help="leave out wradlib and Py-ART")
    parser.add_argument("--every", type=int, default=1, help="inject into only each n-th frame")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Train, score, and write all tables and figures."""
    config = runs.read_yaml(options.config)
    changes = {"cleaning.model": options.model or "trained", "evaluation.cleaners": _cleaners(options)}
    if options.results:
        changes["results"] = str(options.results)
    config = runs.changed(config, changes)
    settings = read_config(config)
    if not settings.evaluation.reference or settings.evaluation.period is None:
        raise ConfigError("set evaluation.period and evaluation.reference: the benchmark scores against masks")
    results, file = Path(settings.results), Path(settings.results) / "quality/config.yaml"
    models = {MODEL: Path(options.model or results / "model/best.pt")}
    unseen: dict[tuple[str, ...], Path] = {}
    if not options.model:
        runs.run_snakemake(config, file, ["train"])
        models[COMPARED] = runs.train_ceiling(config, results)
        config = runs.changed(config, {"evaluation.compare_model": str(models[COMPARED])})
        plants = settings.training.plants
        if options.only != "real" and plants.fraction:
            unseen = runs.train_unseen(config, results, plants.kinds)
    if options.only != "injected":
        runs.run_snakemake(config, file, ["sweep_thresholds"])
        write_text(results / "quality/quality.md", removal_page(results / "evaluation"))
    if options.only != "real":
        runs.run_snakemake(config, file, ["evaluate"])
        write_injected(results / "quality", jobs_of(read_config(config), models, unseen, options), options)
    print(f"written to {results / 'evaluation'} and {results / 'quality'}")


def _cleaners(options: argparse.Namespace) -> list[str]:
    """Return the cleaners of benchmarks/quality.yaml; end with the remedy if a library is missing."""
    cleaners: list[str] = runs.read_yaml(ROOT / "benchmarks/quality.yaml")["evaluation"]["cleaners"]
    if options.without_libraries:
        return [name for name in cleaners if not name.startswith(("wradlib", "pyart"))]
    missing = [name for name in ("wradlib", "pyart") if find_spec(name) is None]
    if missing and options.only != "injected":
        raise ConfigError(
            f"no {' and no '.join(missing)}: `make benchmark-quality` installs them; or leave out their filters by"
            " --without-libraries"
        )
    return cleaners


def removal_page(folder: Path) -> str:
    """Write the removals of a sweep as tables in Markdown: of the whole reference, and of its certain part."""
    whole, certain = (load_removals(folder / name) for name in ("removal.npz", "removal_certain.npz"))
    parts = ["# Cleaning quality", "Echo removed in %, and its 90 % interval over hours, by the weather kept."]
    parts += removal_tables(whole)
    parts += ["## The certain part", "Other echo not joined to weather nor near it; weather in echoes of weather."]
    for radar, of_radar in certain.items():
        name, removal = next(iter(of_radar.items()))
        shares = removal.total.sum(axis=0) / whole[radar][name].total.sum(axis=0)
        met, other = (f"{100 * shares[row]:.0f} %" for row in (MET, NON_MET))
        parts.append(f"{radar}: {met} of the weather and {other} of the other echo are certain.")
    return "\n\n".join([*parts, *removal_tables(certain)]) + "\n"


def removal_tables(removals: Mapping[str, Mapping[str, Removal]]) -> list[str]:
    """Return a table for each radar."""
    parts = []
    for radar, of_radar in removals.items():
        rows = []
        for name, removal in of_radar.items():
            ends = removal.intervals()
            cells = [
                f"{100 * choice.removed:.1f} ({100 * ends[0, index]:.1f} to {100 * ends[1, index]:.1f})"
                for index, choice in enumerate(removal.choices)
            ]
            rows.append([name, *cells])
        head = [f"{radar}: weather kept", *(f"{100 * share:g} %" for share in SHARES)]
        parts.append(injected_tables.markdown_table(head, rows))
    return parts


def jobs_of(
    settings: Config,
    models: Mapping[str, Path],
    unseen: Mapping[tuple[str, ...], Path],
    options: argparse.Namespace,
) -> list[Job]:
    """Return a job for each radar with a folder of masks."""
    plan, layout, jobs = Plan(settings), Layout(Path(settings.results)), []
    for radar in plan.radars.values():
        folder = Path(settings.evaluation.reference or "") / radar.id
        if not folder.is_dir():
            continue
        names, labels = radar.names, radar.labels
        source = ReferenceSource(
            radar=radar.id,
            folder=str(folder),
            pattern=names.pattern,
            time_format=names.time_format,
            time_zone=names.time_zone,
        )
        shards = sorted(path.stem for path in layout.reflectivity(radar.id, "any").parent.glob("*.zarr"))
        minutes = tuple(settings.samples.input_minutes or ())
        jobs.append(
            Job(
                settings,
                radar.id,
                tuple(f"{radar.id}={shard}" for shard in shards),
                tuple(plan.shards(radar.id, "evaluation")),
                labels.cut(Morphology),
                References(sources=(source,)),
                models,
                unseen,
                Injection(options.ranges, minutes, options.seed),
            )
        )
    return jobs


def score(job: Job, every: int) -> list[InjectedScore]:
    """Score all contestants on the injected frames of a radar."""
    cv2.setNumThreads(1)
    settings, layout = job.settings, Layout(Path(job.settings.results))
    shards = [store.partition("=")[2] for store in job.stores]
    frames = StoredFrames(layout, job.radar, shards)
    names = {**job.models, **{",".join(kinds): path for kinds, path in job.unseen.items()}}
    run = Run.load(
        layout.results,
        [f"{job.radar}={','.join(shards)}"],
        {name: [path] for name, path in names.items()},
        settings.samples.cut(ModelInputs),
        settings.cleaning.cut(Decision),
        settings.evaluation.cut(CleaningScores),
        job.references,
        layout.static(job.radar).exists(),
        1,
        None,
    )
    weights = {name: getattr(settings.votes, name) for name in LABELERS}
    aligned = [path for shard in shards if (path := layout.aligned(job.radar, shard)).exists()]
    injector = Injector(frames, job.injection, weights, job.shape, aligned)
    reference = run.reference(job.radar)
    shape = frames.site.clutter.shape
    scored = StoredFrames(layout, job.radar, job.scored).times
    times = [time for time in scored if reference.classes(time, shape) is not None][::every]
    return score_injected(injector, reference, _contestants(job, run), times, partial(print, flush=True))


def _contestants(job: Job, run: Run) -> list[Contestant]:
    """Return filters and labelers of one frame, and each model without and with the labelers."""
    context = Context({}, InjectedFusion(0.0), run.decision, run.scores.tta)
    keys = {"despeckle_by_area": None, "local_density": None, "label_model": LABELERS_OF_A_FRAME}
    filters = make_cleaners(list(keys), context)
    contestants = [
        Contestant(name or cleaner.name, cleaner) for cleaner, name in zip(filters, keys.values(), strict=True)
    ]
    networks = run.networks(job.radar)
    for name in job.models:
        contestants += _network_contestants(name, networks[name], run, name == MODEL)
    for kinds in job.unseen:
        lacking = tuple(kind for kind in ARTEFACT_KINDS if kind in kinds)
        contestants += _network_contestants(runs.UNSEEN, networks[",".join(kinds)], run, False, lacking)
    return contestants


def _network_contestants(
    name: str, network: Network, run: Run, fused: bool, kinds: tuple[ArtefactKind, ...] = ARTEFACT_KINDS
) -> list[Contestant]:
    threshold, tta = network.ensemble.threshold(run.decision), run.scores.tta
    assert isinstance(network.frames, EnsembleReader)
    reader, fusion = InjectedReader(network.frames), InjectedFusion(run.decision.votes)
    injected = Network(network.ensemble, reader)
    alone = NetworkCleaner(name, injected, threshold, tta)
    contestants = [Contestant({COMPARED: "ceiling"}.get(name, name), alone, kinds, (reader,), fills=True)]
    if fused and run.decision.votes:
        joined = NetworkCleaner(name, injected, threshold, tta, fusion)
        contestants.append(Contestant(f"{name} + labelers", joined, kinds, (reader, fusion)))
    return contestants


def write_injected(folder: Path, jobs: Sequence[Job], options: argparse.Namespace) -> None:
    """Score all radars, and write tables and figure of the injected frames."""
    workers = min(len(jobs), len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        scores = list(chain.from_iterable(pool.map(partial(score, every=options.every), jobs)))
    scores = injected_tables.with_all_radars(scores)
    write_csv(folder / "injected.csv", pd.DataFrame(injected_tables.injected_rows(scores)))
    write_csv(folder / "injected_fill.csv", pd.DataFrame(injected_tables.fill_rows(scores)))
    command = f"`python -m benchmarks.quality.run` on {options.config}"
    heading = injected_tables.heading(jobs[0].injection, command)
    write_text(folder / "injected.md", injected_tables.page(scores, heading))
    write_png(folder / "injected.png", draw_injected(scores))


if __name__ == "__main__":
    main()
