"""Convert a picture of any mode to 8-bit red, green, blue and opacity.

Pillow converts most modes. Two are converted here, because Pillow does not follow the definition of the format:
16-bit gray, which it clips, and the transparent colour of gray and RGB, which it compares in the wrong unit unless
the picture has 8 bits a channel.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from radar_cleaner.errors import FrameError

Pixels = NDArray[np.uint8]

# Modes of Pillow. In the first three a PNG's transparent colour is one value, not an index of the palette.
PLAIN_MODES = frozenset({"1", "L", "RGB"})
MODES = PLAIN_MODES | {"P", "LA", "PA", "RGBA", "RGBX", "CMYK", "YCbCr"}
GRAY_16_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
NARROW = 2**12  # the upper 8 bits of 16-bit gray below this keep 16 grays at most
# Values of the EXIF tag `Orientation` that exchange width and height.
TURNED = frozenset({5, 6, 7, 8})


def to_rgba(picture: Image.Image, depth: int) -> Pixels:
    """Convert a picture to (height, width, 4) uint8: red, green, blue, opacity.

    `depth` is the number of bits a channel in the file. Of 16 bits the upper 8 are taken: that is exact if the
    picture was widened from 8 bits, by v * 257 as well as by v * 256; a transparent colour of 16-bit RGB is
    recognized by these bits alone. A picture with an EXIF orientation is turned upright. Colours keep their values
    under opacities from 1 to 254. Where the opacity is 0, nothing is drawn: the colour becomes black. Raises
    FrameError for a mode with other numbers than colours, and for 16-bit gray that 8 bits do not show.
    """
    transparent = picture.info.get("transparency")
    turn = _turn(picture)
    if picture.mode in GRAY_16_MODES:
        wide = np.asarray(picture)
        _check_range(wide)
        rgba = _opaque((wide >> 8).astype(np.uint8))
        nothing = _equals(wide, transparent)
    elif picture.format == "PNG" and picture.mode in PLAIN_MODES and transparent is not None:
        shown = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
        rgba = _opaque(shown)
        nothing = _equals(shown, _in_8_bits(transparent, depth))
    elif picture.mode in MODES:
        rgba = np.array(picture.convert("RGBA"))
        nothing = cv2.extractChannel(rgba, 3) == 0
    else:
        raise FrameError(f"pictures of mode {picture.mode} are not read; write palette, gray, RGB, RGBA or CMYK")
    if nothing.any():
        rgba[nothing] = 0
    return rgba if turn == 1 else _upright(rgba, turn)


def _check_range(gray: NDArray[np.unsignedinteger]) -> None:
    """Refuse 16-bit gray (height, width) whose upper 8 bits merge most of its values."""
    most = int(gray.max(initial=0))
    if most < NARROW and len(np.unique(gray)) > NARROW >> 8:
        raise FrameError(
            f"its 16-bit gray has values up to {most} alone, and 8 bits are read; scale the pictures to 8 bits,"
            " for example with gdal_translate -scale -ot Byte"
        )


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Return (width, height) as the picture is shown, after its EXIF orientation."""
    width, height = picture.size
    return (height, width) if _turn(picture) in TURNED else (width, height)


def _turn(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 for upright.

    The one of a PNG counts if it comes before the pixels: to look for it further on, Pillow would decode them.
    A TIFF is turned by Pillow.
    """
    if picture.format == "TIFF" or (picture.format == "PNG" and "exif" not in picture.info):
        return 1
    turn = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return turn if turn in range(1, 9) else 1


def _upright(rgba: Pixels, turn: int) -> Pixels:
    turned = Image.fromarray(rgba)
    turned.getexif()[ExifTags.Base.Orientation] = turn
    return np.asarray(ImageOps.exif_transpose(turned))


def _opaque(shown: Pixels) -> Pixels:
    rgba = np.full((*shown.shape[:2], 4), 255, np.uint8)
    rgba[..., :3] = shown if shown.ndim == 3 else shown[..., None]
    return rgba


def _in_8_bits(value: Any, depth: int) -> Any:
    """Return a colour of the file, one number or three, as the picture shows it in 8 bits a channel."""
    if depth == 16:
        return np.asarray(value) >> 8
    if depth == 1:  # Pillow has scaled it, but of 2 and 4 bits not
        return value
    return np.asarray(value) * (255 // (2**depth - 1))


def _equals(shown: NDArray[Any], colour: Any) -> NDArray[np.bool_]:
    """Return (height, width): where a picture of gray or RGB has a colour; nowhere for None."""
    if colour is None:
        return np.zeros(shown.shape[:2], bool)
    same = shown == np.asarray(colour)
    return same if same.ndim == 2 else np.asarray(same.all(axis=2))
