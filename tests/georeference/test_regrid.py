"""Warps against geodesics computed another way, against the coastlines, and against themselves."""

from __future__ import annotations

import time

import numpy as np
import pytest
from grid_cases import overlaps, radars
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from map_cases import HIDDEN, land_and_water
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from store_cases import small_geometry

from radar_cleaner.conventions import NODATA, UNDETECT
from radar_cleaner.errors import StoreError
from radar_cleaner.georeference.grid import Grid, RadarGeometry, union_grid
from radar_cleaner.georeference.polar import polar_of_radar
from radar_cleaner.georeference.regrid import (
    MOSAIC_SHARE,
    nearest_regridder,
    pool,
    range_share,
    warp_attrs,
    warp_grid,
)

GEOD = Geod(ellps="WGS84")
GORE = small_geometry("CASGO", (480, 480))
CHIPMAN = small_geometry("CASCM", (480, 480))
PAIRS = [(GORE, CHIPMAN), (CHIPMAN, GORE)]
NAMES = ["Chipman-on-Gore", "Gore-on-Chipman"]


def by_geodesics(
    target: RadarGeometry, radar: RadarGeometry, columns: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column and row in the radar's box of target pixels, by distance and azimuth alone: no projection."""
    east, north = columns - target.center_px[0], target.center_px[1] - rows
    longitude, latitude, _ = GEOD.fwd(
        np.full(columns.shape, target.longitude),
        np.full(columns.shape, target.latitude),
        np.degrees(np.arctan2(east, north)),
        np.hypot(east, north) * target.grid.pixel_width,
    )
    azimuth, _, metres = GEOD.inv(
        np.full(columns.shape, radar.longitude), np.full(columns.shape, radar.latitude), longitude, latitude
    )
    pixels, angle = metres / radar.grid.pixel_width, np.radians(azimuth)
    return radar.center_px[0] + pixels * np.sin(angle), radar.center_px[1] - pixels * np.cos(angle)


@pytest.mark.parametrize(("target", "radar"), PAIRS, ids=NAMES)
def test_the_warp_agrees_with_geodesics(target: RadarGeometry, radar: RadarGeometry) -> None:
    rng = np.random.default_rng(20240711)
    columns, rows = rng.integers(0, 480, (2, 200))
    grid, _ = warp_grid(target.grid, radar)
    column, row = by_geodesics(target, radar, columns, rows)
    error = np.hypot(*(grid[rows, columns] - np.stack([column, row], axis=-1)).T)
    print(f"largest error {error.max():.2e} px")
    assert error.max() < 0.05
    shift = np.hypot(*(np.diff(grid[rows, columns] - np.stack([columns, rows], axis=-1), axis=0)).T)
    assert shift.max() > 4  # more than a shift


@pytest.mark.parametrize(("target", "radar"), PAIRS, ids=NAMES)
def test_there_and_back_is_the_same_point(target: RadarGeometry, radar: RadarGeometry) -> None:
    there, coverage = warp_grid(target.grid, radar)
    back, _ = warp_grid(radar.grid, target)
    start = np.stack(np.meshgrid(np.arange(480), np.arange(480)), axis=-1)
    inner = coverage & (there > 0).all(axis=-1) & (there < 479).all(axis=-1)
    came_back = read_between(back, there[inner])
    error = np.hypot(*(came_back - start[inner]).T)
    print(f"largest error {error.max():.2e} px")
    assert inner.sum() > 80_000
    assert error.max() < 0.01


def read_between(grid: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float64]:
    """A (y, x, 2) grid read between its pixels at (points, 2) columns and rows."""
    low = np.floor(at).astype(int)
    (left, top), (right_share, low_share) = low.T, (at - low).T[..., None]
    upper = grid[top, left] * (1 - right_share) + grid[top, left + 1] * right_share
    lower = grid[top + 1, left] * (1 - right_share) + grid[top + 1, left + 1] * right_share
    return np.asarray(upper * (1 - low_share) + lower * low_share)


@given(
    latitude=st.floats(-70, 70),
    longitude=st.floats(-180, 180),
    center=st.tuples(st.floats(15, 45), st.floats(15, 45)),
    size=st.tuples(st.integers(30, 60), st.integers(30, 60)),
    seed=st.integers(0, 1000),
)
def test_a_radar_onto_itself_is_the_identity(
    latitude: float, longitude: float, center: tuple[float, float], size: tuple[int, int], seed: int
) -> None:
    radar = RadarGeometry.about("R", latitude, longitude, 240, *size, center)
    grid, coverage = warp_grid(radar.grid, radar)
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    np.testing.assert_allclose(grid, np.stack([columns, rows], axis=-1), atol=1e-4)
    distance = np.hypot(columns - center[0], rows - center[1]) - max(size) / 2
    assert coverage[distance <= 0].all() and not coverage[distance > 0.01].any()
    frame = np.random.default_rng(seed).integers(0, 255, coverage.shape, dtype=np.uint8)
    frame[distance > 0] = NODATA
    warped = nearest_regridder(grid, coverage, radar.grid.shape).apply(frame, NODATA)
    np.testing.assert_array_equal(warped, frame)


@pytest.mark.parametrize(("target", "radar"), PAIRS, ids=NAMES)
def test_coastlines_of_both_radars_agree(target: RadarGeometry, radar: RadarGeometry) -> None:
    grid, _ = warp_grid(target.grid, radar)
    in_picture = ((grid > -0.5) & (grid < 479.5)).all(axis=-1)  # maps reach farther than the radar
    other = nearest_regridder(grid, in_picture, (480, 480)).apply(land_and_water(radar.radar), HIDDEN)
    own = land_and_water(target.radar)
    seen = (own != HIDDEN) & (other != HIDDEN)
    agreement = (own == other)[seen].mean()
    print(f"{agreement:.2%} of {seen.sum()} pixels")
    assert seen.sum() > 100_000
    assert agreement >= 0.94
    # A picture that is moved by 8 px agrees less: the measure detects it.
    moved = np.roll(other, 8, axis=1)
    both = (own != HIDDEN) & (moved != HIDDEN)
    assert (own == moved)[both].mean() < agreement - 0.02


def test_covered_is_what_is_in_range_and_box() -> None:
    grid, coverage = warp_grid(union_grid([GORE, CHIPMAN]), CHIPMAN)
    assert np.isfinite(grid).all() and grid.dtype == np.float32
    column, row = grid[..., 0], grid[..., 1]
    distance = np.hypot(column - 240, row - 239)
    assert distance[coverage].max() <= 240.01
    assert column[coverage].min() >= -0.5 and row[coverage].min() >= -0.5
    assert column[coverage].max() < 479.5 and row[coverage].max() < 479.5
    box = (column >= 0) & (column <= 479) & (row >= 0) & (row <= 479)
    assert coverage[box & (distance < 239.9)].all()
    assert coverage.sum() == pytest.approx(np.pi * 240**2, rel=0.01)


def test_a_radar_at_the_other_end_of_the_earth_covers_nothing() -> None:
    far = RadarGeometry.about("FAR", -GORE.latitude, GORE.longitude + 180, 240, 480, 480, (240, 239))
    grid, coverage = warp_grid(GORE.grid, far)
    assert np.isfinite(grid).all()
    assert not coverage.any()
    frame = np.full((480, 480), 100, np.uint8)
    assert (nearest_regridder(grid, coverage, (480, 480)).apply(frame, NODATA) == NODATA).all()


def test_pixels_of_another_size_are_met_at_their_centres() -> None:
    coarse = Grid.about(GORE.latitude, GORE.longitude, 4000, 120, 120, (60, 59.75))
    grid, coverage = warp_grid(coarse, GORE)
    np.testing.assert_allclose(grid[..., 0], np.tile(np.arange(120) * 4.0, (120, 1)), atol=1e-3)
    frame = np.arange(480, dtype=np.int64)[None].repeat(480, axis=0).astype(np.uint8)
    warped = nearest_regridder(grid, coverage, (480, 480)).apply(frame, NODATA)
    np.testing.assert_array_equal(warped[60, 2:100], (np.arange(2, 100) * 4).astype(np.uint8))


@pytest.mark.parametrize(("target", "radar"), PAIRS, ids=NAMES)
def test_a_warped_pixel_is_the_nearest_of_the_source(target: RadarGeometry, radar: RadarGeometry) -> None:
    grid, coverage = warp_grid(target.grid, radar)
    regridder = nearest_regridder(grid, coverage, (480, 480))
    columns, rows = np.meshgrid(np.arange(480), np.arange(480))
    for part, axis in ((columns, 0), (rows, 1)):
        low = regridder.apply((part % 251).astype(np.uint8), 255)[coverage]
        expected = np.floor(grid[..., axis][coverage].astype(float) + 0.5).astype(int) % 251
        np.testing.assert_array_equal(low, expected)


def test_a_frame_of_640_pixels_takes_less_than_2_ms() -> None:
    radar = RadarGeometry.about("R", 45, -63, 120, 640, 640, (320, 319))
    other = RadarGeometry.about("S", 45.2, -63.4, 120, 640, 640, (320, 319))
    regridder = nearest_regridder(*warp_grid(radar.grid, other), (640, 640))
    frame = np.random.default_rng(0).integers(0, 255, (640, 640), dtype=np.uint8)
    spent = []
    for _ in range(50):
        begin = time.perf_counter()
        regridder.apply(frame, NODATA)
        spent.append(time.perf_counter() - begin)
    print(f"{1000 * min(spent):.2f} ms a frame")
    assert min(spent) < 2e-3


def test_a_frame_of_another_size_is_refused() -> None:
    regridder = nearest_regridder(*warp_grid(GORE.grid, CHIPMAN), (480, 480))
    with pytest.raises(StoreError, match="run snakemake"):
        regridder.apply(np.zeros((480, 640), np.uint8), NODATA)


codes = arrays(np.uint8, (4, 5), elements=st.sampled_from([UNDETECT, NODATA, 1, 100, 254]))


@given(frames=st.lists(codes, max_size=4))
def test_pooling_takes_the_highest_reflectivity_of_those_that_see(frames: list[NDArray[np.uint8]]) -> None:
    pooled = pool(frames, (4, 5))
    for pixel in np.ndindex(4, 5):
        seen = [int(frame[pixel]) for frame in frames if frame[pixel] != NODATA]
        assert pooled[pixel] == max(seen, default=NODATA)
    np.testing.assert_array_equal(pooled, pool(frames[::-1], (4, 5)))


def test_a_warp_store_tells_its_target_grid() -> None:
    grid = union_grid([GORE, CHIPMAN])
    attrs = warp_attrs("composite", grid, CHIPMAN, 199.4)
    assert Grid.from_attrs(attrs, grid.shape, "target_") == grid
    assert RadarGeometry.from_attrs(attrs, attrs["radar_shape_px"], "radar_") == CHIPMAN
    assert attrs["distance_km"] == 199.4


@given(pair=overlaps())
def test_a_warp_between_any_two_planes_is_that_of_pyproj(pair: tuple[Grid, RadarGeometry]) -> None:
    target, radar = pair
    grid, coverage = warp_grid(target, radar)
    rows, columns = np.indices(target.shape)
    x = (columns - target.origin_px[0]) * target.pixel_width
    y = (target.origin_px[1] - rows) * target.pixel_height
    longitude, latitude = Transformer.from_crs(target.crs, "EPSG:4326", always_xy=True).transform(x, y)
    x, y = Transformer.from_crs("EPSG:4326", radar.grid.crs, always_xy=True).transform(longitude, latitude)
    column = radar.grid.origin_px[0] + x / radar.grid.pixel_width
    row = radar.grid.origin_px[1] - y / radar.grid.pixel_height
    near = np.isfinite(column) & (np.hypot(column, row) < 500)
    assert np.hypot(grid[..., 0] - column, grid[..., 1] - row)[near].max(initial=0) < 0.01
    inside = (
        (column > -0.49) & (column < radar.grid.width - 0.51) & (row > -0.49) & (row < radar.grid.height - 0.51)
    )
    metres = np.zeros(target.shape)
    if radar.position is not None:
        metres = GEOD.inv(*(np.full(target.shape, part) for part in radar.position), longitude, latitude)[2]
    reach = 1000 * (radar.max_range_km or np.inf)
    assert inside.any()
    assert coverage[inside & (metres < 0.999 * reach)].all()
    assert not coverage[metres > 1.001 * reach].any()


@given(radar=radars())
def test_the_share_of_the_range_grows_with_the_distance(radar: RadarGeometry) -> None:
    grid, coverage = warp_grid(radar.grid, radar)
    share = range_share(grid, coverage, warp_attrs("R", radar.grid, radar, 0.0))
    assert np.isnan(share[~coverage]).all()
    if radar.position is None:
        assert (share == np.float32(MOSAIC_SHARE)).all()
    elif radar.max_range_km is not None and coverage.any():
        polar = polar_of_radar(radar)
        assert polar is not None
        np.testing.assert_allclose(share[coverage], polar[0][coverage] / radar.max_range_km, atol=0.05)


def test_a_warp_in_blocks_of_rows_is_that_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = warp_grid(GORE.grid, CHIPMAN)
    monkeypatch.setattr("radar_cleaner.georeference.grid.BLOCK_PIXELS", 7000)
    assert len(list(GORE.grid.row_blocks())) == 35
    for part, of_blocks in zip(whole, warp_grid(GORE.grid, CHIPMAN), strict=True):
        np.testing.assert_array_equal(part, of_blocks)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
@pytest.mark.parametrize("longitude", [179.95, -179.95])
def test_radars_meet_across_the_180th_meridian(crs: str, longitude: float) -> None:
    """A grid that goes on across the meridian, and radars on both sides of it."""
    unit = 1.0 if crs == "EPSG:4326" else 20037508.342789244 / 180
    row = -17.0 / 0.02 if crs == "EPSG:4326" else -1920825.04 / (0.02 * unit)
    target = Grid(crs, 0.02 * unit, 0.02 * unit, 100, 90, (50 - 180 / 0.02, 45 + row))
    radar = RadarGeometry.about("FIJI", -17.0, longitude, 80, 80, 80, (40, 40))
    grid, coverage = warp_grid(target, radar)
    assert coverage.sum() > 2500
    east, north = target.longitude_latitude()
    metres = GEOD.inv(np.full(east.shape, longitude), np.full(east.shape, -17.0), east, north)[2]
    away = np.hypot(grid[..., 0] - 40, grid[..., 1] - 40) * radar.grid.pixel_width
    assert np.abs(away - metres)[coverage].max() < 20
    back, seen = warp_grid(radar.grid, RadarGeometry("MOSAIC", target))
    assert seen.sum() > 4000
    assert not np.diff(back[..., 0][seen.all(axis=1)], axis=1).min() < 0  # no seam
    union = union_grid([radar, RadarGeometry("MOSAIC", target)])
    assert union.width < 300 and union.height < 300
