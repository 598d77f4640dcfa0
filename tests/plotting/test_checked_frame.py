"""The picture of `show-frame` shows the decoded pixels in the colours of their rows."""

import io

import numpy as np
import pytest
from PIL import Image

from radar_cleaner.plotting.checked_frame import ClassRow, Place, checked_frame_figure

ROWS = [ClassRow("class 1", "#00ff00", "5 to 10", 100, 0.1), ClassRow("unmatched", "#ff00ff", "", 50, 0.05)]


def _draw(kinds):
    frame = np.full((60, 90, 3), 120, np.uint8)
    ring = np.stack([30 + 20 * np.cos(np.linspace(0, 6.3, 50)), 30 + 20 * np.sin(np.linspace(0, 6.3, 50))], -1)
    png = checked_frame_figure(
        "A",
        frame,
        (30, 0, 90, 60),
        Place(rings=[("20 km", ring)]),
        (60, 30),
        {"legend": (5, 5, 10, 50)},
        kinds,
        ROWS,
        ["a note"],
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def _share(picture, colour):
    return (np.abs(picture.astype(int) - colour) < 30).all(axis=2).mean()


def test_pixels_have_the_colours_of_their_rows():
    kinds = np.full((60, 60), -1)
    kinds[:30], kinds[30:40] = 0, 1
    few = _draw(np.full((60, 60), -1))
    many = _draw(kinds)
    assert many.shape == few.shape
    # Half and a sixth of the plot box beside what the table has of these colours.
    green, magenta = (_share(many, colour) - _share(few, colour) for colour in ((0, 255, 0), (255, 0, 255)))
    assert green / magenta == pytest.approx(3, rel=0.1)


def test_a_frame_without_classes_is_drawn_alone():
    assert _draw(None).shape[1] < _draw(np.full((60, 60), -1)).shape[1]
