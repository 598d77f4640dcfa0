"""What is drawn for a sample: its crop, flips, what it does not see. Small numbers, drawn on the CPU.

Every random draw is of a counter-based generator keyed by (seed, epoch) at the counter of the item, so that
it depends on nothing else: not on the number of processes, nor on what was drawn before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.datasets.artefacts.canvas import Plant
from radar_cleaner.datasets.artefacts.inject import NO_PLANTS, Planting, draw_plants
from radar_cleaner.datasets.dihedral import Turn, turn_point
from radar_cleaner.datasets.frame_cache import ECHO_CLASS, Bank, Sample
from radar_cleaner.datasets.inpainting_masks import Hole, HoleOptions, draw_holes
from radar_cleaner.errors import require

_ITEM, _ORDER, _KEY, _VALIDATION, _PLANTS = range(5)  # what a stream of random numbers is for
_ROOM = 4  # in validation a block has a square of so many times its largest side


@dataclass(frozen=True)
class Augmentation:
    """How training varies its samples.

    Attributes
    ----------
    crop
        Width of a crop in pixels.
    flips
        Whether to flip and turn crops.
    drop_neighbours
        Share of the neighbour times that are made unavailable.
    drop_others
        Share of the crops in which the other radars are made unavailable.
    prefer_echo
        Share of the crops that are laid over an echo.
    input_noise_dbz
        Standard deviation of the noise on the reflectivity of the echoes that the network sees, in dBZ.
    """

    crop: int
    flips: bool
    drop_neighbours: float
    drop_others: float
    prefer_echo: float
    input_noise_dbz: float

    def __post_init__(self) -> None:
        require("crop", self.crop, 1)
        for name in ("drop_neighbours", "drop_others", "prefer_echo"):
            require(name, getattr(self, name), 0, 1)
        require("input_noise_dbz", self.input_noise_dbz, 0)


@dataclass(frozen=True)
class Draw:
    """One crop and what is done to it.

    `top`, `left`, `shape`: the window in the frame. `turns` quarter turns counter-clockwise follow a flip of
    left and right. `own_seen` and `others_seen` say which input times stay available. `holes` and `plants` lie in
    the picture as it is after the turns. `key` (0 <= key < 2^63) seeds what is drawn on the device.
    """

    top: int
    left: int
    shape: tuple[int, int]
    flip: bool
    turns: int
    own_seen: tuple[bool, ...]
    others_seen: tuple[bool, ...]
    holes: tuple[Hole, ...]
    key: int
    plants: tuple[Plant, ...] = ()


def generator(seed: int, epoch: int, purpose: int, item: int = 0) -> np.random.Generator:
    """The random stream of one item of one epoch (Philox, Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, item, purpose]))


def epoch_order(seed: int, epoch: int, items: int) -> NDArray[np.int64]:
    """The items of an epoch in the order in which it takes them."""
    return generator(seed, epoch, _ORDER).permutation(items)


def draw_crop(
    bank: Bank,
    sample: Sample,
    how: Augmentation,
    holes: HoleOptions,
    inputs: Inputs,
    seed: int,
    epoch: int,
    item: int,
    planting: Planting = NO_PLANTS,
) -> Draw:
    """Draw one training crop. All numbers are drawn whether needed or not, so that keys do not disturb others."""
    random = generator(seed, epoch, _ITEM, item)
    frames = bank[sample.radar]
    wants_echo = random.random() < how.prefer_echo
    choice, spread, place = random.random(2), random.random(2), random.random(2)
    pixel = None
    if wants_echo:
        pixel = _choose_echo(frames.planes[frames.index[sample.time], ECHO_CLASS], choice)
    top, left = (
        _offset(size, how.crop, None if pixel is None else pixel[axis], spread[axis], place[axis])
        for axis, size in enumerate(frames.grid.shape)
    )
    flip, turns = bool(random.integers(2)), int(random.integers(4))
    times = len(inputs.input_minutes)
    dropped = random.random(times) < how.drop_neighbours
    dropped[inputs.kept] = False
    without_others = random.random() < how.drop_others
    with_holes = random.random() < holes.hole_fraction
    draw = Draw(
        top,
        left,
        (how.crop, how.crop),
        flip and how.flips,
        turns if how.flips else 0,
        tuple(bool(seen) for seen in ~dropped),
        tuple(bool(seen) for seen in ~(dropped | without_others)),
        (),
        int(generator(seed, epoch, _KEY, item).integers(2**63)),
    )
    laid = draw.shape, turned_center(frames.grid.center_px, draw), frames.grid.range_px
    plants = draw_plants(generator(seed, epoch, _PLANTS, item), planting, *laid, times, inputs.kept)
    return replace(draw, holes=draw_holes(random, holes, *laid) if with_holes else (), plants=plants)


def draw_validation(bank: Bank, sample: Sample, holes: HoleOptions, inputs: Inputs, seed: int, item: int) -> Draw:
    """The whole frame as it is, unplanted, each epoch with the same holes; without any where training has none.

    Every frame has holes, so that few frames tell enough; they are as in a crop, but for the number of blocks:
    one for each square of four times their largest side, which hides some 2 % of the frame.
    """
    grid = bank[sample.radar].grid
    seen = (True,) * len(inputs.input_minutes)
    random = generator(seed, 0, _VALIDATION, item)
    key = int(random.integers(2**63))
    draw = Draw(0, 0, grid.shape, False, 0, seen, seen, (), key)
    if holes.hole_fraction == 0:
        return draw
    blocks = max(1, grid.shape[0] * grid.shape[1] // (_ROOM * holes.hole_size) ** 2)
    return replace(draw, holes=draw_holes(random, holes, grid.shape, grid.center_px, grid.range_px, blocks))


def turned_center(center_px: tuple[float, float], draw: Draw) -> tuple[float, float]:
    """(column, row) of the radar in the cut, flipped and turned picture.

    The helper channels are computed from it, so that the azimuth that the network is told is always the
    direction in its picture, as it will be in the frames that it cleans.
    """
    point = center_px[0] - draw.left, center_px[1] - draw.top
    return turn_point(point, draw.shape, Turn(draw.flip, draw.turns))


def _choose_echo(echo_class: NDArray[np.uint8], choice: NDArray[np.float64]) -> tuple[int, int] | None:
    """(row, column) of an echo of a frame; both kinds are as likely, that rare clutter is seen often enough."""
    kinds = [echo_class == kind for kind in (METEOROLOGICAL, NON_METEOROLOGICAL)]
    found = [(pixels, count) for pixels in kinds if (count := int(np.count_nonzero(pixels)))]
    if not found:
        return None
    pixels, count = found[int(choice[0] * len(found))]
    number = int(choice[1] * count)
    # By halves: to list all pixels takes many times as long.
    first, end = 0, len(pixels)
    while end - first > 1:
        middle = (first + end) // 2
        before = int(np.count_nonzero(pixels[first:middle]))
        if number < before:
            end = middle
        else:
            first, number = middle, number - before
    return first, int(np.flatnonzero(pixels[first])[number])


def _offset(size: int, crop: int, pixel: int | None, spread: float, place: float) -> int:
    """First row (or column) of a crop of a frame: any that lies inside, or any that holds a pixel as well."""
    last = max(0, size - crop)
    if pixel is None:
        return int(place * (last + 1))
    low, high = max(0, pixel - crop + 1), min(last, pixel)
    return low + int(spread * (high - low + 1))
