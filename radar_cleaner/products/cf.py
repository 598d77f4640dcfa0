"""The variables of a product, its metadata by the CF conventions 1.11, and its writer.

A product is a store of the kind `product`. It contains the grid mapping of its plane, the coordinates in the
plane's units, and the latitude and longitude of each pixel. Each variable with frames is a row of
`PRODUCT_VARIABLES`. The radar products, the composite, the GeoTIFFs and the report read this table.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from radar_cleaner.conventions import (
    FLAG_NODATA,
    NO_UNCERTAINTY,
    NODATA,
    QUALITY_FLAGS,
    REFLECTIVITY_ATTRS,
    UNCERTAINTY_ATTRS,
)
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.products import decision
from radar_cleaner.products.composite import AGE_STEP, LEAST_AGE, NO_AGE
from radar_cleaner.products.credit import PACKING
from radar_cleaner.products.decision import MAX_SPREAD, NO_PROBABILITY, PROBABILITY_STEPS, Codes, DecidedFrame
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.writer import Static, StoreWriter, Variable

if TYPE_CHECKING:  # the stages do without it, and to load it takes a second
    import xarray as xr

_FLAG_ORDER = ("kept", "removed", "filled", "undetect", "nodata")
_LOCATED: dict[str, object] = {"grid_mapping": "crs", "coordinates": "latitude longitude"}

PRODUCT_ATTRS: dict[str, object] = {
    "Conventions": "CF-1.11",
    "title": "Cleaned weather radar reflectivity",
    "source": "pictures of weather radars, decoded by colour and cleaned by radar_cleaner",
    "references": PACKING,
    # xarray takes this as the list of coordinates that no single variable owns.
    "coordinates": "crs",
}


@dataclass(frozen=True)
class ProductVariable:
    """A variable of the product, (time, y, x) uint8.

    `compute` returns its packed values (y, x) of a decided frame, `missing` is the code of a pixel without a
    value. `attrs` are CF attributes. A variable with `ensemble` is part of the products of ensembles alone. One
    without `compute` is part of composites alone.
    """

    compute: Callable[[DecidedFrame], Codes] | None
    missing: int
    attrs: Mapping[str, object]
    ensemble: bool = False

    def unpack(self, packed: Codes) -> NDArray[np.float32]:
        """Unpack codes (any shape): NaN where there is no value."""
        scale, offset = (float(str(self.attrs.get(name, default))) for name, default in _PACKING)
        values = (np.arange(256) * scale + offset).astype(np.float32)
        values[self.missing] = np.nan
        return values[packed]


_PACKING = (("scale_factor", 1.0), ("add_offset", 0.0))

PRODUCT_VARIABLES: dict[str, ProductVariable] = {
    "reflectivity": ProductVariable(decision.reflectivity, NODATA, REFLECTIVITY_ATTRS),
    "quality_flag": ProductVariable(
        decision.quality_flag,
        FLAG_NODATA,
        # No _FillValue: the flag itself marks `nodata`, and must stay an integer when read.
        {
            "standard_name": "quality_flag",
            "long_name": "what cleaning did",
            "flag_values": [QUALITY_FLAGS[name] for name in _FLAG_ORDER],
            "flag_meanings": " ".join(_FLAG_ORDER),
        },
    ),
    "meteorological_probability": ProductVariable(
        decision.pack_probability,
        NO_PROBABILITY,
        {
            "long_name": "probability that the echo is meteorological",
            "units": "1",
            "scale_factor": 1 / PROBABILITY_STEPS,
            "add_offset": 0.0,
            "_FillValue": NO_PROBABILITY,
            "comment": "where quality_flag is kept, removed or filled",
        },
    ),
    "probability_spread": ProductVariable(
        decision.pack_spread,
        NO_PROBABILITY,
        {
            "long_name": "standard deviation of that probability over the models of an ensemble, without labels",
            "units": "1",
            "scale_factor": MAX_SPREAD / PROBABILITY_STEPS,
            "add_offset": 0.0,
            "_FillValue": NO_PROBABILITY,
            "comment": "where quality_flag is kept, removed or filled",
        },
        ensemble=True,
    ),
    "reflectivity_uncertainty": ProductVariable(
        decision.reflectivity_uncertainty,
        NO_UNCERTAINTY,
        {
            **UNCERTAINTY_ATTRS,
            "comment": "half the width of the class, twice as much where its colour was mixed; where quality_flag"
            " is kept",
        },
    ),
    "age": ProductVariable(
        None,
        NO_AGE,
        {
            "long_name": "time minus the time of the frame that the pixel is taken from",
            "units": "minutes",
            "scale_factor": AGE_STEP,
            "add_offset": LEAST_AGE,
            "_FillValue": NO_AGE,
            "comment": "where quality_flag is not nodata; negative for a later frame. The frame is moved along the"
            " motion of its echo where that is known",
        },
    ),
}


def open_product(path: Path | str) -> xr.Dataset:
    """Open the product of a radar or the composite of all radars, one shard.

        product = open_product("results/cleaned/CASGO/20240711.zarr")
        product.reflectivity.sel(time="2024-07-11T12:06").plot()

    Its variables are (time, y, x) float: `reflectivity` in dBZ, where -32 is undetect (no echo) and NaN is
    nodata, and `meteorological_probability` (0..1). `quality_flag` is uint8 with `flag_meanings`. `y` and `x` are
    in the units of the plane `crs`, metres or degrees, `latitude` and `longitude` (y, x) in degrees. Values are
    read when they are used. Raises StoreError if the store is missing, incomplete or not a product.
    """
    import xarray as xr

    product: xr.Dataset = xr.open_zarr(open_store(Path(path), "product").path, chunks=None)
    return product


def variable_names(ensemble: bool) -> list[str]:
    """Return the names of the variables in the product of one model or of an ensemble."""
    rows = PRODUCT_VARIABLES.items()
    return [name for name, row in rows if row.compute is not None and (ensemble or not row.ensemble)]


def pack_frame(frame: DecidedFrame) -> dict[str, Codes]:
    """Pack a decided frame into the variables of the product."""
    rows = {name: PRODUCT_VARIABLES[name] for name in variable_names(ensemble=frame.spread is not None)}
    return {name: row.compute(frame) for name, row in rows.items() if row.compute is not None}


class ProductWriter(StoreWriter):
    """Write a product on a grid, frame by frame in time order, as StoreWriter does.

        with ProductWriter(path, grid, ["CASGO"], attrs={...}) as product:
            product.append(time, **pack_frame(frame))

    `names` are those of its variables, by default those of a single model. `attrs` belong to the content (class
    bounds, digest of the model, threshold). Empty lists among them are left out, as NetCDF has none.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        radars: Iterable[str],
        attrs: Mapping[str, object] | None = None,
        codec: str = "compact",
        provenance: Mapping[str, object] | None = None,
        names: Iterable[str] | None = None,
    ) -> None:
        radars = list(radars)
        grid_attrs: dict[str, object] = {
            **PRODUCT_ATTRS,
            "radars": radars,
            **({"radar": radars[0]} if len(radars) == 1 else {}),
            **grid.attrs(),
        }
        super().__init__(
            path,
            variables=_frame_variables(grid.shape, list(names or variable_names(ensemble=False))),
            static=grid_variables(grid),
            attrs={**grid_attrs, **{name: value for name, value in (attrs or {}).items() if value != []}},
            codec=codec,
            provenance=provenance,
        )


