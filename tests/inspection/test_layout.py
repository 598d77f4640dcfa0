"""The plot box is found where straight edges show it; where nothing shows it, nothing is pretended."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from radar_cleaner.inspection.layout import border_width, find_plot_box

CLASSES = np.array([[155, 225, 255], [0, 230, 100], [255, 240, 60], [255, 0, 0], [140, 50, 220]], np.uint8)


def _map(random, height, width, colours):
    """Land and sea with a crooked coast."""
    field = cv2.GaussianBlur(random.standard_normal((height, width)), (0, 0), 6)
    return np.where((field > np.median(field))[..., None], colours[0], colours[1]).astype(np.uint8)


def _frames(random, ground, count):
    """Frames of a map with echoes that move."""
    height, width = ground.shape[:2]
    frames = []
    for index in range(count):
        frame = ground.copy()
        for radius, colour in zip((14, 10, 7, 4), CLASSES, strict=False):
            centre = (int(width * (0.2 + 0.6 * index / count)), int(height * 0.4))
            cv2.circle(frame, centre, radius, [int(value) for value in colour], cv2.FILLED)
        frames.append(frame)
    return frames


def _with_strip(frame, side, size, colour, index):
    """Add a strip with a legend bar and a clock at a side."""
    height, width = frame.shape[:2]
    shape = (height, size, 3) if side in ("left", "right") else (size, width, 3)
    strip = np.full(shape, colour, np.uint8)
    bar = strip[height // 4 : height // 2, size // 3 : size // 2] if side in ("left", "right") else None
    if bar is not None and bar.size:
        for number, one in enumerate(np.array_split(bar, len(CLASSES))):
            one[...] = CLASSES[number]
    ink = [255 - int(value) for value in colour]
    cv2.putText(strip, f"{index}", (3, 9), cv2.FONT_HERSHEY_PLAIN, 0.5, ink)
    parts = [strip, frame] if side in ("left", "top") else [frame, strip]
    return np.concatenate(parts, axis=1 if side in ("left", "right") else 0)


@st.composite
def pictures(draw):
    """Draw frames with a strip at some sides, and the box of their map."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    height, width = draw(st.integers(80, 160)), draw(st.integers(80, 160))
    colours = random.integers(20, 236, (2, 3))
    frames = _frames(random, _map(random, height, width, colours), draw(st.integers(1, 5)))
    box = [0, 0, width, height]
    for side in draw(st.lists(st.sampled_from(["left", "right", "top", "bottom"]), max_size=2, unique=True)):
        size = draw(st.integers(14, 38))
        colour = random.choice([0, 0, 0, 255, 200]) + np.zeros(3, int)
        assume((np.abs(colours - colour).max(axis=1) > 60).all())
        frames = [_with_strip(frame, side, size, colour, index) for index, frame in enumerate(frames)]
        moved = {"left": (size, 0), "top": (0, size)}.get(side, (0, 0))
        box = [box[0] + moved[0], box[1] + moved[1], box[2] + moved[0], box[3] + moved[1]]
    return frames, tuple(box)


@settings(deadline=None, max_examples=60)
@given(pictures())
def test_the_map_beside_legend_strips_and_titles_is_found(picture):
    frames, box = picture
    found = find_plot_box(frames)
    assert found.box == box
    assert found.found_by == ("whole" if box == (0, 0, *frames[0].shape[1::-1]) else "edges")


@settings(deadline=None, max_examples=20)
@given(pictures())
def test_the_map_is_found_within_a_pixel_in_jpeg_pictures(picture):
    frames, box = picture
    blurred = []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "JPEG", quality=80)
        blurred.append(np.asarray(Image.open(file)))
    assert np.abs(np.subtract(find_plot_box(blurred).box, box)).max() <= 1


