"""A new row of the table of variables reaches every product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from store_cases import START, small_geometry

from radar_cleaner.config.cleaning import Composite
from radar_cleaner.config.frames import Stores
from radar_cleaner.conventions import FLAG_REMOVED, NODATA, REFLECTIVITY_ATTRS, decode_dbz
from radar_cleaner.products.cf import PRODUCT_VARIABLES, ProductVariable, ProductWriter, open_product, pack_frame
from radar_cleaner.products.decision import Codes, DecidedFrame, decide
from radar_cleaner.report.tables import product_table
from radar_cleaner.stages.build_warp_grid import build_warp_grid
from radar_cleaner.stages.compose_radars import compose_radars
from radar_cleaner.stages.export_geotiff import export_geotiff

NAME = "removed_reflectivity"
GEOMETRY = small_geometry()
SHAPE = GEOMETRY.grid.shape


def removed_reflectivity(frame: DecidedFrame) -> Codes:
    return np.where(frame.flags == FLAG_REMOVED, frame.codes, np.uint8(NODATA))


def test_a_new_row_is_a_variable_of_radar_product_composite_geotiff_and_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attrs = {**REFLECTIVITY_ATTRS, "long_name": "reflectivity of removed echo"}
    monkeypatch.setitem(PRODUCT_VARIABLES, NAME, ProductVariable(removed_reflectivity, NODATA, attrs))
    probability = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    frame = decide(
        np.full(SHAPE, 90, np.uint8),
        probability,
        np.zeros(SHAPE, np.float32),
        threshold=0.5,
        fill=False,
        in_range=np.ones(SHAPE, bool),
    )
    cleaned, warp, composite = (tmp_path / f"{name}.zarr" for name in ("20240711", "warp", "composite"))
    with ProductWriter(cleaned, GEOMETRY.grid, [GEOMETRY.radar]) as product:
        product.append(START, **pack_frame(frame))
    build_warp_grid(
        target="composite",
        radar=GEOMETRY.radar,
        geometries=[GEOMETRY],
        composite=Composite(grid="first"),
        output=warp,
    )
    compose_radars(shard="20240711", products=[cleaned], warps=[warp], stores=Stores(), output=composite)
    export_geotiff(product=cleaned, output=tmp_path / "index.csv")
    expected = np.where(probability < 0.5, decode_dbz(np.uint8([90]))[0], np.nan)
    np.testing.assert_array_equal(open_product(cleaned)[NAME][0], expected)
    in_range = ~np.isnan(open_product(composite)["reflectivity"][0])
    np.testing.assert_array_equal(open_product(composite)[NAME][0].to_numpy()[in_range], expected[in_range])
    (file,) = tmp_path.glob("*.tif")
    with rasterio.open(file) as raster:
        np.testing.assert_array_equal(raster.read(raster.descriptions.index(NAME) + 1), expected)
    assert NAME in {row["name"] for row in product_table(open_product(cleaned).data_vars)}
