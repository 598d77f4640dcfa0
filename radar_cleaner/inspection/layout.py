"""Guess the plot box of a picture: the map without legend strip and title rows.

A strip at a side of the picture has one background colour, which ends at a straight edge, and no echo. Where the
strip and the map have the same background no edge is visible. A legend in the picture then shows that the map is
only a part of it: a square beside the legend is proposed, or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
Certainty = Literal["edges", "whole", "square", "unknown"]

# Colours of a background differ by at most this in each channel: in pictures of few colours, and in others, where
# JPEG lets the colours beside it in. So do those of a pixel that does not change.
EXACT, SOFT = 8, 40
MARGIN_NOISE = (SOFT, 16)  # of a flat background in JPEG pictures, beside a map of other and of near colours
FEW_COLOURS = 256
ENOUGH_ROWS = 500  # of a frame whose colours are counted
# Least share of the lines of a strip that is background, and least fall of that share at its edge.
BACKGROUND, FALL = 0.5, 0.5
NEAR_EDGE = 3
SOFT_EDGE = 3  # pixels by which JPEG moves an edge
# A strip is at most this share of the picture, and at least this wide.
WIDEST_STRIP, NARROWEST_STRIP = 0.5, 6
# Largest share of the changes between frames that a strip may have: a clock, but no echo.
MOST_CHANGES = 0.1
WIDEST_BORDER = 6
BORDER_SHARE, SOFT_SHARE = (
    0.97,
    0.75,
)  # of a line's pixels that have its colour; JPEG blurs the last line of a margin
RARE = 0.2  # share of the map that a border's colour has at most
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class PlotBox:
    """The map in a picture: a box in frame pixels, how it was found, and the width of a border inside it.

    `found_by` is `edges` (straight edges of strips), `whole` (the whole picture: nothing but the map is seen),
    `square` (a guess: the square beside the legend) or `unknown`; the box then contains more than the map.
    """

    box: Box
    found_by: Certainty
    border_px: int = 0


def find_plot_box(frames: Sequence[Pixels], legends: Sequence[Box] = ()) -> PlotBox:
    """Return the plot box of frames of one size (y, x, 3) uint8. `legends` are boxes of colour bars in them."""
    middle, changing = middle_picture(frames), changing_pixels(frames)
    height, width = middle.shape[:2]
    tolerance = EXACT if _count_colours(frames[0]) <= FEW_COLOURS else SOFT
    box = (0, 0, width, height)
    sides = list(SIDES)
    while (strip := _clearest_strip(middle, changing, box, sides, tolerance)) is not None:
        side, box = strip
        sides.remove(side)  # a second strip at a side would be its border
    if box != (0, 0, width, height):
        box = _without_margins(middle, box, tolerance)
        found = _settle_border(middle, box, tolerance)
        found = found if tolerance == EXACT else _squared(found, (width, height))
        aside = any(_is_aside(legend, found.box, changing) for legend in legends)
        return replace(found, found_by="unknown") if aside else found
    within = [legend for legend in legends if _overlap(legend, box)]
    if not within:
        return PlotBox(box, "whole", border_width(middle, tolerance))
    square = _square_beside(box, within, changing)
    return PlotBox(square, "square") if square is not None else PlotBox(box, "unknown")


def _without_margins(picture: Pixels, box: Box, tolerance: int) -> Box:
    """Return a box without margins at its sides that are narrower than a strip and of the strips' background."""
    x0, y0, x1, y1 = box
    beside = np.ones(picture.shape[:2], bool)
    beside[y0:y1, x0:x1] = False
    colour, part = _background(picture[beside]), picture[y0:y1, x0:x1]
    widths = {side: _margin(_turned(part, side), colour, tolerance) for side in SIDES}
    return x0 + widths["left"], y0 + widths["top"], x1 - widths["right"], y1 - widths["bottom"]


def _margin(lines: NDArray[np.generic], colour: Pixels, tolerance: int) -> int:
    """Return how many of the first lines are of a colour, if few are and the next one is not."""
    first = np.asarray(lines[: 2 * NARROWEST_STRIP], dtype=np.uint8)
    for noise in (EXACT,) if tolerance == EXACT else MARGIN_NOISE:
        share = _near(first, colour, noise).mean(axis=1)
        width = int(np.argmin(np.append(share >= (BORDER_SHARE if noise == EXACT else SOFT_SHARE), False)))
        if 0 < width < len(share) and share[width] <= 1 - FALL:
            return width
    return 0


