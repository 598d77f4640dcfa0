"""Batches from the bank: drawn and cut on the CPU as bytes, made into channels and targets on any device.

Every random draw is of a counter-based generator keyed by (seed, epoch) at the counter of the item, so that
it depends on nothing else: not on the number of processes, nor on what was drawn before.
Shapes: B samples, K input times, P planes, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radar_cleaner.bank import CONFIDENCE, ECHO_CLASS, OTHERS, OWN, PLANE_FILLS, Bank, RadarGrid, Sample
from radar_cleaner.channels import decode_scaled, is_echo, make_channels
from radar_cleaner.vocabulary import METEOROLOGICAL, NODATA, NON_METEOROLOGICAL, UNKNOWN

_MAX_HOLES = 4  # boxes a sample
_ITEM, _ORDER = 0, 1  # what a stream of random numbers is for


@dataclass(frozen=True)
class Inputs:
    """Which frames a sample reads, and how its target is made.

    `reflectivity_target`: `max` or `mean` (in dBZ) over the radars that see an echo.
    """

    input_minutes: tuple[int, ...]
    atlas: str
    reflectivity_target: str

    @property
    def kept(self) -> int:
        """Position of the input time that is never dropped: the one nearest to the sample's own."""
        return int(np.argmin(np.abs(self.input_minutes)))


@dataclass(frozen=True)
class Augmentation:
    """How training varies its samples: crop and hole sizes in pixels, rates as shares of the samples."""

    crop: int
    flips: bool
    drop_neighbours: float
    drop_others: float
    prefer_echo: float
    hole_fraction: float
    hole_size: int


@dataclass(frozen=True)
class Draw:
    """One crop and what is done to it.

    `top`, `left`, `shape`: the window in the frame. `turns` quarter turns counter-clockwise follow a flip of
    left and right. `own_seen` and `others_seen` say which input times stay available. `holes` are boxes
    (top, left, bottom, right; half open) in the picture as it lies after the turns.
    """

    top: int
    left: int
    shape: tuple[int, int]
    flip: bool
    turns: int
    own_seen: tuple[bool, ...]
    others_seen: tuple[bool, ...]
    holes: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class RawBatch:
    """Samples as they are cut: `planes` (B, 2K + 4 [+ 1], H, W) uint8 is own and others' codes at each input
    time, then own, others, class and confidence at the target time, then the echo frequency if it is used.
    `center_px` (B, 2) is in the turned picture."""

    planes: NDArray[np.uint8]
    center_px: NDArray[np.float32]
    range_px: NDArray[np.float32]
    draws: Sequence[Draw]
    samples: Sequence[Sample]


@dataclass(frozen=True)
class Batch:
    """What the network sees and what it should say, all on one device; (B, H, W) but for `channels`.

    `mask` is 1 where the echo is meteorological, `weight` the confidence where that is known (else 0).
    `reflectivity` is on the network's scale and counts where `reflectivity_weight` > 0. `hole` is where own
    data were hidden, `own_echo` where the radar has an echo (hidden or not).
    """

    channels: Tensor
    mask: Tensor
    weight: Tensor
    reflectivity: Tensor
    reflectivity_weight: Tensor
    hole: Tensor
    own_echo: Tensor


