"""Warn of classes that a large part of the map shows in most frames: that may be the colour of a sea."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.archive import SAME_PURE, SAME_SOFT, Look
from radar_cleaner.reflectivity.palette import Palette, format_colour
from radar_cleaner.reflectivity.picture import Picture
from radar_cleaner.reflectivity.pixel_colours import alike

Pixels = NDArray[np.uint8]

USUAL, LARGE = 0.5, 0.01  # share of the frames, and of the pixels
MOST_CLASSES = 2  # of a map; rain that stays shows more of them
_FRAMES = 12  # that are looked at


def usual_classes(frames: Sequence[Pixels], picture: Picture, look: Look) -> list[tuple[int, float]]:
    """Return the numbers, from 1, of classes that are echo in most frames at a large share of the pixels.

    `frames` are those that the picture is learned from. There are none without a palette, or of too few frames.
    """
    if look.palette is None or not picture.enough or not len(frames):
        return []
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).astype(int))
    pictures = [frames[int(number)] for number in chosen]
    seen = look.observed & ~picture.overlay
    same = SAME_SOFT if picture.soft else SAME_PURE
    found = []
    for number, colour in enumerate(look.palette.colours, start=1):
        plain = np.broadcast_to(colour, pictures[0].shape)
        shown = np.zeros(seen.shape, np.int64)
        for frame in pictures:
            shown += alike(frame, np.ascontiguousarray(plain), same)
        usual = (shown >= USUAL * len(pictures)) & seen
        usual &= ~((picture.ground_share[0] > 0) & alike(picture.ground[0], np.ascontiguousarray(plain), same))
        share = float(usual.sum() / max(int(seen.sum()), 1))
        if share > LARGE:
            found.append((number, share))
    return found if len(found) <= MOST_CLASSES else []


def describe_usual(radar: str, classes: Sequence[tuple[int, float]], palette: Palette | None) -> str:
    """Return a warning about classes of a palette; empty if there are none."""
    if not classes or palette is None:
        return ""
    shown = ", ".join(
        f"{format_colour(palette.colours[number - 1].tolist())} (class {number}, {100 * share:.0f} % of the map)"
        for number, share in classes
    )
    return (
        f"{radar}: most frames show the same echo of {shown}; if that is the colour of a sea, a forest or a city,"
        " add it to labels.ground_colours; if it is rain, learn from more days by picture.period"
    )
