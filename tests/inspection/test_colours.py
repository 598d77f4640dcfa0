"""Known palettes are recognized by their colours; others are not taken for them."""

from itertools import pairwise

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from radar_cleaner.inspection.colours import (
    corner_share,
    count_colours,
    ground_like_classes,
    match_palettes,
    nodata_candidate,
)

GROUND = np.array([[150, 150, 100], [50, 50, 100]], np.uint8)


def _palette(random, count):
    return random.integers(0, 256, (count, 3)).astype(np.uint8)


def _frames(random, palette, count):
    ground = np.where(random.random((60, 60, 1)) < 0.5, GROUND[0], GROUND[1]).astype(np.uint8)
    ground = cv2.medianBlur(ground, 7)
    frames = []
    for index in range(count):
        frame = ground.copy()
        for radius, colour in zip(range(3 * len(palette), 0, -3), palette, strict=True):
            cv2.circle(frame, (10 + 6 * index, 30), radius, [int(value) for value in colour], cv2.FILLED)
        frames.append(frame)
    return frames


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(4, 9), st.integers(1, 6))
def test_the_palette_of_the_frames_is_found_among_others(seed, classes, frames):
    random = np.random.default_rng(seed)
    palettes = {str(number): _palette(random, 15) for number in range(6)}
    counts = count_colours(_frames(random, palettes["3"][:classes], frames))
    assert {match.name for match in match_palettes(counts, palettes)} <= {"3"}
    if frames > 1 and np.ptp(palettes["3"][:classes].astype(int), axis=1).min() > 60:
        (match,) = match_palettes(counts, palettes)
        assert (match.seen, match.classes) == (classes, 15)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_a_gradient_matches_no_palette_although_all_its_colours_are_near(seed):
    random = np.random.default_rng(seed)
    ends = _palette(random, 4).astype(float)
    gradient = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(ends)])
    frame = np.repeat(np.repeat(gradient[None].astype(np.uint8), 30, axis=0), 2, axis=1)
    near = {"near": np.clip(gradient[::6] + 2, 0, 255).astype(np.uint8)}
    assert match_palettes(count_colours([frame]), near) == []


def test_two_palettes_of_the_same_colours_are_both_named():
    random = np.random.default_rng(5)
    palette = _palette(random, 8)
    counts = count_colours(_frames(random, palette, 3))
    names = [match.name for match in match_palettes(counts, {"a": palette, "b": palette, "c": palette[:3]})]
    assert names == ["a", "b"]


def test_a_gray_that_coverage_uncovers_is_surely_nodata():
    frames = []
    for radars in ([(40, 60)], [(40, 60), (80, 60)]):
        frame = np.full((120, 120, 3), 178, np.uint8)
        for centre in radars:
            cv2.circle(frame, centre, 38, (250, 250, 250), cv2.FILLED)
        frames.append(frame)
    colour, sure = nodata_candidate(frames, count_colours(frames))
    assert colour.tolist() == [178, 178, 178] and sure
    _, sure = nodata_candidate(frames[:1], count_colours(frames[:1]))
    assert not sure


def test_a_coloured_or_black_map_is_not_a_nodata_candidate():
    for colour in ((0, 0, 0), (51, 51, 102)):
        frame = np.full((60, 60, 3), colour, np.uint8)
        cv2.circle(frame, (30, 30), 20, (250, 250, 250), cv2.FILLED)
        assert nodata_candidate([frame], count_colours([frame])) is None


def test_a_still_colour_beside_a_class_is_ground_and_a_moving_one_is_echo():
    classes = np.array([[0, 200, 0], [253, 253, 253]], np.uint8)
    frames = []
    for index in range(4):
        frame = np.full((60, 60, 3), 250, np.uint8)
        cv2.circle(frame, (10 + 12 * index, 30), 10, (4, 204, 4), cv2.FILLED)
        frames.append(frame)
    assert ground_like_classes(count_colours(frames), classes).tolist() == [[250, 250, 250]]
    assert ground_like_classes(count_colours(frames), None).tolist() == []


def test_echo_beyond_the_circle_of_a_radar_is_seen():
    frames = []
    for index in range(4):
        frame = np.full((100, 100, 3), 90, np.uint8)
        cv2.circle(frame, (40 + 4 * index, 50), 12, (0, 200, 0), cv2.FILLED)
        frames.append(frame)
    assert corner_share(frames, count_colours(frames)) == 0
    for index, frame in enumerate(frames):
        cv2.circle(frame, (4 + index, 6), 6, (0, 200, 0), cv2.FILLED)
    assert corner_share(frames, count_colours(frames)) > 0.05


def test_noise_of_jpeg_in_the_corners_is_not_echo():
    random = np.random.default_rng(2)
    frames = []
    for index in range(4):
        frame = np.full((100, 100, 3), (150, 150, 90), np.uint8)
        frame[:3], frame[-3:], frame[:, :3], frame[:, -3:] = ((230, 20, 20),) * 4
        cv2.circle(frame, (40 + 4 * index, 50), 12, (0, 200, 0), cv2.FILLED)
        frames.append((frame + random.integers(-10, 11, frame.shape)).clip(0, 255).astype(np.uint8))
    assert corner_share(frames, count_colours(frames)) == 0
