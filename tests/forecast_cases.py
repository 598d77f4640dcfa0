"""Make rain that moves at a constant speed, as frame caches and as fields."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from learning_cases import START
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from radar_cleaner.conventions import METEOROLOGICAL, NODATA, NONE, UNKNOWN
from radar_cleaner.datasets.frame_cache import RadarFrames, RadarGrid
from radar_cleaner.evaluation.nowcast_baselines import NO_RAIN, Field
from radar_cleaner.targets.splits import Sample

STEP_S = 360


def moving_field(seed: int, step: float, shape: tuple[int, int], speed: tuple[int, int]) -> Field:
    """Return (y, x) dBZ of rain after `step` steps of `speed` (rows, columns); rain covers about a sixth."""
    room = 20 * max(map(abs, speed))
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(shape[0] + room, shape[1] + room)), 4)
    top, left = (round(room / 2 - step * part) for part in speed)
    noise = noise / noise.std()
    seen = noise[top : top + shape[0], left : left + shape[1]]
    return np.where(seen > 1, 10 + 15 * seen, NO_RAIN).astype(np.float32)


def moving_codes(field: Field) -> NDArray[np.uint8]:
    """Pack a field as codes."""
    return np.where(field > NO_RAIN, np.rint((field + 32) * 2), 0).astype(np.uint8)


def moving_cache(
    seeds: Iterable[int], steps: int = 4, shape: tuple[int, int] = (32, 32), speed: tuple[int, int] = (0, 3)
) -> tuple[dict[str, RadarFrames], list[Sample]]:
    """Return a frame cache of rain that is new each hour and moves for some steps, and a sample for each hour.

    The sample is the hour's second frame.
    """
    frames, index, samples = [], {}, []
    for seed in seeds:
        for step in range(steps):
            own = moving_codes(moving_field(seed, step - 2, shape, speed))
            classes = np.where(own > 0, METEOROLOGICAL, NONE).astype(np.uint8)
            others = np.full(shape, NODATA, np.uint8)
            index[START + 3600 * seed + STEP_S * step] = len(frames)
            frames.append(np.stack([own, others, classes, np.full(shape, 255, np.uint8)]))
        samples.append(Sample(START + 3600 * seed + STEP_S, "CASGO"))
    grid = RadarGrid(shape, (shape[1] / 2, shape[0] / 2), max(shape) / 2)
    return {"CASGO": RadarFrames(grid, np.stack(frames), index)}, samples


def random_cache(times: Iterable[int], shape: tuple[int, int], seed: int = 0) -> dict[str, RadarFrames]:
    """Return frames of random echo at these times: all classes, with random confidence."""
    random, times = np.random.default_rng(seed), list(times)
    classes = random.integers(0, UNKNOWN + 1, (len(times), *shape))
    echo = random.integers(60, 200, classes.shape)
    own = np.select([classes == NONE, random.random(classes.shape) < 0.05], [0, NODATA], echo)
    others = random.integers(0, 256, classes.shape)
    sure = np.where(classes == UNKNOWN, 0, random.integers(1, 256, classes.shape))
    variables = np.stack([own, others, classes, sure], axis=1).astype(np.uint8)
    grid = RadarGrid(shape, (shape[1] / 2, shape[0] / 2), max(shape) / 2)
    return {"CASGO": RadarFrames(grid, variables, {time: number for number, time in enumerate(times)})}
