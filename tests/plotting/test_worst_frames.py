"""Every worst frame has its row; lost weather and kept other echo have colours of their own."""

import io
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

from radar_cleaner.plotting.worst_frames import ErrorRow, grow, worst_frames_figure

BLUE, VERMILION = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
RINGS = (30, 60)


def row_of(shape=(48, 60)):
    codes = np.zeros(shape, np.uint8)
    codes[10:30, 10:40] = 130
    nothing = np.zeros(shape, bool)
    return ErrorRow(
        title="1. A",
        words=("no weather lost", "no other echo kept"),
        picture=np.full((*shape, 3), 90, np.uint8),
        codes=codes,
        reference=np.full(shape, 3, np.uint8),
        lost=nothing,
        left=nothing,
        reference_name="the mask",
        extent=(-120.0, 120.0, -96.0, 96.0),
    )


def draw(*rows):
    return iio.imread(io.BytesIO(worst_frames_figure(rows, RINGS, "no frame was scored")))[..., :3].astype(int)


def has(picture, colour):
    """How many pixels are of about this colour; the palette of the file may move it a little."""
    return int((np.abs(picture - np.array(colour)).max(axis=-1) < 12).sum())


def test_each_frame_has_a_row():
    assert draw(*[row_of()] * 3).shape[0] == 3 * draw(row_of()).shape[0]


def test_without_a_frame_there_is_a_small_picture_with_a_note():
    picture = draw()
    assert picture.shape[0] < 200 and len(np.unique(picture)) > 5


def test_errors_have_their_colours_and_correct_echo_is_grey():
    legend = {colour: has(draw(row_of()), colour) for colour in (BLUE, VERMILION)}
    wrong = np.zeros((48, 60), bool)
    wrong[15:20, 15:20] = True
    lost, left = draw(replace(row_of(), lost=wrong)), draw(replace(row_of(), left=wrong))
    assert has(lost, BLUE) > legend[BLUE] + 100 and has(lost, VERMILION) == legend[VERMILION]
    assert has(left, VERMILION) > legend[VERMILION] + 100 and has(left, BLUE) == legend[BLUE]


@pytest.mark.parametrize(("class_", "colour"), [(1, BLUE), (2, VERMILION)])
def test_the_reference_has_the_same_colours(class_, colour):
    row = row_of()
    picture = draw(replace(row, reference=np.full(row.codes.shape, class_, np.uint8)))
    assert has(picture, colour) > has(draw(row), colour) + 1000


def test_a_single_wrong_pixel_of_a_large_box_is_visible():
    wrong = np.zeros((480, 480), bool)
    wrong[240, 240] = True
    picture = draw(replace(row_of((480, 480)), lost=wrong))
    assert has(picture, BLUE) > has(draw(row_of((480, 480))), BLUE)
    assert grow(wrong).sum() == 9


def test_equal_frames_give_an_equal_file():
    rows = [row_of()]
    assert worst_frames_figure(rows, RINGS, "") == worst_frames_figure(rows, RINGS, "")
