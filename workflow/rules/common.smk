"""The checked plan, and the functions that make inputs and flags of it for the rules.

All rules call `python -m radar_cleaner`. That finds the package in every deployment:

- Installed by pip, from a wheel or in the container image: Python finds it by itself. A module that Snakemake
  fetches from a repository, as snakedeploy writes it, needs this.
- A checkout, called in its own folder: Python looks for modules in the working folder first.
- A checkout, called from another folder or used as a module: its folder is put before PYTHONPATH here, so that the
  rules of a checkout run with the package of that checkout.
- `--sdm conda`: the environments contain the dependencies of the package, not the package itself. From a checkout's own folder it is
  found as above. From another folder Snakemake must let PYTHONPATH through, by
  `--conda-not-block-search-path-envvars`. The wheel wants its dependencies in its own environment.
"""

import atexit
import json
import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# A Snakefile of a remote repository has no folder here; the package is installed then.
HERE = workflow.current_basedir
CHECKOUT = Path(HERE).parents[1] if isinstance(HERE, os.PathLike) else None
if CHECKOUT is not None and (CHECKOUT / "radar_cleaner").is_dir() and str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from radar_cleaner.planning.plan import Plan
from radar_cleaner.planning.closing import closing_lines
from radar_cleaner.planning.environment import (
    check_packages,
    share_answers,
    share_python,
    shared_answers,
    training_environment,
)
from radar_cleaner.config.atlas import Clutter
from radar_cleaner.config.cleaning import FrameCleaning
from radar_cleaner.config.frames import BadFrames, Cadence
from radar_cleaner.config.labels import Colours, Morphology, PictureColours
from radar_cleaner.config.load import read_config
from radar_cleaner.config.network_choice import network_files
from radar_cleaner.config.picture import PictureFrames
from radar_cleaner.config.samples import Channels, InputTimes, ModelInputs, Split
from radar_cleaner.config.shipped import ROOT, artefact_ranges, model_file, named_models
from radar_cleaner.config.training import Learning, Running
from radar_cleaner.config.votes import LabelModel
from radar_cleaner.planning.runtimes import shard_minutes
from radar_cleaner.frames.archives import is_archive
from radar_cleaner.frames.reference_masks import References, ReferenceSource
from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.sources import REMOTE, is_remote
from radar_cleaner.storage.code_digest import CodeReader
from radar_cleaner.storage.shards import encode_stores

share_python(ROOT)

try:
    settings = read_config(config)
    # A process that a run starts on another machine takes what the run found in the object store.
    plan = Plan(settings, shared_answers())
    REFERENCES = plan.references()
    TRAINING_ENVIRONMENT = f"../envs/{training_environment()}.yaml"
    check_packages(settings, ROOT / "workflow/envs" / f"{training_environment()}.yaml")
except ConfigError as error:
    files = ", ".join(CONFIG_FILES)
    # A line without a key is of a table that can be copied.
    raise WorkflowError(
        "\n".join(f"{files}: {line}" if ": " in line else line for line in str(error).splitlines())
    ) from None

# The captions of `snakemake --report` read the config with its defaults.
config = settings.plain()
STARTED_BY_A_RUN = shared_answers() is not None
if plan.is_remote:
    share_answers(str(plan.store.answers))


pathvars:
    results=settings.results,
    logs=str(Path(settings.results, "logs")),
    benchmarks=str(Path(settings.results, "benchmarks")),


wildcard_constraints:
    radar="|".join(map(re.escape, plan.pictures)),
    target="|".join([*plan.radars, "composite"]),
    shard=r"\d{6,8}(T\d{2}(\d{2})?)?",


# A resource that the jobs of one cluster job share. It does not bound all jobs together.
resource_scopes:
    lanes="local",


CODE = CodeReader(kept=Path(".snakemake/radar_cleaner_code.json"))
FINDS_RATE = settings.training.learning_rate == "find"


onstart:
    # The report distinguishes the stores of this run from older ones by this file.
    Path(settings.results).mkdir(parents=True, exist_ok=True)
    Path(settings.results, "run_started").touch()
    for line in plan.notes:
        print(line, file=sys.stderr)


def announce_end():
    """Print the last lines of a run: after everything that Snakemake prints."""
    stores = {radar: plan.picture_pairs(radar) for radar in plan.radars}
    lines = closing_lines(Path(settings.results), stores, plan.warnings)
    if lines:
        atexit.register(print, "\n".join(lines), file=sys.stderr)


onsuccess:
    announce_end()


onerror:
    announce_end()


