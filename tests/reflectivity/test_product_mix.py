"""Frames of another product are noticed by their title or legend; a clock is not another product."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legend_cases import Drawn, ramp
from PIL import Image, ImageDraw, ImageFont

from radar_cleaner.reflectivity.product_mix import MOST_FRAMES, choose_frames, find_mix

PLOT_BOX = (0, 30, 160, 190)
FONT = ImageFont.load_default(14)


def frame(number, title="Rain rate", legend=None, quality=None):
    """Draw a frame: a title and a clock above the map, a legend right of it, and echo that moves."""
    rng = np.random.default_rng(number)
    page = np.full((200, 220, 3), 255, np.uint8)
    page[30:190, :160] = (200, 210, 190)
    row, column = rng.integers(40, 150), rng.integers(10, 120)
    page[row : row + 30, column : column + 30] = (255, 0, 0)
    bar = Drawn(step=12).bar(ramp(12) if legend is None else legend)
    page[35 : 35 + bar.shape[0], 180 : 180 + bar.shape[1]] = bar
    picture = Image.fromarray(page)
    pen = ImageDraw.Draw(picture)
    pen.text((4, 8), title, fill=(0, 0, 0), font=FONT)
    pen.text((110, 8), f"2024-07-{10 + number // 12:02d} {number % 24:02d}:{number * 5 % 60:02d}", (0, 0, 0), FONT)
    if quality is None:
        return np.array(picture)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=2)
    return np.array(Image.open(file))


@given(st.integers(4, MOST_FRAMES), st.sampled_from([None, 75, 90]))
def test_frames_of_one_product_are_not_a_mix(count, quality):
    assert find_mix([frame(number, quality=quality) for number in range(count)], PLOT_BOX) is None


@given(st.sets(st.integers(0, 19), min_size=2, max_size=9), st.sampled_from([None, 80]))
def test_frames_with_another_legend_are_found(others, quality):
    legend = ramp(12)[::-1]
    frames = [frame(number, legend=legend if number in others else None, quality=quality) for number in range(20)]
    mix = find_mix(frames, PLOT_BOX)
    assert mix.frames == tuple(sorted(others))
    assert mix.box[2] > 180 and mix.box[3] > 150  # digits of the clock may change with the legend by chance


@given(st.sets(st.integers(0, 19), min_size=2, max_size=9))
def test_frames_with_another_title_are_found(others):
    titles = {False: "Rain rate", True: "24 h amount"}
    mix = find_mix([frame(number, title=titles[number in others]) for number in range(20)], PLOT_BOX)
    assert mix.frames == tuple(sorted(others))
    assert mix.box[3] <= 30


@pytest.mark.parametrize("box", [(0, 0, 220, 200), (0, 0, 220, 199)])
def test_a_picture_that_is_all_map_has_nothing_to_compare(box):
    frames = [frame(number, title="ABCDEFGH"[number % 2 * 4 :]) for number in range(8)]
    assert find_mix(frames, box) is None


@given(st.integers(0, 500))
def test_the_chosen_frames_are_spread_over_all(count):
    chosen = choose_frames(count)
    assert len(chosen) == min(max(count, 1), MOST_FRAMES) if count else chosen == []
    assert not count or (chosen[0] == 0 and chosen[-1] == count - 1)
