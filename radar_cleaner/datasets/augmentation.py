"""Sample the parameters of a crop: its window, flips and rotations, masks, artefacts. Small numbers, on the CPU.

Every random draw comes from a counter-based generator. The key of the generator is (seed, epoch), its counter is
the item. A draw therefore depends neither on the number of processes nor on earlier draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.training import Learning
from radar_cleaner.conventions import METEOROLOGICAL, NON_METEOROLOGICAL
from radar_cleaner.datasets.artefacts.canvas import Artefact
from radar_cleaner.datasets.artefacts.inject import NO_ARTEFACTS, ArtefactInjection, sample_artefacts
from radar_cleaner.datasets.dihedral import UNCHANGED, FlipRotation, flip_rotate_point
from radar_cleaner.datasets.frame_cache import ECHO_CLASS, FrameCache, RadarGrid
from radar_cleaner.datasets.inpainting_masks import Mask, sample_masks
from radar_cleaner.datasets.redraw import Drawing, sample_drawing
from radar_cleaner.targets.splits import Sample

# The purposes of the random streams.
_ITEM, _ORDER, _KEY, _VALIDATION, _ARTEFACTS, _VIEW, _RADAR, _CLUTTER = range(8)
_SPACING = 4  # validation has one block for each square of this number of largest block sides


@dataclass(frozen=True)
class CropParams:
    """The parameters of one crop.

    `top`, `left` and `shape` are the window in the frame. `available` and `others_available`: for each input
    time, whether this radar and the other radars stay available. `masks` and `artefacts` are placed in the flipped
    and rotated crop. `key` (0 <= key < 2^63) seeds the random numbers that are drawn on the device. `stride` is
    the step in the frame between two pixels of the crop. Without `has_range` the place of the radar is unknown.
    `drawing` is how the echo is drawn again, None where it stays as it is. `clutter` is a sample and a crop of it
    whose clutter is added.
    """

    top: int
    left: int
    shape: tuple[int, int]
    flip_rotation: FlipRotation
    available: tuple[bool, ...]
    others_available: tuple[bool, ...]
    key: int
    masks: tuple[Mask, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    stride: int = 1
    has_range: bool = True
    drawing: Drawing | None = None
    clutter: tuple[Sample, CropParams] | None = None


def generator(seed: int, epoch: int, purpose: int, item: int = 0) -> np.random.Generator:
    """Return the random stream of one item of one epoch (Philox, Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, item, purpose]))


def epoch_order(seed: int, epoch: int, items: int) -> NDArray[np.int64]:
    """Return the items of an epoch in random order."""
    return generator(seed, epoch, _ORDER).permutation(items)


def draw_sample(by_radar: Sequence[Sequence[Sample]], seed: int, epoch: int, item: int) -> Sample:
    """Return the sample of an item of an epoch in which every radar is equally likely."""
    return draw_by_radar(by_radar, generator(seed, epoch, _RADAR, item))


def draw_by_radar(by_radar: Sequence[Sequence[Sample]], random: np.random.Generator) -> Sample:
    """Draw one of the radars, then one of its samples."""
    samples = by_radar[int(random.integers(len(by_radar)))]
    return samples[int(random.integers(len(samples)))]


def whole_frame(shape: tuple[int, int], inputs: Inputs, key: int = 0) -> CropParams:
    """Return the parameters of a whole frame without any augmentation."""
    available = (True,) * len(inputs.input_minutes)
    return CropParams(0, 0, shape, UNCHANGED, available, available, key)


