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
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import groupby
from pathlib import Path, PurePath
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.picture_file import MAGIC, picture_numbers, read_size
from radar_cleaner.frames.pixels import Pixels, to_rgba, upright_size
from radar_cleaner.frames.sources import FrameFile, read_frames

FORMAT_OF_SUFFIX = {
    ".png": "PNG",
    ".apng": "PNG",
    ".gif": "GIF",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
# A picture that claims this many times the pixels of a frame is treated as a bomb.
BOMB_FACTOR = 100
_LOW_LEVEL = (struct.error, zlib.error)
# Frames whose headers are read to find the usual size, and the largest member of an archive among them.
SAMPLED_HEADERS = 15
LARGEST_SAMPLED_BYTES = 2**26


# In the reasons why a picture is refused in whose place another one was read.
DUPLICATE, NEARER = "a duplicate of", "is nearer"
# Levels of a channel, of 255, by which lossy pictures differ, and the share of pixels that may differ more.
ALIKE, UNLIKE_SHARE = 40, 0.0005
# Animations that stay open: the next picture of each takes one step, not all steps from the first picture.
HELD_ANIMATIONS = 32


@dataclass(frozen=True)
class NamedFrame:
    """A decoded frame, (height, width, 4) uint8, with the name, size and SHA-256 of its file."""

    name: str
    pixels: Pixels
    bytes: int = 0
    sha256: str = ""
    of_loop: bool = False

    @property
    def rgb(self) -> Pixels:
        """(height, width, 3): the colours. OpenCV copies them much faster than NumPy."""
        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGBA2RGB), np.uint8)

    @property
    def alpha(self) -> Pixels:
        """(height, width): the opacity."""
        return np.asarray(cv2.extractChannel(self.pixels, 3), np.uint8)


class Candidate(NamedTuple):
    """A picture that may be the frame of a time: its file, its name in tables, and the file's content."""

    file: FrameFile
    name: str
    data: bytes | FrameError


def is_spare(reason: str) -> bool:
    """Whether a picture was refused for this reason because another one was read in its place."""
    return reason.startswith(DUPLICATE) or reason.endswith(NEARER)


def largest_file(size: tuple[int, int]) -> int:
    """Give the most bytes of an intact picture of (width, height): twice 4 uncompressed channels."""
    return 8 * size[0] * size[1] + 2**20


class FrameDecoder:
    """Decode the pictures of a radar with frames of `size`, (width, height)."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._held: dict[str, Image.Image] = {}

    def decode(self, data: bytes, name: str, number: int | None = None) -> Pixels:
        """Decode a picture as `decode_frame`, or picture `number` of an animation. `name` is that of the file."""
        if number is None:
            return decode_frame(data, name, self.size)
        picture = self._held.pop(name, None)  # a damaged animation does not stay open
        kind, depth = check_file(data, name, self.size)
        with _damage():
            if picture is None or picture.tell() > number:  # Pillow goes back wrongly in animated PNG
                picture = Image.open(BytesIO(data), formats=(kind,))
            pixels = _read(picture, self.size, depth, number)
        self._held[name] = picture
        if len(self._held) > HELD_ANIMATIONS:
            self._held.pop(next(iter(self._held))).close()
        return pixels

    def decode_same_time(self, candidates: Sequence[Candidate]) -> tuple[NamedFrame | None, list[tuple[str, str]]]:
        """Decode the pictures of one time.

        Those nearest to the time count; of equal distance as in `settle_same_time`. Returns the frame to keep,
        None if there is none, and (name, reason) of the refused pictures.
        """
        kept: NamedFrame | None = None
        refused: list[tuple[str, str]] = []
        order = sorted(candidates, key=lambda candidate: (abs(candidate.file.offset), candidate.file.offset))
        for offset, group in groupby(order, key=lambda candidate: candidate.file.offset):
            if kept is not None:
                far = f"{abs(offset) / 60:g} minutes off its slot: {kept.name} {NEARER}"
                refused += [(candidate.name, far) for candidate in group]
                continue
            frames: list[NamedFrame] = []
            for file, name, data in group:
                try:
                    frames.append(self._decode_named(file, name, data))
                except FrameError as error:
                    refused.append((name, str(error)))
            if frames:
                kept, not_kept = settle_same_time(frames)
                refused += not_kept
        return kept, refused

    def _decode_named(self, file: FrameFile, name: str, data: bytes | FrameError) -> NamedFrame:
        if isinstance(data, FrameError):
            raise data
        pixels = self.decode(data, file.file_name, file.picture)
        digest = hashlib.sha256(data).hexdigest()
        return NamedFrame(name, pixels, len(data), digest, of_loop=file.picture is not None)


def decode_frame(data: bytes, name: str, size: tuple[int, int]) -> Pixels:
    """Decode a file of one picture to pixels (height, width, 4) uint8: red, green, blue, opacity.

    A colour is not blended with its background, see `to_rgba`. The suffix of `name` must match the format.
    `size` is the wanted (width, height). Raises FrameError with a reason for the user, without the file's name.
    """
    kind, depth = check_file(data, name, size)
    with _damage(), Image.open(BytesIO(data), formats=(kind,)) as picture:
        return _read(picture, size, depth, None)


def check_file(data: bytes, name: str, size: tuple[int, int]) -> tuple[str, int]:
    """Check what is known before decoding: kind, name, end, check sums. Return the kind and the bits a channel."""
    kind = _sniff(data, name)
    depth = 8
    if kind == "PNG":
        depth = _check_png(data, size)
    elif kind == "JPEG" and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise FrameError("the picture is truncated: its JPEG data has no end")
    elif kind == "WEBP" and 8 + int.from_bytes(data[4:8], "little") > len(data):
        raise FrameError("the picture is truncated: its WebP data has no end")
    return kind, depth


@contextmanager
def _damage() -> Iterator[None]:
    """Raise what Pillow raises on damaged pictures as FrameError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about sizes and tags; the checks here decide
            yield
    except FrameError:
        raise
    except Image.DecompressionBombError as error:
        raise FrameError(f"a decompression bomb: {str(error).split(',')[0]}") from error
    # Pillow's decoders and its tables of tags raise these on damaged data.
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, *_LOW_LEVEL) as error:
        raise FrameError(f"the picture is truncated or damaged: {str(error) or type(error).__name__}") from error


