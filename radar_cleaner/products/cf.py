"""Clean data: what is kept of an echo, how several radars become one, and how it lies on disk.

A product is a "product" store by the CF conventions 1.11: packed reflectivity, a quality flag and the
probability that decided, on a plane whose grid mapping, metres, latitudes and longitudes it carries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    FLAG_FILLED,
    FLAG_KEPT,
    FLAG_NODATA,
    FLAG_REMOVED,
    FLAG_UNDETECT,
    NODATA,
    QUALITY_FLAGS,
    REFLECTIVITY_ATTRS,
    encode_dbz,
    is_echo,
)
from radar_cleaner.errors import ModelError
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.storage.writer import Static, StoreWriter, Variable

Codes = NDArray[np.uint8]
Layer = tuple[Codes, Codes, Codes, Codes]
SPREAD = "probability_spread"
NO_PROBABILITY = 255
PROBABILITY_STEPS = 254
MOST_SPREAD = 0.5  # of numbers from 0 to 1
FLAG_ORDER = ("kept", "removed", "filled", "undetect", "nodata")
# Attributes of the labels that say how far a reflectivity may be off; they go along to the product.
LABEL_ATTRS = ("label_method", "class_lower_dbz", "class_upper_dbz")

PRODUCT_ATTRS: dict[str, object] = {
    "Conventions": "CF-1.11",
    "title": "Cleaned weather radar reflectivity",
    "source": "pictures of weather radars, decoded by colour and cleaned by radar_cleaner",
    "references": "reflectivity is packed as in EUMETNET OPERA's ODIM_H5: gain 0.5, offset -32",
    # xarray takes this as the list of coordinates that no single variable owns.
    "coordinates": "crs",
}


def clean(
    codes: Codes,
    probability: NDArray[np.float32],
    dbz: NDArray[np.float32],
    threshold: float,
    fill: bool,
    in_range: NDArray[np.bool_],
) -> tuple[Codes, Codes, Codes]:
    """Decide each pixel (y, x): reflectivity, quality flag and packed probability of the product.

    An echo is kept where its probability (0..1) of being meteorological reaches the threshold, else it
    becomes `undetect`. Where the radar did not look, within its range, `fill` puts the network's `dbz` if
    the probability reaches the threshold. Where the radar looked and saw nothing there is nothing: no
    echo is ever invented there. A probability is told where one decided, which is where the flag is kept,
    removed or filled. Raises ModelError where the network gave no number.
    """
    echo = is_echo(codes)
    hole = (codes == NODATA) & (in_range & fill)
    asked = echo | hole
    if not (np.isfinite(probability) | ~asked).all() or not (np.isfinite(dbz) | ~hole).all():
        raise ModelError("the model's answer is not a number; train it again with a lower learning_rate")
    chosen = probability >= threshold
    filled, removed = hole & chosen, echo & ~chosen
    # Sums of masks: a choice by `np.select` takes many times as long.
    flags = (echo & chosen) * np.uint8(FLAG_KEPT) + removed * np.uint8(FLAG_REMOVED)
    flags += filled * np.uint8(FLAG_FILLED) + (~filled & (codes == NODATA)) * np.uint8(FLAG_NODATA)
    cleaned = codes * ~removed  # `undetect` is 0
    cleaned[filled] = encode_dbz(dbz[filled])
    judged = echo | filled
    share = np.fmin(np.fmax(probability, 0), 1)  # a number also where one is not asked for
    packed = np.rint(share * np.float32(PROBABILITY_STEPS)).astype(np.uint8)
    return cleaned, flags, packed | ~judged * np.uint8(NO_PROBABILITY)


def pack_spread(spread: NDArray[np.float32], packed_probability: Codes) -> Codes:
    """Packed standard deviation (y, x) of an ensemble's probabilities, where the product has a probability."""
    packed = np.rint(np.fmin(np.fmax(spread / MOST_SPREAD, 0), 1) * np.float32(PROBABILITY_STEPS)).astype(np.uint8)
    return np.where(packed_probability == NO_PROBABILITY, NO_PROBABILITY, packed).astype(np.uint8)


def compose(layers: Sequence[Layer], shape: tuple[int, int]) -> Layer:
    """One layer of several radars' layers (reflectivity, quality flag, probability, spread), all of `shape`.

    Kept goes over removed, removed over undetect, undetect over filled, filled over nodata: what one radar saw,
    if only that there is nothing, goes over what the network fills in for another. Among equals the highest
    reflectivity goes, so that the order of the radars never matters. No layers: all nodata.
    """
    best = np.full(shape, _NODATA_KEY, np.uint32)
    for codes, flags, probability, spread in layers:
        told = (codes.astype(np.uint32) << 16) | (probability.astype(np.uint32) << 8) | spread
        key = (_RANK[flags] << 24) | told
        np.maximum(best, key, out=best)
    return (
        (best >> 16 & 255).astype(np.uint8),
        _FLAG_OF_RANK[best >> 24],
        (best >> 8 & 255).astype(np.uint8),
        (best & 255).astype(np.uint8),
    )


