"""How the colours of an archive are mixed, and the place of a colour between those of neighbouring classes."""

from __future__ import annotations

import enum
import itertools

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_clusters import Histogram

Colours = NDArray[np.uint8]
Values = NDArray[np.float32]

ON_SCALE = 4.0  # RGB distance from the line between two classes up to which a colour is a value between them
EXACT, _AROUND = 1.5, 6.0  # RGB distances of what is the colour of a class or on a line, and of what may be
_WIDE = 8.0  # RGB distance of two classes without which colours between them are not counted
_BETWEEN = (0.25, 0.75)  # shares of the way from class to class that are far from both
_LINEAR, _SMOOTH = 0.4, 0.8  # shares of exact ones among the colours that may be
_LEAST_BETWEEN = 0.1  # of the colours on lines, in smoothed pictures
_LEAST_ON_SCALE = 0.75  # of all colours, in smoothed pictures: edges of classes mix also distant ones
_MOST_ALIKE = 0.2  # of the colours between classes that are one: more is a class that the palette lacks
_AT_CLASS = 0.1  # of the way to the next class: at the class itself
_MOST_AT_CLASS = 0.25  # share of the pixels there: 0.2 if colours change steadily, more if classes are drawn
_LEAST_PIXELS = 50


class Mixing(enum.Enum):
    """How colours are mixed: without order (JPEG), along lines (scaled, anti-aliased), or along the scale."""

    NOISY = "noisy"
    LINEAR = "linear"
    SMOOTH = "smooth"


def find_mixing(histogram: Histogram, classes: Colours) -> Mixing:
    """Find how the colours of echo are mixed, by their distances from the colours (n, 3) of the classes.

    `histogram` has no colours of the map.
    """
    colours, counts = histogram.colours, histogram.counts
    away, position = place_on_scale(colours, classes)
    nearest = np.clip(np.rint(position), 1, len(classes)).astype(int)
    from_class = np.linalg.norm(colours.astype(np.float32) - classes[nearest - 1], axis=1)
    apart = np.linalg.norm(np.diff(classes.astype(np.float32), axis=0), axis=1)
    below = np.clip(np.floor(position), 1, len(classes) - 1).astype(int)
    part = position - below
    between = (part > _BETWEEN[0]) & (part < _BETWEEN[1]) & (apart[below - 1] >= _WIDE)
    exact = _share(counts, from_class <= EXACT, from_class <= _AROUND)
    tight = _share(counts, between & (away <= EXACT), between & (away <= _AROUND))
    common = between & (away <= ON_SCALE)
    total = counts[common].sum()
    various = total >= _LEAST_PIXELS and counts[common].max() <= _MOST_ALIKE * total
    inner = (away <= ON_SCALE) & (position > 1 + _AT_CLASS) & (position < len(classes) - _AT_CLASS)
    inner &= apart[below - 1] >= _WIDE
    steady = _share(counts, np.abs(position - nearest) <= _AT_CLASS, inner) <= _MOST_AT_CLASS
    on_scale = counts[away <= ON_SCALE].sum()
    steady &= on_scale >= _LEAST_ON_SCALE * counts.sum() and total >= _LEAST_BETWEEN * on_scale
    if various and steady and tight >= _SMOOTH:
        return Mixing.SMOOTH
    return Mixing.LINEAR if max(exact, tight) >= _LINEAR else Mixing.NOISY


def place_on_scale(colours: Colours, classes: Colours) -> tuple[Values, Values]:
    """Return of colours (n, 3) the RGB distance (n,) from the nearest line between neighbouring classes (m, 3).

    Also return the place (n,) on it: from 1, the colour of the first class, to m.
    """
    wide, ends = colours.astype(np.float32), classes.astype(np.float32)
    away = np.full(len(colours), np.inf, np.float32)
    position = np.ones(len(colours), np.float32)
    for number, (start, end) in enumerate(itertools.pairwise(ends), start=1):
        line = end - start
        offset = wide - start
        along = np.clip(offset @ line / max(float(line @ line), 1.0), 0, 1)
        distance = np.sqrt(np.square(offset - along[:, None] * line).sum(axis=1))
        nearer = distance < away
        away[nearer] = distance[nearer]
        position[nearer] = number + along[nearer]
    return away, position


def _share(counts: NDArray[np.int64], part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    total = counts[whole].sum()
    return float(counts[part & whole].sum() / total) if total >= _LEAST_PIXELS else 0.0
