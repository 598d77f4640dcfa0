"""A palette read off a legend bar is the palette the bar was drawn with."""

import io

import numpy as np
import pytest
from picture_cases import LEGEND_COLOURS, LOWER_DBZ, RADARS, read_sample, sample_frames
from PIL import Image

from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.legend import read_legend


def draw_bar(colours, step=14, width=20, separator=0, unequal=False):
    """Return a vertical bar, strong at the top."""
    rows = []
    for number, colour in enumerate(colours):
        if separator and number:
            rows += [(0, 0, 0)] * separator
        rows += [colour] * (step + (number % 3) * 4 if unequal else step)
    return np.repeat(np.array(rows[::-1], dtype=np.uint8)[:, None], width, axis=1)


def jpeg(bar, quality):
    """The bar as JPEG shows it within a picture, numbers drawn beside it."""
    page = np.zeros((bar.shape[0] + 40, bar.shape[1] + 60, 3), np.uint8)
    page[15:-25, 12 : 12 + bar.shape[1]] = bar
    page[20::14, 40:60] = 255
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))[15:-25, 12 : 12 + bar.shape[1]]


def test_the_samples_own_bar_gives_the_samples_palette():
    bar = RADARS["legend_bar"]
    (x0, x1), y0 = bar["x"], bar["top_y"]
    crop = read_sample(sample_frames("CASGO")[0])[y0 : y0 + bar["step"] * bar["n"], x0 : x1 + 1]
    palette = read_legend(crop, LOWER_DBZ, "bounds", "here")
    assert [tuple(colour) for colour in palette.colours.tolist()] == LEGEND_COLOURS
    assert palette.lower_dbz.tolist() == LOWER_DBZ


@pytest.mark.parametrize("separator", [0, 1])
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("lying", [False, True])
def test_separators_unequal_classes_and_direction_do_not_matter(separator, unequal, lying):
    bar = draw_bar(LEGEND_COLOURS, separator=separator, unequal=unequal)
    if lying:
        bar = bar[::-1].transpose(1, 0, 2)  # strong at the right
    palette = read_legend(bar, LOWER_DBZ, "bounds", "here")
    assert [tuple(colour) for colour in palette.colours.tolist()] == LEGEND_COLOURS


@pytest.mark.parametrize("quality", [60, 75, 90])
@pytest.mark.parametrize("separator", [0, 1])
def test_jpeg_noise_moves_a_colour_little_and_loses_no_class(quality, separator):
    bar = jpeg(draw_bar(LEGEND_COLOURS, separator=separator), quality)
    palette = read_legend(bar, LOWER_DBZ, "bounds", "here")
    distance = np.linalg.norm(palette.colours.astype(float) - LEGEND_COLOURS, axis=1)
    assert distance.max() < 25  # half of the way to the next class at most


def test_two_ends_are_cut_into_equal_steps():
    palette = read_legend(draw_bar(LEGEND_COLOURS[:6]), [0, 60], "ends", "here")
    assert palette.lower_dbz.tolist() == [0, 10, 20, 30, 40, 50]
    assert palette.upper_dbz[-1] == 60


def test_a_bar_of_two_pixels_a_class_is_read():
    palette = read_legend(draw_bar(LEGEND_COLOURS, step=2), LOWER_DBZ, "bounds", "here")
    assert [tuple(colour) for colour in palette.colours.tolist()] == LEGEND_COLOURS


@pytest.mark.parametrize(
    ("bar", "dbz", "scale", "message"),
    [
        (draw_bar(LEGEND_COLOURS), LOWER_DBZ[1:], "bounds", "14 classes .* gives 13 lower bounds"),
        (draw_bar(LEGEND_COLOURS), [*LOWER_DBZ, 70], "bounds", "14 classes .* gives 15"),
        (draw_bar(LEGEND_COLOURS), [0, 30, 60], "ends", "two ends"),
        (draw_bar(LEGEND_COLOURS), [60, 0], "ends", "low, high"),
        (draw_bar(LEGEND_COLOURS[:1]), [0, 60], "ends", "1 classes"),
        (draw_bar(LEGEND_COLOURS), LOWER_DBZ[::-1], "bounds", "must rise"),
    ],
)
def test_a_bar_and_bounds_that_do_not_fit_are_refused(bar, dbz, scale, message):
    with pytest.raises(ConfigError, match=message):
        read_legend(bar, dbz, scale, "box [1, 2, 3, 4]")