def code(stage):
    """
    Return a digest of the code that a stage runs: a change of its behaviour reruns the rule, a comment does not.
    The digest names the stage, because Snakemake compares the params of a rule as a set of values.
    """
    return CODE.digest(stage)


def section(name, part=None, exclude=(), **changed):
    """
    Return a section of the config as JSON text, for one flag. `part` is a base class of the section: the keys that
    the rule uses. Keys of `exclude` are left out, `changed` ones have another value. Only keys that differ from
    their defaults are written, so that no other key of the config reruns the rule. The sections of one rule must not
    share a key: Snakemake compares the params of a rule as a set of values.
    """
    values = getattr(settings, name)
    values = values if part is None else values.cut(part)
    return values.model_copy(update=changed).to_flag(exclude)


def flag(name, values):
    """Return a flag with its value or values, or nothing without a value. For a params function, return another."""
    if callable(values):
        return lambda wildcards: flag(name, values(wildcards))
    if values in (None, [], ()):
        return []
    return [name, *values] if isinstance(values, (list, tuple)) else [name, values]


def refused(text):
    """Stop the run with a line for the user."""
    raise WorkflowError(text)


def growing(value):
    """Return a resource that grows with each attempt."""
    return lambda wildcards, attempt: attempt * value


def by_frames(rule):
    """Return the run time of a rule: it follows the number of frames in the shard."""

    def runtime(wildcards, attempt):
        target = wildcards.get("radar") or wildcards.get("target", "composite")
        return shard_minutes(plan, rule, target, wildcards.shard, attempt)

    return runtime


def shown(path, category, what):
    """
    Return an output that `snakemake --report` shows, with the caption workflow/report/<file name>.rst. It has one
    label. With several labels the page makes switches, and is blank if an output lacks one of them.
    """
    kind = {".png": " (figure)", ".csv": " (table)"}.get(Path(path).suffix, "")
    caption = f"../report/{Path(path).name}.rst"
    return report(path, caption=caption, category=category, labels={"what": what + kind})


def stores(kind, pairs):
    """Return the stores of a kind for (radar, shard) pairs."""
    return [f"<results>/{kind}/{radar}/{shard}.zarr/zarr.json" for radar, shard in pairs]


def frame_files(wildcards):
    """
    Return the files that contain the frames of a shard. Archives and objects count by their content (`plan.content`), not by
    their time: a day that is added to an archive leaves the others as they are. Snakemake fetches objects before the
    job. A process that a run starts on another machine finds the copies that the run has fetched.
    """

    def located(name):
        if is_remote(name):
            return ancient(
                str(Path(COPIES, name.removeprefix(REMOTE))) if STARTED_BY_A_RUN else fetched(name)
            )
        return ancient(name) if is_archive(name) else name

    return [located(name) for name in plan.files(wildcards.radar, wildcards.shard)]


def atlas_pictures(radar):
    """Return the pictures that the atlas reads beside the reflectivity: only `deviation` reads colours."""
    if settings.atlas.method == "frequency":
        return []
    return [(radar, shard) for shard in plan.shards(radar, "atlas")]


def others(wildcards):
    """Return the other radars with frames that are paired with those of the shard."""
    return list(dict.fromkeys(radar for radar, _ in plan.paired(wildcards.shard, wildcards.radar)))


def warp_geometries(target, radar):
    """Return the geometries that a warp grid depends on as JSON; the union of all boxes needs all radars."""
    if target != "composite":
        wanted = [target, radar]
    elif settings.composite.grid == "union":
        wanted = list(plan.radars)
    else:
        wanted = [next(iter(plan.radars)), radar]
    return plan.geometries(dict.fromkeys(wanted))


def label_neighbours(wildcards):
    """Return (radar, shard) of the frames before and after those of the shard, if a labeler reads them."""
    near = plan.near_in_time(wildcards.radar, wildcards.shard) if settings.votes.reads("neighbours") else []
    return [(wildcards.radar, shard) for shard in near]


def label_radars(wildcards):
    """Return the other radars with frames in the shard, if a labeler reads them."""
    return others(wildcards) if settings.votes.reads("other_radars") else []


def label_masks(wildcards):
    """Return the reference masks of the shard that a labeler reads."""
    return plan.training_masks(wildcards.radar, wildcards.shard)


def mask_flags(wildcards):
    """Return the flags of a radar's reference masks: their folder, and the format of their names."""
    if not label_masks(wildcards):
        return []
    folder = flag("--reference", str(Path(settings.votes.reference, wildcards.radar)))
    return [*folder, "--names", plan.radars[wildcards.radar].mask_names.to_flag()]


