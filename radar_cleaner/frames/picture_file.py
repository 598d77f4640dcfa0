"""The kind of a picture file, and how many pictures it contains."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from radar_cleaner.frames.pixels import upright_size

MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"RIFF": "WEBP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
FORMATS = tuple(dict.fromkeys(MAGIC.values()))
# Bits of the TIFF tag `NewSubfileType`: a smaller copy of a picture, a mask. Neither is a picture of its own.
COPY_OR_MASK = 1 | 4
# Errors that Pillow raises for headers that it cannot read.
UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    SyntaxError,
)


def read_size(source: Path | BytesIO) -> tuple[int, int] | None:
    """Read (width, height) of a picture as it is shown; None without a readable header."""
    try:
        with Image.open(source, formats=FORMATS) as picture:
            return upright_size(picture)
    except UNREADABLE:
        return None


def count_pictures(source: Path | BytesIO) -> int:
    """Count the pictures of a file, without decoding them; 1 if it cannot be read."""
    try:
        with Image.open(source, formats=FORMATS) as picture:
            return len(picture_numbers(picture))
    except UNREADABLE:
        return 1


def picture_numbers(picture: Image.Image) -> list[int]:
    """Return the numbers of the pictures in a file, without smaller copies, masks and an animation's cover."""
    numbers = list(range(getattr(picture, "n_frames", 1)))
    if picture.format == "TIFF":
        return [number for number in numbers if not _subfile_type(picture, number) & COPY_OR_MASK]
    return numbers[1:] if picture.info.get("default_image") else numbers


def _subfile_type(picture: Image.Image, number: int) -> int:
    picture.seek(number)
    return int(picture.getexif().get(ExifTags.Base.NewSubfileType, 0))
