"""What the header of a picture tells, without decoding it."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError


@cache
def header_size(path: Path) -> tuple[int, int] | None:
    """(width, height) that a picture's header tells, None where it has no readable one."""
    try:
        with Image.open(path, formats=("PNG", "GIF", "JPEG", "BMP")) as picture:
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
