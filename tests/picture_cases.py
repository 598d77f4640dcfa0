"""Provide pictures for the tests: frames of the sample, small ones, and a zoo of bad ones."""

import io
import json
import os
import struct
import zlib
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "resources" / "maritimes"
PALETTE = ROOT / "config" / "palettes" / "eccc.csv"
RADARS = json.loads((SAMPLE / "radars.json").read_text())
NAMES = {"pattern": r"(\d{12})(?=\D*$)", "time_format": "%Y%m%d%H%M", "time_zone": "UTC"}
PLOT_BOX = (100, 0, 580, 480)
BOXES = [(334, 233, 347, 246)]
SIZE = (24, 16)  # of the small pictures: width, height
LOOP_SIZE = (11, 7)  # of the pictures of animations


def rgb_of(text):
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))


LEGEND_COLOURS = [rgb_of(entry["rgb"]) for entry in RADARS["palette"]]
LOWER_DBZ = [entry["dbz_min"] for entry in RADARS["palette"]]
BACKGROUND = [rgb_of(RADARS["background"][name]) for name in ("land", "water", "boundary")]


def sample_frames(radar):
    return sorted((SAMPLE / "frames" / radar).glob("*.png"))


def read_sample(path):
    return iio.imread(path, plugin="pillow", mode="RGB")


def small(seed=0, size=SIZE):
    """Make a small RGB picture of few colours."""
    rng = np.random.default_rng(seed)
    colours = np.array(LEGEND_COLOURS[:5] + BACKGROUND, dtype=np.uint8)
    return colours[rng.integers(0, len(colours), (size[1], size[0]))]


def encode(pixels, kind="PNG", mode=None, **options):
    """Encode a picture as a file."""
    picture = Image.fromarray(pixels)
    if mode:
        picture = picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(values, kind, depth, chunks=()):
    """Write a PNG of numbers (height, width, channels), a colour type and depth, with `chunks` before the data."""
    height, width, channels = values.shape
    numbers = values.reshape(height, width * channels).astype(">u2")
    if depth == 16:
        rows = numbers.view(np.uint8)
    else:
        bits = np.unpackbits(numbers.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in parts)


def bomb(width=50_000, height=50_000):
    """Make a PNG of some KB whose header claims gigapixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(2_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def animation(count=2):
    file = io.BytesIO()
    pictures = [Image.fromarray(small(seed)) for seed in range(count)]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=50)
    return file.getvalue()


def loop_file(seeds, kind="GIF", mode="RGB", **options):
    """Encode an animation of different pictures; return the file's bytes."""
    pictures = [Image.fromarray(small(seed, LOOP_SIZE)).convert(mode) for seed in seeds]
    if mode == "RGBA":
        for picture, seed in zip(pictures, seeds, strict=True):
            seen = np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), (LOOP_SIZE[1], LOOP_SIZE[0]))
            picture.putalpha(Image.fromarray(seen))
    file = io.BytesIO()
    options |= {"lossless": True} if kind == "WEBP" else {}
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], duration=100, **options)
    return file.getvalue()


def write_zoo(folder):
    """Bad frames of 2024-07-11 beside two good ones; return {name: text of its reason}, and the good names."""
    folder.mkdir(parents=True)
    good = encode(small())
    files = {
        "r_202407110000.png": good,
        "r_202407110006.png": good[: len(good) // 2],
        "r_202407110012.png": b"",
        "r_202407110018.png": b"no picture at all\n" * 20,
        "r_202407110024.png": encode(small(size=(25, 16))),
        "r_latest.png": good,
        "r_202407110030.png": good,
        "s_202407110030.png": encode(small(), compress_level=0),
        "r_202407110036.png": good,
        "s_202407110036.png": encode(small(1)),
        "r_202407110042.png": bomb(),
        "r_202407110100.png": encode(small(), "JPEG"),
        "r_202407110106.gif": animation(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "r_202407110048.png").mkdir()
    (folder / "r_202407110054.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "r_202407110112.png")
    reasons = {
        "r_202407110006.png": "truncated",
        "r_202407110012.png": "zero bytes",
        "r_202407110018.png": "not a picture",
        "r_202407110024.png": "wrong size: 25 x 16 px, not 24 x 16",
        "s_202407110030.png": "duplicate of r_202407110030.png",
        "r_202407110036.png": "same time as s_202407110036.png",
        "s_202407110036.png": "same time as r_202407110036.png",
        "r_202407110042.png": "decompression bomb",
        "r_202407110048.png": "folder",
        "r_202407110054.png": "link without target",
        "r_202407110100.png": "mislabelled",
        "r_202407110106.gif": "animation of 2 pictures",
        "r_202407110112.png": "not a regular file",
    }
    return reasons, ["r_202407110000.png", "r_202407110030.png"]
