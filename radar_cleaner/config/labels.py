"""Section `labels`: how colours become reflectivity, and which echoes the shape of an echo gives away."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import AfterValidator, Field

from radar_cleaner.config.hues import check_hues
from radar_cleaner.config.section import Section
from radar_cleaner.config.units import Unit
from radar_cleaner.config.values import Box, Pixels, Rising, Share, StoredDBZ


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


class Colours(Section):
    """How the colours of a picture become reflectivity."""

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
    tolerance: float = Field(
        20,
        ge=0,
        le=442,
        description="For `palette` and `legend`: largest Euclidean distance in RGB of a colour from its class.",
    )
    legend: Legend = Legend()
    hues: Annotated[dict[str, tuple[float, ...]], AfterValidator(check_hues)] | None = Field(
        None,
        description="For the HSV methods: ranges of hue `[low, high]` (0..1) by name, from weak to strong. Each"
        " begins where the one before ends; a range through red is written `[0.97, 0.03]`. By default those of"
        " the method.",
    )
    dbz_range: Annotated[tuple[StoredDBZ, ...], Len(2, 2), Rising] = Field(
        (5, 60),
        description="For the HSV methods: reflectivity of the weakest and of the strongest colour, in dBZ.",
    )
    min_saturation: Share = Field(0.25, description="For the HSV methods: paler colours are not echo.")
    min_value: Share = Field(0.25, description="For the HSV methods: darker colours are not echo.")
    min_dbz: StoredDBZ = Field(5, description="Weaker classes count as no echo, in dBZ.")

    def unused(self) -> frozenset[str]:
        """Return the keys that the method does not read."""
        keys = {
            "palette": {"palette", "tolerance", "unit", "zr"},
            "legend": {"legend", "tolerance", "unit", "zr"},
            "hsv_multi": {"hues", "dbz_range", "min_saturation", "min_value"},
            "hsv_simple": {"hues", "dbz_range", "min_saturation", "min_value"},
        }
        return frozenset(set().union(*keys.values()) - keys[self.method])


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
