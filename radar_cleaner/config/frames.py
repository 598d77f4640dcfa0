"""Sections `frames`, `s3` and `stores`: which pictures are read, and how stores are written."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import MinLen
from pydantic import Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Box, Period, Pixels, Size, Text


class FileNames(Section):
    """How the time is read from the name of a picture."""

    pattern: Text = Field(
        r"(\d{12})(?=\D*$)",
        description="Regular expression that is searched in the file name, or, if it contains a `/`, in the"
        " path. Its first group is the time.",
    )
    time_format: Annotated[str, MinLen(2)] = Field(
        "%Y%m%d%H%M", description="Format of that group, in the notation of `strptime`."
    )
    time_zone: Text = Field(
        "UTC", description="Time zone of the file names, for example `Asia/Bangkok`. Stores always use UTC."
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
    mask: str | None = Field(
        None, description="A picture of the frame's size. Every pixel of it that is not black becomes nodata."
    )


class Picture(FileNames):
    """Keys that describe the pictures of a radar. A radar can override each of them."""

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


class BadFrames(Section):
    """What happens to a frame that cannot be read."""

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

    endpoint_url: Text | None = Field(
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
