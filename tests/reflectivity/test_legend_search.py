"""A legend bar is found wherever it is drawn, and a picture without one has none."""

import io

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from legend_cases import FRAME_COLOURS, GAP_COLOURS, Drawn, drawn, ramp
from picture_cases import LEGEND_COLOURS, RADARS, encode, read_sample, sample_frames
from PIL import Image

from radar_cleaner.reflectivity.legend_search import find_legends

MAP_COLOURS = np.array([[190, 200, 170], [200, 210, 190], [70, 90, 130], [30, 200, 60], [250, 240, 60]], np.uint8)


def page(bar, seed, background):
    """Draw a map with echoes, and beside or below it a bar with numbers. Return it and the box of the bar."""
    rng = np.random.default_rng(seed)
    height, width = bar.shape[:2]
    size = 160
    upright = height >= width
    shape = (max(size, height) + 40, size + width + 60) if upright else (size + height + 60, max(size, width) + 40)
    picture = np.full((*shape, 3), background, dtype=np.uint8)
    rows, columns = np.mgrid[:size, :size]
    plot = np.tile(MAP_COLOURS[0], (size, size, 1))
    for colour in rng.permutation(MAP_COLOURS):
        for _ in range(3):
            row, column, radius = (int(rng.integers(*ends)) for ends in ((0, size), (0, size), (5, 30)))
            plot[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = colour
    picture[10 : 10 + size, 10 : 10 + size] = plot
    x, y = (size + 30, 20) if upright else (20, size + 30)
    picture[y : y + height, x : x + width] = bar
    for at in range(0, max(height, width), 16):  # numbers beside the bar
        if upright:
            picture[y + at : y + at + 5, x + width + 5 : x + width + 15 : 2] = 90
        else:
            picture[y + height + 5 : y + height + 10, x + at : x + at + 10 : 2] = 90
    return picture, (x, y, x + width, y + height)


def within(box, other, pixels):
    return np.abs(np.subtract(box, other)).max() <= pixels


@given(
    st.integers(5, 66), drawn(), st.integers(0, 99), st.sampled_from([(255, 255, 255), (0, 0, 0), (225, 230, 240)])
)
def test_a_bar_is_found_with_its_classes(count, style, seed, background):
    bar = style.bar(ramp(count))
    long, short = max(bar.shape[:2]), min(bar.shape[:2])
    assume(
        style.gap < style.step and long >= max(30, 2.5 * short) and (bar.shape[0] < bar.shape[1]) == style.lying
    )
    picture, box = page(bar, seed, background)
    legend = find_legends(picture)[0]
    colours = ramp(count)[:: -1 if style.strong_first else 1]
    assert within(legend.box, box, style.frame)
    assert legend.lying == style.lying
    assert legend.classes.colours.tolist() == colours.tolist()
    assert legend.strong_first == style.strong_first


@pytest.mark.slow
@given(st.integers(5, 40), st.integers(9, 20), st.integers(8, 30), st.booleans(), st.integers(0, 99))
def test_arrows_at_the_ends_are_classes_of_the_bar_and_text_beyond_them_is_not(count, step, width, lying, seed):
    style = Drawn(step=step, width=width)
    bar = style.bar(ramp(count))
    assume(len(bar) >= 3 * width)
    reach = np.abs(np.arange(width) - (width - 1) / 2)
    for end in (bar[:step], bar[::-1][:step]):
        end[reach > (np.arange(step)[:, None] + 1) * width / 2 / step] = 255
    text = np.full((12, width, 3), 255, np.uint8)
    text[:7, 3:-1:3] = 90
    bar = np.concatenate([text, bar])
    picture, (x0, y0, x1, y1) = page(bar[::-1].transpose(1, 0, 2) if lying else bar, seed, (255, 255, 255))
    box = (x0, y0, x1 - 12, y1) if lying else (x0, y0 + 12, x1, y1)
    legend = find_legends(picture)[0]
    assert within(legend.box, box, 4)
    assert legend.classes.colours.tolist() == ramp(count).tolist()


def drawn_at_random(rng):
    """Draw a bar of 10 px or more a class, three times as long as wide."""
    while True:
        style = Drawn(
            step=int(rng.integers(10, 17)),
            width=int(rng.integers(10, 31)),
            gap=int(rng.integers(0, 4)),
            gap_colour=GAP_COLOURS[rng.integers(3)],
            frame=int(rng.integers(0, 3)),
            frame_colour=FRAME_COLOURS[rng.integers(3)],
            lying=bool(rng.integers(2)),
            strong_first=bool(rng.integers(2)),
        )
        bar = style.bar(ramp(int(rng.integers(6, 17))))
        if max(bar.shape[:2]) >= 3 * min(bar.shape[:2]):
            return style, bar


@pytest.mark.slow
def test_nearly_all_bars_are_found_in_a_jpeg():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        style, bar = drawn_at_random(rng)
        picture, box = page(bar, seed, (255, 255, 255))
        noisy = np.asarray(
            Image.open(io.BytesIO(encode(picture, "JPEG", quality=int(rng.choice([80, 90])), subsampling=2)))
        )
        legends = find_legends(noisy)
        found.append(
            bool(legends)
            and within(legends[0].box, box, style.step + 4)  # an end class may be lost
            and legends[0].strong_first == style.strong_first
        )
    assert np.mean(found) >= 0.95, np.flatnonzero(~np.array(found))


def test_the_samples_bar_is_found():
    bar = RADARS["legend_bar"]
    (legend,) = find_legends(read_sample(sample_frames("CASGO")[0]))
    x0, x1 = bar["x"]
    assert legend.box == (x0, bar["top_y"], x1 + 1, bar["top_y"] + bar["step"] * bar["n"])
    assert legend.classes.colours.tolist() == [list(colour) for colour in LEGEND_COLOURS]
    assert legend.strong_first is False


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_without_a_bar_has_none(seed):
    picture, _ = page(np.full((100, 20, 3), 255, np.uint8), seed, (255, 255, 255))
    assert find_legends(picture) == []
