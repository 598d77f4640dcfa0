"""Each picture of an animation is a frame: of its own time, with its own pixels."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_cases import encode, loop_file, small
from PIL import Image, ImageSequence

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import FrameDecoder
from radar_cleaner.frames.loops import list_pictures
from radar_cleaner.frames.timestamps import NameFormat
from radar_cleaner.storage.shards import format_time

PATTERN = (r"(\d{12})(?=\D*$)", "%Y%m%d%H%M", "UTC")
LOOPS = NameFormat(*PATTERN, loop_minutes=6)
SIZE = (11, 7)


def times_of(listing):
    return [(format_time(frame.time)[11:16], frame.picture) for frame in listing.frames]


@given(
    st.sampled_from([("GIF", "a.gif"), ("PNG", "a.png"), ("WEBP", "a.webp"), ("TIFF", "a.tif")]),
    st.sampled_from(["P", "RGB", "RGBA"]),
    st.integers(2, 6),
    st.integers(0, 50),
    st.randoms(use_true_random=False),
)
def test_each_picture_of_an_animation_has_the_pixels_that_pillow_shows_in_any_order(
    form, mode, count, seed, random
):
    kind, name = form
    data = loop_file(range(seed, seed + count), kind, mode)
    shown = [np.array(picture.convert("RGBA")) for picture in ImageSequence.Iterator(Image.open(io.BytesIO(data)))]
    assert len(shown) == count
    decoder = FrameDecoder(SIZE)
    for number in random.choices(range(count), k=5):
        wanted = shown[number].copy()
        wanted[wanted[..., 3] == 0] = 0
        assert np.array_equal(decoder.decode(data, name, number), wanted)


def test_the_name_gives_the_time_of_the_last_or_of_the_first_picture(tmp_path):
    (tmp_path / "a_202401011200.gif").write_bytes(loop_file(range(4)))
    last = [("11:42", 0), ("11:48", 1), ("11:54", 2), ("12:00", 3)]
    assert times_of(list_pictures(tmp_path, LOOPS)) == last
    first = NameFormat(*PATTERN, loop_minutes=6, loop_last="first")
    assert times_of(list_pictures(tmp_path, first)) == [("12:00", 0), ("12:06", 1), ("12:12", 2), ("12:18", 3)]


def test_a_single_picture_among_animations_has_the_time_of_its_name(tmp_path):
    (tmp_path / "a_202401011200.gif").write_bytes(loop_file(range(2)))
    (tmp_path / "a_202401011206.png").write_bytes(encode(small(size=SIZE)))
    (tmp_path / "a_202401011212.gif").write_bytes(b"no picture")
    assert times_of(list_pictures(tmp_path, LOOPS)) == [
        ("11:54", 0),
        ("12:00", 1),
        ("12:06", None),
        ("12:12", None),
    ]


def test_pictures_are_counted_once_and_again_if_the_file_changes(tmp_path, monkeypatch):
    (tmp_path / "frames").mkdir()
    path = tmp_path / "frames" / "a_202401011200.gif"
    path.write_bytes(loop_file(range(4)))
    kept = tmp_path / "kept"
    found = list_pictures(tmp_path / "frames", LOOPS, kept)
    monkeypatch.setattr("radar_cleaner.frames.loops.count_pictures", lambda _: pytest.fail("counted again"))
    assert list_pictures(tmp_path / "frames", LOOPS, kept) == found
    monkeypatch.undo()
    path.write_bytes(loop_file(range(3)))
    assert len(list_pictures(tmp_path / "frames", LOOPS, kept).frames) == 3


def test_animations_in_an_archive_are_counted_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a_202401011200.gif", loop_file(range(3)))
    found = list_pictures(tmp_path / "a.zip", LOOPS, tmp_path / "kept")
    names = [f"{tmp_path}/a.zip/a_202401011200.gif#{number}" for number in (1, 2, 3)]
    assert [frame.full_name for frame in found.frames] == names


def test_an_animation_that_became_shorter_after_planning_is_refused():
    with pytest.raises(FrameError, match="2 pictures now"):
        FrameDecoder(SIZE).decode(loop_file(range(2)), "a.gif", 2)
