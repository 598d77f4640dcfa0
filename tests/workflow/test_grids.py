"""Products of pictures in any coordinate reference system: rain is where it was drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
import xarray as xr
from numpy.typing import NDArray
from picture_cases import encode
from pyproj import Geod, Transformer
from workflow_cases import Workspace

# Longitude and latitude of cells of rain at the first time. They move east.
CELLS = [(5.6, 61.4), (14.2, 61.5), (5.5, 58.5), (14.3, 58.6), (10, 60)]
STEP_DEGREES = 0.1
TIMES = ("202401011200", "202401011206", "202401011212")
GROUND, WEAK, STRONG = (90, 90, 90), (0, 200, 0), (255, 128, 0)
PALETTE = "colour,dbz_min\n#00c800,20\n#ff8000,40\n"
# North is a radar on an even grid of degrees, the mosaic a web map without a radar.
NORTH: dict[str, Any] = {"size": (200, 80), "crs": "EPSG:4326", "bounds": [5, 58, 15, 62]}
MOSAIC: dict[str, Any] = {"size": (160, 150), "crs": "EPSG:3857", "bounds": [334e3, 7.7e6, 1.9e6, 9.2e6]}
CONFIG: dict[str, Any] = {
    "results": "results",
    "radars": [
        {
            "id": "NORTH",
            "frames": "north",
            "latitude": 60,
            "longitude": 10,
            "max_range_km": 400,
            "grid": {"bounds": NORTH["bounds"]},
        },
        {"id": "MOSAIC", "frames": "mosaic", "grid": {"crs": MOSAIC["crs"], "bounds": MOSAIC["bounds"]}},
    ],
    "labels": {"method": "palette", "palette": "pal.csv"},
    "samples": {"atlas": "channel"},
    "composite": {"grid": "union"},
    "cleaning": {"model": "pretrained", "geotiff": True},
}


def cells_at(frame: int) -> list[tuple[float, float]]:
    return [(longitude + frame * STEP_DEGREES, latitude) for longitude, latitude in CELLS]


def draw(picture: dict[str, Any], frame: int) -> NDArray[np.uint8]:
    """Paint the cells of a frame on a map: 25 km of weak rain with 12 km of strong rain within."""
    (width, height), (west, south, east, north) = picture["size"], picture["bounds"]
    x = west + (np.arange(width) + 0.5) / width * (east - west)
    y = north - (np.arange(height) + 0.5) / height * (north - south)
    longitude, latitude = Transformer.from_crs(picture["crs"], "EPSG:4326", always_xy=True).transform(
        *np.meshgrid(x, y)
    )
    shown = np.full((height, width, 3), GROUND, np.uint8)
    for cell in cells_at(frame):
        places = (np.full(longitude.shape, part) for part in cell)
        metres = Geod(ellps="WGS84").inv(*places, longitude, latitude)[2]
        shown[metres < 25e3] = WEAK
        shown[metres < 12e3] = STRONG
    return shown


def echoes_of(flags: NDArray[np.uint8]) -> Iterator[tuple[float, float]]:
    """Yield column and row of the middle of each cell: echo, kept or removed."""
    echo = np.isin(flags, (1, 2)).astype(np.uint8)
    _, _, statistics, middles = cv2.connectedComponentsWithStats(echo, connectivity=8)
    for size, (column, row) in zip(statistics[1:, cv2.CC_STAT_AREA], middles[1:], strict=True):
        if size > 8:
            yield float(column), float(row)


def check_places(path: Path) -> None:
    """Check that a product has each cell within a pixel of its place, by its own coordinates."""
    with xr.open_zarr(path) as product:
        product.load()
        crs = product["crs"].attrs["crs_wkt"]
        to_plane = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        x, y = product["x"].to_numpy(), product["y"].to_numpy()
        for frame in range(len(TIMES)):
            found = list(echoes_of(product["quality_flag"].to_numpy()[frame]))
            assert len(found) == len(CELLS)
            for place in cells_at(frame):
                cell_x, cell_y = to_plane.transform(*place)
                column, row = (cell_x - x[0]) / (x[1] - x[0]), (cell_y - y[0]) / (y[1] - y[0])
                assert min(np.hypot(column - there[0], row - there[1]) for there in found) < 1
                nearest = product["latitude"].to_numpy()[round(row), round(column)]
                assert nearest == pytest.approx(place[1], abs=0.06)


@pytest.mark.slow
def test_rain_is_where_it_was_drawn_in_degrees_and_in_a_mosaic_without_a_radar(scratch: Workspace) -> None:
    for name, picture in (("north", NORTH), ("mosaic", MOSAIC)):
        (scratch.root / name).mkdir()
        for number, time in enumerate(TIMES):
            (scratch.root / name / f"A_{time}.png").write_bytes(encode(draw(picture, number)))
    (scratch.root / "pal.csv").write_text(PALETTE)
    output = scratch.run("products", config=CONFIG)
    assert "radars[1]: MOSAIC has no latitude and longitude, so it counts as a mosaic" in output
    results = scratch.root / "results"
    for product in ("cleaned/NORTH", "cleaned/MOSAIC", "composite"):
        check_places(results / product / "20240101.zarr")
    log = (results / "logs/label_echoes/MOSAIC/20240101.log").read_text()
    assert "MOSAIC is a mosaic: no evidence of spokes" in log
    with rasterio.open(next((results / "geotiff/composite/20240101").glob("*1206*.tif"))) as raster:
        assert raster.crs.to_epsg() == 4326
        band = raster.descriptions.index("quality_flag") + 1
        flags = [next(raster.sample([place], indexes=band))[0] for place in cells_at(1)]
        assert set(flags) <= {1, 2}


def test_the_places_of_pictures_are_planned(scratch: Workspace) -> None:
    """Control points give the grid that bounds give, and a run prints how well they fit."""
    (scratch.root / "north").mkdir()
    (scratch.root / "north" / f"A_{TIMES[0]}.png").write_bytes(encode(draw(NORTH, 0)))
    (scratch.root / "pal.csv").write_text(PALETTE)
    points = [[-0.5, -0.5, 5, 62], [199.5, -0.5, 15, 62], [199.5, 79.5, 15, 58.02], [-0.5, 79.5, 5, 58]]
    radar = {"id": "NORTH", "frames": "north", "grid": {"control_points": points}}
    output = scratch.run("results/warp/composite/NORTH.zarr/zarr.json", config={**CONFIG, "radars": [radar]})
    assert "radars[0].grid.control_points: 4 points within 0.2 px of their fit" in output
