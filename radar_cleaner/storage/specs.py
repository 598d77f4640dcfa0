"""The data model: one spec for each kind of store.

The reader checks stores against the specs, the stages write stores by them, and docs/reference/data_model.md is
generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    ECHO_CLASS_ATTRS,
    NO_RADAR,
    NO_UNCERTAINTY,
    NODATA,
    REFLECTIVITY_ATTRS,
    UNCERTAINTY_ATTRS,
    UNKNOWN,
    log_odds_attrs,
)


@dataclass(frozen=True)
class Variable:
    """A variable with one slice for each frame: type, shape and dimensions of a slice, attributes, fill value."""

    dtype: str
    shape: tuple[int, ...] = ()
    dims: tuple[str, ...] = ()
    attrs: Mapping[str, object] = field(default_factory=dict)
    fill_value: float = 0
    sparse: bool = False  # whether frames that equal the fill value everywhere take no room


@dataclass(frozen=True)
class Static:
    """A variable without frames: its values, dimensions and attributes."""

    values: NDArray[Any]
    dims: tuple[str, ...]
    attrs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class VariableSpec:
    """A variable: its dimensions and type, its attributes, and the value of what is not written.

    Of a sparse variable, frames that have this value everywhere are not written.
    """

    dims: tuple[str, ...]
    dtype: str
    attrs: Mapping[str, object] = field(default_factory=dict)
    fill: float = 0
    sparse: bool = False

    @property
    def has_frames(self) -> bool:
        """Whether the variable has one slice for each frame."""
        return self.dims[0] == "time"


@dataclass(frozen=True)
class StoreSpec:
    """A kind of store: its path below the results, the rule that writes it, its variables, and its attributes.

    `attrs` describes each attribute of the store. `content_digest` and `provenance.json` are in every store.
    """

    path: str
    rule: str
    summary: str
    variables: Mapping[str, VariableSpec]
    attrs: Mapping[str, str]

    @property
    def has_frames(self) -> bool:
        """Whether the store has a time axis."""
        return any(variable.has_frames for variable in self.variables.values())

    def frame_variables(self, shape: tuple[int, ...]) -> dict[str, Variable]:
        """Return the variables with frames for the writer; `shape` is that of a frame."""
        return {
            name: Variable(
                spec.dtype, shape[: len(spec.dims) - 1], spec.dims[1:], spec.attrs, spec.fill, spec.sparse
            )
            for name, spec in self.variables.items()
            if spec.has_frames
        }

    def static(self, name: str, values: NDArray[Any], **attrs: object) -> Static:
        """Return a variable without frames for the writer; `attrs` are added to those of the spec."""
        spec = self.variables[name]
        return Static(np.asarray(values, spec.dtype), spec.dims, {**spec.attrs, **attrs})


FRAME = ("time", "y", "x")
RADAR = {"radar": "name of the radar"}
_GRID = {
    "crs": "coordinate reference system of the grid",
    "pixel_size": "width and height of a pixel in its units",
    "origin_px": "column and row of its point (0, 0)",
}
_RADAR_GRID = {
    **_GRID,
    "latitude": "latitude of the radar; null of a mosaic",
    "longitude": "longitude of the radar; null of a mosaic",
    "center_px": "column and row of the radar in the plot box; null of a mosaic",
    "max_range_km": "range of the radar; null is the whole plot box",
}
_LABEL_CONFIDENCE = {"long_name": "confidence in the echo class", "units": "1", "scale_factor": 1 / 255}

RGB = StoreSpec(
    "rgb/{radar}/{shard}.zarr",
    "build_rgb_store",
    "Frames as they were published, decoded.",
    {
        "rgb": VariableSpec((*FRAME, "band"), "uint8", {"long_name": "picture, red green blue"}),
        "alpha": VariableSpec(
            FRAME, "uint8", {"long_name": "opacity of the picture, 0 where nothing is drawn"}, 255, sparse=True
        ),
    },
    RADAR,
)
REFLECTIVITY = StoreSpec(
    "reflectivity/{radar}/{shard}.zarr",
    "decode_reflectivity",
    "Reflectivity of the plot box.",
    {
        "reflectivity": VariableSpec(FRAME, "uint8", REFLECTIVITY_ATTRS, NODATA),
        "uncertainty": VariableSpec(FRAME, "uint8", UNCERTAINTY_ATTRS, NO_UNCERTAINTY),
        "echo_fraction": VariableSpec(
            ("time",), "float32", {"long_name": "share of the observed pixels that echo", "units": "1"}
        ),
        "unmatched_fraction": VariableSpec(
            ("time",),
            "float32",
            {
                "long_name": "share of the observed pixels whose colour is neither a class nor the map",
                "units": "1",
            },
        ),
    },
    {
        **RADAR,
        "plot_box_px": "plot box in the frame: x0, y0, x1, y1 in pixels, half open",
        **_RADAR_GRID,
        "class_lower_dbz": "lower bounds of the classes of the palette; empty for the HSV methods",
        "class_upper_dbz": "upper bounds of these classes",
        "label_method": "method that decoded the colours (`labels.method`)",
        "echo_pixels": "number of pixels with echo, of all frames",
        "frames_with_echo": "number of frames with more than a little echo",
        "repeated_frames": "number of these that equal the frame before",
        "unmatched_pixels": "number of pixels whose colour is neither a class nor the map",
        "unmatched_colours": "commonest colours of these, `#rrggbb`",
        "unmatched_colour_pixels": "number of pixels that have each of them",
        "palette_unit": "unit of the palette's numbers, only if they are rain rates",
        "zr_a": "factor a of Z = a R^b, by which they became reflectivity",
        "zr_b": "exponent b of that relation",
    },
)
PICTURE = StoreSpec(
    "picture/{radar}.zarr",
    "learn_picture",
    "The parts of a radar's pictures that do not change with the weather.",
    {
        "ground": VariableSpec(
            ("slot", "y", "x", "band"), "uint8", {"long_name": "colours of the map, the commonest first"}
        ),
        "ground_share": VariableSpec(
            ("slot", "y", "x"),
            "uint8",
            {
                "long_name": "share of the frames that show this colour of the map, 0: none",
                "units": "1",
                "scale_factor": 1 / 255,
            },
        ),
        "overlay": VariableSpec(("y", "x"), "bool", {"long_name": "something is drawn over the echo"}),
        "nodata": VariableSpec(("y", "x"), "bool", {"long_name": "all frames show a colour without coverage"}),
    },
    {
        **RADAR,
        "ground_colours": "common colours of the map, `#rrggbb`",
        "colours": "common colours of the plot box, `#rrggbb`, the commonest first",
        "colour_shares": "share of the pixels that have each of them",
        "colour_scatters": "root mean square RGB distance of these pixels from their colour",
        "tolerance": "largest RGB distance of a colour from its class",
        "opacity": "opacity of the echo over the map, 0 to 1",
        "softness": "0: pure colours; near 1: colours of neighbouring pixels are mixed",
        "chroma_weight": "weight of a colour difference against one of brightness, in soft pictures",
        "sharpening": "sharpening of brightness and of colour differences, in soft pictures",
        "mixing": "noisy: without order (JPEG); linear: along lines (scaled); smooth: along the scale (smoothed)",
        "hiding_colours": "colours that hide the map in some frames, `#rrggbb`: no coverage",
        "hiding_areas": "share of the pixels that each of them hides",
        "hiding_frames": "share of the frames in which it does",
        "frames_used": "number of frames that were looked at",
        "too_few_frames": "whether they are too few to find an overlay by its change with time",
        "doubt": "a warning if much of the echo may be read wrong, as the colours are mixed or noisy, else empty",
        "other_product": "a warning if some frames show another title or legend beside the map, else empty",
        "usual": "a warning if most frames show the same echo at a large part of the map, else empty",
        "hiding": "a warning if a colour hides the map in some frames, else empty",
        "meaning": "a warning if it is not known whether a colour is ground or no coverage, else empty",
        "shortage": "a warning if the frames do not suffice to find overlay or map, else empty",
    },
)
ATLAS = StoreSpec(
    "atlas/{radar}.zarr",
    "build_clutter_atlas",
    "How often each pixel echoes in quiet weather.",
    {
        "echo_frequency": VariableSpec(
            ("y", "x"), "float32", {"long_name": "share of the frames that echo here", "units": "1"}
        ),
        "clutter": VariableSpec(("y", "x"), "bool", {"long_name": "clutter mask"}),
    },
    {
        **RADAR,
        "frames_used": "number of frames that were counted",
        "method": "`atlas.method`",
        "known_share": "share of the observed pixels that have `atlas.min_quiet_frames` quiet frames",
        "too_few_frames": "whether no pixel has as many",
    },
)
STATIC = StoreSpec(
    "static/{radar}.zarr",
    "place_static_fields",
    "Latitude, longitude and static fields of the pixels.",
    {
        "latitude": VariableSpec(("y", "x"), "float32", {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": VariableSpec(("y", "x"), "float32", {"standard_name": "longitude", "units": "degrees_east"}),
        "field": VariableSpec(("field", "y", "x"), "float32", {"long_name": "fields by name, NaN where unknown"}),
    },
    {**RADAR, **_RADAR_GRID, "names": "names of the fields, in order"},
)
WARP = StoreSpec(
    "warp/{target}/{radar}.zarr",
    "build_warp_grid",
    "The position of the pixels of a target grid in the plot box of a radar.",
    {
        "grid": VariableSpec(
            ("y", "x", "coordinate"),
            "float32",
            {"long_name": "column and row in the plot box of the radar", "units": "pixel"},
        ),
        "coverage": VariableSpec(("y", "x"), "bool", {"long_name": "in the plot box and the range of the radar"}),
    },
    {
        "target": "radar of the target grid, or `composite`",
        "target_*": "`crs`, `pixel_size` and `origin_px` of the target grid",
        **RADAR,
        "radar_*": "the radar and its grid, as in the reflectivity store",
        "distance_km": "distance from the target radar to the radar; a mosaic counts by its middle",
    },
)
ALIGNED = StoreSpec(
    "aligned/{radar}/{shard}.zarr",
    "align_radars",
    "The other radars, pooled on the grid of a radar.",
    {
        "reflectivity": VariableSpec(FRAME, "uint8", REFLECTIVITY_ATTRS, NODATA),
        "availability": VariableSpec(FRAME, "bool", {"long_name": "whether any other radar sees this pixel"}),
        "nearest": VariableSpec(
            FRAME,
            "uint8",
            {"long_name": "index in `others` of the nearest radar, relative to its range, that sees this pixel"},
            NO_RADAR,
        ),
    },
    {**RADAR, "others": "names of the other radars"},
)
LABELS = StoreSpec(
    "labels/{radar}/{shard}.zarr",
    "label_echoes",
    "Weak labels: the sum of the labelers' evidence.",
    {
        "echo_class": VariableSpec(FRAME, "uint8", ECHO_CLASS_ATTRS, UNKNOWN),
        "confidence": VariableSpec(FRAME, "uint8", _LABEL_CONFIDENCE),
        "evidence": VariableSpec(FRAME, "int8", log_odds_attrs("sum of the labelers' log-odds")),
        "shape_class": VariableSpec(
            FRAME,
            "uint8",
            {**ECHO_CLASS_ATTRS, "long_name": "kind of echo by its shape in a single frame"},
            UNKNOWN,
        ),
    },
    RADAR,
)
PRODUCT = StoreSpec(
    "cleaned/{radar}/{shard}.zarr, composite/{shard}.zarr",
    "clean_frames, compose_radars",
    "The product: CF-1.11, opened by `xarray.open_zarr` or `radar_cleaner.open_product`.",
    {
        "reflectivity": VariableSpec(FRAME, "uint8", REFLECTIVITY_ATTRS, NODATA),
        "quality_flag": VariableSpec(FRAME, "uint8", {"long_name": "what cleaning did"}),
        "meteorological_probability": VariableSpec(
            FRAME, "uint8", {"long_name": "probability that the echo is meteorological", "units": "1"}
        ),
    },
    {
        "radars": "names of the radars",
        **_GRID,
        "model_digest": "digest of the model",
        "attribution": "words that the services of the pictures want beside their data; only of known services",
        "license": "their licences, or the pages of the terms",
        "references": "their pages, and how the reflectivity is packed",
    },
)

SPECS: dict[str, StoreSpec] = {
    "rgb": RGB,
    "reflectivity": REFLECTIVITY,
    "picture": PICTURE,
    "atlas": ATLAS,
    "static": STATIC,
    "warp": WARP,
    "aligned": ALIGNED,
    "labels": LABELS,
    "product": PRODUCT,
}
