"""Land, coast and graticule against places that an atlas shows, and against each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_cases import small_geometry

from radar_cleaner.georeference.coast import border_lines, coast_lines, land_fraction
from radar_cleaner.georeference.graticule import graticule
from radar_cleaner.georeference.grid import Grid, RadarGeometry

GORE = small_geometry("CASGO", (480, 480)).grid


def about(latitude: float, longitude: float, km_per_px: float = 1, size: tuple[int, int] = (120, 90)) -> Grid:
    width, height = size
    reach = km_per_px * max(size) / 2
    return RadarGeometry.about("R", latitude, longitude, reach, width, height, (width // 2, height // 2)).grid


places = st.builds(
    about,
    latitude=st.floats(-85, 85),
    longitude=st.floats(-180, 180),
    km_per_px=st.floats(0.5, 8),
)


@pytest.mark.parametrize(
    ("name", "latitude", "longitude", "land"),
    [
        ("Paris", 48.86, 2.35, True),
        ("the Atlantic", 40.0, -40.0, False),
        ("Lake Superior is water", 47.7, -87.5, False),
        ("Isle Royale in it is land", 48.03, -88.85, True),
        ("the South Pole", -89.0, 10.0, True),
        ("the North Pole", 89.9, 0.0, False),
        ("Fiji, east of the antimeridian", -16.85, -179.95, True),
        ("Chukotka, across the antimeridian", 67.5, -179.5, True),
        ("Chukotka, on the other side", 67.5, 179.5, True),
    ],
)
def test_land_is_where_an_atlas_shows_it(name: str, latitude: float, longitude: float, land: bool) -> None:
    grid = about(latitude, longitude)
    assert (land_fraction(grid)[45, 60] > 0.5) == land, name


@settings(max_examples=12, deadline=None)
@given(grid=places)
def test_land_changes_only_across_the_coast(grid: Grid) -> None:
    land = land_fraction(grid) > 0.5
    drawn = np.zeros(grid.shape, np.uint8)
    lines = [np.round(line * 16).astype(np.int32) for line in coast_lines(grid)]
    cv2.polylines(drawn, lines, False, 1, thickness=3, shift=4)
    steps = (land[1:, :] != land[:-1, :]) & (drawn[1:, :] == 0) & (drawn[:-1, :] == 0)
    assert steps.sum() <= 0.001 * land.size


@settings(max_examples=6, deadline=None)
@given(grid=places, margin=st.integers(1, 30))
def test_a_margin_adds_pixels_around_the_same_land(grid: Grid, margin: int) -> None:
    wide = land_fraction(grid, margin)
    assert wide.shape == (grid.height + 2 * margin, grid.width + 2 * margin)
    inner = wide[margin:-margin, margin:-margin]
    assert np.abs(inner - land_fraction(grid)).mean() < 0.03


def test_the_seams_of_polygons_are_no_coast() -> None:
    for grid in (about(67.5, 180), about(-75, 0), about(-75, 180, 4)):
        assert land_fraction(grid)[40:50, 55:65].min() == land_fraction(grid)[40:50, 55:65].max()
        near = [line for line in coast_lines(grid) if (np.abs(line - (60, 45)) < 5).all(axis=1).any()]
        assert near == []


def test_lines_stay_near_the_grid_and_borders_are_found() -> None:
    wide = about(47, 8, 4)
    for line in (*coast_lines(wide), *border_lines(wide)):
        assert np.isfinite(line).all() and len(line) > 1
    assert len(border_lines(wide)) >= 4  # Switzerland has five neighbours
    assert border_lines(about(40, -40)) == coast_lines(about(40, -40)) == []


@settings(max_examples=15, deadline=None)
@given(grid=places)
def test_each_line_of_the_graticule_has_its_degrees(grid: Grid) -> None:
    longitude, latitude = grid.longitude_latitude()
    lines = graticule(grid)
    assert 2 <= len(lines) <= 50
    for label, line in lines:
        columns, rows = np.round(line[np.isfinite(line).all(axis=1)]).astype(int).T
        degrees = float(label.split("°")[0]) * (-1 if label[-1] in "WS" else 1)
        if label[-1] in "NS" or (label == "0°" and np.ptp(rows) < np.ptp(columns)):
            assert np.abs(latitude[rows, columns] - degrees).max() < 2 * np.abs(np.diff(latitude, axis=0)).max()
        else:
            off = (longitude[rows, columns] - degrees + 180) % 360 - 180
            per_pixel = np.abs((np.diff(longitude, axis=1) + 180) % 360 - 180).max()
            assert np.abs(off).max() < 2 * per_pixel + 1e-6


def test_the_coast_of_the_sample_lies_between_its_land_and_sea() -> None:
    assert 0.3 < land_fraction(GORE).mean() < 0.5
    assert [label for label, _ in graticule(GORE)][:2] == ["66°W", "65°W"]
