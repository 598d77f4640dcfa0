"""A picture is decoded completely, in the right colours, or refused with a reason."""

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_cases import SIZE, animation, bomb, encode, png_chunk, read_sample, sample_frames, small
from PIL import Image

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import NamedFrame, decode_frame, largest_file, settle_same_time

LOSSLESS = [
    ("a.png", {"kind": "PNG"}),
    ("a.PNG", {"kind": "PNG", "mode": "P"}),
    ("a.png", {"kind": "PNG", "mode": "RGBA"}),
    ("a.gif", {"kind": "GIF", "mode": "P"}),
    ("a.bmp", {"kind": "BMP"}),
    ("a.bmp", {"kind": "BMP", "mode": "P"}),
]
FILES = {
    "a.png": encode(small()),
    "b.png": encode(small(), mode="P"),
    "a.gif": encode(small(), "GIF"),
    "a.jpg": encode(small(), "JPEG"),
    "p.jpg": encode(small(), "JPEG", progressive=True),
    "a.bmp": encode(small(), "BMP"),
}


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
def test_every_lossless_format_gives_equal_pixels(name, options):
    assert np.array_equal(decode_frame(encode(small(), **options), name, SIZE), small())


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG"])
def test_a_jpeg_of_one_colour_keeps_it_nearly(name):
    pixels = np.full((16, 24, 3), (0, 153, 255), np.uint8)
    found = decode_frame(encode(pixels, "JPEG", quality=90), name, SIZE)
    assert np.abs(found.astype(int) - pixels).max() <= 3


@pytest.mark.parametrize("mode", ["L", "1"])
def test_gray_pictures_become_gray_colours(mode):
    gray = np.array(Image.fromarray(small()).convert(mode).convert("L"))
    found = decode_frame(encode(small(), mode=mode), "a.png", SIZE)
    assert np.array_equal(found, np.repeat(gray[..., None], 3, axis=2))


def test_transparent_pixels_are_blended_with_black():
    pixels = np.dstack([small(), np.full((16, 24), 255, np.uint8)])
    pixels[:8, :, 3] = 0
    pixels[8, :, :] = (200, 100, 50, 51)  # a fifth
    found = decode_frame(encode(pixels), "a.png", SIZE)
    assert not found[:8].any()
    assert (found[8] == (40, 20, 10)).all()
    assert np.array_equal(found[9:], small()[9:])


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_colour_becomes_black(kind):
    picture = Image.fromarray(small()).convert("P")
    index = np.array(picture)
    file = io.BytesIO()
    picture.save(file, kind, transparency=int(index[0, 0]))
    found = decode_frame(file.getvalue(), f"a.{kind.lower()}", SIZE)
    transparent = (small() == small()[0, 0]).all(axis=2)
    assert not found[transparent].any()
    assert np.array_equal(found[~transparent], small()[~transparent])


def test_sample_frames_decode_like_pillow():
    for path in sample_frames("CASGO")[::60]:
        found = decode_frame(path.read_bytes(), path.name, (580, 480))
        assert np.array_equal(found, np.array(Image.open(path).convert("RGB")))
        assert np.array_equal(found, read_sample(path))


def sixteen_bits(colour):
    header = struct.pack(">IIBBBBB", *SIZE, 16, colour, 0, 0, 0)
    channels = {0: 1, 2: 3}[colour]
    rows = b"".join(b"\0" + bytes(SIZE[0] * 2 * channels) for _ in range(SIZE[1]))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def damaged():
    data = bytearray(FILES["a.png"])
    data[data.index(b"IDAT") + 20] ^= 255
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.png", "zero bytes"),
        (b"hello, I am a text", "a.png", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "a.png", "truncated"),
        (FILES["a.png"][:-1], "a.png", "truncated"),
        (FILES["a.png"][:-12], "a.png", "truncated"),
        (FILES["a.jpg"][:-2], "a.jpg", "truncated"),
        (FILES["a.jpg"][: len(FILES["a.jpg"]) // 2], "a.jpg", "truncated"),
        (FILES["a.bmp"][:-3], "a.bmp", "truncated"),
        (damaged(), "a.png", "check sum"),
        (FILES["a.jpg"], "a.png", "mislabelled: named .png, but its content is JPEG"),
        (FILES["a.png"], "a.gif", "mislabelled"),
        (FILES["a.png"], "a.tif", "mislabelled"),
        (encode(small(size=(24, 17))), "a.png", "wrong size: 24 x 17 px, not 24 x 16"),
        (encode(small(size=(16, 24)), "BMP"), "a.bmp", "wrong size: 16 x 24"),
        (encode(small(size=(25, 16)), "JPEG"), "a.jpg", "wrong size: 25 x 16"),
        (animation(3), "a.gif", "animation of 3"),
        (
            encode(small(), save_all=True, append_images=[Image.fromarray(small(1))]),
            "a.png",
            "animation of 2",
        ),
        (encode(small(), "JPEG", mode="CMYK"), "a.jpg", "mode CMYK"),
        (sixteen_bits(0), "a.png", "16 bits"),
        (sixteen_bits(2), "a.png", "16 bits"),
        (bomb(), "a.png", "decompression bomb: its header claims 50000 x 50000"),
        (b"GIF89a" + struct.pack("<HH", 60000, 60000) + FILES["a.gif"][10:], "a.gif", "decompression bomb"),
    ],
)
def test_a_picture_that_is_not_a_frame_is_refused_with_its_reason(data, name, reason):
    with pytest.raises(FrameError, match=reason):
        decode_frame(data, name, SIZE)


def test_a_bomb_costs_neither_time_nor_memory():
    data = bomb()
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(FrameError, match="bomb"):
        decode_frame(data, "a.png", (580, 480))
    took = time.perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.1
    assert peak < 10 * len(data) + 100_000


@pytest.mark.parametrize("name", FILES)
def test_a_picture_cut_anywhere_is_refused_or_whole(name):
    data = FILES[name]
    whole = decode_frame(data, name, SIZE)
    for length in range(len(data)):
        try:
            found = decode_frame(data[:length], name, SIZE)
        except FrameError:
            continue
        assert np.array_equal(found, whole), f"{name} cut to {length} of {len(data)} bytes"


@given(st.sampled_from(sorted(FILES)), st.data())
def test_damage_never_raises_anything_but_a_frame_error(name, draw):
    data = bytearray(FILES[name])
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        pixels = decode_frame(bytes(data), name, SIZE)
    except FrameError:
        return
    assert pixels.shape == (16, 24, 3)
    assert pixels.dtype == np.uint8


def test_an_intact_picture_is_never_larger_than_the_largest_file():
    noise = np.random.default_rng(0).integers(0, 256, (480, 580, 4), dtype=np.uint8)
    for kind in ("PNG", "BMP"):
        assert len(encode(noise, kind)) < largest_file((580, 480))


def test_equal_pictures_of_one_time_keep_the_first_by_name():
    frames = [NamedFrame(name, small()) for name in ("c", "a", "b")]
    kept, refused = settle_same_time(frames)
    assert kept is not None and kept.name == "a"
    assert [name for name, _ in refused] == ["b", "c"]
    assert all("duplicate of a" in reason for _, reason in refused)


def test_different_pictures_of_one_time_are_all_refused_with_each_others_names():
    frames = [NamedFrame("a", small()), NamedFrame("b", small()), NamedFrame("c", small(1))]
    kept, refused = settle_same_time(frames)
    assert kept is None
    assert [name for name, _ in refused] == ["a", "b", "c"]
    for name, reason in refused:
        assert all(other in reason for other in {"a", "b", "c"} - {name})
