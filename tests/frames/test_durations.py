"""Equal pictures that an encoder joined into a longer one keep their times."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_cases import LOOP_SIZE, loop_file, small
from PIL import Image

from radar_cleaner.frames.durations import count_steps
from radar_cleaner.frames.image import FrameDecoder
from radar_cleaner.frames.loops import list_pictures, steps_of
from radar_cleaner.frames.timestamps import NameFormat

KINDS = [("GIF", "a.gif"), ("PNG", "a.png"), ("WEBP", "a.webp")]


def encoded(kind, steps, milliseconds=100, pause=1):
    """Encode an animation whose pictures last these steps, and the last one `pause` times longer."""
    pictures = [Image.fromarray(small(seed, LOOP_SIZE)) for seed in range(len(steps))]
    durations = [milliseconds * count for count in steps]
    durations[-1] *= pause
    file = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], duration=durations, **options)
    return file.getvalue()


@given(st.sampled_from(KINDS), st.lists(st.integers(1, 4), min_size=2, max_size=9), st.integers(1, 20))
def test_each_picture_lasts_the_steps_of_its_duration_whatever_the_last_one_lasts(form, longer, pause):
    kind, _ = form
    inner = [
        count for one in longer for count in (1, one)
    ]  # most last 1 step, and no neighbours last equally long
    steps = [1, *inner, 1, 1]
    assert steps_of(encoded(kind, steps, pause=pause)) == steps


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_an_animation_that_slows_down_has_one_step_a_picture(kind):
    assert steps_of(encoded(kind, [1, 1, 1, 1, 1, 3, 3, 3, 1])) == [1] * 9


@given(st.sampled_from(KINDS), st.data())
def test_a_damaged_file_has_one_step_a_picture_or_those_of_its_durations(form, draw):
    data = bytearray(encoded(form[0], [1, 1, 2, 1, 1]))
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    steps = count_steps(bytes(data[: draw.draw(st.integers(0, len(data)))]), 5)
    assert len(steps) == 5 and min(steps) >= 1


@pytest.mark.parametrize("form", KINDS)
def test_a_picture_that_the_encoder_joined_is_the_frame_of_each_of_its_times(tmp_path, form):
    kind, name = form
    seeds = [0, 1, 2, 2, 2, 3, 4, 5]
    (tmp_path / f"202401011200_{name}").write_bytes(loop_file(seeds, kind))
    names = NameFormat(r"(\d{12})", "%Y%m%d%H%M", loop_minutes=6)
    listing = list_pictures(tmp_path, names)
    assert [frame.time for frame in listing.frames] == [1_704_110_400 - 360 * back for back in range(7, -1, -1)]
    data, decoder = (tmp_path / f"202401011200_{name}").read_bytes(), FrameDecoder(LOOP_SIZE)
    for frame, seed in zip(listing.frames, seeds, strict=True):
        assert np.array_equal(decoder.decode(data, name, frame.picture)[..., :3], small(seed, LOOP_SIZE))
