"""Pictures of the place of a frame."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from radar_cleaner.plotting.place import over_white, place_figure

LINE = np.array([[10.0, 0.0], [10.0, 39.0]])


def drawn(**options: object) -> np.ndarray:
    frame = np.full((60, 80, 3), 90, np.uint8)
    values = {"coast": [], "borders": [], "graticule": [], "shown": []} | options
    png = place_figure("R", frame, (20, 10, 70, 50), **values)  # type: ignore[arg-type]
    return np.array(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 180) & (picture[..., 1] < 130) & (picture[..., 2] < 60)


def test_the_coast_is_drawn_within_the_plot_box_only() -> None:
    plain, coast = drawn(), drawn(coast=[LINE])
    there = red(coast[60:-60]) & ~red(plain[60:-60])
    columns = np.flatnonzero(there.any(axis=0))
    assert len(columns) and np.ptp(columns) < 6  # one upright line
    assert not (red(drawn(coast=[LINE - (60, 0)])[60:-60]) & ~red(plain[60:-60])).any()


def test_a_coast_elsewhere_and_a_graticule_change_the_picture() -> None:
    once, twice = drawn(coast=[LINE]), drawn(coast=[LINE], shown=[LINE + np.array([5, 3])])
    assert once.shape == twice.shape and (once != twice).any()
    assert (drawn(graticule=[("10°E", LINE)]) != drawn()).any()


def test_a_title_of_several_lines_is_apart_from_the_edges() -> None:
    frame = np.full((60, 90, 3), 255, np.uint8)
    png = place_figure("one line\nanother line\na third one", frame, (0, 0, 90, 60), [], [], [])
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert (picture[:8] == 255).all() and (picture[:, :8] == 255).all()
    assert (picture[8:60] < 100).any()


def test_what_is_transparent_is_drawn_as_white() -> None:
    frame = np.full((1, 3, 3), 100, np.uint8)
    seen = over_white(frame, np.array([[0, 102, 255]], np.uint8))
    np.testing.assert_array_equal(seen[0, :, 0], [255, 193, 100])
