"""Scenes for the tests of the quality benchmark."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.scenes import Scene, Site
from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNKNOWN
from radar_cleaner.reflectivity.colour_table import range_mask


def make_scene(
    seed: int, shape: tuple[int, int] = (61, 61), neighbours: tuple[int, ...] = (-2, -1, 1, 2)
) -> Scene:
    """A rain area, specks about it, all within the range; neighbours are the same with other specks."""
    rng = np.random.default_rng(seed)
    rows, columns = shape
    center, radius = ((columns - 1) / 2, (rows - 1) / 2), min(shape) / 2
    observed = range_mask(shape, center, radius)

    def picture() -> np.ndarray:
        codes = np.where(rng.random(shape) < 0.04, 94, 0)
        codes[15:30, 20:45] = rng.choice([94, 115, 140], (15, 25))
        return np.where(observed, codes, NODATA).astype(np.uint8)

    site = Site("CASGO", center, radius, radius, rng.random(shape, np.float32), rng.random(shape) < 0.1)
    label = rng.choice(np.array([METEOROLOGICAL, NON_METEOROLOGICAL, UNKNOWN], np.uint8), shape)
    around = {step: picture() for step in neighbours}
    return Scene(site, 0, picture(), label, around, rng.normal(size=shape).astype(np.float32))
