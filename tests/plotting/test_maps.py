"""Kilometres fit the pixels, the map is drawn below the echoes, and every panel is drawn."""

import io

import imageio.v3 as iio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.conventions import NODATA
from radar_cleaner.plotting.maps import (
    atlas_figure,
    cleaning_figure,
    composite_figure,
    extent_km,
    label_figure,
    median_map,
    overlap_figure,
    pale,
    place,
)

SHAPE = (40, 40)
EXTENT = extent_km(SHAPE, (20, 19), (6, 6))
FRAME_EXTENT = extent_km((40, 50), (20, 19), (6, 6), (10, 0))
WORLD = np.tile(np.arange(40, dtype=np.uint8)[:, None, None] * 6, (1, 40, 3))


@pytest.fixture
def codes():
    values = np.zeros(SHAPE, np.uint8)
    values[5:20, 5:20] = 130
    values[:, :2] = NODATA
    return values


def test_the_radar_is_at_zero_and_pixels_have_their_width():
    left, right, bottom, top = extent_km((480, 480), (240, 239), (1, 1))
    assert (left, right, bottom, top) == (-240.5, 239.5, -240.5, 239.5)
    # The centre of pixel (240, 239) is half a pixel from its edges.
    assert left + 240 + 0.5 == 0 and top - 239 - 0.5 == 0


def test_a_legend_at_the_left_moves_the_left_edge_only():
    assert extent_km((480, 580), (240, 239), (1, 1), (100, 0)) == (-340.5, 239.5, -240.5, 239.5)


@given(st.integers(0, 2**31))
def test_the_map_is_the_median_of_pixels_without_echo(seed):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (5, 4, 3, 3)).astype(np.uint8)
    echo = rng.random((5, 4, 3)) < 0.4
    found = median_map(list(frames), list(echo))
    for row, column in np.ndindex(4, 3):
        clear = ~echo[:, row, column]
        colours = np.sort(frames[clear if clear.any() else slice(None), row, column], axis=0)
        assert (found[row, column] == colours[(len(colours) - 1) // 2]).all()


def test_a_spoke_that_moves_leaves_no_trace_on_the_map():
    frames, echoes = [], []
    for index in range(4):
        echo = np.zeros(SHAPE, bool)
        echo[index * 3 : index * 3 + 30] = True
        frames.append(np.where(echo[..., None], np.uint8(255), WORLD))
        echoes.append(echo)
    always = np.logical_and.reduce(echoes)
    assert (median_map(frames, echoes)[~always] == WORLD[~always]).all()


def test_a_pale_map_is_grey_and_light():
    faint = pale(WORLD)
    assert (faint[..., 0] == faint[..., 1]).all() and faint.min() > 200
    assert (np.diff(faint[:, 0, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize("offset", [(0, 0), (3, 2), (-5, -7), (45, 0)])
def test_a_map_is_placed_at_its_offset_and_cut(offset):
    placed = place(WORLD, (50, 44), offset)
    assert placed.shape == (50, 44, 3)
    for row, column in [(10, 10), (39, 30), (49, 43)]:
        y, x = row - offset[1], column - offset[0]
        inside = 0 <= y < 40 and 0 <= x < 40
        assert (placed[row, column] == (WORLD[y, x] if inside else 250)).all()


def drawn(png):
    picture = iio.imread(io.BytesIO(png))[..., :3].reshape(-1, 3)
    return {f"#{colour:06x}" for colour in np.unique(picture @ np.array([1 << 16, 1 << 8, 1]))}


def near(colours, wanted):
    """Whether a colour is there; the picture's palette may move it a little."""
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours])
    aim = np.array([int(wanted[i : i + 2], 16) for i in (1, 3, 5)])
    return bool((np.abs(rgb - aim).max(axis=1) < 12).any())


def test_flags_have_their_colours(codes):
    frame, backdrop = np.zeros((40, 50, 3), np.uint8), WORLD // 4 + 190
    flags = np.where(codes == 130, 2, 0).astype(np.uint8)
    colours = drawn(cleaning_figure("t", frame, FRAME_EXTENT, codes, codes, flags, backdrop, EXTENT))
    assert near(colours, "#d55e00") and not near(colours, "#0072b2")


def test_labels_are_drawn_for_echoes_alone(codes):
    frame = np.zeros((40, 50, 3), np.uint8)
    classes = np.where(codes == 130, 2, 1).astype(np.uint8)
    colours = drawn(label_figure("t", frame, FRAME_EXTENT, codes, classes, WORLD // 4 + 190, EXTENT))
    assert near(colours, "#d55e00") and not near(colours, "#0072b2")


def test_an_atlas_with_nodata_and_without_clutter_is_drawn():
    frequency = np.full(SHAPE, 0.3, np.float32)
    frequency[:5] = np.nan
    colours = drawn(atlas_figure("t", WORLD, frequency, np.zeros(SHAPE, bool), EXTENT))
    assert not near(colours, "#d55e00")
    assert near(drawn(atlas_figure("t", WORLD, frequency, frequency > 0.1, EXTENT)), "#d55e00")


def test_an_overlap_shows_both_maps_where_both_cover():
    red, green = (np.zeros((*SHAPE, 3), np.uint8) for _ in range(2))
    red[..., 0] = green[..., 1] = 200
    whole, none = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)
    both = drawn(overlap_figure("t", [("a", red, green, whole, EXTENT)]))
    assert near(both, "#c80000") and near(both, "#00ac00")
    assert not near(drawn(overlap_figure("t", [("a", red, green, none, EXTENT)])), "#00ac00")


def test_a_composite_without_any_echo_is_drawn():
    nothing = np.zeros(SHAPE, np.uint8)
    assert composite_figure("t", nothing, nothing, pale(WORLD), EXTENT).startswith(b"\x89PNG")
