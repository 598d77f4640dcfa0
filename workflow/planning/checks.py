"""What a config says that the schema cannot refuse, and that would fail only in a job, hours later."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from radar_cleaner.errors import ConfigError
from radar_cleaner.geometry import RadarGeometry, union_grid
from radar_cleaner.palette import parse_palette
from radar_cleaner.shards import format_time
from radar_cleaner.sources import is_picture

from .configuration import Period, Radar, window_minutes
from .headers import header_size

COMPOSITE = "composite"  # the name of a target beside the radars' ids
# Names of the network's own channels (`channels.Inputs.names`; to import them is to import torch).
CHANNELS = re.compile(
    "(own|others)_.*|range|azimuth_.*|echo_frequency|time_of_day_.*|day_of_year_.*|latitude|longitude_.*|pixel_size"
)


def check_radars(radars: Sequence[Radar]) -> None:
    """Refuse ids that get in each other's way, and what a radar alone cannot have."""
    folded = [radar.id.casefold() for radar in radars]
    for radar, name in zip(radars, folded, strict=True):
        if name == COMPOSITE:
            raise ConfigError(
                f"{radar.place}.id: '{radar.id}' is what the product of all radars is called; write another"
            )
        if folded.count(name) > 1:
            raise ConfigError(
                f"{radar.place}.id: '{radar.id}' names two radars; give each its own id (upper and lower case"
                " are the same in the file names of some disks)"
            )
        _check_names(radar)
        _check_labels(radar)


def check_endpoint(url: str | None) -> None:
    """Refuse an address that no client takes, or that says what belongs into the environment."""
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"s3.endpoint_url: '{url}' is no address; write it like http://minio.example.org:9000")
    if "@" in parts.netloc:
        raise ConfigError(
            "s3.endpoint_url: holds credentials; leave them out, and set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY in the environment"
        )


def _check_names(radar: Radar) -> None:
    names = radar.names
    try:
        groups = re.compile(names.pattern).groups
    except re.error as error:
        raise ConfigError(f"frames.pattern: {names.pattern!r} is no regular expression ({error})") from None
    if groups == 0:
        raise ConfigError(f"frames.pattern: {names.pattern!r} has no group; put the time into ( )")
    try:
        sample = datetime(2031, 7, 25, 17, 48).strftime(names.time_format)
        exact = datetime.strptime(sample, names.time_format).replace(tzinfo=None) == datetime(2031, 7, 25, 17, 48)
    except (ValueError, re.error) as error:  # re.error: a directive twice
        raise ConfigError(f"frames.time_format: {names.time_format!r} is not usable ({error})") from None
    if not exact:
        raise ConfigError(
            f"frames.time_format: {names.time_format!r} does not tell year, month, day, hour and minute;"
            " write it like %Y%m%d%H%M"
        )
    try:
        ZoneInfo(names.time_zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"frames.time_zone: '{names.time_zone}' is no time zone; write UTC or a name like Asia/Bangkok"
        ) from None


def _check_labels(radar: Radar) -> None:
    labels, legend = radar.labels, radar.labels["legend"]
    if labels["method"] == "palette":
        if labels["palette"] is None:
            raise ConfigError("labels.palette: method 'palette' needs a CSV of colours; see config/palettes")
        _check_palette(Path(labels["palette"]))
    if labels["method"] == "legend":
        if legend["box_px"] is None:
            raise ConfigError("labels.legend.box_px: method 'legend' needs the box of the legend bar in the frame")
        enough = len(legend["dbz"]) == 2 if legend["scale"] == "ends" else len(legend["dbz"]) >= 2
        if not enough or list(legend["dbz"]) != sorted(set(legend["dbz"])):
            raise ConfigError(
                f"labels.legend.dbz: {legend['dbz']} must rise, and hold the dBZ of the bar's two ends"
                " (scale: ends) or of each class's lower bound (scale: bounds)"
            )
    low, high = labels["dbz_range"]
    if low >= high:
        raise ConfigError(f"labels.dbz_range: [{low}, {high}] does not rise; write [low, high]")


