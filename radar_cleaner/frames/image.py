"""Decode one picture and check that it can be a frame of its radar; read the size in its header.

A picture is refused, not repaired: half a picture would look like half a map without rain. The header is checked
before the picture is decoded. A small file that claims a huge picture (a decompression bomb) thus costs nothing.
"""

from __future__ import annotations

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.sources import FrameFile, read_frames

Pixels = NDArray[np.uint8]

MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
}
FORMAT_OF_SUFFIX = {".png": "PNG", ".gif": "GIF", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
# Modes of Pillow that 8 bits a channel represent without loss.
OPAQUE_MODES = frozenset({"1", "L", "P", "RGB"})
ALPHA_MODES = frozenset({"LA", "PA", "RGBA"})
# A picture that claims this many times the pixels of a frame is treated as a bomb.
BOMB_FACTOR = 100
_LOW_LEVEL = (struct.error, zlib.error)
# Frames whose headers are read to find the usual size, and the largest member of an archive among them.
SAMPLED_HEADERS = 15
LARGEST_SAMPLED_BYTES = 2**26


@dataclass(frozen=True)
class NamedFrame:
    """A decoded frame with the name, size and SHA-256 of its file."""

    name: str
    pixels: Pixels
    bytes: int = 0
    sha256: str = ""


def largest_file(size: tuple[int, int]) -> int:
    """Give the most bytes of an intact picture of (width, height): twice 4 uncompressed channels."""
    return 8 * size[0] * size[1] + 2**20


def decode_frame(data: bytes, name: str, size: tuple[int, int]) -> Pixels:
    """Decode a picture file to pixels (height, width, 3) uint8 RGB; transparent pixels are blended with black.

    The suffix of `name` must match the format. `size` is the wanted (width, height). Raises FrameError with a
    reason for the user, without the file's name.
    """
    kind = _sniff(data, name)
    if kind == "PNG":
        _check_png(data, size)
    elif kind == "JPEG" and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise FrameError("the picture is truncated: its JPEG data has no end")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes and tags; the checks here decide
            with iio.imopen(data, "r", plugin="pillow") as picture:
                return _read(picture, size)
    except FrameError:
        raise
    # Pillow's decoders and its tables of tags raise these on damaged data.
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, *_LOW_LEVEL) as error:
        cause = error.__cause__ or error
        if "decompression bomb" in str(cause):
            raise FrameError(f"a decompression bomb: {str(cause).split(',')[0]}") from error
        raise FrameError(f"the picture is truncated or damaged: {str(cause) or type(cause).__name__}") from error


def settle_same_time(frames: Sequence[NamedFrame]) -> tuple[NamedFrame | None, list[tuple[str, str]]]:
    """Of several frames of one time, give the one to keep, and (name, reason) of those to refuse.

    If all have equal pixels, the first by name stays and the rest are its duplicates. If pixels differ, all are
    refused, because the right one is not known.
    """
    first, *later = sorted(frames, key=lambda frame: frame.name)
    if all(np.array_equal(frame.pixels, first.pixels) for frame in later):
        return first, [(frame.name, f"a duplicate of {first.name}: same time, same pixels") for frame in later]
    names = [frame.name for frame in (first, *later)]
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
    kept, not_kept = settle_same_time(frames)
    return kept, refused + not_kept


@cache
def header_size(path: Path) -> tuple[int, int] | None:
    """Read (width, height) from the header of a picture file; None if it has no readable header."""
    return _open_size(path)


def size_in_header(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) from the first bytes of a picture; None if they are not a readable header."""
    return _open_size(BytesIO(data))


def sample_headers(frames: Sequence[FrameFile]) -> Sequence[FrameFile]:
    """Select a few frames of all times; of archives the first members, so that none is decompressed to its end."""
    if any(frame.member for frame in frames):
        in_order = sorted(frames, key=lambda frame: frame.member.position if frame.member else -1)
        return in_order[:SAMPLED_HEADERS]
    return frames[:: max(1, len(frames) // SAMPLED_HEADERS)]


def header_sizes(frames: Sequence[FrameFile]) -> Iterator[tuple[int, int]]:
    """Yield (width, height) of the frames with readable headers."""
    for _, data in read_frames((frame for frame in frames if frame.member), LARGEST_SAMPLED_BYTES):
        if not isinstance(data, FrameError) and (size := size_in_header(data)) is not None:
            yield size
    for frame in frames:
        if frame.member is None and (size := header_size(Path(frame.path))) is not None:
            yield size


def _open_size(source: Path | BytesIO) -> tuple[int, int] | None:
    try:
        with Image.open(source, formats=("PNG", "GIF", "JPEG", "BMP")) as picture:
            return picture.size
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        struct.error,
        SyntaxError,
    ):
        return None


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
    """Check the chunks: Pillow accepts a missing end, wrong checksums, and 16 bits a channel."""
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
    _check_size((pixels.shape[1], pixels.shape[0]), size)  # the first frame of a GIF may exceed its screen
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
