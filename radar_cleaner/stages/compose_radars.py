"""Write the product of all radars on one grid."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.frames import Stores
from radar_cleaner.config.overlap import Overlap
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.grid import GRID_ATTRS, Grid
from radar_cleaner.georeference.motion import MovingFrames
from radar_cleaner.georeference.regrid import NearestRegridder, grid_of_end, nearest_regridder
from radar_cleaner.products.cf import PRODUCT_VARIABLES, ProductWriter
from radar_cleaner.products.composite import Layer, compose, composite_attrs, pack_age
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, expect_attrs, group_by_radar, open_store
from radar_cleaner.storage.shards import shard_end, shard_start

log = logging.getLogger(__name__)


def compose_radars(
    *,
    shard: str,
    products: list[Path],
    warps: list[Path],
    overlap: Overlap | None = None,
    output: Path,
    stores: Stores,
) -> None:
    """Combine the products of all radars on one grid, at the union of their times.

    Parameters
    ----------
    shard
        Name of the shard.
    products
        Products of the radars with frames in this shard, and those with frames near enough in time to these.
    warps
        Warp stores from the composite grid to these radars.
    overlap
        How far apart in time two frames may be.
    output
        Product to write.
    stores
        How the store is compressed.
    """
    overlap = overlap or Overlap()
    warp_stores = [open_store(path, "warp") for path in warps]
    series = [
        TimeSeries(paths, "product", AHEAD)
        for paths in group_by_radar(
            products,
            "product",
            [str(warp.attrs["radar"]) for warp in warp_stores],
            other="--products: {path} is of {radar}, and --warps are of {radars}; name one for each",
            missing="--warps: of {radar} there are no --products; name at least one",
        )
    ]
    if not series:
        raise ConfigError(f"shard {shard}: no --products; name at least one, and a warp for each radar")
    grid = Grid.from_attrs(warp_stores[0].attrs, warp_stores[0].shape("coverage"), "target_")
    regridders = [
        _regridder(one.stores[0], warp, warp_stores[0]) for one, warp in zip(series, warp_stores, strict=True)
    ]
    radars = {str(warp.attrs["radar"]): one.stores[0] for one, warp in zip(series, warp_stores, strict=True)}
    names = [name for name in PRODUCT_VARIABLES if any(name in store.group for store in radars.values())]
    names += ["age"] if overlap.max_offset else []
    first, end = shard_start(shard), shard_end(shard)
    times = sorted({time for one in series for time in one.times if first <= time < end})
    with ProductWriter(
        output,
        grid,
        list(radars),
        attrs=composite_attrs({radar: store.attrs for radar, store in radars.items()}),
        codec=stores.codec,
        provenance={
            "stage": "compose_radars",
            "parameters": {"shard": shard, "overlap": overlap.model_dump(mode="json")},
            "inputs": {
                str(store.path): store.digest
                for store in [*(store for one in series for store in one.stores), *warp_stores]
            },
        },
        names=names,
    ) as product:
        moving = [MovingFrames(one, overlap) for one in series]
        for time in times:
            layers = [
                _read_layer(one, regridder, time, names) for one, regridder in zip(moving, regridders, strict=True)
            ]
            product.append(time, **compose([layer for layer in layers if layer is not None]))
    log.info("%s: %d times of %s on %d x %d pixels", shard, len(times), ", ".join(radars), *grid.shape[::-1])


def _regridder(product: Store, warp: Store, first: Store) -> NearestRegridder:
    """Prepare to regrid a product onto the composite grid. Raises StoreError if the warp is of another one."""
    names = [f"target_{name}" for name in GRID_ATTRS]
    expect_attrs(warp, target="composite", **{name: first.attrs[name] for name in names})
    expect_attrs(product, radar=warp.attrs["radar"], **grid_of_end(warp.attrs, "radar"))
    height, width = warp.attrs["radar_shape_px"]
    return nearest_regridder(warp.read("grid"), warp.read("coverage"), (height, width))


def _read_layer(frames: MovingFrames, regridder: NearestRegridder, time: int, names: list[str]) -> Layer | None:
    """Read a radar's nearest frame on the composite grid, None if there is none near enough in time.

    A frame of another time is moved along its motion where that is known.
    """
    found, series = frames.nearest(time), frames.series
    if found is None:
        return None
    sources = frames.sources(found, time)
    layer: dict[str, NDArray[np.uint8]] = {}
    for name in names:
        if name == "age":
            layer[name] = pack_age(time - found, layer["quality_flag"])
            continue
        missing = PRODUCT_VARIABLES[name].missing
        # Only the products of ensembles have all variables.
        frame = series.frame(name, found) if name in series.stores[0].group else None
        if frame is not None and sources is not None:
            frame = frame.ravel()[sources]
        layer[name] = (
            np.full(regridder.index.shape, missing, np.uint8) if frame is None else regridder.apply(frame, missing)
        )
    return layer
