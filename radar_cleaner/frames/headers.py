"""What the header of a picture tells, without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.sources import FrameFile, read_frames

LOOKED_AT = 15
# Of a picture in an archive; larger ones are not looked at.
LARGEST_BYTES = 2**26


@cache
def header_size(path: Path) -> tuple[int, int] | None:
    """(width, height) that a picture's header tells, None where it has no readable one."""
    return _size(path)


def some(frames: Sequence[FrameFile]) -> Sequence[FrameFile]:
    """A few frames of all times; of archives the first ones in them, so that none is unpacked to its end."""
    if any(frame.member for frame in frames):
        return sorted(frames, key=lambda frame: frame.member.position if frame.member else -1)[:LOOKED_AT]
    return frames[:: max(1, len(frames) // LOOKED_AT)]


def sizes_of(frames: Sequence[FrameFile]) -> Iterator[tuple[int, int]]:
    """(width, height) of the frames whose headers can be read."""
    for _, data in read_frames((frame for frame in frames if frame.member), LARGEST_BYTES):
        if not isinstance(data, FrameError) and (size := header_of(data)) is not None:
            yield size
    for frame in frames:
        if frame.member is None and (size := header_size(Path(frame.path))) is not None:
            yield size


def header_of(data: bytes) -> tuple[int, int] | None:
    """(width, height) that the first bytes of a picture tell."""
    return _size(BytesIO(data))


def _size(source: Path | BytesIO) -> tuple[int, int] | None:
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
