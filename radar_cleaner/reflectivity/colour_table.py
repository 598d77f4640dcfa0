"""Turn a frame's colours into packed reflectivity, and judge its echoes by their shape.

Only what one picture shows is used here; what needs time, statistics or other radars is in `votes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import (
    METEOROLOGICAL,
    NODATA,
    NON_METEOROLOGICAL,
    UNKNOWN,
    encode_dbz,
    is_echo,
)
from radar_cleaner.errors import ConfigError
from radar_cleaner.reflectivity.palette import ColourScale

cv2.setNumThreads(1)  # as the jobs ask for; OpenCV's others would spin while they wait for pictures so small

Codes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]


class ColourTable:
    """A colour scale tabulated over all 2^24 colours, each computed when it is first seen.

    Gives what the scale gives, one gather a pixel: pictures have few colours, and the scale is slow.
    """

    def __init__(self, scale: ColourScale) -> None:
        self._scale = scale
        # A colour is never `nodata`, so that this code can stand for "not computed yet".
        self._codes = np.full(2**24, NODATA, dtype=np.uint8)

    def __call__(self, pixels: NDArray[np.uint8]) -> Codes:
        """Codes (y, x) of colours (y, x, 3) uint8."""
        # Red, green, blue, and 255 as the highest byte of one number: negative, it counts from the table's end.
        index = cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).view("<i4")[..., 0].astype(np.intp)
        codes = self._codes.take(index, mode="wrap")
        missing = codes == NODATA
        if missing.any():
            new = np.unique(index[missing])
            self._codes[new] = self._scale(
                np.stack([new & 255, new >> 8 & 255, new >> 16 & 255], 1).astype(np.uint8)
            )
            codes = self._codes.take(index, mode="wrap")
        return codes


@dataclass(frozen=True)
class EchoShape:
    """What a single picture calls weather, in pixels. 0 or 1 px turns a step off."""

    opening: int
    closing: int
    min_area: int


def overlay_mask(
    size: tuple[int, int],
    plot_box: Box,
    border: int,
    boxes: Sequence[Box],
    picture: NDArray[np.uint8] | None = None,
) -> Mask:
    """(height, width) of the plot box: where something is drawn over the map, so that no echo can be seen.

    `size` is the frame's (width, height); `plot_box` and `boxes` are half-open (x0, y0, x1, y1) in pixels
    of the frame; `border` is the width of the plot box's own border; `picture` is a frame-sized RGB
    picture, black where nothing is drawn. Raises ConfigError for a box outside the frame.
    """
    for box in (plot_box, *boxes):
        check_box(box, size)
    width, height = size
    mask = np.zeros((height, width), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    if picture is not None:
        mask |= picture.any(axis=2)
    x0, y0, x1, y1 = plot_box
    mask = mask[y0:y1, x0:x1].copy()
    inner = np.zeros_like(mask)
    inner[border : mask.shape[0] - border, border : mask.shape[1] - border] = True
    return mask | ~inner


def check_box(box: Box, size: tuple[int, int]) -> None:
    """Raise ConfigError unless a half-open box lies within a picture of (width, height)."""
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        raise ConfigError(
            f"box {list(box)} is not within the frame of {size[0]} x {size[1]} px; write x0, y0, x1, y1"
        )


def range_mask(shape: tuple[int, int], center_px: tuple[float, float], radius_px: float) -> Mask:
    """(rows, columns): within the radar's range; centre and radius in plot-box pixels."""
    east, south = np.arange(shape[1]) - center_px[0], np.arange(shape[0]) - center_px[1]
    return np.asarray(np.square(east)[None] + np.square(south)[:, None] <= radius_px**2)


def pack_echoes(codes: Codes, observed: Mask, min_dbz: float) -> Codes:
    """Codes of a frame: `nodata` where not observed, `undetect` where an echo is below `min_dbz`."""
    strong = codes * (codes >= encode_dbz(min_dbz))  # `undetect` is 0
    return strong | ~observed * np.uint8(NODATA)  # whose bits are all set; a quarter of what `np.where` takes


def echo_fraction(codes: Codes) -> float:
    """Share of the observed pixels of a frame that echo; 0 where none is observed."""
    observed = int(np.count_nonzero(codes != NODATA))
    return float(np.count_nonzero(is_echo(codes)) / observed) if observed else 0.0


def local_echo_fraction(codes: Codes, window_px: int) -> NDArray[np.float32]:
    """(y, x): share of the observed pixels that echo in a square window about each pixel; 0 where none is.

    What lies outside the picture is not observed. An even window reaches a pixel further up and left.
    """
    observed = count_in_window(codes != NODATA, (window_px, window_px))
    echoing = count_in_window(is_echo(codes), (window_px, window_px))
    return np.divide(echoing, observed, out=np.zeros_like(echoing), where=observed > 0)


def count_in_window(mask: Mask, window: tuple[int, int]) -> NDArray[np.float32]:
    """How many pixels of a window (rows, columns) about each pixel are in the mask: whole numbers, exact."""
    return np.asarray(
        cv2.boxFilter(
            mask.view(np.uint8), cv2.CV_32F, window[::-1], normalize=False, borderType=cv2.BORDER_CONSTANT
        )
    )


def classify_echoes(codes: Codes, shape: EchoShape) -> NDArray[np.uint8]:
    """echo_class (y, x) by shape: what opening, closing and the removal of small areas leave is weather.

    An echo (joined over corners) of which nothing is left is non-meteorological; what is shaved off an
    echo of which something is left is unknown, and so is what was not observed.
    """
    echo = is_echo(codes)
    kept = echo & _surviving(echo, shape)
    places, components = _components(echo)
    stays = kept.reshape(-1).take(places)
    class_of_component = np.full(places.size + 1, NON_METEOROLOGICAL, np.uint8)
    class_of_component[components[stays]] = UNKNOWN
    classes: Codes = (codes == NODATA) * np.uint8(UNKNOWN)  # `none` is 0
    classes.reshape(-1)[places] = np.where(stays, np.uint8(METEOROLOGICAL), class_of_component.take(components))
    return classes


def _components(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Flat index of what is in a mask, and which of its parts, joined over corners, that belongs to: 1, 2, ..."""
    places = np.flatnonzero(mask)
    _, parts = cv2.connectedComponents(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return places, np.asarray(parts, np.int32).reshape(-1).take(places)


def _surviving(echo: Mask, shape: EchoShape) -> Mask:
    mask = echo.astype(np.uint8)
    opening, closing = (cv2.erode, cv2.dilate), (cv2.dilate, cv2.erode)
    for pixels, (there, back) in ((shape.opening, opening), (shape.closing, closing)):
        if pixels > 1:
            # The way back is by the mirrored disc: with an even size it would else shift by a pixel.
            disc, anchor = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pixels, pixels)), pixels // 2
            mask = np.asarray(there(mask, disc, anchor=(anchor, anchor)), dtype=np.uint8)
            disc, anchor = np.ascontiguousarray(disc[::-1, ::-1]), pixels - 1 - anchor
            mask = np.asarray(back(mask, disc, anchor=(anchor, anchor)), dtype=np.uint8)
    found = mask.view(np.bool_)
    if shape.min_area > 1:
        places, components = _components(found)
        small = np.bincount(components) < shape.min_area
        found.reshape(-1)[places[small.take(components)]] = False
    return found
