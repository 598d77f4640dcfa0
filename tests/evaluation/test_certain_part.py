"""The certain part of a reference is what a plain search finds, however the frame is turned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN
from radar_cleaner.evaluation.certain_part import MARGIN_PX, MOSTLY, certain_classes

SCENES = arrays.arrays(
    np.uint8, (9, 11), elements=st.sampled_from([0, 0, 0, 0, METEOROLOGICAL, NON_METEOROLOGICAL, 3])
)


def plain(echo: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The definition, pixel by pixel."""
    met = {tuple(place) for place in np.argwhere(classes == METEOROLOGICAL).tolist()}
    other = {tuple(place) for place in np.argwhere(classes == NON_METEOROLOGICAL).tolist()}
    left = {tuple(place) for place in np.argwhere(echo).tolist()} | met | other
    certain = np.full(classes.shape, UNKNOWN, np.uint8)
    while left:
        whole, fresh = set(), {left.pop()}
        while fresh:
            whole |= fresh
            near = {(y + dy, x + dx) for y, x in fresh for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
            fresh = near & left
            left -= fresh
        of_met, of_other = whole & met, whole & other
        if len(of_met) >= MOSTLY * (len(of_met) + len(of_other)):
            for place in of_met:
                certain[place] = METEOROLOGICAL
        for y, x in of_other if not of_met else ():
            if all(np.hypot(y - v, x - u) > MARGIN_PX for v, u in met):
                certain[y, x] = NON_METEOROLOGICAL
    return certain


@given(SCENES)
def test_the_certain_part_is_that_of_its_definition(scene: np.ndarray) -> None:
    echo, classes = scene > 0, np.where(scene == 0, UNKNOWN, scene).astype(np.uint8)
    certain = certain_classes(echo, classes)
    assert (certain == plain(echo, classes)).all()
    assert np.isin(certain[certain != classes], UNKNOWN).all(), "a class may become unknown, never another"
    for turns in (1, 2, 3):
        turned = certain_classes(np.rot90(echo, turns).copy(), np.rot90(classes, turns).copy())
        assert (turned == np.rot90(certain, turns)).all()


@pytest.mark.parametrize(("gap", "certain"), [(0, False), (2, False), (3, True)])
def test_other_echo_is_certain_more_than_three_pixels_from_weather(gap: int, certain: bool) -> None:
    classes = np.full((20, 30), UNKNOWN, np.uint8)
    classes[5:15, 2:12] = METEOROLOGICAL
    classes[9, 12 + gap] = NON_METEOROLOGICAL
    found = certain_classes(classes != UNKNOWN, classes)
    assert (found[9, 12 + gap] == NON_METEOROLOGICAL) == certain
    assert (found[5:15, 2:12] == METEOROLOGICAL).all(), "one pixel of 101 leaves the echo mostly weather"


def test_echo_without_a_class_joins_and_weather_in_clutter_is_not_certain() -> None:
    classes = np.full((20, 40), UNKNOWN, np.uint8)
    classes[2:6, 2:6], classes[2:6, 20:24] = METEOROLOGICAL, NON_METEOROLOGICAL
    echo = classes != UNKNOWN
    assert (certain_classes(echo, classes) == classes).all()
    echo[3, 6:20] = True  # a bridge without a class: as many pixels of both classes in one echo
    assert (certain_classes(echo, classes) == UNKNOWN).all()


def test_a_frame_without_echo_or_of_one_class_is_as_it_was() -> None:
    none = np.full((8, 8), UNKNOWN, np.uint8)
    assert (certain_classes(none != UNKNOWN, none) == UNKNOWN).all()
    for one in (METEOROLOGICAL, NON_METEOROLOGICAL):
        whole = np.full((8, 8), one, np.uint8)
        assert (certain_classes(np.ones((8, 8), bool), whole) == one).all()
