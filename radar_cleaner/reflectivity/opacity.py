"""Find how opaque the echo is over the map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.reflectivity.colour_clusters import distances

Colours = NDArray[np.uint8]

_STEPS = np.arange(0.3, 0.98, 0.01)
_CLASSES = 2  # classes at least that it explains: two colours can agree by chance


def find_opacity(
    seen: Colours, ground: Colours, counts: NDArray[np.int64], classes: Colours, near: float
) -> tuple[float, float]:
    """Return the opacity (0..1] that explains most pixels as a class over the ground, and its share of them.

    `seen` (n, 3) are colours that are neither class nor ground, `ground` (n, 3) the map at their pixels, `counts`
    (n,) how many pixels show the pair, `classes` (m, 3) the colours of the palette. A mixed colour is at most
    `near` (RGB distance) from the one that is computed.
    """
    if not len(seen):
        return 1.0, 0.0
    total, best, opacity = counts.sum(), 0.0, 1.0
    for step in _STEPS:
        own = (seen.astype(np.float32) - (1 - step) * ground) / step
        away = distances(own, classes) * step
        least = away.min(axis=1)
        found = least <= near
        explained = float((counts * found * (1 - least / (4 * near))).sum() / total)
        if explained > best and len(np.unique(away.argmin(axis=1)[found])) >= _CLASSES:
            best, opacity = explained, float(step)
    return round(opacity, 2), best
