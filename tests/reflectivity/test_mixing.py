"""Colours between two classes: a value between theirs where the archive is smoothed, else the nearer class."""

from __future__ import annotations

import io
import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scene_cases import Classes, Pixels, Scene, distant_colours, jpeg

from radar_cleaner.conventions import NO_UNCERTAINTY, UNCERTAINTY_STEP, decode_dbz, encode_dbz, is_echo
from radar_cleaner.reflectivity.mixing import Mixing, place_on_scale
from radar_cleaner.reflectivity.palette import make_palette

FEW = settings(max_examples=3, deadline=None)
SEEDS = st.integers(0, 10**6)
FINE = 4


def steady_scene(seed: int) -> Scene:
    """Return a scene whose classes follow each other steadily in colour, far from the colours of its map."""
    scene = Scene(seed)
    while True:
        steps = np.cumsum(scene.rng.normal(size=(scene.classes - 1, 3)) * 0.3 + scene.rng.normal(size=3), axis=0)
        line = scene.rng.integers(0, 256, 3) + np.vstack([np.zeros(3), 40 * steps])
        land, sea = scene.rng.integers(0, 256, (2, 3))
        between = np.concatenate([np.linspace(start, end, 9) for start, end in itertools.pairwise(line)])
        apart = np.linalg.norm(np.diff(line, axis=0), axis=1)
        far = min(np.linalg.norm(between - colour, axis=1).min() for colour in (land, sea))
        if line.min() >= 0 and line.max() <= 255 and apart.min() > 20 and far > 50 < np.linalg.norm(land - sea):
            scene.palette = make_palette(np.rint(line).astype(np.uint8), scene.palette.lower_dbz, "steady")
            scene.map = np.where(scene.is_land[..., None], land, sea)
            return scene


def smoothed(scene: Scene, step: int) -> tuple[Pixels, np.ndarray]:
    """Draw echo whose colours change steadily, and return its place between the classes, 0 where there is none."""
    part = scene._rain[:, 9 * step % (3 * scene.size) :][:, : scene.size]
    place = np.where(part > scene.dry, 1 + (part - scene.dry) / (2.2 - scene.dry) * (scene.classes - 1), 0)
    place = np.minimum(place, scene.classes)
    numbers = np.arange(1, 1 + scene.classes)
    colours = np.stack([np.interp(place, numbers, band) for band in scene.palette.colours.T.astype(float)], axis=2)
    return np.rint(np.where((place > 0)[..., None], colours, scene.map)).astype(np.uint8), place


def anti_aliased(scene: Scene, step: int) -> tuple[Pixels, Classes]:
    """Draw classes with edges at fractions of a pixel, and return those of pixels that have one alone, else -1."""
    fine = cv2.resize(scene._rain, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_LINEAR)
    shift = FINE * (9 * step % (3 * scene.size))
    bounds = np.linspace(scene.dry, 2.2, scene.classes)
    rain = np.searchsorted(bounds, fine[:, shift : shift + FINE * scene.size])
    colours = np.vstack([np.zeros((1, 3)), scene.palette.colours])[rain]
    behind = scene.map.repeat(FINE, axis=0).repeat(FINE, axis=1)
    blocks = (scene.size, FINE, scene.size, FINE)
    picture = np.where((rain > 0)[..., None], colours, behind).reshape(*blocks, 3).mean(axis=(1, 3))
    low, high = rain.reshape(blocks).min(axis=(1, 3)), rain.reshape(blocks).max(axis=(1, 3))
    return np.rint(picture).astype(np.uint8), np.where(low == high, low, -1)


