"""A picture is decoded completely, in the right colours, or refused with a reason."""

import io
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_cases import SIZE, animation, bomb, encode, png_file, read_sample, sample_frames, small
from PIL import ExifTags, Image, ImageOps

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import NamedFrame, decode_frame, largest_file, settle_same_time, size_in_header

LOSSLESS = [
    ("a.png", {"kind": "PNG"}),
    ("a.PNG", {"kind": "PNG", "mode": "P"}),
    ("a.png", {"kind": "PNG", "mode": "RGBA"}),
    ("a.gif", {"kind": "GIF", "mode": "P"}),
    ("a.bmp", {"kind": "BMP"}),
    ("a.bmp", {"kind": "BMP", "mode": "P"}),
    ("a.webp", {"kind": "WEBP", "lossless": True}),
    ("a.webp", {"kind": "WEBP", "lossless": True, "mode": "RGBA"}),
    ("a.tif", {"kind": "TIFF"}),
    ("a.TIFF", {"kind": "TIFF", "mode": "P", "compression": "tiff_lzw"}),
    ("a.tif", {"kind": "TIFF", "mode": "RGBA", "compression": "tiff_adobe_deflate"}),
]
FILES = {
    "a.png": encode(small()),
    "b.png": encode(small(), mode="P"),
    "a.gif": encode(small(), "GIF"),
    "a.jpg": encode(small(), "JPEG"),
    "p.jpg": encode(small(), "JPEG", progressive=True),
    "a.bmp": encode(small(), "BMP"),
    "a.webp": encode(small(), "WEBP", lossless=True),
    "a.tif": encode(small(), "TIFF"),
    "p.tif": encode(small(), "TIFF", mode="P", compression="tiff_adobe_deflate"),
}
OPAQUE = np.full((SIZE[1], SIZE[0], 1), 255, np.uint8)


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
def test_every_lossless_format_gives_equal_pixels(name, options):
    found = decode_frame(encode(small(), **options), name, SIZE)
    assert np.array_equal(found, np.dstack([small(), OPAQUE]))


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG"])
def test_a_jpeg_of_one_colour_keeps_it_nearly(name):
    pixels = np.full((16, 24, 3), (0, 153, 255), np.uint8)
    found = decode_frame(encode(pixels, "JPEG", quality=90), name, SIZE)
    assert np.abs(found[..., :3].astype(int) - pixels).max() <= 3


def test_a_colour_is_not_blended_with_its_background_and_nothing_is_black():
    pixels = np.dstack([small(), OPAQUE])
    pixels[:8, :, 3] = 0
    pixels[8, :, :] = (200, 100, 50, 51)  # a fifth
    found = decode_frame(encode(pixels), "a.png", SIZE)
    assert not found[:8].any()
    assert (found[8] == (200, 100, 50, 51)).all()
    assert np.array_equal(found[9:], pixels[9:])


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_colour_is_nothing_drawn(kind):
    picture = Image.fromarray(small()).convert("P")
    index = np.array(picture)
    file = io.BytesIO()
    picture.save(file, kind, transparency=int(index[0, 0]))
    found = decode_frame(file.getvalue(), f"a.{kind.lower()}", SIZE)
    transparent = (small() == small()[0, 0]).all(axis=2)
    assert not found[transparent].any()
    assert np.array_equal(found[~transparent], np.dstack([small(), OPAQUE])[~transparent])


# Of each colour type of PNG: its channels, its depths, and the places of red, green, blue and opacity in them.
PNG_TYPES = {
    0: (1, (1, 2, 4, 8, 16), (0, 0, 0, None)),
    2: (3, (8, 16), (0, 1, 2, None)),
    3: (1, (1, 2, 4, 8), None),
    4: (2, (8, 16), (0, 0, 0, 1)),
    6: (4, (8, 16), (0, 1, 2, 3)),
}


@given(st.sampled_from([(kind, depth) for kind, row in PNG_TYPES.items() for depth in row[1]]), st.data())
@settings(max_examples=60)
def test_a_png_of_any_type_and_depth_gives_the_colours_that_its_numbers_mean(form, draw):
    kind, depth = form
    channels, _, places = PNG_TYPES[kind]
    rng = np.random.default_rng(draw.draw(st.integers(0, 999)))
    values = rng.integers(0, min(2**depth, draw.draw(st.sampled_from([2, 5, 2**16]))), (7, 11, channels))
    values <<= max(0, depth - 8) * draw.draw(st.integers(0, 1))
    values &= 2**depth - 1
    transparent = values[3, 5].tolist() if kind in (0, 2) and draw.draw(st.booleans()) else None
    if kind == 3:
        colours = rng.integers(0, 256, (2**depth, 4), dtype=np.uint8)
        wanted, extra = colours[values[..., 0]], [(b"PLTE", colours[:, :3].tobytes())]
        extra.append((b"tRNS", colours[:, 3].tobytes()))
    else:
        shown = values >> 8 if depth == 16 else values * (255 // (2**depth - 1))
        wanted = np.dstack([shown[..., at] if at is not None else np.full((7, 11), 255) for at in places])
        extra = []
    if transparent is not None:
        unused = 8 if (kind, depth) == (2, 16) else 0  # bits that Pillow does not give
        wanted[(values >> unused == np.array(transparent) >> unused).all(axis=2), 3] = 0
        extra.append((b"tRNS", struct.pack(f">{channels}H", *transparent)))
    wanted[wanted[..., 3] == 0] = 0
    assert np.array_equal(decode_frame(png_file(values, kind, depth, extra), "a.png", (11, 7)), wanted)


@given(
    st.sampled_from(["PNG", "GIF", "JPEG", "BMP", "WEBP", "TIFF"]),
    st.sampled_from(["1", "L", "P", "RGB", "LA", "RGBA", "CMYK"]),
    st.sampled_from([1, *range(2, 9)]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 99),
)
@settings(max_examples=100)
def test_a_picture_of_any_format_and_mode_has_the_colours_that_pillow_shows(kind, mode, turn, size, seed):
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode)
    if "A" in mode:
        picture.putalpha(Image.fromarray(rng.choice(np.array([0, 90, 255], np.uint8), (size[1], size[0]))))
    options = {} if kind in ("GIF", "BMP") else {"exif": exif(turn)}
    if kind == "WEBP":
        options |= {"lossless": True, "exact": True}
    file = io.BytesIO()
    try:
        picture.save(file, kind, **options)
    except (OSError, ValueError):  # the format lacks this mode
        return
    shown = ImageOps.exif_transpose(Image.open(file))
    wanted = np.array(shown.convert("RGBA"))
    wanted[wanted[..., 3] == 0] = 0
    name = f"a.{kind.lower()}"
    assert size_in_header(file.getvalue()) == shown.size
    assert np.array_equal(decode_frame(file.getvalue(), name, shown.size), wanted)