def generator(seed: int, epoch: int, purpose: int, item: int = 0) -> np.random.Generator:
    """The random stream of one item of one epoch (Philox, Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, item, purpose]))


def epoch_order(seed: int, epoch: int, items: int) -> NDArray[np.int64]:
    """The items of an epoch in the order in which it takes them."""
    return generator(seed, epoch, _ORDER).permutation(items)


def draw_crop(
    bank: Bank, sample: Sample, how: Augmentation, inputs: Inputs, seed: int, epoch: int, item: int
) -> Draw:
    """Draw one training crop. All numbers are drawn whether needed or not, so that keys do not disturb others."""
    random = generator(seed, epoch, _ITEM, item)
    frames = bank[sample.radar]
    wants_echo = random.random() < how.prefer_echo
    choice, spread, place = random.random(2), random.random(2), random.random(2)
    pixel = None
    if wants_echo:
        pixel = _choose_echo(frames.planes[frames.index[sample.time]], choice)
    top, left = (
        _offset(size, how.crop, None if pixel is None else pixel[axis], spread[axis], place[axis])
        for axis, size in enumerate(frames.grid.shape)
    )
    flip, turns = bool(random.integers(2)), int(random.integers(4))
    times = len(inputs.input_minutes)
    dropped = random.random(times) < how.drop_neighbours
    dropped[inputs.kept] = False
    without_others = random.random() < how.drop_others
    with_holes = random.random() < how.hole_fraction
    return Draw(
        top,
        left,
        (how.crop, how.crop),
        flip and how.flips,
        turns if how.flips else 0,
        tuple(bool(seen) for seen in ~dropped),
        tuple(bool(seen) for seen in ~(dropped | without_others)),
        _draw_holes(random, how) if with_holes else (),
    )


def whole_frame(grid: RadarGrid, inputs: Inputs) -> Draw:
    """The draw of validation: nothing random, nothing hidden."""
    seen = (True,) * len(inputs.input_minutes)
    return Draw(0, 0, grid.shape, False, 0, seen, seen, ())


def cut(bank: Bank, samples: Sequence[Sample], draws: Sequence[Draw], inputs: Inputs) -> RawBatch:
    """Cut samples from the bank; all draws are of one shape. Beyond a frame's edge nothing is known."""
    times = len(inputs.input_minutes)
    with_frequency = inputs.atlas == "channel"
    shape = draws[0].shape
    planes = np.empty((len(samples), 2 * times + 4 + with_frequency, *shape), np.uint8)
    planes[:, : 2 * times + 2] = NODATA
    planes[:, -4 - with_frequency :] = np.array(PLANE_FILLS + (0,) * with_frequency)[:, None, None]
    centers, ranges = [], []
    for target, sample, draw in zip(planes, samples, draws, strict=True):
        frames = bank[sample.radar]
        window = np.s_[draw.top : draw.top + shape[0], draw.left : draw.left + shape[1]]
        height, width = (min(size, length) for size, length in zip(shape, frames.grid.shape, strict=True))
        inside = target[:, :height, :width]
        for position, minutes in enumerate(inputs.input_minutes):
            frame = frames.planes[frames.index[sample.time + 60 * minutes]]
            inside[position] = frame[OWN][window]
            inside[times + position] = frame[OTHERS][window]
        if frames.grid.clutter is not None:
            inside[:times, frames.grid.clutter[window]] = NODATA
        inside[2 * times : 2 * times + 4] = frames.planes[frames.index[sample.time]][:, *window]
        if with_frequency and frames.grid.echo_frequency is not None:
            inside[-1] = frames.grid.echo_frequency[window]
        centers.append(_turned_center(frames.grid.center_px, draw))
        ranges.append(frames.grid.range_px)
    return RawBatch(
        planes, np.array(centers, np.float32), np.array(ranges, np.float32), list(draws), list(samples)
    )


def make_batch(raw: RawBatch, inputs: Inputs, device: torch.device) -> Batch:
    """Turn, hide and encode a cut batch on the device that trains."""
    times = len(inputs.input_minutes)
    planes_BPHW = _turn(torch.from_numpy(raw.planes).to(device), raw.draws)
    own_BKHW, others_BKHW = planes_BPHW[:, :times], planes_BPHW[:, times : 2 * times]
    target = planes_BPHW[:, 2 * times :]
    own, others, echo_class = target[:, OWN], target[:, OTHERS], target[:, ECHO_CLASS]
    hole = _hole_mask(raw.draws, target[:, 0]) & (own != NODATA)
    own_seen = torch.tensor([draw.own_seen for draw in raw.draws], device=device)[:, :, None, None]
    others_seen = torch.tensor([draw.others_seen for draw in raw.draws], device=device)[:, :, None, None]
    channels = make_channels(
        own_BKHW.masked_fill(~own_seen | hole[:, None], NODATA),
        others_BKHW.masked_fill(~others_seen, NODATA),
        torch.from_numpy(raw.center_px).to(device),
        torch.from_numpy(raw.range_px).to(device),
        target[:, CONFIDENCE + 1] if inputs.atlas == "channel" else None,
    )
    mask = (echo_class == METEOROLOGICAL).float()
    weight = target[:, CONFIDENCE].float() / 255 * (echo_class != UNKNOWN)
    reflectivity, seen = _pool(own, others, inputs.reflectivity_target)
    return Batch(channels, mask, weight, reflectivity, weight * mask * seen, hole, is_echo(own))


