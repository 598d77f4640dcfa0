"""What a config says of samples, votes, training and the model that cannot work together."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from radar_cleaner.config import shipped
from radar_cleaner.config.artefacts import read_plant_ranges
from radar_cleaner.errors import ConfigError
from radar_cleaner.planning.networks import check_network
from radar_cleaner.planning.radars import window_minutes

# Names of the network's own channels (`channels.Inputs.names`; to import them is to import torch).
CHANNELS = re.compile(
    "(own|others)_.*|range|azimuth_.*|echo_frequency|time_of_day_.*|day_of_year_.*|latitude|longitude_.*|pixel_size"
)


def check_samples(config: dict[str, Any]) -> None:
    """Refuse windows, weights, models and bounds that cannot work together."""
    samples, training, cadence = config["samples"], config["training"], config["frames"]["cadence_minutes"]
    trains = shipped.trains(config)
    for problem in (
        *_sample_problems(samples, cadence),
        *_split_problems(samples, trains),
        *_static_problems(samples["static"]),
        *_training_problems(training, samples["validation"]),
    ):
        raise ConfigError(problem)
    check_network(training)
    if config["frames"]["newest_minutes"] is not None and (trains or config["evaluation"]["period"] is not None):
        raise ConfigError(
            "frames.newest_minutes: only cleans; name a model file as cleaning.model and leave out"
            " evaluation.period, or leave this out"
        )
    labelers = [
        name for name in config["votes"] if name not in ("reference", "reference_weight", "min_confidence")
    ]
    if not any(config["votes"][name] for name in labelers):
        raise ConfigError(f"votes: {', '.join(labelers)} are all 0; give one of them a weight above 0")
    forecasts = config["evaluation"]["period"] is not None and len(samples["lead_minutes"]) > 1
    if forecasts and config["evaluation"]["optical_flow"] and min(samples["input_minutes"]) == 0:
        raise ConfigError(
            f"evaluation.optical_flow: sees motion between frames, and samples.input_minutes is"
            f" {samples['input_minutes']}; add past ones, such as [-{2 * cadence:g}, -{cadence:g}, 0], or set it"
            " to false"
        )
    for key in ("dbz_bands", "range_bands_km", "hole_sizes_px"):
        numbers = config["evaluation"][key]
        if numbers != sorted(set(numbers)):
            raise ConfigError(f"evaluation.{key}: {numbers} must rise; write the numbers from low to high")
    if trains and training["period"] is None:
        raise ConfigError(
            "training.period: is missing; give one, or set cleaning.model to pretrained or to a model file"
        )
    if trains:
        try:
            read_plant_ranges(shipped.plant_ranges(config), training["plants"]["kinds"])
        except ConfigError as error:
            raise ConfigError(f"training.plants.ranges: {error}") from None
    pretrained = any(map(shipped.is_pretrained, shipped.named_models(config, "cleaning", "model")))
    if pretrained and len(samples["lead_minutes"]) > 1:
        raise ConfigError(
            f"samples.lead_minutes: {samples['lead_minutes']} asks for forecasts, which the pretrained model does"
            " not make; write [0], or set cleaning.model to trained or to a model file that does"
        )
    if pretrained and samples["atlas"] != "channel":
        raise ConfigError(
            f"samples.atlas: is {samples['atlas']}, and the pretrained model learned with the atlas as a channel;"
            " write channel"
        )
    for section, key in shipped.MODEL_KEYS:
        for name in shipped.named_models(config, section, key):
            _check_model_file(f"{section}.{key}", name, "trained, pretrained or the path of a best.pt")
    begins = training["model"]["start_from"]
    if begins == "trained":
        raise ConfigError(
            "training.model.start_from: trained is what it makes; write pretrained or the path of a best.pt"
        )
    _check_model_file("training.model.start_from", begins, "pretrained or the path of a best.pt")
    if begins is not None and shipped.is_pretrained(begins) and samples["normalize"]:
        raise ConfigError(
            "training.model.start_from: the pretrained model learned without samples.normalize, which is true"
            " here; set it to false, or start from another model"
        )
    for problem in _own_model_problems(config, trains):
        raise ConfigError(problem)


def _check_model_file(place: str, name: str | None, allowed: str) -> None:
    path = shipped.model_file(name)
    if path is not None and not path.is_file():
        raise ConfigError(f"{place}: there is no file {path}; write {allowed}")
    if path is not None and not zipfile.is_zipfile(path):  # which a model file is
        raise ConfigError(f"{place}: {path} is no model file, or a part of one; write {allowed}")


def _own_model_problems(config: dict[str, Any], trains: bool) -> Iterator[str]:
    """Models that this config's own training writes, named as if they were there before it.

    To clean by one is fine where nothing trains: where no model is `trained`, and Snakemake, which knows the file
    by its path, could not make it anew for want of a training.period.
    """
    own = Path(config["results"], "model")
    begins = config["training"]["model"]["start_from"]
    if trains and _is_own(own, begins):
        yield (
            f"training.model.start_from: {begins} is what this training writes; copy it elsewhere first, and name"
            " the copy, or choose other results"
        )
    for section, key in shipped.MODEL_KEYS:
        for name in shipped.named_models(config, section, key):
            by_path = config["training"]["period"] is not None and not _is_alias(own, name)
            if _is_own(own, name) and (trains or by_path):
                yield (
                    f"{section}.{key}: {name} is what the training of this config writes; write trained, or copy"
                    " it elsewhere and name the copy, or leave out training.period to train no more"
                )


def _is_own(folder: Path, name: str | None) -> bool:
    """Whether a model's name is the path of what is trained into this folder."""
    path = shipped.model_file(name)
    if path is None:
        return False
    place = path.resolve()
    root = folder.resolve()
    return place.name == "best.pt" and (
        place.parent == root or (place.parent.parent == root and place.parent.name.startswith("seed-"))
    )


