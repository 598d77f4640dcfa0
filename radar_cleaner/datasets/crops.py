"""Crops of the cached frames, as bytes: cut one by one on the CPU, or all at once on the device with the frames.

Shapes: B samples, K input times, L lead times, F fields, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.augmentation import CropParams, crop_center
from radar_cleaner.datasets.device_cache import Windows
from radar_cleaner.datasets.dihedral import flip_rotate_sides
from radar_cleaner.datasets.frame_cache import (
    CONFIDENCE,
    ECHO_CLASS,
    FILL_VALUES,
    OTHER_RADARS,
    THIS_RADAR,
    FrameCache,
    RadarFrames,
)
from radar_cleaner.targets.splits import Sample

_NO_FRAME = -1


@dataclass(frozen=True)
class Labels:
    """Reflectivity codes of this radar, echo class and confidence, uint8, all of one shape."""

    this_radar: Tensor
    echo_class: Tensor
    confidence: Tensor


@dataclass(frozen=True)
class RawBatch:
    """Crops as they are in the cache. Outside a frame, and in a missing frame, nothing is known.

    `this_radar` and `other_radars` are the codes at the input times, (B, K, H, W) uint8. `now` has the labels of
    the sample's time, (B, H, W), `other_radars_now` the codes of the other radars at that time, and `lead`
    the labels at the lead times, (B, L, H, W). `echo_frequency` is (B, H, W) uint8, `fields` (B, F, H, W)
    float32. Each is None where `Inputs` does not use it. `center_px` (B, 2), `range_px` (B,), `pixel_sides` (B, 2)
    and `pixel_km` (B,) describe the flipped and rotated crop; they stay on the CPU. `levels` are the codes that
    occur in each sample's radar, None where unknown. `clutter` are the crops whose clutter is added to the samples
    of the positions `clutter_of`.
    """

    this_radar: Tensor
    other_radars: Tensor
    now: Labels
    other_radars_now: Tensor
    center_px: Tensor
    range_px: Tensor
    params: Sequence[CropParams]
    samples: Sequence[Sample]
    echo_frequency: Tensor | None = None
    fields: Tensor | None = None
    lead: Labels | None = None
    levels: Sequence[NDArray[np.uint8] | None] = ()
    pixel_sides: Tensor | None = None
    pixel_km: Tensor | None = None
    clutter: RawBatch | None = None
    clutter_of: Sequence[int] = ()

    def to(self, device: torch.device) -> RawBatch:
        """Move the frames to a device, without waiting where their memory is pinned."""
        return self.map_frames(lambda frames: frames.to(device, non_blocking=True))

    def map_frames(self, change: Callable[[Tensor], Tensor]) -> RawBatch:
        """Apply a function to every tensor (B, ..., H, W)."""

        def labels(old: Labels) -> Labels:
            return Labels(change(old.this_radar), change(old.echo_class), change(old.confidence))

        return replace(
            self,
            this_radar=change(self.this_radar),
            other_radars=change(self.other_radars),
            now=labels(self.now),
            other_radars_now=change(self.other_radars_now),
            echo_frequency=None if self.echo_frequency is None else change(self.echo_frequency),
            fields=None if self.fields is None else change(self.fields),
            lead=None if self.lead is None else labels(self.lead),
            clutter=None if self.clutter is None else self.clutter.map_frames(change),
        )


def cut_crops(
    cache: FrameCache, samples: Sequence[Sample], params: Sequence[CropParams], inputs: Inputs
) -> RawBatch:
    """Cut samples from the cache; all crops have one shape.

    The tensors are on the device of the frames. Frames in the memory of the machine give pinned tensors,
    which a GPU copies while other work goes on.
    """
    on_device = all(cache[sample.radar].on_device is not None for sample in samples)
    cut = _CropsOnDevice(cache, samples, params) if on_device else _CropsInMemory(cache, samples, params)
    grids = [cache[sample.radar].grid for sample in samples]
    sources = [crop.clutter for crop in params if crop.clutter is not None]
    centers = [crop_center(grid.center_px, crop) for grid, crop in zip(grids, params, strict=True)]

    sides = [
        flip_rotate_sides(grid.pixel_sides, crop.flip_rotation) for grid, crop in zip(grids, params, strict=True)
    ]

    def labels(minutes: Sequence[int]) -> Labels:
        return Labels(*(cut.frames(variable, minutes) for variable in (THIS_RADAR, ECHO_CLASS, CONFIDENCE)))

    def numbers(values: Iterable[Any]) -> Tensor:
        return torch.from_numpy(np.array(list(values), np.float32))

    now = labels([0])
    return RawBatch(
        this_radar=cut.frames(THIS_RADAR, inputs.input_minutes, without_clutter=True),
        other_radars=cut.frames(OTHER_RADARS, inputs.input_minutes),
        now=Labels(now.this_radar[:, 0], now.echo_class[:, 0], now.confidence[:, 0]),
        other_radars_now=cut.frames(OTHER_RADARS, [0])[:, 0],
        echo_frequency=cut.echo_frequency() if inputs.atlas == "channel" else None,
        fields=cut.fields(len(inputs.fields)) if inputs.fields else None,
        lead=labels(inputs.ahead) if inputs.ahead else None,
        center_px=numbers(centers),
        range_px=numbers(grid.range_px / crop.stride for grid, crop in zip(grids, params, strict=True)),
        params=list(params),
        samples=list(samples),
        levels=[grid.levels for grid in grids],
        clutter=_cut_sources(cache, sources, inputs) if sources else None,
        clutter_of=[number for number, crop in enumerate(params) if crop.clutter is not None],
        pixel_sides=numbers(sides),
        pixel_km=numbers(grid.pixel_km * crop.stride for grid, crop in zip(grids, params, strict=True)),
    )


def _cut_sources(cache: FrameCache, sources: Sequence[tuple[Sample, CropParams]], inputs: Inputs) -> RawBatch:
    return cut_crops(cache, [sample for sample, _ in sources], [crop for _, crop in sources], inputs)


def _number(frames: RadarFrames, sample: Sample, minute: int) -> int:
    """Return the position of a frame in the cache, or _NO_FRAME."""
    return frames.index.get(sample.time + 60 * minute, _NO_FRAME)


class _CropsInMemory:
    """Crops of mapped frames, cut one by one."""

    def __init__(self, cache: FrameCache, samples: Sequence[Sample], params: Sequence[CropParams]) -> None:
        self._cache, self._samples, self._params = cache, samples, params
        self._shape = params[0].shape

    def frames(self, variable: int, minutes: Sequence[int], without_clutter: bool = False) -> Tensor:
        """(B, minutes, H, W) codes of one variable."""
        crops = self._empty(len(minutes), torch.uint8)
        for target, sample, frames, window, inside in self._each(crops):
            target[:] = FILL_VALUES[variable]
            for position, minute in enumerate(minutes):
                number = _number(frames, sample, minute)
                if number != _NO_FRAME:
                    target[position][inside] = frames.variables[number, variable][window]
            if without_clutter and frames.grid.clutter is not None:
                target[:, *inside][:, frames.grid.clutter[window]] = NODATA
        return crops

    def echo_frequency(self) -> Tensor:
        """(B, H, W)."""
        crops = self._empty(1, torch.uint8)
        for target, _, frames, window, inside in self._each(crops):
            assert frames.grid.echo_frequency is not None, "the atlas is a channel"
            target[:] = 0
            target[0][inside] = frames.grid.echo_frequency[window]
        return crops[:, 0]

    def fields(self, count: int) -> Tensor:
        """(B, F, H, W); outside the frame a coordinate is that of the nearest pixel."""
        crops = self._empty(count, torch.float32)
        for target, _, frames, window, _ in self._each(crops):
            values = frames.grid.fields
            assert values is not None and len(values) == count
            rows, columns = (
                np.arange(part.start, part.stop, part.step).clip(max=size - 1)
                for part, size in zip(window, frames.grid.shape, strict=True)
            )
            target[:] = values[:, rows[:, None], columns]
        return crops

    def _empty(self, count: int, dtype: torch.dtype) -> Tensor:
        pinned = torch.cuda.is_available()
        return torch.empty(len(self._samples), count, *self._shape, dtype=dtype, pin_memory=pinned)

    def _each(
        self, crops: Tensor
    ) -> Iterator[tuple[NDArray[np.generic], Sample, RadarFrames, tuple[slice, slice], tuple[slice, slice]]]:
        """Yield each crop's array, sample and frames, its window in the frame, and the part inside the frame."""
        for target, sample, crop in zip(crops.numpy(), self._samples, self._params, strict=True):
            frames = self._cache[sample.radar]
            first, size = (crop.top, crop.left), zip((crop.top, crop.left), self._shape, strict=True)
            window = tuple(slice(start, start + crop.stride * length, crop.stride) for start, length in size)
            beyond = zip(first, frames.grid.shape, self._shape, strict=True)
            height, width = (min(-(-(end - start) // crop.stride), length) for start, end, length in beyond)
            yield target, sample, frames, (window[0], window[1]), np.s_[:height, :width]


class _CropsOnDevice:
    """Crops of frames on a device, cut for all samples of a radar at once."""

    def __init__(self, cache: FrameCache, samples: Sequence[Sample], params: Sequence[CropParams]) -> None:
        self._cache, self._samples, self._params = cache, samples, params
        self._shape = params[0].shape
        self._radars = {radar: self._place(radar) for radar in dict.fromkeys(sample.radar for sample in samples)}

    def frames(self, variable: int, minutes: Sequence[int], without_clutter: bool = False) -> Tensor:
        """(B, minutes, H, W) codes of one variable."""
        crops = self._empty(len(minutes), torch.uint8)
        fill = FILL_VALUES[variable]
        for radar, (rows, windows) in self._radars.items():
            held = self._cache[radar].on_device
            assert held is not None
            frames, chosen = self._cache[radar], [s for s in self._samples if s.radar == radar]
            numbers = torch.tensor([[_number(frames, sample, minute) for minute in minutes] for sample in chosen])
            numbers = numbers.to(crops.device, non_blocking=True)
            cut = windows.cut(held.variables, numbers.clamp(min=0), variable)
            if without_clutter and held.clutter is not None:
                cut = cut.masked_fill(windows.cut_grid(held.clutter)[:, None], NODATA)
            known = windows.inside[:, None] & (numbers != _NO_FRAME)[:, :, None, None]
            crops[rows] = cut.masked_fill(~known, fill)
        return crops

    def echo_frequency(self) -> Tensor:
        """(B, H, W)."""
        crops = self._empty(1, torch.uint8)
        for radar, (rows, windows) in self._radars.items():
            held = self._cache[radar].on_device
            assert held is not None and held.echo_frequency is not None, "the atlas is a channel"
            crops[rows, 0] = windows.cut_grid(held.echo_frequency).masked_fill(~windows.inside, 0)
        return crops[:, 0]

    def fields(self, count: int) -> Tensor:
        """(B, F, H, W); outside the frame a coordinate is that of the nearest pixel."""
        crops = self._empty(count, torch.float32)
        for radar, (rows, windows) in self._radars.items():
            held = self._cache[radar].on_device
            assert held is not None and held.fields is not None and len(held.fields) == count
            crops[rows] = windows.cut_grid(held.fields).transpose(0, 1)
        return crops

    def _empty(self, count: int, dtype: torch.dtype) -> Tensor:
        held = self._cache[self._samples[0].radar].on_device
        assert held is not None
        return torch.empty(len(self._samples), count, *self._shape, dtype=dtype, device=held.variables.device)

    def _place(self, radar: str) -> tuple[Tensor, Windows]:
        """Return the rows of the batch that belong to a radar, and the windows of their crops."""
        held = self._cache[radar].on_device
        assert held is not None
        numbers = [number for number, sample in enumerate(self._samples) if sample.radar == radar]
        # In one copy, because a GPU finishes each copy before the next.
        crops = [(row, self._params[row]) for row in numbers]
        places = torch.tensor([[row, crop.top, crop.left, crop.stride] for row, crop in crops])
        places = places.to(held.variables.device, non_blocking=True)
        rows, tops, lefts, strides = places.unbind(1)
        return rows, Windows.of(tops, lefts, strides, self._shape, self._cache[radar].grid.shape)
