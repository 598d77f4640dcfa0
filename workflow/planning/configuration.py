"""The checked config: radars with their own settings, periods as times. Nothing here opens more than headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from radar_cleaner.errors import ConfigError
from radar_cleaner.geometry import RadarGeometry
from radar_cleaner.shards import format_time, parse_time, shard_of, shard_start
from radar_cleaner.sources import NameFormat

Period = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Radar:
    """A radar with the settings that hold for it: the common ones and what its own entry overrides."""

    place: str  # `radars[0]`, for messages
    id: str
    source: Path
    latitude: float
    longitude: float
    range_km: float
    center_px: tuple[float, float] | None  # frame pixels
    names: NameFormat
    size_px: tuple[int, int] | None
    plot_box_px: tuple[int, int, int, int] | None
    legend_width_px: int | None
    overlay: dict[str, Any]
    labels: dict[str, Any]

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The plot box (x0, y0, x1, y1; half open) in a frame of (width, height) `size`."""
        if self.plot_box_px is not None:
            return self.plot_box_px
        return (self.legend_width_px or 0, 0, *size)

    def center(self, size: tuple[int, int]) -> tuple[float, float]:
        """The radar's (column, row) in frame pixels: as given, else the middle of the plot box."""
        if self.center_px is not None:
            return self.center_px
        x0, y0, x1, y1 = self.box(size)
        return (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2

    def geometry(self, size: tuple[int, int]) -> RadarGeometry:
        """The radar and its plot box, in plot-box pixels."""
        x0, y0, x1, y1 = self.box(size)
        x, y = self.center(size)
        return RadarGeometry(
            self.id, self.latitude, self.longitude, self.range_km, x1 - x0, y1 - y0, (x - x0, y - y0)
        )


def read_radars(config: dict[str, Any]) -> list[Radar]:
    """The radars of a config whose defaults are filled. Raises ConfigError on what the schema cannot see."""
    radars = [_radar(f"radars[{i}]", entry, config) for i, entry in enumerate(config["radars"])]
    ids = [radar.id for radar in radars]
    for radar in radars:
        if ids.count(radar.id) > 1:
            raise ConfigError(f"{radar.place}.id: '{radar.id}' names two radars; give each its own id")
    return radars


def _radar(place: str, entry: dict[str, Any], config: dict[str, Any]) -> Radar:
    frames = config["frames"]
    settings = {key: entry.get(key, frames[key]) for key in _OVERRIDABLE}
    if "plot_box_px" in entry or "legend_width_px" in entry:  # one of them replaces both
        settings |= {key: entry.get(key) for key in ("plot_box_px", "legend_width_px")}
    radar = Radar(
        place=place,
        id=entry["id"],
        source=Path(entry["frames"]),
        latitude=float(entry["latitude"]),
        longitude=float(entry["longitude"]),
        range_km=float(entry["range_km"]),
        center_px=_pair(entry["center_px"]),
        names=NameFormat(settings["pattern"], settings["time_format"], settings["time_zone"]),
        size_px=tuple(settings["size_px"]) if settings["size_px"] else None,
        plot_box_px=tuple(settings["plot_box_px"]) if settings["plot_box_px"] else None,
        legend_width_px=settings["legend_width_px"],
        overlay=frames["overlay"] | entry.get("overlay", {}),
        labels=_merged(config["labels"], entry.get("labels", {})),
    )
    _check_names(radar)
    _check_labels(radar)
    if not radar.source.is_dir():
        raise ConfigError(f"{place}.frames: there is no folder {radar.source}; name the folder of the pictures")
    return radar


_OVERRIDABLE = ("pattern", "time_format", "time_zone", "size_px", "plot_box_px", "legend_width_px")


def _merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    return common | own | {"legend": common["legend"] | own.get("legend", {})}


def _pair(value: list[float] | None) -> tuple[float, float] | None:
    return (float(value[0]), float(value[1])) if value else None


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
    except ValueError as error:
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
        if not Path(labels["palette"]).is_file():
            raise ConfigError(f"labels.palette: there is no file {labels['palette']}; see config/palettes")
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
    mask = radar.overlay["mask"]
    if mask is not None and not Path(mask).is_file():
        raise ConfigError(f"frames.overlay.mask: there is no file {mask}; name a picture of the frame's size")


def check_boxes(radar: Radar, size: tuple[int, int]) -> None:
    """Refuse boxes and centres that do not lie in a frame of (width, height) `size`."""
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
    if radar.labels["method"] == "legend":
        inside("labels.legend.box_px", radar.labels["legend"]["box_px"], picture, "picture")
    if 2 * radar.overlay["border_px"] >= min(box[2] - box[0], box[3] - box[1]):
        raise ConfigError(f"frames.overlay.border_px: {radar.overlay['border_px']} covers the whole plot box")
    x, y = radar.center(size)
    if not (box[0] <= x < box[2] and box[1] <= y < box[3]):
        raise ConfigError(
            f"{radar.place}.center_px: [{x:g}, {y:g}] is not in the plot box {list(box)}; write frame pixels"
        )


def read_period(place: str, value: list[Any] | None, grain: str) -> Period | None:
    """((start, end), ...) in seconds, end excluded, from [start, end] or a list of such; None stays None.

    Raises ConfigError where a time is unreadable, an end is not after its start, two parts overlap, or an end
    does not lie on a boundary of shards of this grain.
    """
    if value is None:
        return None
    parts = value if isinstance(value[0], list) else [value]
    period = []
    for part in parts:
        if not isinstance(part, list) or len(part) != 2:
            raise ConfigError(f"{place}: {part} is no period; write [start, end] or [[start, end], ...]")
        try:
            start, end = (parse_time(text) for text in part)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None
        if start >= end:
            raise ConfigError(f"{place}: {part[1]} is not after {part[0]}; write [start, end]")
        for time in (start, end):
            if shard_start(shard_of(time, grain)) != time:
                raise ConfigError(
                    f"{place}: {format_time(time)} is not the start of a {grain}; periods end on shard"
                    " boundaries (frames.shard)"
                )
        period.append((start, end))
    period.sort()
    for before, after in pairwise(period):
        if before[1] > after[0]:
            raise ConfigError(f"{place}: two of its parts overlap at {format_time(after[0])}; join them")
    return tuple(period)


def within(period: Period | None, time: int) -> bool:
    """Whether a time lies in a period; no period holds all times."""
    return period is None or any(start <= time < end for start, end in period)


def check_disjoint(training: Period | None, evaluation: Period | None) -> None:
    """Refuse to score on what was trained on."""
    for start, end in training or ():
        for other_start, other_end in evaluation or ():
            if start < other_end and other_start < end:
                raise ConfigError(
                    f"evaluation.period: overlaps training.period from {format_time(max(start, other_start))};"
                    " score on times that training does not see"
                )


def fill_windows(config: dict[str, Any]) -> None:
    """Fill what follows from the cadence: a frame before and after as input, a purge as long as the window."""
    samples, cadence = config["samples"], config["frames"]["cadence_minutes"]
    if samples["input_minutes"] is None:
        if cadence != int(cadence):
            raise ConfigError("samples.input_minutes: is missing; give it, as the cadence is no whole minute")
        samples["input_minutes"] = [-int(cadence), 0, int(cadence)]
    if samples["purge_minutes"] is None:
        samples["purge_minutes"] = _span(samples)


def _span(samples: dict[str, Any]) -> int:
    minutes = samples["input_minutes"] + samples["lead_minutes"]
    return int(max(minutes) - min(minutes))


def check_samples(config: dict[str, Any]) -> None:
    """Refuse windows, models and bounds that cannot work together."""
    samples, training, cadence = config["samples"], config["training"], config["frames"]["cadence_minutes"]
    for problem in _sample_problems(samples, training, cadence):
        raise ConfigError(problem)
    bands = config["evaluation"]["dbz_bands"]
    if bands != sorted(set(bands)):
        raise ConfigError(f"evaluation.dbz_bands: {bands} must rise; write the bounds from low to high")
    model = config["cleaning"]["model"]
    if model == "trained" and training["period"] is None:
        raise ConfigError("training.period: is missing; give one, or name a model file as cleaning.model")
    if model != "trained" and not Path(model).is_file():
        raise ConfigError(f"cleaning.model: there is no file {model}; write 'trained' or the path of a best.pt")


def _sample_problems(samples: dict[str, Any], training: dict[str, Any], cadence: float) -> Iterator[str]:
    minutes = samples["input_minutes"]
    if 0 not in minutes or minutes != sorted(minutes):
        yield f"samples.input_minutes: {minutes} must rise and hold 0, the frame that is judged"
    for key in ("input_minutes", "lead_minutes"):
        for minute in samples[key]:
            if minute % cadence:
                yield f"samples.{key}: {minute} is no multiple of frames.cadence_minutes {cadence:g}"
    if samples["lead_minutes"] != [0]:
        yield f"samples.lead_minutes: {samples['lead_minutes']} is not possible yet; write [0]"
    span = _span(samples)
    if samples["purge_minutes"] < span:
        yield (
            f"samples.purge_minutes: {samples['purge_minutes']} does not cover input_minutes and lead_minutes;"
            f" write {span} or more"
        )
    if training["crop_px"] % 2 ** training["model"]["depth"]:
        yield (
            f"training.crop_px: {training['crop_px']} cannot be halved {training['model']['depth']} times"
            " (training.model.depth); write a multiple of"
            f" {2 ** training['model']['depth']}"
        )
