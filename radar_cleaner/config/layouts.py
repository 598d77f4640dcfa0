"""Key `radars[].layouts`: pictures of one radar of other times or of another size, which are drawn differently."""

from __future__ import annotations

from pydantic import Field

from radar_cleaner.config.frames import Drawing
from radar_cleaner.config.grid import PlotGrid
from radar_cleaner.config.labels import Labels
from radar_cleaner.config.values import Period, Point, Text


class Layout(Drawing):
    """Other pictures of a radar: those of a `period`, of a `size_px`, or both. Keys left out are the radar's."""

    period: Period | None = Field(
        None, description="Times of these pictures, `[start, end]` or a list of them. By default all."
    )
    service: Text | None = Field(
        None,
        description="Known service whose pictures these are. The layout takes size, plot box, overlay, grid,"
        " centre and labels of it. Keys beside it go before them. File names and times are those of the radar.",
    )
    grid: PlotGrid = PlotGrid()
    center_px: Point | None = Field(None, description="Pixel `[x, y]` of the radar in these pictures.")
    labels: Labels = Labels()
