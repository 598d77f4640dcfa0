"""What a config says that the schema cannot refuse, and that would fail only in a job, hours later."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.headers import header_size
from radar_cleaner.frames.sources import is_picture
from radar_cleaner.georeference.grid import RadarGeometry, union_grid
from radar_cleaner.planning.radars import Period, Radar
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.storage.shards import format_time

COMPOSITE = "composite"  # the name of a target beside the radars' ids


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


def check_atlas(atlas: dict[str, Any]) -> None:
    """Refuse a window so small that an echo alone keeps it from being quiet: no clutter would ever be counted."""
    window, fraction = atlas["window_px"], atlas["quiet_fraction"]
    if atlas["method"] == "frequency" and 0 < window**2 * fraction < 1:
        raise ConfigError(
            f"atlas.window_px: in a window of {window} x {window} px a single echo is more than"
            f" atlas.quiet_fraction {fraction:g}; raise one of them, or write 0 for the whole frame"
        )


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
