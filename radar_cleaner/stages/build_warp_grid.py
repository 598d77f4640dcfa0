"""Map the pixels of a target grid to the pixels of a radar."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from radar_cleaner.config.cleaning import Composite
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import Grid, RadarGeometry, distance_km, union_grid
from radar_cleaner.georeference.regrid import warp_attrs, warp_grid
from radar_cleaner.storage.specs import WARP
from radar_cleaner.storage.writer import StoreWriter

log = logging.getLogger(__name__)
FIRST = Composite()
COMPOSITE = "composite"


def build_warp_grid(
    *,
    target: str,
    radar: str,
    geometries: Annotated[list[RadarGeometry], Parameter(consume_multiple=False)],
    composite: Composite = FIRST,
    output: Path,
) -> None:
    """Write the position of each pixel of a target grid in a radar's plot box.

    Parameters
    ----------
    target
        Radar whose grid is the target, or `composite`.
    radar
        Radar whose pixels are looked up.
    geometries
        The target and the radar as a JSON list; for `composite` all radars, the first one first.
    composite
        The grid of `composite`: the first radar's box, or the union of all boxes on the first radar's plane.
    output
        Warp store to write.
    """
    radars = {item.radar: item for item in geometries}
    source = _find(radars, radar)
    grid = _target(target, radars, composite.grid)
    first = next(iter(radars.values())) if target == COMPOSITE else _find(radars, target)
    attrs = warp_attrs(target, grid, source, distance_km(first, source))
    lookup, coverage = warp_grid(grid, source)
    with StoreWriter(
        output,
        static={
            "grid": WARP.static(
                "grid", lookup, long_name=f"column and row in the plot box of {radar}", units="pixel"
            ),
            "coverage": WARP.static("coverage", coverage, long_name=f"in the box and range of {radar}"),
        },
        attrs=attrs,
        provenance={
            "stage": "build_warp_grid",
            "parameters": {
                "geometries": [asdict(item) for item in geometries],
                "composite": composite.model_dump(mode="json"),
            },
            "inputs": {},
        },
    ):
        pass
    for name, place in ((target, grid), (radar, source.grid)):
        log.info(
            "%s: %s, origin %s px, %.1f km wide, %.1f m a pixel",
            name,
            place.crs,
            list(place.origin_px),
            place.effective_width_km,
            1000 * place.pixel_size_km,
        )
    log.info(
        "%s and %s are %.1f km apart; %s sees %.1f %% of %s",
        target,
        radar,
        attrs["distance_km"],
        radar,
        100 * coverage.mean(),
        target,
    )


def _target(name: str, radars: dict[str, RadarGeometry], composite: str) -> Grid:
    if name != COMPOSITE:
        return _find(radars, name).grid
    if composite == "union":
        return union_grid(list(radars.values()))
    return next(iter(radars.values())).grid


def _find(radars: dict[str, RadarGeometry], name: str) -> RadarGeometry:
    try:
        return radars[name]
    except KeyError:
        raise ConfigError(f"--geometries has no radar '{name}', only {', '.join(radars)}; add it") from None