def _frame_variables(shape: tuple[int, int], names: list[str]) -> dict[str, Variable]:
    """Return the variables with a value per frame; the reflectivity names all others as ancillary."""
    ancillary = {"ancillary_variables": " ".join(name for name in names if name != "reflectivity")}
    variables = {}
    for name in names:
        row = PRODUCT_VARIABLES[name]
        attrs = {**row.attrs, **_LOCATED, **(ancillary if name == "reflectivity" else {})}
        variables[name] = Variable("uint8", shape, ("y", "x"), attrs, row.missing)
    return variables


def grid_variables(grid: Grid) -> dict[str, Static]:
    """Return the variables of a product that locate its pixels."""
    longitude, latitude = (np.empty(grid.shape, np.float32) for _ in range(2))
    for rows in grid.row_blocks():
        degrees = grid.longitude_latitude(rows)
        for whole, part in zip((longitude, latitude), degrees, strict=True):
            whole[rows] = np.where(np.isfinite(part), part, np.nan)  # a pixel beyond the edge of the Earth
    plane = _grid_mapping(grid.plane)
    axes = {str(axis["axis"]): axis for axis in grid.plane.cs_to_cf()}
    return {
        "x": Static(grid.x(), ("x",), _axis(axes["X"])),
        "y": Static(grid.y(), ("y",), _axis(axes["Y"])),
        "latitude": Static(latitude, ("y", "x"), {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": Static(
            longitude,
            ("y", "x"),
            {"standard_name": "longitude", "units": "degrees_east"},
        ),
        "crs": Static(np.asarray(0, dtype=np.int32), (), {**plane, "spatial_ref": plane["crs_wkt"]}),
    }


def _grid_mapping(plane: CRS) -> dict[str, Any]:
    """Return the attributes of a plane as a CF grid mapping; all that CF cannot express is in `crs_wkt`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of what CF cannot express
        try:
            return dict(plane.to_cf())
        except KeyError:  # parameters that a PROJ string leaves at their defaults
            return {"crs_wkt": plane.to_wkt()}


def _axis(axis: Mapping[str, object]) -> dict[str, object]:
    """Return the attributes of a coordinate of a plane in its own units: metres, degrees."""
    units = "m" if axis["units"] == "metre" else axis["units"]
    return {"units": units, "standard_name": axis["standard_name"], "axis": axis["axis"]}