def dithered(frame: Pixels, colours: int) -> Pixels:
    """Return a frame as GIF with its own palette, by Floyd and Steinberg's dithering."""
    file, picture = io.BytesIO(), Image.fromarray(frame)
    palette = picture.quantize(colours, Image.Quantize.MEDIANCUT)
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(file, "GIF")
    return np.asarray(Image.open(file).convert("RGB"))


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, places=st.lists(st.floats(1, 6), min_size=1, max_size=20))
def test_a_colour_between_two_classes_is_at_its_share_of_the_way(seed: int, places: list[float]) -> None:
    classes = distant_colours(np.random.default_rng(seed), 6, 60)
    mixed = np.stack([np.interp(places, np.arange(1, 7), band) for band in classes.T.astype(float)], axis=1)
    away, found = place_on_scale(np.rint(mixed).astype(np.uint8), classes)
    assert (away <= 1).all()
    numbers = np.arange(1, 7)
    back = np.stack([np.interp(found, numbers, band) for band in classes.T.astype(float)], axis=1)
    assert np.abs(back - mixed).max() <= 2  # where lines cross it may be the other one


@FEW
@given(seed=SEEDS, count=st.sampled_from([3, 8]))
def test_values_of_smoothed_pictures_do_not_jump(seed: int, count: int) -> None:
    scene = steady_scene(seed)
    picture = scene.learn([smoothed(scene, step)[0] for step in range(count)])
    assert picture.mixing is Mixing.SMOOTH
    frame, place = smoothed(scene, 20)
    decoded = scene.decode(picture, frame)
    echo = is_echo(decoded.codes)
    assert (echo != (place > 0)).mean() < 0.05
    both = echo & (place > 0)
    expected = np.interp(place[both], np.arange(1, 1 + scene.classes), scene.palette.value_dbz)
    error = np.abs(decode_dbz(decoded.codes[both]) - expected)
    assert np.quantile(error, 0.99) <= 0.5  # a class is 7 dB wide
    width = (scene.palette.upper_dbz - scene.palette.lower_dbz).min()
    uncertainty = decoded.uncertainty[both]
    assert (uncertainty != NO_UNCERTAINTY).all() and np.mean(uncertainty * UNCERTAINTY_STEP >= width / 2) > 0.99


@pytest.mark.parametrize("kind", ["pure", "dithered", "JPEG"])
def test_other_pictures_have_the_values_of_their_classes_only(kind: str) -> None:
    copy = {
        "pure": lambda frame: frame,
        "dithered": lambda frame: dithered(frame, 64),
        "JPEG": lambda f: jpeg(f, 80),
    }
    scene = Scene(3)
    frames = [copy[kind](scene.draw(scene.rain(step))) for step in range(8)]
    picture = scene.learn(frames)
    assert picture.mixing is not Mixing.SMOOTH
    codes = scene.decode(picture, frames[2]).codes
    assert set(codes[is_echo(codes)].tolist()) <= set(encode_dbz(scene.palette.value_dbz).tolist())


@FEW
@given(seed=SEEDS, count=st.sampled_from([3, 8]))
def test_anti_aliased_edges_are_read(seed: int, count: int) -> None:
    scene = Scene(seed, apart=70)
    picture = scene.learn([anti_aliased(scene, step)[0] for step in range(count)])
    frame, truth = anti_aliased(scene, 20)
    found = scene.classes_of(scene.decode(picture, frame).codes)
    sure = truth >= 0
    assert (found[sure] != truth[sure]).mean() < 0.005
    assert (found[~sure] == -1).mean() < 0.1


@FEW
@given(seed=SEEDS, colours=st.sampled_from([32, 64, 256]))
def test_dithered_pictures_are_read(seed: int, colours: int) -> None:
    scene = Scene(seed)
    shade = np.rint(scene.map * np.linspace(0.8, 1, scene.size)[:, None, None]).astype(np.uint8)  # of many colours
    scene.map = np.where(scene.is_land[..., None], scene.map, shade).astype(np.uint8)
    frames = [dithered(scene.draw(scene.rain(step)), colours) for step in range(8)]
    picture = scene.learn(frames)
    rain = scene.rain(20)
    found = scene.classes_of(scene.decode(picture, dithered(scene.draw(rain), colours)).codes)
    echo = max((rain > 0).sum(), 1)
    assert ((rain > 0) & (found <= 0)).sum() <= 0.02 * echo
    assert ((rain == 0) & (found > 0)).sum() <= 0.02 * echo
    both = (rain > 0) & (found > 0)
    assert (np.abs(found - rain)[both] > 1).mean() < 0.01