def _check_palette(path: Path) -> None:
    if not path.is_file():
        raise ConfigError(f"labels.palette: there is no file {path}; see config/palettes")
    try:
        parse_palette(path.read_text(encoding="utf-8-sig"), str(path))
    except ConfigError as error:
        raise ConfigError(f"labels.palette: {error}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"labels.palette: {path} is no CSV of colours ({error}); see config/palettes") from None


def check_boxes(radar: Radar, size: tuple[int, int]) -> None:
    """Refuse boxes, a mask and a centre that do not fit a frame of (width, height) `size`."""
    width, height = size
    box = radar.box(size)

    def inside(key: str, candidate: Any, limits: tuple[int, int, int, int], what: str) -> None:
        x0, y0, x1, y1 = candidate
        if not (limits[0] <= x0 < x1 <= limits[2] and limits[1] <= y0 < y1 <= limits[3]):
            raise ConfigError(
                f"{key}: {list(candidate)} does not lie inside the {what} {list(limits)} of radar {radar.id};"
                " write [x0, y0, x1, y1] in frame pixels"
            )

    if radar.plot_box_px is not None and radar.legend_width_px:
        raise ConfigError("frames.legend_width_px: plot_box_px is given too; keep one of the two")
    picture = (0, 0, width, height)
    inside("frames.plot_box_px" if radar.plot_box_px else "frames.legend_width_px", box, picture, "picture")
    for index, overlay in enumerate(radar.overlay["boxes_px"]):
        inside(f"frames.overlay.boxes_px[{index}]", overlay, picture, "picture")
    if radar.overlay["mask"] is not None:
        _check_mask(radar, Path(radar.overlay["mask"]), size)
    if radar.labels["method"] == "legend":
        inside("labels.legend.box_px", radar.labels["legend"]["box_px"], picture, "picture")
    if 2 * radar.overlay["border_px"] >= min(box[2] - box[0], box[3] - box[1]):
        raise ConfigError(
            f"frames.overlay.border_px: {radar.overlay['border_px']} covers the whole plot box {list(box)} of"
            f" radar {radar.id}; write the width of the map's border"
        )
    x, y = radar.center(size)
    if not (box[0] <= x < box[2] and box[1] <= y < box[3]):
        raise ConfigError(
            f"{radar.place}.center_px: [{x:g}, {y:g}] is not in the plot box {list(box)}; write frame pixels"
        )


def _check_mask(radar: Radar, mask: Path, size: tuple[int, int]) -> None:
    remedy = f"name a picture of the frame's size, {size[0]} x {size[1]} px for radar {radar.id}"
    if not mask.is_file():
        raise ConfigError(f"frames.overlay.mask: there is no file {mask}; {remedy}")
    found = header_size(mask)
    if found is None or not is_picture(mask.name):
        raise ConfigError(f"frames.overlay.mask: {mask} is no PNG, GIF, JPG or BMP; {remedy}")
    if found != size:
        raise ConfigError(f"frames.overlay.mask: {mask} is {found[0]} x {found[1]} px; {remedy}")


def check_composite(grid: str, geometries: Sequence[RadarGeometry]) -> None:
    """Refuse a composite too large to work with."""
    if grid == "union":
        try:
            union_grid(geometries)
        except ConfigError as error:
            raise ConfigError(f"composite.grid: {str(error).removeprefix('composite.grid: ')}") from None


def check_disjoint(section: str, period: Period | None, evaluation: Period | None) -> None:
    """Refuse to score on what `section` (training or atlas) has learnt from."""
    for start, end in period or ():
        for other_start, other_end in evaluation or ():
            if start < other_end and other_start < end:
                since = format_time(max(start, other_start))
                raise ConfigError(
                    f"evaluation.period: overlaps training.period from {since};"
                    " score on times that training does not see"
                    if section == "training"
                    else f"{section}.period: overlaps evaluation.period from {since};"
                    " count clutter at times that are not scored"
                )


def check_samples(config: dict[str, Any]) -> None:
    """Refuse windows, weights, models and bounds that cannot work together."""
    samples, training, cadence = config["samples"], config["training"], config["frames"]["cadence_minutes"]
    model = config["cleaning"]["model"]
    for problem in (
        *_sample_problems(samples, cadence),
        *_split_problems(samples, model == "trained"),
        *_static_problems(samples["static"]),
        *_training_problems(training, samples["validation"]),
    ):
        raise ConfigError(problem)
    halved = 2 ** training["model"]["depth"]
    if training["crop_px"] % halved:
        raise ConfigError(
            f"training.crop_px: {training['crop_px']} cannot be halved {training['model']['depth']} times"
            f" (training.model.depth); write a multiple of {halved}"
        )
    if config["frames"]["newest_minutes"] is not None and (
        model == "trained" or config["evaluation"]["period"] is not None
    ):
        raise ConfigError(
            "frames.newest_minutes: only cleans; name a model file as cleaning.model and leave out"
            " evaluation.period, or leave this out"
        )
    if not any(config["votes"].values()):
        raise ConfigError(f"votes: {', '.join(config['votes'])} are all 0; give one of them a weight above 0")
    bands = config["evaluation"]["dbz_bands"]
    if bands != sorted(set(bands)):
        raise ConfigError(f"evaluation.dbz_bands: {bands} must rise; write the bounds from low to high")
    if model == "trained" and training["period"] is None:
        raise ConfigError("training.period: is missing; give one, or name a model file as cleaning.model")
    remedy = "write 'trained' or the path of a best.pt"
    if model != "trained" and not Path(model).is_file():
        raise ConfigError(f"cleaning.model: there is no file {model}; {remedy}")
    if model != "trained" and not zipfile.is_zipfile(model):  # which a model file is
        raise ConfigError(f"cleaning.model: {model} is no model file, or a part of one; {remedy}")


def _sample_problems(samples: dict[str, Any], cadence: float) -> Iterator[str]:
    minutes = samples["input_minutes"]
    if 0 not in minutes or minutes != sorted(minutes):
        yield f"samples.input_minutes: {minutes} must rise and hold 0, the frame that is judged"
    for key in ("input_minutes", "lead_minutes"):
        for minute in samples[key]:
            if minute % cadence:
                yield f"samples.{key}: {minute} is no multiple of frames.cadence_minutes {cadence:g}"
    if samples["lead_minutes"] != [0]:
        yield f"samples.lead_minutes: {samples['lead_minutes']} is not possible yet; write [0]"
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
