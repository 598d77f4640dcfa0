"""Sections `frames`, `s3` and `stores`: which pictures are read, and how stores are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from annotated_types import MinLen
from pydantic import AfterValidator, Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Box, Period, Pixels, Size, Text

EPOCH = "%s"  # the format of seconds since 1970


def _check_pattern(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression ({error})") from None
    if groups == 0:
        raise ValueError(f"{pattern!r} has no group; put the time into ( )")
    return pattern


def _check_time_format(time_format: str) -> str:
    if time_format == EPOCH:
        return time_format
    if EPOCH in time_format:
        raise ValueError(
            f"{time_format!r} has {EPOCH} beside other text; write {EPOCH} alone, the pattern finds it"
        )
    time = datetime(2031, 7, 25, 17, 48, tzinfo=UTC)
    try:
        exact = datetime.strptime(time.strftime(time_format), time_format).replace(tzinfo=UTC) == time
    except (ValueError, re.error) as error:  # re.error: a directive occurs twice
        raise ValueError(f"{time_format!r} is not usable ({error})") from None
    if not exact:
        raise ValueError(
            f"{time_format!r} does not contain year, month, day, hour and minute; write it like %Y%m%d%H%M"
        )
    return time_format


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"'{name}' is not a time zone; write UTC or a name like Asia/Bangkok") from None
    return name


def _check_endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"'{url}' is not an address; write it like http://minio.example.org:9000")
    if "@" in parts.netloc:
        raise ValueError(
            "must not contain credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
        )
    return url


class Loop(Section):
    """Animations (GIF, APNG, WebP, TIFF of several pages): each of their pictures is a frame."""

    step_minutes: float = Field(gt=0, description="Minutes between two pictures of an animation.")
    last: Literal["name", "first"] = Field(
        "name",
        description="`name`: the last picture has the time of the file's name; `first`: the first picture has it.",
    )
    pause_pictures: Pixels = Field(
        0,
        description="Pictures at the end of each animation that repeat the one before them, so that the animation"
        " pauses. They are left out.",
    )


class FileNames(Section):
    """How the time of a picture is found."""

    pattern: Annotated[Text, AfterValidator(_check_pattern)] = Field(
        r"(?<!\d)(\d{12})(?=\D*$)",
        description="Regular expression that is searched in the file name, or, if it contains a `/`, in the"
        " path. Its first group is the time.",
    )
    time_format: Annotated[str, MinLen(2), AfterValidator(_check_time_format)] = Field(
        "%Y%m%d%H%M",
        description="Format of that group, in the notation of `strptime`. `%s` alone is seconds since 1970, or"
        " milliseconds if there are 13 digits. A difference from UTC in the names (`+0200`) is `%z`.",
    )
    time_zone: Annotated[Text, AfterValidator(_check_time_zone)] = Field(
        "UTC", description="Time zone of the file names, for example `Asia/Bangkok`. Stores always use UTC."
    )
    time_from: Text = Field(
        "name",
        description="Where the times are: `name`, the names of the files (or their paths); `mtime`, the dates of"
        " the files; or the path of a CSV with the columns `file` (name, or path below the source) and `time`"
        " (ISO 8601, in `time_zone`).",
    )
    loop: Loop | None = Field(
        None, description="Each picture of an animation is a frame. By default animations are refused."
    )
    snap_minutes: float = Field(
        0,
        ge=0,
        description="Frames at most this many minutes off a slot get its time. Slots are multiples of"
        " `cadence_minutes` since 00:00 UTC (1970-01-01). Of two frames for one slot the nearest is read.",
    )


class Overlay(Section):
    """Parts of the picture that are drawn over the radar data."""

    border_px: Pixels = Field(
        0, description="Width of a border inside the plot box that becomes nodata, in pixels."
    )
    boxes_px: tuple[Box, ...] = Field(
        (),
        description="Boxes that become nodata, for example a cross, town names or a clock: `[[x0, y0, x1, y1]]`.",
    )
    mask: Text = Field(
        "auto",
        description="Names, borders and rings over the echo, which become nodata. `auto` finds them in the frames"
        " (see `picture/{radar}.png` in the results); `none` looks for none; a path names a picture of the frame's"
        " size that is black where nothing is drawn.",
    )

    @property
    def mask_file(self) -> str | None:
        """The picture of the mask, if it is one."""
        return None if self.mask in ("auto", "none") else self.mask


class Drawing(Section):
    """Keys that describe what a picture shows and where."""

    size_px: Size | None = Field(
        None,
        description="`[width, height]` of a frame. Frames of another size are refused. By default the most"
        " frequent size.",
    )
    plot_box_px: Box | None = Field(
        None, description="Box of the map in the picture. By default the whole picture."
    )
    legend_width_px: Pixels | None = Field(
        None, description="Short form of `plot_box_px`: the plot box is everything right of a strip of this width."
    )
    overlay: Overlay = Overlay()


class Picture(Drawing, FileNames):
    """Keys that describe the pictures of a radar. A radar can override each of them."""


class BadFrames(Section):
    """The treatment of frames that cannot be read."""

    on_bad_frame: Literal["quarantine", "fail"] = Field(
        "quarantine",
        description="`quarantine` lists a bad frame in the rejects table and continues; `fail` stops the run.",
    )


class Cadence(Section):
    """The time between two frames."""

    cadence_minutes: float = Field(
        6,
        gt=0,
        description="Minutes between two frames. The report lists the frames that are missing in `period`.",
    )


class Frames(BadFrames, Cadence, Picture):
    """The pictures: how their names are read, what they show, and how they are grouped into stores."""

    period: Period | None = Field(None, description="Only frames of this period are read. By default all.")
    shard: Literal["frame", "hour", "day", "month"] = Field(
        "day", description="Time span of one store. Good values give about 100 to 1,000 frames per store."
    )
    newest_minutes: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="Only shards with a frame at most this much older than the newest frame of any radar are"
        " made, and the shards that these read. By default all. It needs a `cleaning.model` that is not"
        " trained here.",
    )


class S3(Section):
    """The object store that frames are read from. Credentials come from the environment only."""

    endpoint_url: Annotated[Text, AfterValidator(_check_endpoint)] | None = Field(
        None,
        description="Address of the server, for example `http://minio.example.org:9000`. By default Amazon's.",
    )
    region: Text = Field("us-east-1", description="Region of the bucket.")


class Stores(Section):
    """How the stores are written."""

    codec: Literal["compact", "fast"] = Field(
        "compact",
        description="`compact` gives small stores (Zstandard), `fast` larger ones that are read and written"
        " faster (LZ4). The content is the same.",
    )
