"""Rules between keys: combinations of values that are possible one by one but not together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from radar_cleaner.config import shipped
from radar_cleaner.config.config import Config
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.labels import Labels
from radar_cleaner.config.network_choice import check_network
from radar_cleaner.config.radars import RadarEntry
from radar_cleaner.config.samples import Samples
from radar_cleaner.config.training import Training
from radar_cleaner.errors import ConfigError

COMPOSITE = "composite"  # the name of a target beside the radars' ids


def fill_windows(config: Config) -> Config:
    """Return the config with the defaults that follow from the cadence.

    The input times are one frame before, 0 and one frame after; with forecasts two frames before and 0. The purge
    is as long as the window.
    """
    samples, cadence = config.samples, config.frames.cadence_minutes
    if samples.input_minutes is None:
        if cadence != int(cadence):
            raise ConfigError("samples.input_minutes: is missing; add it, the cadence is not a whole minute")
        step = int(cadence)
        minutes = (-2 * step, -step, 0) if samples.lead_minutes[1:] else (-step, 0, step)
        samples = samples.model_copy(update={"input_minutes": minutes})
    if samples.purge_minutes is None:
        samples = samples.model_copy(update={"purge_minutes": samples.window_minutes})
    return config.model_copy(update={"samples": samples})


def check_values(config: Config) -> None:
    """Raise ConfigError for the first combination of values that is impossible."""
    for problem in _problems(config):
        raise ConfigError(problem)


def _problems(config: Config) -> Iterator[str]:
    trains = shipped.trains(config)
    yield from _id_problems(config.radars)
    for index, radar in enumerate(config.radars):
        yield from radar.grid_problems(f"radars[{index}]")
        yield from radar.layout_problems(f"radars[{index}]")
        for layout in radar.layouts:
            yield from _label_problems(layout.labels.over(radar.labels.over(config.labels)))
        yield from _label_problems(radar.labels.over(config.labels))
        if radar.plot_box_px is not None and radar.legend_width_px:
            yield _two_boxes(f"radars[{config.radars.index(radar)}]")
    if config.frames.plot_box_px is not None and config.frames.legend_width_px:
        yield _two_boxes("frames")
    yield from _snap_problems(config)
    yield from _sample_problems(config.samples, config.frames.cadence_minutes)
    yield from _split_problems(config.samples, trains)
    yield from _left_out_problems(config)
    yield from _static_problems(config.samples)
    yield from _training_problems(config.training, config.samples.validation)
    check_network(config.training)
    yield from _atlas_problems(config)
    yield from _vote_problems(config)
    yield from _period_problems(config, trains)
    yield from _forecast_problems(config)
    yield from _pretrained_problems(config)


def _id_problems(radars: tuple[RadarEntry, ...]) -> Iterator[str]:
    folded = [radar.id.casefold() for radar in radars]
    for index, (radar, name) in enumerate(zip(radars, folded, strict=True)):
        if name == COMPOSITE:
            yield f"radars[{index}].id: '{radar.id}' is the name of the product of all radars; write another"
        if folded.count(name) > 1:
            yield (
                f"radars[{index}].id: '{radar.id}' names two radars; give each its own id (some disks do not"
                " distinguish upper and lower case in file names)"
            )


def _left_out_problems(config: Config) -> Iterator[str]:
    ids = [radar.id for radar in config.radars]
    for name in config.samples.validation_radars:
        if name not in ids:
            near = difflib.get_close_matches(name, ids, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"the radars are {', '.join(ids)}"
            yield f"samples.validation_radars: there is no radar '{name}'; {hint}"
    if set(ids) <= set(config.samples.validation_radars):
        yield "samples.validation_radars: leaves out all radars; keep one for the training"


def _snap_problems(config: Config) -> Iterator[str]:
    """Yield distances within which a frame would have two slots."""
    cadence = config.frames.cadence_minutes
    entries = {"frames": config.frames, **{f"radars[{i}]": radar for i, radar in enumerate(config.radars)}}
    for place, entry in entries.items():
        if entry.snap_minutes > cadence / 2:
            yield (
                f"{place}.snap_minutes: {entry.snap_minutes:g} is more than half of frames.cadence_minutes"
                f" {cadence:g}; write at most {cadence / 2:g}"
            )


def _two_boxes(place: str) -> str:
    return f"{place}.legend_width_px: plot_box_px is given too; keep one of the two"


def _label_problems(labels: Labels) -> Iterator[str]:
    legend = labels.legend
    if labels.method == "palette" and labels.palette is None:
        yield "labels.palette: method 'palette' needs a CSV of colours; see config/palettes"
    if labels.method == "legend":
        if legend.box_px is None and legend.file is None:
            yield (
                "labels.legend.box_px: method 'legend' needs the box of the legend bar in the frame, or a picture"
                " of the bar (legend.file)"
            )
        numbers = list(legend.dbz)
        if len(numbers) < 2 or sorted(set(numbers)) not in (numbers, numbers[::-1]):
            yield (
                f"labels.legend.dbz: {numbers} must rise or fall, from bottom to top or from left to right, and"
                " have the numbers of the bar's two ends (scale: ends) or each class's lower bound (scale: bounds)"
            )


def _sample_problems(samples: Samples, cadence: float) -> Iterator[str]:
    minutes, leads = list(samples.input_minutes or ()), list(samples.lead_minutes)
    if 0 not in minutes or minutes != sorted(minutes):
        yield f"samples.input_minutes: {minutes} must rise and contain 0, the frame that is cleaned"
    for key, values in (("input_minutes", minutes), ("lead_minutes", leads)):
        for minute in values:
            if minute % cadence:
                yield f"samples.{key}: {minute} is not a multiple of frames.cadence_minutes {cadence:g}"
    if leads[0] != 0 or leads != sorted(leads):
        yield (
            f"samples.lead_minutes: {leads} must rise from 0, the frame that is cleaned; write, for example,"
            " [0, 6, 12]"
        )
    if len(leads) > 1 and max(minutes) > 0:
        step = int(cadence) if cadence == int(cadence) else cadence
        yield (
            f"samples.input_minutes: {minutes} contains frames of the time that samples.lead_minutes {leads}"
            f" predicts; write past frames only, for example [{-2 * step}, {-step}, 0]"
        )
    span = samples.window_minutes
    if samples.purge_minutes is not None and samples.purge_minutes < span:
        yield (
            f"samples.purge_minutes: {samples.purge_minutes} does not cover input_minutes and lead_minutes;"
            f" write {span} or more"
        )


def _split_problems(samples: Samples, trains: bool) -> Iterator[str]:
    share = samples.validation
    if share == 0:
        return
    if share < 0.001:
        yield f"samples.validation: {share:g} is too small; write 0 for none, or 0.001 or more"
    elif abs(1 / round(1 / share) - share) > 0.02:  # every round(1 / share)-th block is used for validation
        near = int(1 / share)
        yield (
            f"samples.validation: {share:g} is not the share of every 2nd, 3rd, 4th, ... block;"
            f" write {1 / near:.2g} or {1 / (near + 1):.2g}, or 0 for none"
        )
    purge = samples.purge_minutes or 0
    least = samples.window_minutes + purge
    if trains and samples.block_minutes < least:
        yield (
            f"samples.block_minutes: {samples.block_minutes} is too short for the {samples.window_minutes} minutes"
            f" that a sample reads and the {purge} of samples.purge_minutes; write {least} or more, or set"
            " samples.validation to 0"
        )


def _static_problems(samples: Samples) -> Iterator[str]:
    minutes = samples.input_minutes or ()
    channels = Inputs(
        minutes, "channel", "max", time_of_day=True, day_of_year=True, coordinates=True, scale=True
    ).names
    for name in samples.static:
        if name in channels:
            yield f"samples.static.{name}: is the name of a channel; choose another, for example my_{name}"


def _training_problems(training: Training, validation: float) -> Iterator[str]:
    schedule = training.schedule.name
    if training.seed in training.ensemble_seeds:
        yield (
            f"training.ensemble_seeds: {training.seed} is training.seed, the seed of the first model; write others"
        )
    if training.averaging.swa and schedule != "cosine":
        yield (
            f"training.averaging.swa: needs training.schedule.name cosine, here it is {schedule};"
            " write 0, or choose cosine"
        )
    if schedule == "plateau" and not validation:
        yield (
            "training.schedule.name: plateau follows the validation loss, and samples.validation is 0;"
            " raise that, or choose cosine or one_cycle"
        )
    if training.early_stopping and not validation:
        yield (
            "training.early_stopping: follows the validation loss, and samples.validation is 0;"
            " raise that, or write 0"
        )
    if training.model.start_from == "trained":
        yield "training.model.start_from: trained is its result; write pretrained or the path of a best.pt"


def _atlas_problems(config: Config) -> Iterator[str]:
    """Yield a window in which one echo is more than the quiet fraction: no clutter would ever be counted."""
    window, fraction = config.atlas.window_px, config.atlas.quiet_fraction
    if config.atlas.method == "frequency" and 0 < window**2 * fraction < 1:
        yield (
            f"atlas.window_px: in a window of {window} x {window} px a single echo is more than"
            f" atlas.quiet_fraction {fraction:g}; raise one of them, or write 0 for the whole frame"
        )


def _vote_problems(config: Config) -> Iterator[str]:
    weights = {name: weight for name, weight in config.votes.weights.items() if name != "reference"}
    if not any(weights.values()) and config.votes.reference is None:
        yield f"votes: {', '.join(weights)} are all 0; give one of them a weight above 0, or set votes.reference"


def _period_problems(config: Config, trains: bool) -> Iterator[str]:
    if config.frames.newest_minutes is not None and (trains or config.evaluation.period is not None):
        yield (
            "frames.newest_minutes: is only for cleaning; name a model file as cleaning.model and leave out"
            " evaluation.period, or leave this out"
        )
    if trains and config.training.period is None:
        yield "training.period: is missing; add it, or set cleaning.model to pretrained or to a model file"


def _forecast_problems(config: Config) -> Iterator[str]:
    minutes, cadence = config.samples.input_minutes or (), config.frames.cadence_minutes
    forecasts = config.evaluation.period is not None and len(config.samples.lead_minutes) > 1
    if forecasts and config.evaluation.optical_flow and min(minutes) == 0:
        yield (
            f"evaluation.optical_flow: needs the motion between frames, and samples.input_minutes is"
            f" {list(minutes)}; add past ones, for example [-{2 * cadence:g}, -{cadence:g}, 0], or set it to false"
        )


def _pretrained_problems(config: Config) -> Iterator[str]:
    samples, begins = config.samples, config.training.model.start_from
    if any(map(shipped.is_pretrained, shipped.named_models(config, "cleaning", "model"))):
        if len(samples.lead_minutes) > 1:
            yield (
                f"samples.lead_minutes: {list(samples.lead_minutes)} needs forecasts, which the pretrained model"
                " does not make; write [0], or set cleaning.model to trained or to a model file that does"
            )
        if samples.atlas != "channel":
            yield (
                f"samples.atlas: is {samples.atlas}, and the pretrained model was trained with the atlas as a"
                " channel; write channel"
            )
    if begins is not None and shipped.is_pretrained(begins) and samples.normalize:
        yield (
            "training.model.start_from: the pretrained model was trained without samples.normalize, which is true"
            " here; set it to false, or start from another model"
        )
