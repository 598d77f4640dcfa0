"""The eight flips and rotations of a picture."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.datasets.dihedral import (
    FLIP_ROTATIONS,
    FlipRotation,
    flip_rotate,
    flip_rotate_point,
    undo_flip_rotate,
)

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))


def numbered(shape):
    return torch.arange(shape[0] * shape[1]).reshape(shape)


def test_the_eight_are_distinct_and_all_there_are():
    laid = {str(flip_rotate(numbered((3, 3)), turn).tolist()) for turn in FLIP_ROTATIONS}
    again = {
        str(flip_rotate(flip_rotate(numbered((3, 3)), one), other).tolist())
        for one in FLIP_ROTATIONS
        for other in FLIP_ROTATIONS
    }
    assert len(laid) == 8 and again == laid
    assert FLIP_ROTATIONS[0] == FlipRotation(False, 0) and flip_rotate(
        numbered((3, 3)), FLIP_ROTATIONS[0]
    ).tolist()[0] == [0, 1, 2]


def test_a_quarter_turn_is_counter_clockwise_and_follows_the_flip():
    assert flip_rotate(torch.tensor([[1, 2]]), FlipRotation(False, 1)).tolist() == [[2], [1]]
    assert flip_rotate(torch.tensor([[1, 2]]), FlipRotation(True, 1)).tolist() == [[1], [2]]


@given(shape=SHAPES, turn=st.sampled_from(FLIP_ROTATIONS))
def test_the_inverse_gives_the_picture_again(shape, turn):
    picture = numbered((2, *shape)[-2:]).expand(3, *shape)
    assert torch.equal(undo_flip_rotate(flip_rotate(picture, turn), turn), picture)


@given(shape=SHAPES, turn=st.sampled_from(FLIP_ROTATIONS), data=st.data())
def test_a_point_stays_on_its_pixel_and_keeps_its_distances_also_outside_the_picture(shape, turn, data):
    row, column = (data.draw(st.integers(0, size - 1)) for size in shape)
    turned = flip_rotate(numbered(shape), turn)
    new_column, new_row = flip_rotate_point((column, row), shape, turn)
    assert int(turned[new_row, new_column]) == int(numbered(shape)[row, column])
    outside = data.draw(st.tuples(st.floats(-20, 20), st.floats(-20, 20)))
    far_column, far_row = flip_rotate_point(outside, shape, turn)
    before = (outside[0] - column) ** 2 + (outside[1] - row) ** 2
    assert abs((far_column - new_column) ** 2 + (far_row - new_row) ** 2 - before) < 1e-6
