"""Section `radars`: where each radar is, where its pictures are, and what is special about them."""

from __future__ import annotations

from pydantic import Field

from radar_cleaner.config.frames import Picture
from radar_cleaner.config.labels import Labels
from radar_cleaner.config.values import Name, Point, Text


class RadarEntry(Picture):
    """One radar. Keys of `frames` and `labels` override the common ones for this radar."""

    id: Name = Field(
        description="Name of the radar in paths and products: letters, digits, `_` and `-`, the last not first."
    )
    frames: Text = Field(
        description="Its pictures: a folder, a glob, a zip or tar archive, or an address of an object store."
    )
    latitude: float = Field(ge=-90, le=90, description="Latitude of the radar in degrees north.")
    longitude: float = Field(ge=-180, le=180, description="Longitude of the radar in degrees east.")
    range_km: float = Field(
        gt=0,
        le=1000,
        description="Distance in km that half of the longer side of the plot box covers. Everything beyond is"
        " nodata.",
    )
    center_px: Point | None = Field(
        None,
        description="Pixel `[x, y]` of the radar in the picture. By default the middle of the plot box.",
    )
    labels: Labels = Labels()
