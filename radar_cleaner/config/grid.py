"""Section `grid` of a radar: where the pixels of its plot box are on Earth."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Len, MinLen
from pydantic import Field

from radar_cleaner.config.section import Section
from radar_cleaner.config.values import Text

Numbers4 = Annotated[tuple[float, ...], Len(4, 4)]
TileNumbers = Annotated[tuple[Annotated[int, Ge(0)], ...], Len(2, 2)]
Kilometres = Annotated[float, Gt(0), Le(20000)]
ABOUT_RADAR = ("range_km", "km_per_px", "circle")
KINDS = (*ABOUT_RADAR, "bounds", "world_file", "control_points", "tiles")


class Circle(Section):
    """A circle about the radar, for example a range ring, whose radius is known in km and in pixels."""

    px: float = Field(gt=0, description="Radius in pixels.")
    km: Kilometres = Field(description="Radius in km.")


class Tiles(Section):
    """Web map tiles (XYZ, of 256 or any other number of pixels) that the plot box is joined of."""

    zoom: Annotated[int, Ge(0), Le(24)] = Field(description="Zoom level.")
    x: TileNumbers = Field(description="First and last tile from west to east.")
    y: TileNumbers = Field(description="First and last tile from north to south.")


class PlotGrid(Section):
    """The place of the plot box. Give one kind; `crs` and `bounds_of` go with some of them."""

    range_km: Kilometres | None = Field(
        None, description="Distance in km that half of the longer side of the plot box covers, about the radar."
    )
    km_per_px: Annotated[float, Gt(0), Le(500)] | None = Field(
        None, description="Side of a pixel in km, about the radar."
    )
    circle: Circle | None = Field(
        None, description="A circle about the radar of known radius: `{px: 200, km: 100}`."
    )
    crs: Text | None = Field(
        None,
        description="Coordinate reference system in which the picture is a regular grid with north up: a code such"
        " as `EPSG:3857`, or a PROJ string. By default azimuthal equidistant about the radar for `range_km`,"
        " `km_per_px` and `circle`, `EPSG:3857` for `tiles`, and `EPSG:4326` (even in degrees) for the others.",
    )
    bounds: Numbers4 | None = Field(
        None,
        description="`[west, south, east, north]` of the plot box in units of `crs`: degrees, or metres. West may"
        " exceed east across the 180th meridian.",
    )
    bounds_of: Literal["edges", "centres"] = Field(
        "edges", description="Whether `bounds` are those of the outer edges or of the outermost pixel centres."
    )
    world_file: Text | None = Field(
        None, description="World file (`.pgw`, `.wld`) of the whole frame, in units of `crs`."
    )
    control_points: Annotated[tuple[Numbers4, ...], MinLen(3)] | None = Field(
        None,
        description="Points whose place is known: `[[x, y, longitude, latitude], ...]`, x and y in frame pixels."
        " Scale and offset of both axes are fitted in `crs`. A point more than 2 px off is refused.",
    )
    tiles: Tiles | None = Field(
        None, description="Web map tiles that the plot box is joined of: `{zoom: 7, x: [100, 102], y: [57, 59]}`."
    )

    @property
    def kinds(self) -> list[str]:
        """The kinds of grid that are given; exactly one in a checked config."""
        return [name for name in KINDS if getattr(self, name) is not None]
