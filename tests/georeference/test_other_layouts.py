"""Frames of another layout are placed on the radar's grid: within a pixel, and nodata where it shows nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_cases import make_reflectivity

from radar_cleaner.conventions import NODATA
from radar_cleaner.errors import ConfigError, StoreError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.other_layouts import OtherLayout, open_layouts
from radar_cleaner.stages.build_warp_grid import build_warp_grid

RADAR = RadarGeometry.about("A", 36, -84, 60, 60, 60, (29.5, 29.5))
TIME = 1_720_656_000


def opened(folder, other, codes):
    make_reflectivity(folder / "other.zarr", other.radar, [TIME], codes=codes, geometry=other)
    build_warp_grid(target="A", radar=other.radar, geometries=[RADAR, other], output=folder / "warp.zarr")
    return OtherLayout.open(RADAR, folder / "other.zarr", folder / "warp.zarr")


@given(
    st.integers(40, 120),
    st.tuples(st.integers(-6, 6), st.integers(-6, 6)),
    st.tuples(st.floats(-35, 35), st.floats(-35, 35)),
)
def test_an_echo_of_another_layout_is_within_a_pixel_of_its_place(tmp_path_factory, size, shift, place):
    """Of any size and with the radar anywhere: a cross of echo at (east, north) km."""
    center = ((size - 1) / 2 + shift[0], (size - 1) / 2 + shift[1])
    other = RadarGeometry.about("A.1", 36, -84, 60, size, size, center)
    columns, rows = np.arange(size) - center[0], center[1] - np.arange(size)
    codes = np.zeros((size, size), np.uint8)
    km_per_px = 120 / size
    reach = max(1.6 * km_per_px, 1.6 * 2)  # a pixel of the coarser of the two grids
    codes[np.hypot(columns[None] * km_per_px - place[0], rows[:, None] * km_per_px - place[1]) < reach] = 100
    frame = opened(tmp_path_factory.mktemp("layout"), other, codes).frame(TIME)
    found = frame["reflectivity"]
    row, column = (axis.mean() for axis in np.nonzero(found == 100))
    assert abs((column - 29.5) * 2 - place[0]) < max(2, km_per_px)
    assert abs((29.5 - row) * 2 - place[1]) < max(2, km_per_px)


def test_what_the_other_layout_does_not_show_is_nodata(tmp_path):
    half = RadarGeometry.about("A.1", 36, -84, 60, 60, 60, (29.5, 29.5))
    half = replace(half, grid=replace(half.grid, width=30))
    found = opened(tmp_path, half, np.full((60, 30), 7, np.uint8)).frame(TIME)["reflectivity"]
    assert (found[:, 30:] == NODATA).all()
    assert (found[27:33, :30] == 7).all()  # within the range


def test_stores_that_do_not_belong_to_the_radar_are_refused(tmp_path):
    other = RadarGeometry.about("A.1", 36, -84, 60, 40, 40, (19.5, 19.5))
    opened(tmp_path, other, np.zeros((40, 40), np.uint8))
    moved = RadarGeometry.about("A", 36, -84, 70, 60, 60, (29.5, 29.5))
    with pytest.raises(StoreError, match="target_pixel_size"):
        OtherLayout.open(moved, tmp_path / "other.zarr", tmp_path / "warp.zarr")
    with pytest.raises(ConfigError, match="--layouts: 1 stores, and 0 --layout-warps"):
        open_layouts(RADAR, [tmp_path / "other.zarr"], [])
