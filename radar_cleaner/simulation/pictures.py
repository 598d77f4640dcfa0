"""Draw what a radar publishes: echoes in palette colours over a map, a legend strip, a clock, towns and rings."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from radar_cleaner.conventions import decode_dbz, is_echo
from radar_cleaner.reflectivity.palette import Palette, parse_palette
from radar_cleaner.reflectivity.plot_box import overlay_mask
from radar_cleaner.storage.shards import to_datetime

PALETTE_CSV = """colour,dbz_min
#9be1ff,5
#3fb2ff,10
#1464d2,15
#00e664,20
#00b43c,25
#007823,30
#fff03c,35
#ffbe00,40
#ff7800,45
#ff0000,50
#c80078,55
#8c32dc,60
"""
PALETTE: Palette = parse_palette(PALETTE_CSV, "the simulation's palette")
CLASSES = len(PALETTE.colours)
# Indices into the picture's table of colours: the classes first, weak to strong.
LAND, SEA, COAST, BLACK, WHITE = range(CLASSES, CLASSES + 5)
COLOURS = np.concatenate(
    [
        PALETTE.colours,
        np.array([[200, 190, 155], [60, 75, 110], [40, 40, 40], [0, 0, 0], [255, 255, 255]], dtype=np.uint8),
    ]
)
# Overlays have colours of echo classes, as on real maps: without a mask they look like rain.
BORDER, TOWN = 9, 6
BORDER_PX = 2
LEGEND_WIDTH = 70
CROSS_PX = 4  # half of the radar's cross
BAR_LEFT, BAR_WIDTH = 12, 18
CLOCK_WIDTH, CLOCK_HEIGHT = 100, 13

Indices = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]


def class_of(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the palette class of packed reflectivity (any shape); -1 below the weakest class and without echo."""
    dbz = np.where(is_echo(codes), decode_dbz(codes), -np.inf)
    return np.searchsorted(PALETTE.lower_dbz, dbz, side="right") - 1