def _is_alias(folder: Path, name: str) -> bool:
    """Whether a path lies in this folder but is spelled so that Snakemake does not take it for an output."""
    return not Path(os.path.normpath(name)).is_relative_to(os.path.normpath(folder))


def _sample_problems(samples: dict[str, Any], cadence: float) -> Iterator[str]:
    minutes = samples["input_minutes"]
    if 0 not in minutes or minutes != sorted(minutes):
        yield f"samples.input_minutes: {minutes} must rise and hold 0, the frame that is judged"
    for key in ("input_minutes", "lead_minutes"):
        for minute in samples[key]:
            if minute % cadence:
                yield f"samples.{key}: {minute} is no multiple of frames.cadence_minutes {cadence:g}"
    leads = samples["lead_minutes"]
    if leads[0] != 0 or leads != sorted(leads):
        yield (
            f"samples.lead_minutes: {leads} must rise from 0, the frame that is cleaned; write such as [0, 6, 12]"
        )
    if len(leads) > 1 and max(minutes) > 0:
        step = int(cadence) if cadence == int(cadence) else cadence
        yield (
            f"samples.input_minutes: {minutes} holds frames of the time that samples.lead_minutes {leads} asks"
            f" for; write past frames only, such as [{-2 * step}, {-step}, 0]"
        )
    span = window_minutes(samples)
    if samples["purge_minutes"] < span:
        yield (
            f"samples.purge_minutes: {samples['purge_minutes']} does not cover input_minutes and lead_minutes;"
            f" write {span} or more"
        )


def _split_problems(samples: dict[str, Any], trains: bool) -> Iterator[str]:
    share = samples["validation"]
    if share == 0:
        return
    if share < 0.001:
        yield f"samples.validation: {share:g} is next to nothing; write 0 for none, or 0.001 or more"
    elif abs(1 / round(1 / share) - share) > 0.02:  # every round(1 / share)-th block validates
        near = int(1 / share)
        yield (
            f"samples.validation: {share:g} is no share that every 2nd, 3rd, 4th, ... block makes;"
            f" write {1 / near:.2g} or {1 / (near + 1):.2g}, or 0 for none"
        )
    span = window_minutes(samples)
    least = span + samples["purge_minutes"]
    if trains and samples["block_minutes"] < least:
        yield (
            f"samples.block_minutes: {samples['block_minutes']} is too short for the {span} minutes that a sample"
            f" reads and the {samples['purge_minutes']} of samples.purge_minutes; write {least} or more, or set"
            " samples.validation to 0"
        )


def _static_problems(fields: dict[str, str]) -> Iterator[str]:
    for name, path in fields.items():
        place = f"samples.static.{name}"
        if CHANNELS.fullmatch(name):
            yield f"{place}: is the name of a channel that there is; choose another, such as my_{name}"
        if not Path(path).is_file():
            yield f"{place}: there is no file {path}; name a raster that rasterio reads, such as a GeoTIFF"


def _training_problems(training: dict[str, Any], validation: float) -> Iterator[str]:
    schedule = training["schedule"]["name"]
    if training["seed"] in training["ensemble_seeds"]:
        yield (
            f"training.ensemble_seeds: {training['seed']} is training.seed, which the first model has;"
            " write others"
        )
    if training["averaging"]["swa"] and schedule != "cosine":
        yield (
            f"training.averaging.swa: goes with training.schedule.name cosine only, here it is {schedule};"
            " write 0, or choose cosine"
        )
    if schedule == "plateau" and not validation:
        yield (
            "training.schedule.name: plateau follows the validation loss, and samples.validation is 0;"
            " raise that, or choose cosine or one_cycle"
        )
    if training["early_stopping"] and not validation:
        yield (
            "training.early_stopping: follows the validation loss, and samples.validation is 0;"
            " raise that, or write 0"
        )
