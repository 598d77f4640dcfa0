"""Boxes, clocks, blurred names and areas without coverage hide the rain: it is unknown there, not absent."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scene_cases import NO_COLOURS, Mask, Pixels, Scene

from radar_cleaner.reflectivity.archive import Look
from radar_cleaner.reflectivity.palette import make_palette
from radar_cleaner.reflectivity.picture_learning import learn
from radar_cleaner.reflectivity.usual_echo import describe_usual, usual_classes

FEW = settings(max_examples=4, deadline=None)
SEEDS = st.integers(0, 10**6)
Box = tuple[slice, slice]


def a_box(scene: Scene, high: int, wide: int) -> Box:
    """Draw the place of a box."""
    top, left = (int(scene.rng.integers(4, scene.size - side - 4)) for side in (high, wide))
    return slice(top, top + high), slice(left, left + wide)


def text(scene: Scene, step: int, place: tuple[int, int]) -> Mask:
    """Return the pixels (y, x) of a time of day, other ones for each step."""
    canvas = np.zeros((scene.size, scene.size), np.uint8)
    cv2.putText(canvas, f"{step % 24:02d}:{7 * step % 60:02d}", place, cv2.FONT_HERSHEY_PLAIN, 0.8, 1)
    return canvas > 0


@FEW
@given(seed=SEEDS, count=st.sampled_from([1, 3, 12]))
def test_a_box_with_a_clock_hides_the_rain_below(seed: int, count: int) -> None:
    scene = Scene(seed)
    box = a_box(scene, 18, 50)
    inside = np.zeros((scene.size, scene.size), bool)
    inside[box] = True

    def frame(step: int) -> Pixels:
        drawn = scene.draw(scene.rain(step), inside, scene.other)
        drawn[text(scene, step, (box[1].start + 3, box[0].stop - 4)) & inside] = scene.line
        return drawn

    picture = scene.learn([frame(step) for step in range(count)])
    for step in (0, 31):
        found = scene.classes_of(scene.decode(picture, frame(step)).codes)
        assert (found[inside] == -1).all()
        assert np.array_equal(found[~inside], scene.rain(step)[~inside])


@FEW
@given(seed=SEEDS)
def test_a_clock_without_a_box_is_never_echo_and_hardly_ever_dry(seed: int) -> None:
    scene = Scene(seed)
    place = (int(scene.rng.integers(4, 40)), int(scene.rng.integers(20, 90)))
    frames = [scene.draw(scene.rain(step), text(scene, step, place), scene.other) for step in range(16)]
    picture = scene.learn(frames)
    for step in range(0, 16, 3):
        found = scene.classes_of(scene.decode(picture, frames[step]).codes)[text(scene, step, place)]
        assert (found <= 0).all()
        assert (found == 0).mean() <= 0.1  # pixels that most times of day cover look like the map


@FEW
@given(seed=SEEDS)
def test_an_area_that_rain_never_enters_is_not_observed(seed: int) -> None:
    scene = Scene(seed, dry=-0.2)
    row, column = np.indices((scene.size, scene.size))
    covered = np.hypot(row - scene.size / 2, column - scene.size / 2) < 0.42 * scene.size
    frames = [scene.draw(scene.rain(step), ~covered, scene.other) for step in range(20)]
    picture = scene.learn(frames)
    for step in (0, 11):
        found = scene.classes_of(scene.decode(picture, frames[step]).codes)
        assert (found[~covered] == -1).all()
        assert (found != scene.rain(step))[covered].mean() < 0.001


@FEW
@given(seed=SEEDS)
def test_an_area_that_no_rain_has_reached_is_like_the_others_of_its_colour(seed: int) -> None:
    scene = Scene(seed, dry=-0.2)
    row, column = np.indices((scene.size, scene.size))
    outside = np.hypot(row - 20, column - 60) > 50
    near = (row > 70) & (column < 50)  # where it does not rain yet
    frames = [scene.draw(np.where(near, 0, scene.rain(step)), outside, scene.other) for step in range(20)]
    picture = scene.learn(frames)
    rain = scene.rain(30)
    found = scene.classes_of(scene.decode(picture, scene.draw(rain, outside, scene.other)).codes)
    assert (found[outside] == -1).all()
    assert (found != rain)[~outside].mean() < 0.01


@pytest.mark.slow
@FEW
@given(seed=SEEDS)
def test_the_blurred_rims_of_names_over_rain_are_never_dry(seed: int) -> None:
    scene = Scene(seed)
    canvas = np.zeros((scene.size, scene.size), np.uint8)
    cv2.putText(canvas, "Rabat", (20, 50), cv2.FONT_HERSHEY_PLAIN, 1.2, 1)
    share = cv2.GaussianBlur(canvas.astype(np.float32), (3, 3), 0.6)[..., None]

    def frame(step: int) -> Pixels:
        return np.rint(share * scene.line + (1 - share) * scene.draw(scene.rain(step))).astype(np.uint8)

    picture = scene.learn([frame(step) for step in range(16)])
    plain, hidden = share[..., 0] == 0, share[..., 0] > 0.5
    for step in (0, 31):
        rain = scene.rain(step)
        found = scene.classes_of(scene.decode(picture, frame(step)).codes)
        assert (found[hidden] < 1).all() and (found[hidden & (rain > 0)] == -1).all()
        assert (~plain & (rain > 0) & (found == 0)).sum() < 0.03 * (~plain).sum()
        assert (found[plain] == rain[plain]).mean() > 0.99


def a_sea(scene: Scene, number: int) -> None:
    """Give the sea the colour of a class."""
    scene.map = np.where(scene.is_land[..., None], scene.land, scene.palette.colours[number - 1])


@FEW
@given(seed=SEEDS, number=st.integers(1, 5))
def test_a_sea_in_the_colour_of_a_class_is_not_echo_or_a_warning_names_it(seed: int, number: int) -> None:
    scene = Scene(seed, dry=0.6)
    a_sea(scene, number)
    frames = [scene.draw(scene.rain(step)) for step in range(24)]
    picture = scene.learn(frames)
    seen = np.ones((scene.size, scene.size), bool)
    look = Look(scene.palette.scale(20), scene.palette, NO_COLOURS, NO_COLOURS, seen)
    usual = usual_classes(frames, picture, look)
    rain = scene.rain(31)
    found = scene.classes_of(scene.decode(picture, scene.draw(rain)).codes)
    assert (found[rain == 0] > 0).mean() < 0.03 or [name for name, _ in usual] == [number]
    assert (found[scene.is_land] == rain[scene.is_land]).mean() > 0.95


@FEW
@given(seed=SEEDS, number=st.integers(1, 4), missing=st.sampled_from([0.0, 0.02, 0.3]))
def test_clutter_that_is_usually_of_one_class_is_echo(seed: int, number: int, missing: float) -> None:
    """A map in the colour of a class shows that colour, or rain; clutter changes pixel by pixel."""
    scene = Scene(seed, dry=0.8)
    spoke = np.zeros((scene.size, scene.size), np.uint8)
    cv2.line(spoke, (10, 80), (50, 40), 1, 2)

    def clutter() -> NDArray[np.int64]:
        classes = scene.rng.choice(3, size=spoke.shape, p=[missing, 0.7 * (1 - missing), 0.3 * (1 - missing)])
        return np.where((spoke > 0) & (classes > 0), classes + number - 1, 0)

    frames = [np.maximum(scene.rain(step), clutter()) for step in range(30)]
    picture = scene.learn([scene.draw(frame) for frame in frames])
    found = scene.classes_of(scene.decode(picture, scene.draw(frames[20])).codes)
    assert (found == frames[20])[spoke > 0].all()


@FEW
@given(seed=SEEDS, number=st.integers(1, 5))
def test_a_ground_colour_that_is_also_that_of_a_class_is_the_map_where_it_is_usual(seed: int, number: int) -> None:
    scene = Scene(seed, dry=1.2)
    a_sea(scene, number)
    frames = [scene.draw(scene.rain(step)) for step in range(12)]
    ground, seen = scene.palette.colours[number - 1][None], np.ones((scene.size, scene.size), bool)
    picture = learn(frames, Look(scene.palette.scale(20, ground), scene.palette, NO_COLOURS, ground, seen))
    rain = scene.rain(31)
    found = scene.classes_of(scene.decode(picture, scene.draw(rain)).codes)
    assert (found[rain == 0] > 0).mean() < 0.02
    assert (found[scene.is_land] == rain[scene.is_land]).mean() > 0.95


def test_the_warning_of_a_usual_class_names_colour_class_share_and_keys() -> None:
    palette = make_palette(np.array([[1, 2, 3], [0, 0, 255]], np.uint8), np.array([5.0, 10.0]), "two")
    line = describe_usual("KAT", [(2, 0.31)], palette)
    for part in ("KAT", "#0000ff", "class 2", "31 %", "labels.ground_colours", "picture.period"):
        assert part in line


@FEW
@given(seed=SEEDS)
def test_a_box_in_the_colour_of_the_map_with_a_clock_hides_the_rain_below(seed: int) -> None:
    scene = Scene(seed, dry=-0.3)
    scene.map[:] = scene.land
    inside = np.zeros((scene.size, scene.size), bool)
    box = a_box(scene, 18, 50)
    inside[box] = True

    def frame(step: int) -> Pixels:
        drawn = scene.draw(scene.rain(step), inside, scene.land)
        drawn[text(scene, step, (box[1].start + 3, box[0].stop - 4)) & inside] = scene.line
        return drawn

    picture = scene.learn([frame(step) for step in range(24)])
    rain = scene.rain(31)
    found = scene.classes_of(scene.decode(picture, frame(31)).codes)
    assert (found[inside] == -1).all()
    assert (found == rain)[~inside].mean() > 0.97