class Painter:
    """The pictures of one radar. Everything except echoes and clock is the same in all pictures.

    land_km: (size, size) height of the map's pixels, 0 at sea. places: column and row of towns in it.
    """

    def __init__(self, radar: str, land_km: NDArray[np.float32], places: NDArray[np.float64]) -> None:
        size = land_km.shape[0]
        self.size = size
        self.frame_size = (LEGEND_WIDTH + size, size)  # width, height
        self.plot_box: Box = (LEGEND_WIDTH, 0, LEGEND_WIDTH + size, size)
        middle = (size - 1) // 2
        self.boxes: list[Box] = [
            _shifted(middle - CROSS_PX, middle - CROSS_PX, middle + CROSS_PX + 2, middle + CROSS_PX + 2),
            _shifted(BORDER_PX, BORDER_PX, min(BORDER_PX + CLOCK_WIDTH, size), BORDER_PX + CLOCK_HEIGHT),
        ]
        self.legend_box, legend = _draw_legend(radar, size)
        self._still = np.concatenate([legend, _draw_map(land_km)], axis=1)
        self._drawn = np.zeros_like(self._still)  # towns and rings, 0 where there are none
        plot = self._drawn[:, LEGEND_WIDTH:]
        for share in (0.5, 1.0):
            cv2.circle(plot, (middle, middle), int(share * size / 2) - 1, WHITE)
        for number, (column, row) in enumerate(np.rint(places).astype(int).tolist(), start=1):
            if not (0 <= column < size and 0 <= row < size):
                continue
            cv2.rectangle(plot, (column - 1, row - 1), (column + 1, row + 1), TOWN, cv2.FILLED)
            _write(plot, f"Town {number}", column + 4, row - 5, TOWN)
        self.hidden = overlay_mask(
            self.frame_size, self.plot_box, BORDER_PX, self.boxes, self.overlay_picture()
        )  # (size, size), where something is drawn over the map

    def overlay_picture(self) -> NDArray[np.uint8]:
        """Return (height, width, 3) of the frame's size: towns and rings on black."""
        return np.where(self._drawn[..., None] > 0, COLOURS[self._drawn], 0).astype(np.uint8)

    def paint(self, codes: NDArray[np.uint8], time: int) -> Indices:
        """Return (height, width) indices into COLOURS: the frame at a time, `codes` (size, size) over the map."""
        frame = self._still.copy()
        plot = frame[:, LEGEND_WIDTH:]
        classes = class_of(codes)
        np.copyto(plot, classes.astype(np.uint8), where=classes >= 0)
        np.copyto(frame, self._drawn, where=self._drawn > 0)
        cross, clock = self.boxes
        left, top, right, bottom = cross
        cv2.line(frame, (left, (top + bottom) // 2), (right - 1, (top + bottom) // 2), WHITE)
        cv2.line(frame, ((left + right) // 2, top), ((left + right) // 2, bottom - 1), WHITE)
        left, top, right, bottom = clock
        frame[top:bottom, left:right] = BLACK
        text = to_datetime(time).strftime("%Y-%m-%d %H:%M")
        _write(frame[:, :right], text, left + 2, top + 1, WHITE)
        for edge in (plot[:BORDER_PX], plot[-BORDER_PX:], plot[:, :BORDER_PX], plot[:, -BORDER_PX:]):
            edge[...] = BORDER
        return frame


def encode_indices(indices: Indices) -> bytes:
    """Return a palette PNG of indices into COLOURS."""
    picture = Image.fromarray(indices)
    picture.putpalette(COLOURS.tobytes())
    return _encode(picture)


def encode_picture(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG of (height, width) gray or (height, width, 3) RGB."""
    return _encode(Image.fromarray(pixels))


def _encode(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _shifted(x0: int, y0: int, x1: int, y1: int) -> Box:
    """Return a box of the plot in pixels of the frame."""
    return x0 + LEGEND_WIDTH, y0, x1 + LEGEND_WIDTH, y1


def _draw_map(land_km: NDArray[np.float32]) -> Indices:
    land = (land_km > 0).astype(np.uint8)
    coast = (land > 0) & (cv2.erode(land, np.ones((3, 3), dtype=np.uint8)) == 0)
    return np.where(coast, COAST, np.where(land > 0, LAND, SEA)).astype(np.uint8)


def _draw_legend(radar: str, height: int) -> tuple[Box, Indices]:
    """Return the box of the bar and the legend strip: strong at the top, lower bounds beside the classes."""
    strip = np.full((height, LEGEND_WIDTH), BLACK, dtype=np.uint8)
    step = max(2, int(0.8 * height) // CLASSES)
    top = (height - step * CLASSES) * 2 // 3
    _write(strip, radar, 4, 2, WHITE)
    _write(strip, "dBZ", BAR_LEFT + BAR_WIDTH + 12, 2, WHITE)
    for number in range(CLASSES):
        y = top + step * (CLASSES - 1 - number)
        strip[y : y + step, BAR_LEFT : BAR_LEFT + BAR_WIDTH] = number
        if step >= 8:
            _write(strip, f"{PALETTE.lower_dbz[number]:g}", BAR_LEFT + BAR_WIDTH + 4, y + step - 6, WHITE)
    return (BAR_LEFT, top, BAR_LEFT + BAR_WIDTH, top + step * CLASSES), strip


def _write(picture: Indices, text: str, left: int, top: int, colour: int) -> None:
    """Write text without soft edges; text beyond the right and lower edge is cut off."""
    font = ImageFont.load_default_imagefont()
    _, _, width, height = font.getbbox(text)
    letters = Image.new("1", (int(width), int(height)))
    ImageDraw.Draw(letters).text((0, 0), text, fill=1, font=font)
    place = picture[max(top, 0) :, left:]
    mask = np.asarray(letters)[max(-top, 0) :][: place.shape[0], : place.shape[1]]
    place[: mask.shape[0], : mask.shape[1]][mask] = colour
