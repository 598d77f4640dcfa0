"""Pictures of the ground at random places of the world, with a planted error, against what the check finds."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from store_cases import small_geometry

from benchmarks.coast_pictures import GROUNDS, TEXTURES, draw_ground, draw_texture, find_place
from benchmarks.place_check import SHIFTS, sample_radars
from radar_cleaner.georeference.grid import Grid
from radar_cleaner.georeference.place_check import PlaceCheck, check_place, describe_place, shown_lines


@pytest.mark.parametrize("kind", GROUNDS)
def test_a_planted_error_is_found_within_a_pixel(kind: str) -> None:
    rng = np.random.default_rng((1, GROUNDS.index(kind)))
    grid = find_place(rng, (220, 200))
    east, south = rng.uniform(-12, 12, 2)
    check = check_place(grid, draw_ground(rng, grid, kind, (east, south)))
    assert check.found and check.warns == (np.hypot(east, south) >= 2)
    assert abs(check.east_px - east) < 1 and abs(check.south_px - south) < 1


def test_a_picture_in_its_place_is_right() -> None:
    rng = np.random.default_rng(2)
    grid = find_place(rng, (220, 220))
    check = check_place(grid, draw_ground(rng, grid, "flat"))
    assert check.found and not check.warns and check.off_px < 1
    assert "the place is right" in describe_place(check)


@pytest.mark.parametrize("kind", TEXTURES)
def test_ground_without_a_coast_gives_no_alarm(kind: str) -> None:
    rng = np.random.default_rng((3, TEXTURES.index(kind)))
    grid = find_place(rng, (180, 160))
    check = check_place(grid, draw_texture(rng, grid, kind))
    assert not check.found and not check.warns
    assert "not checked" in describe_place(check)


def test_a_wrong_size_is_found_with_its_offset() -> None:
    rng = np.random.default_rng(7)
    grid = find_place(rng, (280, 280))
    check = check_place(grid, draw_ground(rng, grid, "flat", (5, -4), size=1.2, plain=True))
    assert check.wide == pytest.approx(1.2, abs=0.02) and check.high == pytest.approx(1.2, abs=0.02)
    assert abs(check.east_px - 5) < 1.5 and abs(check.south_px + 4) < 1.5
    assert "wide" in describe_place(check) and check.warns


def test_a_picture_without_coast_or_with_unknown_ground_is_not_checked() -> None:
    rng = np.random.default_rng(5)
    grid = find_place(rng, (200, 200))
    ground = draw_ground(rng, grid, "flat", plain=True)
    assert not check_place(grid, ground, np.zeros(grid.shape, bool)).found
    sea = small_geometry("CASGO", (200, 200), 10).grid  # 10 km about a radar on land
    check = check_place(sea, ground)
    assert not check.found and "no coast" in describe_place(check)


def test_pixels_with_unknown_ground_do_not_count() -> None:
    rng = np.random.default_rng(6)
    grid = find_place(rng, (220, 220))
    ground = draw_ground(rng, grid, "flat", (6, 2), plain=True)
    known = rng.random(grid.shape) < 0.5
    ground[~known] = rng.integers(0, 256, (int((~known).sum()), 3))
    check = check_place(grid, ground, known)
    assert abs(check.east_px - 6) < 1 and abs(check.south_px - 2) < 1


@pytest.mark.parametrize(
    ("radar", "shifts"),
    [
        ("CASGO", [(-3, 3)]),
        pytest.param("CASGO", SHIFTS, marks=pytest.mark.slow),
        pytest.param("CASCM", SHIFTS, marks=pytest.mark.slow),
    ],
)
def test_shifts_of_3_px_planted_in_the_sample_are_found(radar: str, shifts: list[tuple[int, int]]) -> None:
    grid, ground = sample_radars()[radar]
    own = check_place(grid, ground)
    assert own.found and own.off_px < 2 and own.plane == "plate carrée"
    for east, south in shifts:
        check = check_place(grid, np.roll(ground, (south, east), axis=(0, 1)))
        assert abs(check.east_px - own.east_px - east) < 1 and abs(check.south_px - own.south_px - south) < 1


def about(latitude: float, longitude: float) -> Grid:
    """Return a grid of 240 x 240 px of 400 m."""
    return Grid.about(latitude, longitude, 400, 240, 240, (119.5, 119.5))


def test_across_a_straight_coast_the_place_is_found_and_along_it_is_not_told() -> None:
    grid = about(31.9, 34.8)
    check = check_place(grid, draw_ground(np.random.default_rng(5), grid, "flat", (6, -5), plain=True))
    assert check.found and check.warns and check.straight_degrees == pytest.approx(23, abs=5)
    across = np.radians(check.straight_degrees)
    away = (check.east_px - 6) * np.cos(across) + (check.south_px + 5) * np.sin(across)
    assert abs(away) < 1
    assert "not checked along it (from 2" in describe_place(check)


def test_a_straight_edge_in_another_direction_is_not_taken_for_the_coast() -> None:
    for seed in range(3):
        grid, rng = about(31.9, 34.8), np.random.default_rng((8, seed))
        assert not check_place(grid, draw_texture(rng, grid, "half")).found


def test_what_jpeg_leaves_beside_a_drawn_coast_is_not_land() -> None:
    grid = about(-29.7, 30.9)
    ground = draw_ground(np.random.default_rng(4), grid, "line", plain=True)
    file = io.BytesIO()
    Image.fromarray(ground).save(file, "JPEG", quality=85, subsampling=2)
    assert not check_place(grid, np.array(Image.open(file))).warns


def test_the_bounds_that_the_sentence_names_put_the_picture_in_its_place() -> None:
    rng = np.random.default_rng(9)
    grid = find_place(rng, (220, 200))
    ground = draw_ground(rng, grid, "flat", (7, 4), plain=True)
    x, y = check_place(grid, ground).bounds_move
    column, row = grid.origin_px
    moved = replace(grid, origin_px=(column - x / grid.pixel_width, row + y / grid.pixel_height))
    assert check_place(moved, ground).off_px < 1


def test_the_sentence_names_direction_and_key() -> None:
    off = PlaceCheck(500, True, east_px=3.04, south_px=-0.4, fit=0.5, bounds_move=(-0.03, -0.004))
    assert describe_place(off).startswith("the picture is 3.0 px too far east; add [+3.0, -0.4] to center_px")
    assert describe_place(off).endswith("by [-0.03, -0.004] in x and y")
    fine = describe_place(replace(off, pixel_km=0.2))
    unsure = describe_place(replace(off, fit_here=0.49))
    assert "not sure within 4 px" in unsure and "3.1 px away" in unsure
    assert "that is 0.6 km" in fine and "look at the picture" in fine
    both = describe_place(PlaceCheck(500, True, east_px=-2.0, south_px=2.5, fit=0.5))
    assert "2.0 px too far west and 2.5 px too far south" in both
    drawn = describe_place(PlaceCheck(500, True, plane="plate carrée", edge_px=9.8, fit=0.5))
    assert "plate carrée" in drawn and "10 px" in drawn and "EPSG:4326" in drawn


def test_lines_are_drawn_where_the_picture_shows_them() -> None:
    grid = small_geometry("CASGO", (200, 200)).grid
    middle = np.array([[100.0, 100.0], [0.0, 0.0]])
    (same,) = shown_lines(grid, PlaceCheck(500, True), [middle])
    np.testing.assert_allclose(same, middle)
    (moved,) = shown_lines(grid, PlaceCheck(500, True, east_px=3, south_px=-2, wide=1.1, high=0.9), [middle])
    np.testing.assert_allclose(moved, [[103, 98], [-7, 8]])
    (bent,) = shown_lines(grid, PlaceCheck(500, True, plane="plate carrée"), [middle])
    np.testing.assert_allclose(bent[0], middle[0], atol=0.01)
    assert 1 < np.hypot(*(bent[1] - middle[1])) < 8
