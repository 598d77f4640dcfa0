"""Notice frames of another product: beside the map, groups of frames show another title or legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.plot_box import Box

MOST_FRAMES = 32  # are compared; each is a bit of a number
OTHER_COLOUR = 48  # difference of a channel from which a pixel shows something else: JPEG noise is less
# Pixels that differ in the same frames. The digits of a clock and of a date differ in fewer.
MIN_PIXELS = 120
MIN_GROUP = 2  # frames


@dataclass(frozen=True)
class Mix:
    """Frames that show something else beside the map: their indices, and the box x0, y0, x1, y1 that differs."""

    frames: tuple[int, ...]
    box: Box
    pixels: int


def choose_frames(count: int) -> list[int]:
    """Return the indices of at most MOST_FRAMES of `count` frames, evenly spaced."""
    places = np.linspace(0, max(count - 1, 0), min(count, MOST_FRAMES))
    return [int(place) for place in np.unique(places.round())]


def find_mix(frames: Sequence[NDArray[np.uint8]], plot_box: Box) -> Mix | None:
    """Compare what frames (height, width, 3) uint8 show beside the plot box; at most MOST_FRAMES are given.

    They are read one after the other. Returns the group of two or more frames that differs from the others in most
    pixels, if there is one. A pixel counts if the frames of the group agree there, so that a clock is not a group.
    """
    if len(frames) < 2 * MIN_GROUP:
        return None
    height, width = frames[0].shape[:2]
    beside = np.ones((height, width), dtype=bool)
    x0, y0, x1, y1 = plot_box
    beside[y0:y1, x0:x1] = False
    if beside.sum() < MIN_PIXELS:
        return None
    colours = np.stack([frames[number][beside] for number in range(len(frames))]).astype(np.int16)
    usual = np.sort(colours, axis=0)[(len(frames) - 1) // 2]  # of each channel what most frames show
    others = np.abs(colours - usual).max(axis=2) > OTHER_COLOUR
    bits = (others.astype(np.uint64) << np.arange(len(frames), dtype=np.uint64)[:, None]).sum(
        axis=0, dtype=np.uint64
    )
    groups, counts = np.unique(bits, return_counts=True)
    for place in np.argsort(-counts, kind="stable"):
        if counts[place] < MIN_PIXELS:
            return None
        members = [number for number in range(len(frames)) if int(groups[place]) >> number & 1]
        at = bits == groups[place]
        if len(members) >= MIN_GROUP and _agree(colours[members][:, at]):
            rows, columns = np.nonzero(beside)
            box = (
                int(columns[at].min()),
                int(rows[at].min()),
                int(columns[at].max()) + 1,
                int(rows[at].max()) + 1,
            )
            return Mix(tuple(members), box, int(counts[place]))
    return None


def _agree(colours: NDArray[np.int16]) -> bool:
    """Return whether frames (n, pixels, 3) show the same in nearly all pixels."""
    return float(np.mean(np.ptp(colours, axis=0).max(axis=1) <= OTHER_COLOUR)) > 0.9