@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_border_of_the_map_is_not_part_of_the_legend_strip(width):
    random = np.random.default_rng(3)
    frames = _frames(random, _map(random, 120, 120, np.array([[150, 150, 100], [50, 50, 100]])), 3)
    framed = []
    for index, frame in enumerate(frames):
        for edge in (frame[:width], frame[-width:], frame[:, :width], frame[:, -width:]):
            edge[...] = (255, 0, 0)
        framed.append(_with_strip(frame, "left", 40, np.zeros(3, int), index))
        framed[-1][:, 40 - width : 40] = (255, 0, 0)  # the border of the strip
    found = find_plot_box(framed)
    assert (found.box, found.border_px) == ((40, 0, 160, 120), width)


def test_a_legend_on_the_background_of_the_map_leaves_the_box_open():
    frame = np.full((100, 140, 3), 255, np.uint8)
    frame[20:60, 20:70] = CLASSES[1]
    legend = (120, 10, 130, 90)
    square = find_plot_box([frame], [legend])
    assert (square.box, square.found_by) == ((0, 0, 100, 100), "square")
    wide = find_plot_box([frame[:80]], [(70, 10, 80, 70)])
    assert wide.found_by == "unknown"


def test_a_circle_of_coverage_is_no_strip():
    frame = np.full((120, 120, 3), 178, np.uint8)
    cv2.circle(frame, (60, 60), 58, (250, 250, 250), cv2.FILLED)
    assert find_plot_box([frame]).found_by == "whole"


def test_a_plain_map_has_no_border():
    assert border_width(np.zeros((60, 60, 3), np.uint8)) == 0


@pytest.mark.parametrize("side", ["right", "bottom"])
def test_a_box_that_contains_the_legend_beside_the_map_is_not_taken(side):
    random = np.random.default_rng(4)
    frames = _frames(random, _map(random, 120, 120, np.array([[90, 110, 160], [160, 170, 130]])), 5)
    bar = np.repeat(CLASSES, 16, axis=0)[:, None].repeat(14, axis=1)
    wide = [np.pad(frame, ((20, 0), (0, 60), (0, 0)), constant_values=240) for frame in frames]
    for frame in wide:
        frame[30 : 30 + len(bar), 150:164] = bar
    legend = (150, 30, 164, 30 + len(bar))
    if side == "bottom":
        wide = [frame.transpose(1, 0, 2) for frame in wide]
        legend = (30, 150, 30 + len(bar), 164)
    found = find_plot_box(wide, [legend])
    box = (0, 20, 120, 140) if side == "right" else (20, 0, 140, 120)
    assert found.box == box or found.found_by == "unknown"


def _with_margins(seed, kind):
    """Draw frames of a map with a strip and narrow white margins around it, and the box of the map."""
    random = np.random.default_rng(seed)
    left, top, bottom = (int(width) for width in random.integers(0, 6, 3))
    pages = []
    for index, frame in enumerate(_frames(random, _map(random, 110, 120, random.integers(20, 210, (2, 3))), 3)):
        page = _with_strip(frame, "right", 30, (255, 255, 255), index)
        page = np.pad(page, ((top, bottom), (left, 0), (0, 0)), constant_values=255)
        file = io.BytesIO()
        Image.fromarray(page).save(file, kind, **({"quality": 85, "subsampling": 2} if kind == "JPEG" else {}))
        pages.append(np.array(Image.open(file)))
    return pages, (left, top, left + 120, top + 110)


@given(st.integers(0, 10**6))
def test_narrow_margins_of_the_background_are_no_map(seed):
    frames, box = _with_margins(seed, "PNG")
    assert find_plot_box(frames).box == box


def test_nearly_all_narrow_margins_are_cut_off_within_a_pixel_in_jpeg_pictures():
    cases = [_with_margins(seed, "JPEG") for seed in range(40)]
    errors = [np.abs(np.subtract(find_plot_box(frames).box, box)).max() for frames, box in cases]
    assert np.mean(np.array(errors) <= 1) >= 0.95
