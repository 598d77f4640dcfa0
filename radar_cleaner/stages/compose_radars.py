"""Write the product of all radars on one grid."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import FLAG_NODATA, NODATA
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.regrid import Gather, nearest_gather, target_grid
from radar_cleaner.products.cf import NO_PROBABILITY, SPREAD, Layer, ProductWriter, compose, composite_attrs
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, expect_attrs, open_store

log = logging.getLogger(__name__)

FILLS = {
    "reflectivity": NODATA,
    "quality_flag": FLAG_NODATA,
    "meteorological_probability": NO_PROBABILITY,
    SPREAD: NO_PROBABILITY,
}


def compose_radars(
    *,
    shard: str,
    products: list[Path],
    warps: list[Path],
    output: Path,
    codec: Literal["compact", "fast"] = "compact",
) -> None:
    """Write one product of the radars' products, at the union of their times.

    Parameters
    ----------
    shard
        Shard of time that the products are of.
    products
        Products of the radars that have frames in this shard.
    warps
        Warp stores from the composite grid to each of these radars, in the same order.
    output
        Product to write.
    codec
        Compression: compact, or fast.
    """
    if not products or len(products) != len(warps):
        raise ConfigError(
            f"shard {shard}: {len(products)} --products and {len(warps)} --warps;"
            " name at least one product, and a warp for each"
        )
    series = [TimeSeries([path], "product", AHEAD) for path in products]
    ways = [open_store(path, "warp") for path in warps]
    grid = target_grid(ways[0].attrs, ways[0].read("coverage").shape)
    gathers = [_gather(one.stores[0], way, ways[0]) for one, way in zip(series, ways, strict=True)]
    opened = {str(way.attrs["radar"]): one.stores[0] for one, way in zip(series, ways, strict=True)}
    spread = any(SPREAD in store.group for store in opened.values())
    times = sorted({time for one in series for time in one.times})
    with ProductWriter(
        output,
        grid,
        list(opened),
        attrs=composite_attrs({radar: store.attrs for radar, store in opened.items()}),
        codec=codec,
        provenance={
            "stage": "compose_radars",
            "parameters": {"shard": shard},
            "inputs": {str(store.path): store.digest for store in [*opened.values(), *ways]},
        },
        spread=spread,
    ) as store:
        for time in times:
            layers = [
                layer
                for one, gather in zip(series, gathers, strict=True)
                if (layer := _layer(one, gather, time)) is not None
            ]
            planes = dict(zip(FILLS, compose(layers, grid.shape), strict=True))
            store.append(time, **{name: plane for name, plane in planes.items() if spread or name != SPREAD})
    log.info("%s: %d times of %s on %d x %d pixels", shard, len(times), ", ".join(opened), *grid.shape[::-1])


def _gather(product: Store, way: Store, first: Store) -> Gather:
    """The way of a product onto the composite grid, after a check that they belong together."""
    names = ("target_latitude", "target_longitude", "target_metres_per_pixel", "target_origin_px")
    expect_attrs(way, target="composite", **{name: first.attrs[name] for name in names})
    expect_attrs(
        product,
        radar=way.attrs["radar"],
        center_px=way.attrs["radar_center_px"],
        metres_per_pixel=way.attrs["radar_metres_per_pixel"],
    )
    height, width = way.attrs["radar_shape_px"]
    return nearest_gather(way.read("grid"), way.read("coverage"), (height, width))


def _layer(series: TimeSeries, gather: Gather, time: int) -> Layer | None:
    """A radar's frame on the composite grid, None where it has none at this time."""
    if series.frame("quality_flag", time) is None:
        return None
    codes, flags, probability, spread = (_plane(series, gather, time, name) for name in FILLS)
    return codes, flags, probability, spread


def _plane(series: TimeSeries, gather: Gather, time: int, name: str) -> NDArray[np.uint8]:
    # The spread only ensembles have.
    there = series.frame(name, time) if name in series.stores[0].group else None
    if there is None:
        return np.full(gather.index.shape, FILLS[name], np.uint8)
    return gather.apply(there, FILLS[name])