def exif(turn):
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = turn
    return tags


@pytest.mark.parametrize("step", [256, 257])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_gray_that_was_widened_to_16_bits_comes_back_exactly(kind, step):
    gray = np.random.default_rng(0).integers(0, 256, (16, 24)).astype(np.uint16)
    found = decode_frame(encode(gray * np.uint16(step), kind), f"a.{kind.lower()}", SIZE)
    assert np.array_equal(found, np.dstack([gray, gray, gray, OPAQUE[..., 0]]))


def test_overviews_and_masks_of_a_tiff_are_no_pictures_of_their_own():
    file = io.BytesIO()
    overview = Image.fromarray(small()[::2, ::2])
    mask = Image.fromarray(np.zeros((16, 24), np.uint8))
    overview.encoderinfo, mask.encoderinfo = {"tiffinfo": {254: 1}}, {"tiffinfo": {254: 4}}
    picture = Image.fromarray(small())
    picture.save(file, "TIFF", save_all=True, append_images=[overview, mask], tiffinfo={254: 0})
    assert np.array_equal(decode_frame(file.getvalue(), "a.tif", SIZE)[..., :3], small())


def test_sample_frames_decode_like_pillow():
    for path in sample_frames("CASGO")[::60]:
        found = decode_frame(path.read_bytes(), path.name, (580, 480))
        assert np.array_equal(found, np.array(Image.open(path).convert("RGBA")))
        assert np.array_equal(found[..., :3], read_sample(path))


def damaged():
    data = bytearray(FILES["a.png"])
    data[data.index(b"IDAT") + 20] ^= 255
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_12_bit_gray_in_16_bits_is_refused_with_the_remedy(kind):
    gray = (np.arange(16 * 24, dtype=np.uint16) * 10).reshape(16, 24)
    with pytest.raises(FrameError, match=r"values up to 3830 alone.*gdal_translate"):
        decode_frame(encode(gray, kind), f"a.{kind.lower()}", SIZE)


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
        (encode(small(), "TIFF", mode="F"), "a.tif", "mode F"),
        (
            encode(small(), "TIFF", save_all=True, append_images=[Image.fromarray(small(1))]),
            "a.tif",
            "animation of 2",
        ),
        (
            encode(small(), "WEBP", save_all=True, append_images=[Image.fromarray(small(1))]),
            "a.webp",
            "animation of 2",
        ),
        (FILES["a.webp"][:-2], "a.webp", "truncated"),
        (FILES["a.tif"][: len(FILES["a.tif"]) // 2], "a.tif", "truncated"),
        (encode(small(size=(16, 24)), "TIFF"), "a.tif", "wrong size: 16 x 24"),
        (encode(small(size=(25, 16)), "WEBP"), "a.webp", "wrong size: 25 x 16"),
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
    assert pixels.shape == (16, 24, 4)
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


def recoded(pixels, **options):
    with Image.open(io.BytesIO(encode(pixels, "WEBP", **options))) as picture:
        return np.array(picture.convert("RGBA"))


@given(st.integers(0, 99), st.integers(60, 95), st.integers(60, 95))
def test_pictures_of_animations_may_differ_by_the_noise_of_their_encoder(seed, one, other):
    pixels = np.kron(small(seed, (12, 8)), np.ones((9, 9, 1), np.uint8))
    frames = [NamedFrame(name, recoded(pixels, quality=q), of_loop=True) for name, q in (("b", one), ("a", other))]
    kept, refused = settle_same_time(frames)
    assert kept is not None and kept.name == "a" and refused == []
    moved = np.roll(pixels, 4, axis=1)
    frames[0] = NamedFrame("b", recoded(moved, quality=one), of_loop=True)
    assert settle_same_time(frames)[0] is None


def test_a_picture_of_its_own_goes_before_a_like_one_of_an_animation():
    pixels = np.kron(small(0, (12, 8)), np.ones((9, 9, 1), np.uint8))
    frames = [NamedFrame("a", recoded(pixels, quality=70), of_loop=True)]
    frames.append(NamedFrame("b", recoded(pixels, quality=95)))
    kept, refused = settle_same_time(frames)
    assert kept is frames[1] and [name for name, _ in refused] == ["a"]


def test_different_pictures_of_one_time_are_all_refused_with_each_others_names():
    frames = [NamedFrame("a", small()), NamedFrame("b", small()), NamedFrame("c", small(1))]
    kept, refused = settle_same_time(frames)
    assert kept is None
    assert [name for name, _ in refused] == ["a", "b", "c"]
    for name, reason in refused:
        assert all(other in reason for other in {"a", "b", "c"} - {name})