def _pool(own: Tensor, others: Tensor, how: str) -> tuple[Tensor, Tensor]:
    """Reflectivity on the network's scale over the radars that see an echo, and where any of them does."""
    own_echo, others_echo = is_echo(own), is_echo(others)
    first, second = decode_scaled(own), decode_scaled(others)
    if how == "mean":
        count = own_echo.float() + others_echo.float()
        pooled = (first * own_echo + second * others_echo) / count.clamp(min=1)
    else:
        lowest = torch.full_like(first, -torch.inf)
        pooled = torch.maximum(torch.where(own_echo, first, lowest), torch.where(others_echo, second, lowest))
    seen = own_echo | others_echo
    return torch.where(seen, pooled, torch.zeros_like(pooled)), seen


def _choose_echo(planes: NDArray[np.uint8], choice: NDArray[np.float64]) -> tuple[int, int] | None:
    """(row, column) of an echo of a frame; both kinds are as likely, that rare clutter is seen often enough."""
    echo_class = planes[ECHO_CLASS].reshape(-1)
    found = [np.flatnonzero(echo_class == kind) for kind in (METEOROLOGICAL, NON_METEOROLOGICAL)]
    found = [pixels for pixels in found if pixels.size]
    if not found:
        return None
    pixels = found[int(choice[0] * len(found))]
    row, column = divmod(int(pixels[int(choice[1] * len(pixels))]), planes.shape[-1])
    return row, column


def _offset(size: int, crop: int, pixel: int | None, spread: float, place: float) -> int:
    """First row (or column) of a crop of a frame: any that lies inside, or any that holds a pixel as well."""
    last = max(0, size - crop)
    if pixel is None:
        return int(place * (last + 1))
    low, high = max(0, pixel - crop + 1), min(last, pixel)
    return low + int(spread * (high - low + 1))


def _draw_holes(random: np.random.Generator, how: Augmentation) -> tuple[tuple[int, int, int, int], ...]:
    boxes = []
    for _ in range(int(random.integers(1, _MAX_HOLES + 1))):
        smallest = max(1, how.hole_size // 4)
        height, width = (int(size) for size in random.integers(smallest, how.hole_size + 1, 2))
        row, column = (int(middle) for middle in random.integers(0, how.crop, 2))
        top, left = row - height // 2, column - width // 2
        boxes.append((max(0, top), max(0, left), top + height, left + width))
    return tuple(boxes)


def _turned_center(center_px: tuple[float, float], draw: Draw) -> tuple[float, float]:
    """(column, row) of the radar in the cut, flipped and turned picture.

    The helper channels are computed from it, so that the azimuth that the network is told is always the
    direction in its picture, as it will be in the frames that it cleans.
    """
    column, row = center_px[0] - draw.left, center_px[1] - draw.top
    height, width = draw.shape
    if draw.flip:
        column = width - 1 - column
    for _ in range(draw.turns):
        column, row, height, width = row, width - 1 - column, width, height
    return column, row


def _turn(planes_BPHW: Tensor, draws: Sequence[Draw]) -> Tensor:
    if not any(draw.flip or draw.turns for draw in draws):
        return planes_BPHW
    turned = []
    for planes_PHW, draw in zip(planes_BPHW, draws, strict=True):
        flipped = planes_PHW.flip(-1) if draw.flip else planes_PHW
        turned.append(torch.rot90(flipped, draw.turns, (-2, -1)))
    return torch.stack(turned)


def _hole_mask(draws: Sequence[Draw], like_BHW: Tensor) -> Tensor:
    mask = torch.zeros_like(like_BHW, dtype=torch.bool)
    for number, draw in enumerate(draws):
        for top, left, bottom, right in draw.holes:
            mask[number, top:bottom, left:right] = True
    return mask
