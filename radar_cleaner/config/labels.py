"""Section `labels`: how colours become reflectivity, and which echoes the shape of an echo gives away."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, Field

from radar_cleaner.config.hues import check_hues
from radar_cleaner.config.section import Section
from radar_cleaner.config.units import Unit
from radar_cleaner.config.values import (
    TRANSPARENT,
    Box,
    Colour,
    Pixels,
    Rising,
    Share,
    ShareAbove0,
    StoredDBZ,
)


class Legend(Section):
    """The colour bar in the picture, for the method `legend`."""

    box_px: Box | None = Field(
        None,
        description="Box of the colour bar in the picture, without its numbers. In `legend.file` by default the"
        " whole picture.",
    )
    dbz: tuple[float, ...] = Field(
        (),
        description="The numbers of the bar, from bottom to top or from left to right: those of its two ends (and"
        " of evenly spaced places between them), or the lower bound of each class. They rise if the strong end is"
        " at the top or at the right, otherwise they fall.",
    )
    scale: Literal["ends", "bounds"] = Field(
        "ends",
        description="Content of `legend.dbz`: the `ends` of the bar, between which a colour has the value of its"
        " place along the bar, or the `bounds` of its classes.",
    )
    unit: Unit | None = Field(None, description="Unit of `legend.dbz`, by default `labels.unit`.")
    file: str | None = Field(
        None, description="A picture that contains the bar. By default the frames contain it themselves."
    )


class ZR(Section):
    """The relation Z = a R^b between reflectivity factor (mm^6/m^3) and rain rate (mm/h)."""

    a: float = Field(200, gt=0, le=10000, description="Factor of Z = a R^b.")
    b: float = Field(1.6, gt=0, le=5, description="Exponent of Z = a R^b.")


HueRange = Annotated[tuple[Share, ...], Len(2, 2)]


class PictureColours(Section):
    """The meaning of the colours of a picture."""

    method: Literal["palette", "legend", "hsv_multi", "hsv_simple"] = Field(
        "palette",
        description="`palette` uses the nearest colour of a table, `legend` the nearest colour of the bar in"
        " the picture, `hsv_multi` and `hsv_simple` the hue.",
    )
    palette: str | None = Field(
        None,
        description="For `palette`: a CSV file with the columns `colour` (#rrggbb) and `dbz_min`, `mm_h_min` or"
        " `mm_10min_min` (lower bound of the class).",
    )
    unit: Unit | None = Field(
        None,
        description="Unit of the legend's or the palette's numbers: `dBZ`, `mm/h` or `mm/10min`. By default that"
        " of the palette's column, and `dBZ` for a legend.",
    )
    zr: ZR = ZR()
    tolerance: Literal["auto"] | Annotated[float, Ge(0), Le(442)] = Field(
        "auto",
        description="For `palette` and `legend`: largest distance of a colour from its class. `auto` is 20 (RGB)"
        " in pictures of pure colours; in others (JPEG, scaled) it is learned from their colours.",
    )
    opacity: Literal["auto"] | ShareAbove0 = Field(
        "auto",
        description="For `palette` and `legend`: opacity of the echo over the map. `auto` finds it in the frames.",
    )
    nodata_colours: tuple[Colour, ...] = Field(
        (),
        description='Colours that mean that no radar sees this pixel, for example `["#b2b2b2"]`. `transparent`'
        " means pixels where nothing is drawn. They become nodata.",
    )
    ground_colours: tuple[Colour, ...] = Field(
        (), description="Colours of the map, beside those that are learned. They become no echo."
    )
    legend: Legend = Legend()
    hues: Annotated[tuple[HueRange, ...], AfterValidator(check_hues)] = Field(
        (),
        description="For the HSV methods: ranges of hue `[low, high]` (0..1), from weak to strong. Each begins"
        " where the one before ends; a range through red is written `[0.97, 0.03]`. By default those of the"
        " method.",
    )
    dbz_range: Annotated[tuple[StoredDBZ, ...], Len(2, 2), Rising] = Field(
        (5, 60),
        description="For the HSV methods: reflectivity of the weakest and of the strongest colour, in dBZ.",
    )
    min_saturation: Share = Field(0.25, description="For the HSV methods: paler colours are not echo.")
    min_value: Share = Field(0.25, description="For the HSV methods: darker colours are not echo.")

    def unused(self) -> frozenset[str]:
        """Return the keys that the method does not read."""
        keys = {
            "palette": {"palette", "tolerance", "opacity", "unit", "zr"},
            "legend": {"legend", "tolerance", "opacity", "unit", "zr"},
            "hsv_multi": {"hues", "dbz_range", "min_saturation", "min_value"},
            "hsv_simple": {"hues", "dbz_range", "min_saturation", "min_value"},
        }
        return frozenset(set().union(*keys.values()) - keys[self.method])

    def rgb(self, key: Literal["nodata_colours", "ground_colours"]) -> list[tuple[int, int, int]]:
        """Return the colours of a key as red, green, blue, without `transparent`."""
        given: tuple[str, ...] = getattr(self, key)
        texts = [text for text in given if text != TRANSPARENT]
        return [(int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)) for text in texts]


class Colours(PictureColours):
    """How the colours of a picture become reflectivity."""

    min_dbz: StoredDBZ = Field(5, description="Weaker classes count as no echo, in dBZ.")
    unmatched: Literal["nodata", "undetect"] = Field(
        "nodata",
        description="The code of colours that are neither a class nor the map: `nodata`, or `undetect` (no echo)."
        " The store counts these pixels.",
    )


class Morphology(Section):
    """Which echoes are non-meteorological by their shape alone. The reflectivity does not change."""

    opening_px: int = Field(
        5,
        ge=0,
        le=51,
        description="An echo that disappears under a morphological opening of this size is"
        " non-meteorological; 0 switches it off.",
    )
    closing_px: int = Field(
        3, ge=0, le=51, description="Gaps up to this size do not separate two echoes; 0 switches it off."
    )
    min_area_px: Pixels = Field(
        20, description="An echo of fewer pixels is non-meteorological; 0 switches it off."
    )


class Labels(Morphology, Colours):
    """How colours become reflectivity, and which echoes are non-meteorological by their shape."""
