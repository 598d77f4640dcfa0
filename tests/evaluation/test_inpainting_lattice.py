"""Masks have their size, hide a sixteenth, cover each place by each size, and never hide nodata."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radar_cleaner.conventions import NODATA
from radar_cleaner.evaluation.inpainting_lattice import LATTICE, hide, hole_lattice

START = 1720656000
SIZES = (2, 4, 8)


def full(shape):
    return np.full(shape, 90, np.uint8)


@given(
    arrays(np.uint8, (13, 17), elements=st.sampled_from([0, 90, NODATA])),
    st.integers(0, 2**31),
    st.sets(st.integers(1, 6), min_size=1).map(sorted),
)
def test_masks_never_touch_nodata_and_hide_nothing_else(codes, time, sizes):
    holes = hole_lattice(codes, time, sizes)
    assert not holes[codes == NODATA].any() and holes.max() <= len(sizes)
    stack = np.stack([codes, np.full_like(codes, 7)])
    hidden = hide(stack, holes)
    assert (hidden[:, holes > 0] == NODATA).all()
    assert (hidden[:, holes == 0] == stack[:, holes == 0]).all()


@given(
    st.integers(0, 2**31),
    st.sets(st.integers(1, 12), min_size=1, max_size=4).map(sorted),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_every_mask_is_a_square_of_its_size_apart_from_all_others(time, sizes, down, right):
    box = LATTICE * sizes[-1]
    holes = hole_lattice(full((down * box, right * box)), time, sizes)
    for index, size in enumerate(sizes, 1):
        count, _, statistics, _ = cv2.connectedComponentsWithStats(
            (holes == index).astype(np.uint8), connectivity=4
        )
        for row in statistics[1:count]:
            width, height, area = (
                int(row[column]) for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA)
            )
            assert width == height == size and area == size**2


@pytest.mark.parametrize("cadence_minutes", [1, 2, 5, 6, 10, 12, 15, 30, 60])
def test_masks_of_each_size_cover_every_pixel_and_as_much_as_the_others(cadence_minutes):
    codes = full((45, 51))
    masks = np.stack([hole_lattice(codes, START + i * cadence_minutes * 60, SIZES) for i in range(300)])
    for index in range(1, len(SIZES) + 1):
        assert (masks == index).any(axis=0).all()
        share = (masks == index).mean() * LATTICE**2 * len(SIZES)
        assert 0.85 < share < 1.15
        assert (masks == index).mean(axis=0).max() < 3 / LATTICE**2 / len(SIZES)


@pytest.mark.parametrize("cadence_minutes", [1, 2, 5, 6, 10, 12, 15, 30, 60])
def test_masks_of_one_size_cover_every_pixel_over_a_hundred_frames(cadence_minutes):
    codes = full((37, 41))
    masks = [hole_lattice(codes, START + i * cadence_minutes * 60, [5]) for i in range(100)]
    assert np.any(masks, axis=0).all()
    assert 0.7 / LATTICE**2 < np.mean(np.array(masks) > 0) < 1.4 / LATTICE**2


@given(st.integers(0, 2**31), st.integers(1, 4))
def test_a_sixteenth_of_whole_boxes_is_hidden_whatever_the_sizes(time, count):
    sizes = [2**power for power in range(count)]
    box = LATTICE * sizes[-1]
    assert (hole_lattice(full((3 * box, 2 * box)), time, sizes) > 0).mean() == 1 / LATTICE**2


@given(st.integers(0, 2**31))
def test_boxes_beside_each_other_have_different_sizes_so_that_all_are_in_a_frame(time):
    holes = hole_lattice(full((64, 64)), time, SIZES)
    box = LATTICE * SIZES[-1]
    parts = {tuple(np.unique(holes[y : y + box, x : x + box])[1:]) for y in (0, box) for x in (0, box)}
    assert parts == {(1,), (2,), (3,)}


def test_masks_depend_on_the_time_alone():
    codes = full((40, 40))
    assert (hole_lattice(codes, 360, SIZES) == hole_lattice(codes, 360, SIZES)).all()
    assert (hole_lattice(codes, 360, SIZES) != hole_lattice(codes, 720, SIZES)).any()


def test_without_a_size_there_is_no_mask():
    assert not hole_lattice(full((40, 40)), 360, ()).any()


@given(st.integers(0, 2**31))
def test_two_sizes_alternate_like_the_fields_of_a_chessboard(time):
    holes = hole_lattice(full((32, 32)), time, [2, 4])
    parts = [[holes[y : y + 16, x : x + 16].max() for x in (0, 16)] for y in (0, 16)]
    assert parts[0] == parts[1][::-1] and sorted(parts[0]) == [1, 2]
