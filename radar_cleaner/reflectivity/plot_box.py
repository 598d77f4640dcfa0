"""The plot box: which pixels of a frame show radar data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import ConfigError

Mask = NDArray[np.bool_]
Box = tuple[int, int, int, int]


def overlay_mask(
    size: tuple[int, int],
    plot_box: Box,
    border: int,
    boxes: Sequence[Box],
    picture: NDArray[np.uint8] | None = None,
) -> Mask:
    """Return (height, width) of the plot box: true where something is drawn over the map and hides the echo.

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
    """Raise ConfigError unless a half-open box is within a picture of (width, height)."""
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        raise ConfigError(
            f"box {list(box)} is not within the frame of {size[0]} x {size[1]} px; write x0, y0, x1, y1"
        )
