"""Pictures whose colours are too mixed or too noisy for their classes are noticed, and others are not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_cases import NO_COLOURS, Scene, jpeg

from radar_cleaner.reflectivity.archive import Look
from radar_cleaner.reflectivity.doubt import Doubt, describe_doubt, measure_doubt
from radar_cleaner.reflectivity.palette import Palette, make_palette

FEW = settings(max_examples=4, deadline=None)
SEEDS = st.integers(0, 10**6)


def near_classes(scene: Scene, step: float) -> Palette:
    """Return 24 classes along a line of colours, each `step` from the next."""
    start = scene.rng.integers(100, 150, 3)
    line = np.array([1, -1, 1]) / 3**0.5
    colours = np.rint(start + step * np.arange(-12, 12)[:, None] * line).clip(0, 255).astype(np.uint8)
    return make_palette(colours, 5.0 + 2 * np.arange(24), "near")


def measure(scene: Scene, frames: list[np.ndarray]) -> Doubt:
    look = Look(scene.palette.scale(20), scene.palette, NO_COLOURS, NO_COLOURS, np.ones(frames[0].shape[:2], bool))
    return measure_doubt(frames, scene.learn(frames), look)


@FEW
@given(seed=SEEDS)
def test_pure_pictures_leave_no_doubt(seed: int) -> None:
    scene = Scene(seed)
    doubt = measure(scene, [scene.draw(scene.rain(step)) for step in range(6)])
    assert doubt.share < 0.001
    assert describe_doubt("R", doubt, scene.palette) == ""


@FEW
@given(seed=SEEDS)
def test_jpeg_of_near_classes_is_a_warning_with_the_keys_to_change(seed: int) -> None:
    scene = Scene(seed)
    scene.palette = near_classes(scene, 8)
    scene.classes = 24
    doubt = measure(scene, [jpeg(scene.draw(scene.rain(step)), 60) for step in range(6)])
    text = describe_doubt("R", doubt, scene.palette)
    assert "R: " in text and "labels.palette" in text and "labels.ground_colours" in text
    assert f"{100 * doubt.off / doubt.echo:.1f} % more than one class off" in text


def test_a_picture_without_echo_leaves_no_doubt() -> None:
    scene = Scene(1)
    frame = scene.draw(np.zeros((scene.size, scene.size), np.int64))
    assert describe_doubt("R", measure(scene, [frame]), scene.palette) == ""
    assert describe_doubt("R", Doubt(echo=10, off=9), scene.palette) == ""
