"""Section `radars`: where each radar is, where its pictures are, and what is special about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import Field

from radar_cleaner.config.frames import Picture
from radar_cleaner.config.grid import ABOUT_RADAR, KINDS, PlotGrid
from radar_cleaner.config.labels import Labels
from radar_cleaner.config.layouts import Layout
from radar_cleaner.config.values import Name, Point, Text


class RadarEntry(Picture):
    """One radar. Keys of `frames` and `labels` override the common ones for this radar."""

    id: Name = Field(
        description="Name of the radar in paths and products: letters, digits, `_` and `-`, the last not first."
    )
    frames: Text = Field(
        description="Its pictures: a folder, a glob, a zip or tar archive, or an address of an object store."
    )
    service: Text | None = Field(
        None,
        description="Known service whose pictures these are, for example `bom_128km`, or the path of a file like"
        " those of `config/services`. The radar takes its keys, and those beside it go before them.",
    )
    latitude: Annotated[float, Ge(-90), Le(90)] | None = Field(
        None, description="Latitude of the radar in degrees north. A mosaic of many radars has none."
    )
    longitude: Annotated[float, Ge(-180), Le(180)] | None = Field(
        None, description="Longitude of the radar in degrees east. A mosaic of many radars has none."
    )
    range_km: Annotated[float, Gt(0), Le(1000)] | None = Field(
        None,
        description="Distance in km that half of the longer side of the plot box covers. Everything beyond is"
        " nodata. Short for `grid.range_km` and `max_range_km`.",
    )
    max_range_km: Annotated[float, Gt(0), Le(1000)] | None = Field(
        None,
        description="Distance in km up to which the radar sees. Everything beyond is nodata. By default `range_km`"
        " if that is given beside it, else the whole plot box.",
    )
    grid: PlotGrid = PlotGrid()
    center_px: Point | None = Field(
        None,
        description="Pixel `[x, y]` of the radar in the picture, where the grid is about the radar. By default the"
        " middle of the plot box.",
    )
    labels: Labels = Labels()
    layouts: tuple[Layout, ...] = Field(
        (),
        description="Pictures of this radar that are drawn in another way. Each layout has a `period`, a `size_px`"
        " or both, and those of the keys `plot_box_px`, `legend_width_px`, `overlay`, `grid`, `center_px` and"
        " `labels` that differ, or a known `service` that has them.",
    )

    @property
    def plot_grid(self) -> PlotGrid:
        """The section `grid`, with the short form `range_km` in it."""
        return self.grid if self.range_km is None else self.grid.model_copy(update={"range_km": self.range_km})

    def layout_problems(self, place: str) -> Iterator[str]:
        """Yield what is wrong with the layouts; `place` is the key of the radar."""
        for number, layout in enumerate(self.layouts):
            own = f"{place}.layouts[{number}]"
            if layout.period is None and layout.size_px is None:
                yield f"{own}.period: is missing; add it, or size_px: which pictures does the layout describe?"
            if layout.plot_box_px is not None and layout.legend_width_px:
                yield f"{own}.legend_width_px: plot_box_px is given too; keep one of the two"
            if layout.grid.kinds:
                given = {"grid": layout.grid, "range_km": None, "center_px": layout.center_px}
                yield from self.model_copy(update=given).grid_problems(own)

    def grid_problems(self, place: str) -> Iterator[str]:
        """Yield what is wrong with the radar's place and grid; `place` is the key of the radar."""
        if (self.latitude is None) != (self.longitude is None):
            given, missing = ("latitude", "longitude")[:: 1 if self.longitude is None else -1]
            yield f"{place}.{missing}: is missing, {given} is given; write both, or neither for a mosaic"
            return
        located, kinds = self.latitude is not None, self.plot_grid.kinds
        if self.range_km is not None and self.grid.kinds:
            yield (
                f"{place}.range_km: grid.{self.grid.kinds[0]} is given too; keep one of the two (how far the radar"
                " sees is max_range_km)"
            )
        elif len(kinds) > 1:
            yield f"{place}.grid: has {' and '.join(kinds)}; keep one of them"
        elif not kinds:
            yield (
                f"{place}.range_km: is missing; add it, or grid with one of {', '.join(KINDS)}"
                " (docs/how-to/place_a_picture.md explains them)"
            )
        elif kinds[0] in ABOUT_RADAR and not located:
            key = "range_km" if self.range_km is not None else f"grid.{kinds[0]}"
            yield (
                f"{place}.latitude: is missing; {key} is about the radar: add latitude and longitude, or place the"
                " picture by grid.bounds"
            )
        elif kinds[0] not in ABOUT_RADAR and self.center_px is not None:
            yield f"{place}.center_px: follows from grid.{kinds[0]} and the radar's place; leave it out"
        if self.max_range_km is not None and not located:
            yield f"{place}.max_range_km: needs the radar's place; add latitude and longitude, or leave it out"
        if self.grid.tiles is not None and self.grid.crs not in (None, "EPSG:3857"):
            yield f"{place}.grid.crs: is {self.grid.crs}, and tiles are in EPSG:3857; leave it out"
