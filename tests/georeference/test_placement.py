"""A plot box is where its keys place it, in any coordinate reference system, against pyproj used directly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grid_cases import PLANES, pictures, planes, sizes
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from radar_cleaner.config.grid import PlotGrid
from radar_cleaner.errors import ConfigError
from radar_cleaner.georeference.control_points import fit_control_points
from radar_cleaner.georeference.grid import Grid, RadarGeometry
from radar_cleaner.georeference.placement import Frame, place_box


def place(size: tuple[int, int], position: tuple[float, float] | None = None, **keys: Any) -> Grid:
    center = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return place_box(PlotGrid(**keys), Frame((0, 0, *size), center, position))


def corners(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    columns, rows = np.meshgrid([0, (size[0] - 1) / 3, size[0] - 1], [0, (size[1] - 1) / 2, size[1] - 1])
    return columns.ravel(), rows.ravel()


@given(picture=pictures(), of=st.sampled_from(["edges", "centres"]))
def test_pixels_lie_where_pyproj_places_the_bounds(picture: Any, of: str) -> None:
    crs, bounds, size = picture
    grid = place(size, crs=crs, bounds=bounds, bounds_of=of)
    columns, rows = corners(size)
    west, south, east, north = bounds
    if of == "edges":
        x, y = west + (columns + 0.5) / size[0] * (east - west), north - (rows + 0.5) / size[1] * (north - south)
    else:
        x, y = west + columns / (size[0] - 1) * (east - west), north - rows / (size[1] - 1) * (north - south)
    wanted = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    longitude, latitude = grid.degrees_of(columns, rows)
    away = np.hypot((longitude - wanted[0] + 180) % 360 - 180, latitude - wanted[1])
    pixel = min(grid.pixel_km) / 111  # degrees
    assert away.max() < 0.01 * pixel
    back = grid.pixel_of(np.asarray(wanted[0]), np.asarray(wanted[1]))
    assert np.hypot(back[0] - columns, back[1] - rows).max() < 0.01


@given(picture=pictures(), corner=st.tuples(st.integers(0, 90), st.integers(0, 70)))
def test_bounds_a_world_file_and_control_points_of_one_picture_agree(
    tmp_path_factory: pytest.TempPathFactory, picture: Any, corner: tuple[int, int]
) -> None:
    crs, (west, south, east, north), size = picture
    by_bounds = place(size, crs=crs, bounds=(west, south, east, north))
    across, down = (east - west) / size[0], (north - south) / size[1]
    file = tmp_path_factory.mktemp("world") / "frame.pgw"
    # Of the whole frame, whose corner is left above the box.
    x, y = west + across / 2 - corner[0] * across, north - down / 2 + corner[1] * down
    file.write_text("\n".join(map(repr, (across, 0.0, 0.0, -down, x, y))))
    frame = Frame((*corner, corner[0] + size[0], corner[1] + size[1]), (0, 0), None)
    by_file = place_box(PlotGrid(crs=crs, world_file=str(file)), frame)
    columns, rows = corners(size)
    longitude, latitude = by_bounds.degrees_of(columns, rows)
    points = np.stack([columns + corner[0], rows + corner[1], longitude, latitude], axis=1)
    fit = fit_control_points(crs, points.tolist(), frame.box)
    assert fit.residuals_px.max() < 0.01
    for grid in (by_file, fit.grid):
        column, row = grid.pixel_of(longitude, latitude)
        assert np.hypot(column - columns, row - rows).max() < 0.01


@given(zoom=st.integers(0, 12), x=st.integers(0, 2**12), y=st.integers(0, 2**12), side=st.sampled_from([256, 512]))
def test_tiles_are_where_web_maps_have_them(zoom: int, x: int, y: int, side: int) -> None:
    """By the formula of web maps, from longitude and latitude to a tile."""
    count = 2**zoom
    first, top = x % count, y % count
    last, bottom = min(first + 1, count - 1), min(top + 1, count - 1)
    size = ((last - first + 1) * side, (bottom - top + 1) * side)
    grid = place(size, tiles={"zoom": zoom, "x": [first, last], "y": [top, bottom]})
    columns, rows = corners(size)
    longitude, latitude = grid.degrees_of(columns, rows)
    angle = np.radians(latitude)
    tile_x = (longitude + 180) / 360 * count
    tile_y = (1 - np.arcsinh(np.tan(angle)) / np.pi) / 2 * count
    np.testing.assert_allclose((tile_x - first) * side, columns + 0.5, atol=0.01)
    np.testing.assert_allclose((tile_y - top) * side, rows + 0.5, atol=0.01)


@pytest.mark.parametrize("bounds", [(170, -30, -170, -10), (170, -30, 190, -10), (-190, -30, -170, -10)])
def test_a_grid_goes_on_across_the_180th_meridian(bounds: tuple[float, ...]) -> None:
    grid = place((200, 200), bounds=bounds)
    column, row = grid.pixel_of(np.array([175.0, 180, -180, -175]), np.full(4, -20.0))
    np.testing.assert_allclose(column, [49.5, 99.5, 99.5, 149.5], atol=1e-6)
    np.testing.assert_allclose(row, 99.5, atol=1e-6)
    longitude, _ = grid.longitude_latitude()
    assert (np.abs(longitude) <= 180).all()
    assert longitude[0, 0] > 170 and longitude[0, -1] < -170


def test_web_mercator_goes_on_across_the_180th_meridian() -> None:
    grid = place((512, 256), tiles={"zoom": 8, "x": [255, 256], "y": [130, 130]})
    column, _ = grid.pixel_of(np.array([179.99, -179.99]), np.array([-5.0, -5.0]))
    assert column[0] == pytest.approx(255.5 - 0.01 / 360 * 256 * 256, abs=1e-3)
    assert column[1] == pytest.approx(255.5 + 0.01 / 360 * 256 * 256, abs=1e-3)


@given(crs=planes, km=st.floats(0.2, 4), size=sizes)
def test_a_ring_of_known_radius_is_a_ring_on_the_ground(crs: str, km: float, size: tuple[int, int]) -> None:
    """In a plane of metres, too, the scale is that on the ground at the radar."""
    longitude, latitude = PLANES[crs]
    if crs in ("EPSG:4326", "EPSG:4258") or "ob_tran" in crs:
        with pytest.raises(ConfigError, match=r"^crs: .* is in degrees, and km_per_px in km; write bounds"):
            place(size, (longitude, latitude), crs=crs, km_per_px=km)
        return
    keys = {"km_per_px": km}, {"circle": {"px": 50, "km": 50 * km}}, {"range_km": km * max(size) / 2}
    for plane in ({}, {"crs": crs}):
        for kind in keys:
            grid = place(size, (longitude, latitude), **plane, **kind)
            middle = (size[0] - 1) / 2, (size[1] - 1) / 2
            geod = Geod(ellps="WGS84")
            for step in ((1, 0), (0, 1), (-1, 0)):
                there = grid.degrees_of(np.array([middle[0] + step[0]]), np.array([middle[1] + step[1]]))
                metres = geod.inv(longitude, latitude, there[0][0], there[1][0])[2]
                assert metres == pytest.approx(1000 * km, rel=2e-3)


@given(turn=st.floats(1, 40), sign=st.sampled_from([-1, 1]))
def test_a_turned_picture_is_refused_with_its_angle(turn: float, sign: int) -> None:
    angle = np.radians(sign * turn)
    columns, rows = corners((400, 300))
    x = 10 + (columns * np.cos(angle) - rows * np.sin(angle)) * 0.01
    y = 50 + (columns * np.sin(angle) + rows * np.cos(angle)) * -0.01
    points = np.stack([columns, rows, x, y], axis=1).tolist()
    with pytest.raises(ConfigError, match=r"turned by \S+ degrees in EPSG:4326") as refused:
        place((400, 300), control_points=points)
    told = float(str(refused.value).split("turned by ")[1].split()[0])
    assert told == pytest.approx(-sign * turn, abs=0.051)


@settings(max_examples=30)
@given(picture=pictures(), off=st.floats(3, 40), which=st.integers(0, 8))
def test_a_wrong_control_point_is_refused_and_named(picture: Any, off: float, which: int) -> None:
    crs, bounds, size = picture
    assume(min(size) > 60)
    grid = place(size, crs=crs, bounds=bounds)
    columns, rows = corners(size)
    longitude, latitude = grid.degrees_of(columns, rows)
    columns = columns.copy()
    columns[which] += off * 3
    points = np.stack([columns, rows, longitude, latitude], axis=1).tolist()
    with pytest.raises(ConfigError, match=rf"point {which + 1} is .* px off the fit"):
        place(size, crs=crs, control_points=points)


def test_points_that_fit_another_common_plane_are_told_its_name() -> None:
    """A picture even in degrees, whose config names Mercator."""
    columns, rows = corners((400, 400))
    points = np.stack([columns, rows, 10 + columns / 40, 60 - rows / 40], axis=1).tolist()
    with pytest.raises(
        ConfigError, match=r"point \d is .* px off .*; in EPSG:4326 all are within 0.0 px: write crs"
    ):
        place((400, 400), crs="EPSG:3857", control_points=points)


POINTS = [[0, 0, 10, 50], [100, 0, 11, 50], [0, 100, 10, 49]]
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown crs": (
        {"crs": "EPSG:99999", "bounds": (5, 58, 15, 62)},
        r"crs: 'EPSG:99999' is not a coord.*PROJ",
    ),
    "a crs of heights": ({"crs": "EPSG:5703", "bounds": (5, 58, 15, 62)}, "crs: 'EPSG:5703'.*no two axes"),
    "west above east": ({"bounds": (15, 58, 5, 62)}, "bounds: .*wrong way round; write .west, south, east, north"),
    "south above north": ({"bounds": (5, 62, 15, 58)}, "bounds: .*wrong way round"),
    "latitude first": ({"bounds": (-20, 100, 10, 130)}, "bounds: .*exceed 90 degrees of latitude in EPSG:4326"),
    "metres without a crs": ({"bounds": (500000, 5e6, 600000, 5.1e6)}, "bounds: .*write the crs of these numbers"),
    "degrees in a plane of metres": (
        {"crs": "EPSG:3857", "bounds": (5, 58, 15, 62)},
        r"bounds: a pixel is .* if these are degrees, write \[556597, 7967318, 1669792, 8859143\]",
    ),
    "a tile beyond the zoom": (
        {"tiles": {"zoom": 3, "x": [2, 3], "y": [7, 8]}},
        "tiles: .* are not tiles of zoom 3; write .first, last., each from 0 to 7",
    ),
    "tiles backwards": ({"tiles": {"zoom": 3, "x": [3, 2], "y": [5, 6]}}, "tiles: .*not tiles of zoom 3"),
    "tiles that do not fit the box": (
        {"tiles": {"zoom": 3, "x": [2, 3], "y": [5, 6]}},
        "tiles: 2 x 2 tiles in a plot box of 200 x 100 px would be 100 x 50 px each.*correct x, y, or plot_box_px",
    ),
    "points on a line": (
        {"control_points": [[0, 0, 10, 50], [100, 2, 11, 50], [50, 1, 10.5, 50]]},
        "control_points: they are within 2 px of one line",
    ),
    "y from the bottom": (
        {"control_points": [[x, 100 - y, a, b] for x, y, a, b in POINTS] + [[100, 0, 11, 49]]},
        "control_points: in EPSG:4326 they run from east to west, or from south to north",
    ),
    "points with latitude first": (
        {"control_points": [[x, y, b, 2 * a] for x, y, a, b in POINTS[:2]] + [[0, 100, 49, 100]]},
        "control_points: a latitude above 90",
    ),
    "no world file": ({"world_file": "missing.pgw"}, "world_file: missing.pgw is not readable"),
}


@pytest.mark.parametrize(("keys", "message"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_line_with_key_and_remedy(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{message}") as error:
        place((200, 100), **keys)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0.05 0.01 0.01 -0.05 5 62", "has a rotation of 11.3 degrees.*name a picture with north up"),
        ("0.05 0 0 0.05 5 58", "mirrors the picture"),
        ("0.05 0 0 -0.05 5", "does not have six numbers"),
        ("nan 0 0 -0.05 5 62", "does not have six numbers"),
        ("0.05 0 0 -0.05 5 162", "exceed 90 degrees of latitude"),
    ],
)
def test_a_world_file_that_is_no_use_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.pgw").write_text(content)
    with pytest.raises(ConfigError, match=rf"^world_file: .*{message}"):
        place((200, 100), world_file=str(tmp_path / "a.pgw"))


def test_the_radar_of_a_grid_in_degrees_has_its_pixel_range_and_azimuth() -> None:
    grid = place((200, 80), bounds=(5, 58, 15, 62))
    radar = RadarGeometry("R", grid, 60.0, 10.0, 100.0)
    assert radar.center_px == pytest.approx((99.5, 39.5))
    assert radar.pixel_km == pytest.approx((2.79, 5.57), abs=0.01)
    assert radar.range_px == pytest.approx(100 / np.sqrt(2.79 * 5.57), rel=1e-3)
    assert RadarGeometry.from_attrs(radar.attrs(), grid.shape) == radar == RadarGeometry.from_flag(radar.to_flag())
    mosaic = RadarGeometry("M", grid)
    assert mosaic.center_px is None and mosaic.place == pytest.approx((10, 60))
    assert RadarGeometry.from_attrs(mosaic.attrs("radar_"), grid.shape, "radar_") == mosaic