# One number a pixel orders the candidates: rank of the flag, then reflectivity, probability, spread.
_FLAG_OF_RANK = np.array([FLAG_NODATA, FLAG_FILLED, FLAG_UNDETECT, FLAG_REMOVED, FLAG_KEPT], np.uint8)
_RANK = np.zeros(256, np.uint32)
_RANK[_FLAG_OF_RANK] = np.arange(5)
_NODATA_KEY = NODATA << 16 | NO_PROBABILITY << 8 | NO_PROBABILITY


def composite_attrs(products: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """What the products of several radars, {radar: attributes}, say of their labels, in one.

    Where they differ, each attribute is named by its radar: `class_lower_dbz_CASGO`.
    """
    attrs: dict[str, object] = {}
    for name in LABEL_ATTRS:
        values = {radar: product[name] for radar, product in products.items() if name in product}
        if len(values) == len(products) and all(value == next(iter(values.values())) for value in values.values()):
            attrs[name] = next(iter(values.values()))
        else:
            attrs |= {f"{name}_{radar}": value for radar, value in values.items()}
    return attrs


class ProductWriter(StoreWriter):
    """Write a product on a grid, frame by frame in time order, as StoreWriter does.

        with ProductWriter(path, grid, ["CASGO"], attrs={...}) as product:
            product.append(time, reflectivity=, quality_flag=, meteorological_probability=)

    Each frame is (y, x) uint8 as `clean` gives it; with `spread` also `probability_spread`, as `pack_spread` does.
    `attrs` are of the content (class bounds, the model's digest, the threshold); empty lists among them are left
    out, as NetCDF has none.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        radars: Iterable[str],
        attrs: Mapping[str, object] | None = None,
        codec: str = "compact",
        provenance: Mapping[str, object] | None = None,
        spread: bool = False,
    ) -> None:
        names = list(radars)
        own: dict[str, object] = {
            **PRODUCT_ATTRS,
            "radars": names,
            **({"radar": names[0]} if len(names) == 1 else {}),
            "metres_per_pixel": grid.metres_per_pixel,
            "center_px": list(grid.origin_px),
        }
        super().__init__(
            path,
            variables=product_variables(grid.shape, spread),
            static=grid_variables(grid),
            attrs={**own, **{name: value for name, value in (attrs or {}).items() if value != []}},
            codec=codec,
            provenance=provenance,
        )


def product_variables(shape: tuple[int, int], spread: bool = False) -> dict[str, Variable]:
    """The variables of a product that have a frame a time; with the `spread` of an ensemble."""
    located: dict[str, object] = {"grid_mapping": "crs", "coordinates": "latitude longitude"}
    reflectivity: dict[str, object] = {
        **REFLECTIVITY_ATTRS,
        **located,
        "ancillary_variables": "quality_flag meteorological_probability" + spread * f" {SPREAD}",
    }
    # No _FillValue: the flag says `nodata` itself, and must stay a whole number when read.
    flag: dict[str, object] = {
        **located,
        "standard_name": "quality_flag",
        "long_name": "what cleaning did",
        "flag_values": [QUALITY_FLAGS[name] for name in FLAG_ORDER],
        "flag_meanings": " ".join(FLAG_ORDER),
    }
    probability: dict[str, object] = {
        **located,
        "long_name": "probability that the echo is meteorological",
        "units": "1",
        "scale_factor": 1 / PROBABILITY_STEPS,
        "add_offset": 0.0,
        "_FillValue": NO_PROBABILITY,
        "comment": "where quality_flag is kept, removed or filled",
    }
    apart = probability | {
        "long_name": "standard deviation of that probability over the models of an ensemble, before votes",
        "scale_factor": MOST_SPREAD / PROBABILITY_STEPS,
    }
    dims = ("y", "x")
    return {
        "reflectivity": Variable("uint8", shape, dims, reflectivity, NODATA),
        "quality_flag": Variable("uint8", shape, dims, flag, FLAG_NODATA),
        "meteorological_probability": Variable("uint8", shape, dims, probability, NO_PROBABILITY),
        **({SPREAD: Variable("uint8", shape, dims, apart, NO_PROBABILITY)} if spread else {}),
    }


def grid_variables(grid: Grid) -> dict[str, Static]:
    """The variables of a product that say where its pixels lie."""
    longitude, latitude = grid.longitude_latitude()
    plane = grid.crs.to_cf()
    metres = {"units": "m"}
    return {
        "x": Static(grid.x(), ("x",), {**metres, "standard_name": "projection_x_coordinate", "axis": "X"}),
        "y": Static(grid.y(), ("y",), {**metres, "standard_name": "projection_y_coordinate", "axis": "Y"}),
        "latitude": Static(
            latitude.astype(np.float32), ("y", "x"), {"standard_name": "latitude", "units": "degrees_north"}
        ),
        "longitude": Static(
            longitude.astype(np.float32),
            ("y", "x"),
            {"standard_name": "longitude", "units": "degrees_east"},
        ),
        "crs": Static(np.asarray(0, dtype=np.int32), (), {**plane, "spatial_ref": plane["crs_wkt"]}),
    }