def _is_aside(legend: Box, box: Box, changing: NDArray[np.bool_]) -> bool:
    """Return whether a legend is in the box but not over the map: nothing changes from it to the nearest side."""
    if not _overlap(legend, box):
        return False
    (x0, y0, x1, y1), (left, top, right, bottom) = box, legend
    strips = {left - x0: (x0, y0, right, y1), x1 - right: (left, y0, x1, y1)}
    if right - left > bottom - top:
        strips = {top - y0: (x0, y0, x1, bottom), y1 - bottom: (x0, top, x1, y1)}
    a, b, c, d = strips[min(strips)]
    return bool(changing[b:d, a:c].mean() <= MOST_CHANGES * changing[y0:y1, x0:x1].mean())


def _count_colours(frame: Pixels) -> int:
    thin = frame[:: max(1, frame.shape[0] // ENOUGH_ROWS)]
    return len(np.unique(thin.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])))


def middle_picture(frames: Sequence[Pixels]) -> Pixels:
    """Return the median of frames (y, x, 3) in each channel; of an even number the lower one."""
    stack = np.stack(frames)
    stack.partition((len(frames) - 1) // 2, axis=0)
    return np.asarray(stack[(len(frames) - 1) // 2])


def changing_pixels(frames: Sequence[Pixels]) -> NDArray[np.bool_]:
    """Return (y, x): whether the colour of a pixel differs among frames."""
    low, high = frames[0], frames[0]
    for frame in frames[1:]:
        low, high = np.minimum(low, frame), np.maximum(high, frame)
    return np.asarray(((high.astype(np.int16) - low) > SOFT).any(axis=2))


def _settle_border(picture: Pixels, box: Box, tolerance: int) -> PlotBox:
    """Return the plot box within straight edges, with the border inside it.

    A line between strip and map that is wider than at the sides of the picture is the border of both.
    """
    x0, y0, x1, y1 = box
    part = picture[y0:y1, x0:x1]
    colour = _line_colour(part, tolerance)
    if colour is None:
        return PlotBox(box, "edges")
    widths = {side: _line_width(part, side, colour, tolerance) for side in SIDES}
    outer = {"left": x0 == 0, "right": x1 == picture.shape[1], "top": y0 == 0, "bottom": y1 == picture.shape[0]}
    border = min((widths[side] for side in SIDES if outer[side]), default=min(widths.values()))
    excess = {side: max(0, widths[side] - border) if not outer[side] else 0 for side in SIDES}
    inner = (x0 + excess["left"], y0 + excess["top"], x1 - excess["right"], y1 - excess["bottom"])
    return PlotBox(inner, "edges", border)


def _squared(found: PlotBox, size: tuple[int, int]) -> PlotBox:
    """Return a box that is a square but for the soft edges of its strips as that square."""
    x0, y0, x1, y1 = found.box
    excess = (x1 - x0) - (y1 - y0)
    if not 0 < abs(excess) <= SOFT_EDGE:
        return found
    if (x0 > 0) != (x1 < size[0]):
        x0, x1 = (x0 + excess, x1) if x0 > 0 else (x0, x1 - excess)
    elif (y0 > 0) != (y1 < size[1]):
        y0, y1 = (y0 - excess, y1) if y0 > 0 else (y0, y1 + excess)
    return replace(found, box=(x0, y0, x1, y1))


def border_width(picture: Pixels, tolerance: int = EXACT) -> int:
    """Return the width of a line of one colour along all sides of a picture, which the map has not; 0 without."""
    colour = _line_colour(picture, tolerance)
    return 0 if colour is None else min(_line_width(picture, side, colour, tolerance) for side in SIDES)


def _line_colour(picture: Pixels, tolerance: int) -> Pixels | None:
    """Return the colour in the middle of the sides of a picture, if it is rare within."""
    height, width = picture.shape[:2]
    rim = picture[[0, height - 1, height // 2, height // 2], [width // 2, width // 2, 0, width - 1]]
    colour = np.asarray(np.median(rim, axis=0), dtype=np.uint8)
    return None if _near(picture, colour, tolerance).mean() > RARE else colour


def _line_width(picture: Pixels, side: str, colour: Pixels, tolerance: int) -> int:
    lines = np.asarray(_turned(picture, side), dtype=np.uint8)[: 2 * WIDEST_BORDER]
    share = _near(lines, colour, tolerance).mean(axis=1)
    return int(np.argmin(np.append(share >= BORDER_SHARE, False)))


def _near(pixels: Pixels, colour: Pixels, tolerance: int) -> NDArray[np.bool_]:
    difference = np.abs(pixels.astype(np.int16) - colour.astype(np.int16))
    return np.asarray((difference <= tolerance).all(axis=-1))


def _clearest_strip(
    picture: Pixels, changing: NDArray[np.bool_], box: Box, sides: Sequence[str], tolerance: int
) -> tuple[str, Box] | None:
    """Return the side of the strip with the clearest edge, and the box without it; None without a strip."""
    x0, y0, x1, y1 = box
    part, moves = picture[y0:y1, x0:x1], changing[y0:y1, x0:x1]
    strips = {side: _strip(_turned(part, side), _turned(moves, side), tolerance) for side in sides}
    falls = {side: found[1] for side, found in strips.items() if found is not None}
    if not falls:
        return None
    side = max(falls, key=lambda one: falls[one])
    size, _ = strips[side] or (0, 0)
    smaller = {
        "left": (x0 + size, y0, x1, y1),
        "right": (x0, y0, x1 - size, y1),
        "top": (x0, y0 + size, x1, y1),
        "bottom": (x0, y0, x1, y1 - size),
    }
    return side, smaller[side]


def _turned(array: NDArray[np.generic], side: str) -> NDArray[np.generic]:
    """Return an array so that the lines along a side of the picture are its rows, the outermost first."""
    if side in ("left", "right"):
        array = np.moveaxis(array, 1, 0)
    return array[::-1] if side in ("right", "bottom") else array


def _strip(lines: NDArray[np.generic], moves: NDArray[np.generic], tolerance: int) -> tuple[int, float] | None:
    """Return the width of a strip at the first of the lines, and the fall of its background at its edge.

    `lines` (line, along, 3) are colours, `moves` (line, along) is true where they change.
    """
    count = len(lines)
    colour = _background(lines[: max(NARROWEST_STRIP, count // 50)])
    share = _near(np.asarray(lines, dtype=np.uint8), colour, tolerance).mean(axis=1)
    total = np.cumsum(share)
    changes = np.cumsum(moves.sum(axis=1))
    best: tuple[int, float] | None = None
    for size in range(NARROWEST_STRIP, int(WIDEST_STRIP * count)):
        mean_in = total[size - 1] / size
        mean_out = (total[-1] - total[size - 1]) / (count - size)
        fall = share[max(0, size - NEAR_EDGE) : size].max() - share[size : size + NEAR_EDGE].max()
        step = share[size - 1] - share[size]
        if mean_in < BACKGROUND or mean_in - mean_out < FALL or fall < FALL or step < FALL:
            continue
        if changes[-1] and changes[size - 1] > MOST_CHANGES * changes[-1]:
            continue
        if best is None or fall > best[1]:
            best = size, float(fall)
    return best


def _background(lines: NDArray[np.generic]) -> Pixels:
    """Return the commonest colour of lines (line, along, 3)."""
    colours = np.asarray(lines, dtype=np.uint8).reshape(-1, 3)
    values, counts = np.unique(colours >> 4, axis=0, return_counts=True)
    commonest = (colours >> 4 == values[counts.argmax()]).all(axis=1)
    return np.asarray(np.median(colours[commonest], axis=0), dtype=np.uint8)


def _overlap(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _square_beside(box: Box, legends: Sequence[Box], changing: NDArray[np.bool_]) -> Box | None:
    """Return the square at an end of the picture that contains all changes and no legend; None without one."""
    width, height = box[2], box[3]
    side = min(width, height)
    if width == height:
        return None
    squares = [(0, 0, side, side), (width - side, height - side, width, height)]
    total = int(changing.sum())
    for square in squares:
        x0, y0, x1, y1 = square
        if any(_overlap(square, legend) for legend in legends):
            continue
        if int(changing[y0:y1, x0:x1].sum()) == total:
            return square
    return None
