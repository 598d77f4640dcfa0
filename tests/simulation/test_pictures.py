"""Simulated pictures: the project's own readers read legend and echoes, overlays are in their boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation_cases import small_world

from radar_cleaner.conventions import NODATA, UNDETECT, decode_dbz, encode_dbz
from radar_cleaner.frames.image import decode_frame
from radar_cleaner.reflectivity.colour_table import ColourTable
from radar_cleaner.reflectivity.legend import read_legend
from radar_cleaner.reflectivity.palette import parse_palette
from radar_cleaner.simulation.pictures import (
    COLOURS,
    LEGEND_WIDTH,
    PALETTE,
    PALETTE_CSV,
    Painter,
    class_of,
    encode_indices,
    encode_picture,
)

NOON = 43200  # on the first of January 1970
TOLERANCE = 20.0  # the config's default


def make_painter(size: int = 120) -> Painter:
    rows = np.arange(size, dtype=np.float32)[:, None]
    land = np.maximum(np.broadcast_to(rows - size / 2, (size, size)), 0) / 100  # sea in the north
    return Painter("SIM1", land.astype(np.float32), np.array([[20.0, 90.0], [-5.0, 40.0], [118.0, 118.0]]))


@pytest.mark.parametrize("size", [64, 65, 120, 480])
def test_the_legend_in_the_picture_gives_the_palette(size: int) -> None:
    painter = make_painter(size)
    frame = COLOURS[painter.paint(np.zeros((size, size), dtype=np.uint8), NOON)]
    x0, y0, x1, y1 = painter.legend_box
    palette = read_legend(frame[y0:y1, x0:x1], [5, 65], "ends", "legend").palette
    assert np.array_equal(palette.colours, PALETTE.colours)
    np.testing.assert_allclose(palette.lower_dbz, PALETTE.lower_dbz)


def test_colours_are_farther_apart_than_the_tolerance_reaches() -> None:
    distance = np.linalg.norm(COLOURS[:, None].astype(float) - COLOURS, axis=2)
    assert distance[~np.eye(len(COLOURS), dtype=bool)].min() > 2 * TOLERANCE


@given(st.integers(0, 255))
def test_a_painted_code_is_read_as_the_middle_of_its_class_and_none_where_none_is_shown(code: int) -> None:
    class_number = int(class_of(np.array([code], dtype=np.uint8))[0])
    dbz = float(decode_dbz(np.array([code], dtype=np.uint8))[0])
    if code in (UNDETECT, NODATA) or dbz < 5:
        assert class_number == -1
    else:
        last = class_number == len(PALETTE.colours) - 1
        assert PALETTE.lower_dbz[class_number] <= dbz
        assert last or dbz < PALETTE.upper_dbz[class_number]


def test_a_painted_picture_is_decoded_to_its_classes_where_nothing_is_drawn_over_it() -> None:
    painter = make_painter()
    codes = np.random.default_rng(1).integers(0, 256, (120, 120), dtype=np.uint8)
    frame = painter.paint(codes, NOON)
    pixels = decode_frame(encode_indices(frame), "a.png", painter.frame_size)[..., :3]
    assert np.array_equal(pixels, COLOURS[frame])
    table = ColourTable(parse_palette(PALETTE_CSV, "palette").scale(TOLERANCE))
    read = table(pixels[:, LEGEND_WIDTH:])
    wanted = np.append(encode_dbz(PALETTE.value_dbz), np.uint8(UNDETECT))[class_of(codes)]
    assert np.array_equal(read[~painter.hidden], wanted[~painter.hidden])
    assert not np.array_equal(read, wanted)  # overlays have colours of echo


def test_hidden_pixels_are_those_that_differ_from_map_and_echo() -> None:
    painter = make_painter()
    frame = painter.paint(np.zeros((120, 120), dtype=np.uint8), NOON)[:, LEGEND_WIDTH:]
    still = painter._still[:, LEGEND_WIDTH:]
    assert painter.hidden[frame != still].all()
    assert painter.hidden.mean() < 0.25


def test_the_map_and_the_overlay_are_the_same_at_all_times_and_the_clock_is_not() -> None:
    painter = make_painter()
    dry = np.zeros((120, 120), dtype=np.uint8)
    first, second = painter.paint(dry, NOON), painter.paint(dry, NOON + 360)
    left, top, right, bottom = painter.boxes[1]
    differs = first != second
    assert differs[top:bottom, left:right].any()
    differs[top:bottom, left:right] = False
    assert not differs.any()


def test_the_overlay_picture_has_the_frames_size_and_black_where_nothing_is_drawn() -> None:
    painter = make_painter()
    picture = painter.overlay_picture()
    assert picture.shape == (120, 190, 3)
    assert not picture[:, :LEGEND_WIDTH].any() and picture.any()
    read = decode_frame(encode_picture(picture), "a.png", painter.frame_size)
    assert np.array_equal(read[..., :3], picture) and (read[..., 3] == 255).all()


def test_towns_beyond_the_picture_are_not_drawn_and_those_at_its_rim_are_cut_off() -> None:
    few, more = (
        Painter("A", np.zeros((100, 100), np.float32), np.array(places, dtype=float).reshape(-1, 2)).hidden.sum()
        for places in ([], [[-4, 50], [50, 100], [200, 5]])
    )
    assert few == more
    Painter("A", np.zeros((100, 100), np.float32), np.array([[99.0, 99.0], [0.0, 0.0]]))


def test_both_radars_draw_the_same_coast() -> None:
    world, _ = small_world()
    first, second = (view.look_up_pixels(world.land) for view in world.views.values())
    longitude, latitude = world.radars[0].grid.longitude_latitude()
    column, row = (np.rint(values).astype(int) for values in world.radars[1].grid.pixel_of(longitude, latitude))
    size = world.options.size
    both = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    assert both.mean() > 0.2
    assert np.mean((first[both] > 0) == (second[row[both], column[both]] > 0)) > 0.9
