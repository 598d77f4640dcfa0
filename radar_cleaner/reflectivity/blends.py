"""Find the classes of mixed colours: the two neighbours that a colour is mixed of.

A colour space here is any linear one: RGB, or brightness and colour differences with weights. Labels are 0 for the
ground and 1..n for the classes of a palette, weak to strong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Matches:
    """The two labels (n,) that each colour is mixed of, and how much of each.

    `first` is the nearer one, -1 where nothing fits; `second` equals it where the colour is not mixed. `share`
    (n,) is that of the second one, at most 0.5. `distance` (n,) is that from the line between both.
    """

    first: NDArray[np.int16]
    second: NDArray[np.int16]
    share: Points
    distance: Points


def match_blends(colours: Points, ground: Points, classes: Points, near: Mask) -> Matches:
    """Match colours (n, 3) to the lines between any two of the labels that are `near` (n, labels) each of them.

    `ground` (n, 3) is the colour of the ground at each pixel, `classes` (classes, 3) those of the palette. Equally
    near lines are taken in the order of labels. A pixel without a near label matches nothing.
    """
    count = len(colours)
    best = np.full(count, np.inf, np.float32)
    first, second = np.full(count, -1, np.int16), np.full(count, -1, np.int16)
    share = np.zeros(count, np.float32)
    used = np.flatnonzero(near.any(axis=0))
    for at, one in enumerate(used):
        for other in used[at:]:
            rows = np.flatnonzero(near[:, one] & near[:, other])
            if not rows.size:
                continue
            start = ground[rows] if one == 0 else classes[one - 1]
            end = classes[other - 1] if other else start
            offset, line = colours[rows] - start, end - start
            length = np.maximum((line * line).sum(-1), 1e-6)
            along = np.clip((offset * line).sum(-1) / length, 0, 1)
            distance = np.sqrt((np.square(offset - along[:, None] * line)).sum(-1))
            better = distance < best[rows]
            rows, along = rows[better], along[better]
            best[rows] = distance[better]
            first[rows] = np.where(along <= 0.5, one, other)
            second[rows] = np.where(along <= 0.5, other, one)
            share[rows] = np.minimum(along, 1 - along)
    return Matches(first, second, share, best)