def settle_same_time(frames: Sequence[NamedFrame]) -> tuple[NamedFrame | None, list[tuple[str, str]]]:
    """Of several frames of one time, give the one to keep, and (name, reason) of those to refuse.

    If all have equal pixels, the first by name stays and the rest are its duplicates. Those of animations are not
    listed: an animation that is published again contains most pictures of the one before. An encoder may write
    them slightly differently each time, so pictures of animations need only be alike (`are_alike`), and a picture
    of its own goes before them. If pixels differ, all are refused, because the right one is not known.
    """
    first, *later = sorted(frames, key=lambda frame: (frame.of_loop, frame.name))
    if all(
        np.array_equal(frame.pixels, first.pixels) or (frame.of_loop and are_alike(frame.pixels, first.pixels))
        for frame in later
    ):
        listed = [frame for frame in later if not (frame.of_loop and first.of_loop)]
        return first, [(frame.name, f"{DUPLICATE} {first.name}: same time, same pixels") for frame in listed]
    names = [frame.name for frame in (first, *later)]
    return None, [
        (name, f"same time as {', '.join(other for other in names if other != name)}, but other pixels")
        for name in names
    ]


def are_alike(one: Pixels, other: Pixels) -> bool:
    """Return whether two pictures differ by no more than the noise of an encoder.

    Nearly each pixel is then within ALIKE of the range of its 3 x 3 neighbours in the other picture. Echo that has
    moved by a pixel or less is alike, too: either picture is then good for the time.
    """
    return _outside(one, other) <= UNLIKE_SHARE and _outside(other, one) <= UNLIKE_SHARE


def _outside(one: Pixels, other: Pixels) -> float:
    """Return the share of pixels that are not within ALIKE of the neighbours in another picture."""
    around = np.ones((3, 3), np.uint8)
    above = cv2.subtract(one, cv2.dilate(other, around))
    below = cv2.subtract(cv2.erode(other, around), one)
    return float((cv2.max(above, below) > ALIKE).any(axis=2).mean())


@cache
def header_size(path: Path) -> tuple[int, int] | None:
    """Read (width, height) from the header of a picture file; None if it has no readable header."""
    return read_size(path)


def size_in_header(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) from the first bytes of a picture; None if they are not a readable header."""
    return read_size(BytesIO(data))


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


def _sniff(data: bytes, name: str) -> str:
    if not data:
        raise FrameError("the file is empty (zero bytes)")
    kind = next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), None)
    if kind is None:
        raise FrameError("not a picture: its content is neither PNG, GIF, JPEG, BMP, WebP nor TIFF")
    suffix = PurePath(name).suffix
    expected = FORMAT_OF_SUFFIX.get(suffix.lower())
    if kind != expected:
        raise FrameError(f"mislabelled: named {suffix}, but its content is {kind}")
    return kind


def _check_png(data: bytes, size: tuple[int, int]) -> int:
    """Check the chunks, as Pillow accepts a missing end and wrong checksums; return the bits a channel."""
    position, kind, depth = 8, b"", 8
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
            _check_bomb((width, height), size)
        position = end
    return depth


def _read(picture: Image.Image, size: tuple[int, int], depth: int, number: int | None) -> Pixels:
    _check_size(upright_size(picture), size)
    pictures = picture_numbers(picture)
    if number is None and len(pictures) != 1:
        raise FrameError(f"an animation of {len(pictures)} pictures; to read them all, set frames.loop")
    if number is not None and number >= len(pictures):
        raise FrameError(f"it has {len(pictures)} pictures now; run again")
    picture.seek(pictures[number or 0])
    pixels = to_rgba(picture, depth)
    _check_size((pixels.shape[1], pixels.shape[0]), size)  # the first frame of a GIF may exceed its screen
    return pixels


def _check_size(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found != wanted:
        _check_bomb(found, wanted)
        raise FrameError(f"wrong size: {_sizes(found, wanted)}")


def _check_bomb(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    if found[0] * found[1] > BOMB_FACTOR * wanted[0] * wanted[1]:
        raise FrameError(f"a decompression bomb: its header claims {_sizes(found, wanted)}")


def _sizes(found: tuple[int, int], wanted: tuple[int, int]) -> str:
    return f"{found[0]} x {found[1]} px, not {wanted[0]} x {wanted[1]}"
