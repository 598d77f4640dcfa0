"""Areas that hide the map in some frames have no coverage; flat colours that rain never enters are asked about."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scene_cases import NO_COLOURS, Mask, Pixels, Scene

from radar_cleaner.reflectivity.archive import Look
from radar_cleaner.reflectivity.meaning import describe_hiding, describe_unknown, unknown_colours
from radar_cleaner.reflectivity.palette import format_colour
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.picture_learning import learn
from radar_cleaner.reflectivity.rain_shapes import RainShapes

FEW = settings(max_examples=3, deadline=None)
SEEDS = st.integers(0, 10**6)
SIZE = 128
FRAMES = 20


def a_disc(scene: Scene, share: float = 0.25) -> Mask:
    """Draw the circle of range of a radar, somewhere in the picture."""
    row, column = scene.rng.uniform(0.3, 0.7, 2) * scene.size
    y, x = np.indices((scene.size, scene.size))
    return np.asarray(np.hypot(y - row, x - column) < share * scene.size)


def look_of(scene: Scene, ground: Pixels = NO_COLOURS) -> Look:
    seen = np.ones((scene.size, scene.size), bool)
    return Look(scene.palette.scale(20), scene.palette, NO_COLOURS, ground, seen)


def with_a_radar_off(scene: Scene, disc: Mask, every: int) -> list[Pixels]:
    steps = range(FRAMES)
    return [scene.draw(scene.rain(step), disc if step % every == 0 else None, scene.other) for step in steps]


def codes_of(scene: Scene, picture: Picture, frame: Pixels) -> NDArray[np.int64]:
    return scene.classes_of(scene.decode(picture, frame).codes)


@FEW
@given(seed=SEEDS, every=st.sampled_from([2, 3, 5]))
def test_a_radar_that_is_off_in_some_frames_sees_nothing_there_and_is_named(seed: int, every: int) -> None:
    scene = Scene(seed, size=SIZE)
    disc = a_disc(scene)
    picture = scene.learn(with_a_radar_off(scene, disc, every))
    assert format_colour(scene.other.tolist()) in describe_hiding("R", picture)
    rain = scene.rain(31)
    assert (codes_of(scene, picture, scene.draw(rain, disc, scene.other))[disc] == -1).all()
    assert (codes_of(scene, picture, scene.draw(rain)) == rain).mean() > 0.99


@pytest.mark.slow
@FEW
@given(seed=SEEDS)
def test_a_map_in_other_colours_by_night_hides_nothing(seed: int) -> None:
    scene = Scene(seed, size=SIZE)
    day = scene.map
    frames = []
    for step in range(FRAMES):
        scene.map = np.where(scene.is_land[..., None], scene.other, scene.none) if step % 3 == 0 else day
        frames.append(scene.draw(scene.rain(step)))
    picture = scene.learn(frames)
    assert not picture.hiding and describe_hiding("R", picture) == ""
    found, rain = codes_of(scene, picture, frames[0]), scene.rain(0)
    assert (found == rain).mean() > 0.8  # where rain hid the night, it is unmatched
    assert ((found == rain) | (found == -1)).mean() > 0.99


def test_a_colour_that_is_named_as_ground_hides_nothing() -> None:
    scene = Scene(7, size=SIZE)
    frames = with_a_radar_off(scene, a_disc(scene), 3)
    assert learn(frames, look_of(scene)).hiding
    assert not learn(frames, look_of(scene, scene.other[None])).hiding


@FEW
@given(seed=SEEDS, count=st.sampled_from([1, 3]))
def test_few_frames_with_an_area_outside_the_range_ask_for_its_colour_or_know_that_it_is_not_observed(
    seed: int, count: int
) -> None:
    scene = Scene(seed, size=SIZE)
    outside = ~a_disc(scene, 0.4)
    frames = [scene.draw(scene.rain(step), outside, scene.other) for step in range(count)]
    look = look_of(scene)
    picture = learn(frames, look)
    asked = [colour for colour, _ in unknown_colours(frames, picture, look)]
    assert tuple(scene.other.tolist()) in asked or picture.overlay[outside].mean() > 0.95


def test_the_question_names_colour_share_and_keys_until_the_answer_is_given() -> None:
    scene = Scene(3, size=SIZE)
    frames = [scene.draw(scene.rain(0), ~a_disc(scene, 0.4), scene.other)]
    look = look_of(scene)
    text = describe_unknown("R", unknown_colours(frames, learn(frames, look), look))
    assert f"R: the meaning of colour {format_colour(scene.other.tolist())} (" in text and " %)" in text
    assert "labels.nodata_colours" in text and "labels.ground_colours" in text
    known = look_of(scene, scene.other[None])
    colours = [colour for colour, _ in unknown_colours(frames, learn(frames, known), known)]
    assert tuple(scene.other.tolist()) not in colours
    assert describe_unknown("R", []) == ""


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_rain_that_ends_at_the_rim_of_a_circle_does_not_enter(side: str) -> None:
    y, x = np.indices((200, 200))
    disc = np.hypot(y - 100, x - 90) < 70
    area = disc if side == "inside" else ~disc
    shapes = RainShapes()
    shapes.add(area, ~area & (y > 60))
    assert shapes.known and not shapes.enter
    shower = np.hypot(y - 100, x - (90 if side == "inside" else 180)) < 8
    shapes.add(area & ~shower, shower)
    assert shapes.enter
