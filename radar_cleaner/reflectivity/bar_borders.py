"""Judge whether the borders of the classes along a noisy bar are where they are assumed to be.

A line is (length, 3) float, the colours along the bar. Its borders show as steps of colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

# A step of colour is seen from this RGB distance, or from this number of times the noise of the line if that is
# between them; it is clear from CLEAR times that. A clear step must be a border.
SEEN_STEP, MOST_SEEN, SEEN_NOISE, CLEAR = 6.0, 20.0, 3.0, 1.6
QUIET = 0.3  # share of the pixels that are not near a border, and show the noise
MOST_WINDOW = 3  # pixels on each side of a step that are compared
OFF_PX = 1.5  # pixels by which a border may be off its place
END_PX = 4  # pixels at an end of the line in which a step may be that of the end itself
WIDE_GAP = 2.0  # length of a gap relative to the median
MIN_SEEN, SEEN_SHARE = 3, 0.6  # borders of an even bar that are seen

Line = NDArray[np.float64]
Segments = list[tuple[int, int]]


@dataclass(frozen=True)
class Steps:
    """The steps of colour along a line.

    contrast: (length + 1,) RGB distance of the colours before and after each place. peaks: places of largest
    contrast, rising. seen: the contrast from which a step is not noise.
    """

    contrast: NDArray[np.float64]
    peaks: NDArray[np.int64]
    seen: float

    @property
    def found(self) -> NDArray[np.int64]:
        """Places of the steps that are not noise."""
        return self.peaks[self.contrast[self.peaks] >= self.seen]

    @property
    def clear(self) -> NDArray[np.int64]:
        """Places of the steps that can only be borders."""
        return self.peaks[self.contrast[self.peaks] >= CLEAR * self.seen]


def find_steps(line: Line, usual: float) -> Steps:
    """Return the steps along a line whose classes are `usual` pixels long."""
    window = int(np.clip(usual // 3, 1, MOST_WINDOW))
    sums = np.concatenate([np.zeros((1, 3)), np.cumsum(line, axis=0)])
    places = np.arange(window, len(line) - window + 1)
    contrast = np.zeros(len(line) + 1)
    before = (sums[places] - sums[places - window]) / window
    after = (sums[places + window] - sums[places]) / window
    contrast[places] = np.linalg.norm(after - before, axis=1)
    noise = float(np.quantile(np.linalg.norm(line[2:] - line[:-2], axis=1), QUIET)) if len(line) > 2 else 0.0
    around = [np.roll(contrast, by) for by in range(-window, window + 1) if by]
    peaks = np.flatnonzero((contrast > 0) & (contrast >= np.max(around, axis=0)))
    return Steps(contrast, peaks, float(np.clip(SEEN_NOISE * noise, SEEN_STEP, MOST_SEEN)))


def borders_are_certain(line: Line, segments: Segments, even: bool) -> bool:
    """Return whether the borders of the segments are seen, and no step is between them.

    A border may be a gap. Of an `even` bar, whose segments are equally long, some borders may be hidden by near
    colours.
    """
    if len(segments) < 2:
        return False
    starts = np.array([0, *(stop for _, stop in segments)])
    stops = np.array([*(start for start, _ in segments), len(line)])
    lengths = [stop - start for start, stop in segments]
    usual, gaps = float(np.median(lengths)), stops - starts
    if gaps.max() > max(WIDE_GAP * np.median(gaps[1:-1]), min(lengths) / 2):
        return False  # another class may be in it
    steps = find_steps(line, usual)
    at_end = min(END_PX, usual / 2)
    clear = steps.clear[(steps.clear > at_end) & (steps.clear < len(line) - at_end)]
    if _away(clear, starts, stops).max(initial=0) > max(OFF_PX, usual / 4):
        return False
    found = steps.found
    inner = (found > OFF_PX) & (found < len(line) - OFF_PX)
    if not inner.any():
        return False
    distance = np.maximum(starts[1:-1, None] - found[inner], found[inner] - stops[1:-1, None])
    seen = distance.min(axis=1) <= OFF_PX
    if seen.all():
        return True
    if not even or seen.sum() < MIN_SEEN or seen.mean() < SEEN_SHARE:
        return False
    indices = np.flatnonzero(seen) + 1
    return gcd(*indices.tolist(), len(segments)) == 1


def _away(places: NDArray[np.int64], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distance of each place from the nearest border, 0 within one."""
    distance = np.maximum(starts - places[:, None], places[:, None] - stops)
    return np.asarray(np.maximum(distance.min(axis=1), 0)) if places.size else np.zeros(0, np.int64)
