"""Decode one picture and check that it can be a frame of its radar.

A picture is refused rather than repaired: half a picture would read as half a map without rain. What can
be told from the header is told before anything is decoded, so that a small file which claims a huge
picture (a decompression bomb) costs nothing.
"""

from __future__ import annotations

import hashlib
import struct
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import FrameError

Pixels = NDArray[np.uint8]

MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
}
FORMAT_OF_SUFFIX = {".png": "PNG", ".gif": "GIF", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
# What 8 bits a channel can hold without loss, by the names that Pillow gives the modes.
OPAQUE_MODES = frozenset({"1", "L", "P", "RGB"})
ALPHA_MODES = frozenset({"LA", "PA", "RGBA"})
# A picture that claims this many times the pixels of a frame is no mistake of size.
BOMB_FACTOR = 100
_LOW_LEVEL = (struct.error, zlib.error)


@dataclass(frozen=True)
class NamedFrame:
    """A decoded frame with the name, size and SHA-256 of its file."""

    name: str
    pixels: Pixels
    bytes: int = 0
    sha256: str = ""


def largest_file(size: tuple[int, int]) -> int:
    """Bytes that no sound picture of (width, height) exceeds: 4 channels, uncompressed twice over."""
    return 8 * size[0] * size[1] + 2**20


def decode_frame(data: bytes, name: str, size: tuple[int, int]) -> Pixels:
    """Pixels (height, width, 3) uint8 RGB of a picture file's bytes; transparent ones lie on black.

    `name` is the file's name, whose suffix must tell its format; `size` is the wanted (width, height).
    Raises FrameError with a reason that a user understands, without the file's name.
    """
    kind = _sniff(data, name)
    if kind == "PNG":
        _check_png(data, size)
    elif kind == "JPEG" and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise FrameError("the picture is truncated: its JPEG data has no end")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's doubts about size and tags; the checks here decide
            with iio.imopen(data, "r", plugin="pillow") as picture:
                return _read(picture, size)
    except FrameError:
        raise
    # Damaged data meets Pillow's decoders and its tables of tags alike: these are what they raise.
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, *_LOW_LEVEL) as error:
        cause = error.__cause__ or error
        if "decompression bomb" in str(cause):
            raise FrameError(f"a decompression bomb: {str(cause).split(',')[0]}") from error
        raise FrameError(f"the picture is truncated or damaged: {str(cause) or type(cause).__name__}") from error


def settle_same_time(frames: Sequence[NamedFrame]) -> tuple[NamedFrame | None, list[tuple[str, str]]]:
    """Of several frames of one time: the one to keep, and (name, reason) of those to refuse.

    Where all have equal pixels the first by name stays and the others are its duplicates; where any
    differ, nobody can say which is right and all are refused.
    """
    first, *others = sorted(frames, key=lambda frame: frame.name)
    if all(np.array_equal(frame.pixels, first.pixels) for frame in others):
        return first, [(frame.name, f"a duplicate of {first.name}: same time, same pixels") for frame in others]
    names = [frame.name for frame in (first, *others)]
    return None, [
        (name, f"same time as {', '.join(other for other in names if other != name)}, but other pixels")
        for name in names
    ]


def decode_same_time(
    files: Sequence[tuple[str, bytes | FrameError]], size: tuple[int, int]
) -> tuple[NamedFrame | None, list[tuple[str, str]]]:
    """Decode the files (name, content) of one time.

    Returns the frame to keep, None if there is none, and (name, reason) of the refused files.
    """
    frames: list[NamedFrame] = []
    refused: list[tuple[str, str]] = []
    for name, data in files:
        try:
            if isinstance(data, FrameError):
                raise data
            digest = hashlib.sha256(data).hexdigest()
            frames.append(NamedFrame(name, decode_frame(data, name, size), len(data), digest))
        except FrameError as error:
            refused.append((name, str(error)))
    if not frames:
        return None, refused
    kept, others = settle_same_time(frames)
    return kept, refused + others


def _sniff(data: bytes, name: str) -> str:
    if not data:
        raise FrameError("the file is empty (zero bytes)")
    kind = next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), None)
    if kind is None:
        raise FrameError("not a picture: its content is neither PNG, GIF, JPEG nor BMP")
    suffix = PurePath(name).suffix
    expected = FORMAT_OF_SUFFIX.get(suffix.lower())
    if kind != expected:
        raise FrameError(f"mislabelled: named {suffix}, but its content is {kind}")
    return kind


def _check_png(data: bytes, size: tuple[int, int]) -> None:
    """Walk the chunks: Pillow passes over a lost end, wrong check sums, and 16 bits a channel."""
    position, kind = 8, b""
    while kind != b"IEND":
        head = data[position : position + 8]
        end = position + 12 + (int.from_bytes(head[:4], "big") if len(head) == 8 else 0)
        if len(head) < 8 or end > len(data):
            raise FrameError("the picture is truncated: its PNG data has no end")
        kind = head[4:]
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise FrameError("the picture is damaged: a PNG check sum is wrong")
        if kind == b"IHDR" and end == position + 25:
            width, height, depth = struct.unpack(">IIB", data[position + 8 : position + 17])
            _check_size((width, height), size)
            if depth > 8:
                raise FrameError(f"{depth} bits a channel; a frame has 8")
        position = end


def _read(picture: Any, size: tuple[int, int]) -> Pixels:
    metadata = picture.metadata(index=0)
    _check_size(metadata["shape"], size)
    images = picture.properties(index=...).n_images
    if images != 1:
        raise FrameError(f"an animation of {images} pictures; a frame is one picture")
    mode = metadata["mode"]
    if mode not in OPAQUE_MODES | ALPHA_MODES:
        raise FrameError(f"pictures of mode {mode} are not taken; write palette, gray, RGB or RGBA of 8 bits")
    if mode in OPAQUE_MODES and "transparency" not in metadata:
        pixels: Pixels = picture.read(index=0, mode="RGB", writeable_output=False)
    else:
        pixels = _on_black(picture.read(index=0, mode="RGBA", writeable_output=False))
    _check_size((pixels.shape[1], pixels.shape[0]), size)  # a GIF's first frame may outgrow its screen
    return pixels


def _check_size(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found == wanted:
        return
    (width, height), (wanted_width, wanted_height) = found, wanted
    sizes = f"{width} x {height} px, not {wanted_width} x {wanted_height}"
    if width * height > BOMB_FACTOR * wanted_width * wanted_height:
        raise FrameError(f"a decompression bomb: its header claims {sizes}")
    raise FrameError(f"wrong size: {sizes}")


def _on_black(rgba: Pixels) -> Pixels:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)