@dataclass(frozen=True)
class CropSampler:
    """Samples the crop parameters of a training and of its validation."""

    learning: Learning
    inputs: Inputs
    artefacts: ArtefactInjection = NO_ARTEFACTS

    def sample(
        self,
        cache: FrameCache,
        sample: Sample,
        epoch: int,
        item: int,
        others: Sequence[Sequence[Sample]] = (),
    ) -> CropParams:
        """Sample one training crop. `others` are the samples of each radar whose clutter may be added.

        All numbers are drawn, whether they are needed or not, so that a config key changes no other number.
        """
        learning, inputs, crop = self.learning, self.inputs, self.learning.crop_px
        random = generator(learning.seed, epoch, _ITEM, item)
        frames = cache[sample.radar]
        view = generator(learning.seed, epoch, _VIEW, item)
        stride = int(view.integers(1, learning.max_stride + 1))
        has_range = bool(view.random() >= learning.drop_range)
        wants_echo = random.random() < learning.prefer_echo
        choice, around, anywhere = random.random(2), random.random(2), random.random(2)
        pixel = None
        if wants_echo:
            pixel = _choose_echo(frames.variables[frames.index[sample.time], ECHO_CLASS], choice)
        top, left = (
            _first_row(size, crop * stride, None if pixel is None else pixel[axis], around[axis], anywhere[axis])
            for axis, size in enumerate(frames.grid.shape)
        )
        source = self._clutter_source(cache, others, epoch, item, stride)
        if source is not None:
            top, left = _same_place(source, cache[source[0].radar].grid, frames.grid)
        flip, quarter_turns = bool(random.integers(2)), int(random.integers(4))
        times = len(inputs.input_minutes)
        dropped = random.random(times) < learning.drop_neighbours
        dropped[inputs.kept] = False
        without_others = random.random() < learning.drop_others
        is_masked = random.random() < learning.holes.fraction
        params = CropParams(
            top,
            left,
            (crop, crop),
            FlipRotation(flip, quarter_turns) if learning.flips else UNCHANGED,
            tuple(bool(available) for available in ~dropped),
            tuple(bool(available) for available in ~(dropped | without_others)),
            int(generator(learning.seed, epoch, _KEY, item).integers(2**63)),
            stride=stride,
            has_range=has_range,
            drawing=sample_drawing(view, learning.redraw),
        )
        if source is not None:
            turned = replace(source[1], flip_rotation=params.flip_rotation)
            params = replace(params, clutter=(source[0], turned))
        # Clutter follows the rays of the radar, also where the network does not know its place.
        place = params.shape, crop_center(frames.grid.center_px, params), frames.grid.range_px / stride
        stream = generator(learning.seed, epoch, _ARTEFACTS, item)
        artefacts = sample_artefacts(stream, self.artefacts, *place, times, inputs.kept)
        masks = sample_masks(random, learning.holes, *place) if is_masked else ()
        return replace(params, masks=masks, artefacts=artefacts)

    def _clutter_source(
        self, cache: FrameCache, others: Sequence[Sequence[Sample]], epoch: int, item: int, stride: int
    ) -> tuple[Sample, CropParams] | None:
        """Sample the crop whose clutter is added; None without one, or where the sample drawn has no clutter."""
        learning = self.learning
        if not others or not learning.mix_clutter:
            return None
        random = generator(learning.seed, epoch, _CLUTTER, item)
        if random.random() >= learning.mix_clutter:
            return None
        sample = draw_by_radar(others, random)
        frames, shape = cache[sample.radar], (learning.crop_px, learning.crop_px)
        echo_class = frames.variables[frames.index[sample.time], ECHO_CLASS]
        pixel = _choose_pixel(echo_class == NON_METEOROLOGICAL, random.random())
        if pixel is None:
            return None
        around = random.random(2)
        top, left = (
            _first_row(size, stride * learning.crop_px, pixel[axis], around[axis], 0.0)
            for axis, size in enumerate(frames.grid.shape)
        )
        return sample, replace(whole_frame(shape, self.inputs), top=top, left=left, stride=stride)

    def validation(self, cache: FrameCache, sample: Sample, item: int) -> CropParams:
        """Return the whole frame without artefacts, with the same inpainting masks in each epoch.

        Every frame has masks, so that a few frames suffice; a training without masks has none here either. The
        number of blocks grows with the frame: one for each square of four times their largest side, which hides
        about 2 % of the frame.
        """
        grid, holes = cache[sample.radar].grid, self.learning.holes
        random = generator(self.learning.seed, 0, _VALIDATION, item)
        params = whole_frame(grid.shape, self.inputs, int(random.integers(2**63)))
        if holes.fraction == 0:
            return params
        blocks = max(1, grid.shape[0] * grid.shape[1] // (_SPACING * holes.size_px) ** 2)
        masks = sample_masks(random, holes, grid.shape, grid.center_px, grid.range_px, blocks)
        return replace(params, masks=masks)


def crop_center(center_px: tuple[float, float], params: CropParams) -> tuple[float, float]:
    """Return the (column, row) of the radar in the flipped and rotated crop.

    The polar channels are computed from it. The azimuth channels therefore give the direction in the crop, as they
    do in the frames that the network cleans.
    """
    point = (center_px[0] - params.left) / params.stride, (center_px[1] - params.top) / params.stride
    return flip_rotate_point(point, params.shape, params.flip_rotation)


def _choose_echo(echo_class: NDArray[np.uint8], choice: NDArray[np.float64]) -> tuple[int, int] | None:
    """Return the (row, column) of an echo, None without one.

    Both classes are equally likely, so that crops with rare clutter are frequent enough.
    """
    classes = [echo_class == value for value in (METEOROLOGICAL, NON_METEOROLOGICAL)]
    present = [pixels for pixels in classes if pixels.any()]
    return _choose_pixel(present[int(choice[0] * len(present))], choice[1]) if present else None


def _choose_pixel(pixels: NDArray[np.bool_], choice: float) -> tuple[int, int] | None:
    """Return the (row, column) of one of the pixels of a mask (y, x), None without any; 0 <= `choice` < 1."""
    count = int(np.count_nonzero(pixels))
    if not count:
        return None
    number = int(choice * count)
    # Bisection over rows: a list of all pixels takes many times as long.
    first, end = 0, len(pixels)
    while end - first > 1:
        middle = (first + end) // 2
        before = int(np.count_nonzero(pixels[first:middle]))
        if number < before:
            end = middle
        else:
            first, number = middle, number - before
    return first, int(np.flatnonzero(pixels[first])[number])


def _same_place(source: tuple[Sample, CropParams], grid: RadarGrid, wanted: RadarGrid) -> tuple[int, int]:
    """Return the first row and column of a crop at the place, seen from its radar, of another crop."""
    crop = source[1]
    firsts = (
        (crop.top, grid.center_px[1], wanted.center_px[1], wanted.shape[0], crop.shape[0]),
        (crop.left, grid.center_px[0], wanted.center_px[0], wanted.shape[1], crop.shape[1]),
    )
    row, column = (
        min(max(0, round(first - center + other)), max(0, size - crop.stride * length))
        for first, center, other, size, length in firsts
    )
    return row, column


def _first_row(size: int, crop: int, pixel: int | None, around: float, anywhere: float) -> int:
    """Return the first row (or column) of a crop: any inside the frame, or any that contains a pixel as well."""
    last = max(0, size - crop)
    if pixel is None:
        return int(anywhere * (last + 1))
    low, high = max(0, pixel - crop + 1), min(last, pixel)
    return low + int(around * (high - low + 1))