def model_atlases(radars):
    """Return the atlases that the channels of a model are made with."""
    if settings.samples.atlas == "none":
        return []
    return [f"<results>/atlas/{radar}.zarr/zarr.json" for radar in radars]


def models_of(section, key):
    """Return the files of the models that a key of the config names."""
    trained = trained_models() if section == "cleaning" else trained_models()[:1]
    files = [model_file(name) for name in named_models(settings, section, key)]
    return [path for file in files for path in (trained if file is None else [str(file)])]


def trained_models():
    """Return the files of the models that this config trains: the model and further members of an ensemble."""
    members = [f"<results>/model/seed-{seed}/best.pt" for seed in settings.training.ensemble_seeds]
    return ["<results>/model/best.pt", *members]


def own_code(*keys):
    """Return the Python file of the user's network, if a model that these keys name may be one."""
    file = settings.training.model.code
    models = [name for section, key in keys for name in named_models(settings, section, key)]
    return [file] if file is not None and any(name != "pretrained" for name in models) else []


def static_fields():
    """Return `samples.static` sorted by name: the order of keys in a config changes nothing."""
    return dict(sorted(settings.samples.static.items()))


def static_flag():
    """Return whether the static stores are inputs: a store of an older config is not read."""
    return "--static" if static_stores(["any"]) else "--no-static"


def static_stores(radars):
    """Return the stores of static fields, if the config has channels that are made of them."""
    samples = settings.samples
    if not (samples.time_of_day or samples.coordinates or samples.static):
        return []
    return [f"<results>/static/{radar}.zarr/zarr.json" for radar in radars]


def reference_sources():
    """The reference masks of each radar, named like its frames, as JSON for one flag."""
    folder = settings.evaluation.reference
    sources = [
        ReferenceSource(
            radar=radar.id,
            folder=f"{folder}/{radar.id}",
            pattern=radar.names.pattern,
            time_format=radar.names.time_format,
            time_zone=radar.names.time_zone,
            slot_minutes=radar.names.slot_minutes,
            snap_minutes=radar.names.snap_minutes,
        )
        for radar in plan.radars.values()
        if folder
    ]
    return References(sources=sources).to_flag()


def swept_shards():
    """Return the shards by radar of the evaluation period, and those of the input times of its frames."""
    shards = {radar: {*plan.shards(radar, "evaluation")} for radar in plan.radars}
    return {
        radar: sorted(names.union(*(plan.neighbours(radar, name) for name in names)))
        for radar, names in shards.items()
    }


def swept_pairs():
    """(radar, shard) of `swept_shards`."""
    return [(radar, shard) for radar, shards in swept_shards().items() for shard in shards]


def with_neighbours(wildcards):
    """Return (radar, shard) of the shard and of its neighbours that contain input times of its frames."""
    near = plan.neighbours(wildcards.radar, wildcards.shard)
    return [(wildcards.radar, shard) for shard in sorted([wildcards.shard, *near])]


def geotiffs():
    """Return (target, shard) of the GeoTIFFs of each radar and of the composite, if `cleaning.geotiff` is set."""
    if not settings.cleaning.geotiff:
        return []
    return [*plan.pairs(), *(("composite", shard) for shard in plan.all_shards())]


def own_pictures(wildcards):
    """Return (radar or layout, shard) of all picture stores of a radar that are made."""
    return plan.picture_pairs(wildcards.radar)


def picture_shards(wildcards):
    """Return the picture stores of a radar that are made as `RADAR=FIRST..LAST,...`, with those of its layouts."""
    shards = {}
    for name, shard in own_pictures(wildcards):
        shards.setdefault(name, []).append(shard)
    return encode_stores(shards)


def frame_tables():
    """Return the tables of read and refused frames. Targets that read all frames have them."""
    return expand("<results>/rgb/{radar}/refused.csv", radar=plan.radars)


def place_tables():
    """Return the checks of the places of pictures. Targets whose products have coordinates have them."""
    return expand("<results>/place/{radar}.json", radar=plan.decoded_pictures())


def unplaced_tables():
    """Return the tables of pictures without a time. Every target has them, so that no picture is overlooked."""
    return expand("<results>/rgb/{radar}/unplaced.rejected.csv", radar=plan.radars)


if PLANS_A_RUN:
    for line in plan.warnings:
        logger.warning(f"{', '.join(CONFIG_FILES)}: {line}")


if plan.is_remote:

    storage:
        **plan.store.settings,
        provider="s3",
