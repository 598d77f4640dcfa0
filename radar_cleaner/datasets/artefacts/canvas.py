"""A planted artefact as a few numbers, and the canvas that it is painted on.

Shapes: T input times at which a plant shows, H rows, W columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from radar_cleaner.config.artefacts import KINDS, PlantKind


@dataclass(frozen=True)
class Plant:
    """One artefact, in the picture as it lies after flips and turns.

    `shown` says at which input times, `source` is the time whose picture a kind that copies shows. It is laid over
    the pixel (`column`, `row`); `from_column`, `from_row` is another one. `free` are uniform numbers for what the
    kind chooses by itself, `numbers` those of its ranges, in the order of KINDS. `loss` is what a pixel of it
    weighs in the mask's loss.
    """

    kind: PlantKind
    shown: tuple[bool, ...]
    source: int
    column: float
    row: float
    from_column: float
    from_row: float
    free: tuple[float, float, float]
    numbers: tuple[float, ...]
    loss: float = 1.0

    def __getitem__(self, name: str) -> float:
        """A number by its name."""
        return dict(zip(KINDS[self.kind].numbers, self.numbers, strict=True))[name]


@dataclass(frozen=True)
class Canvas:
    """What a plant is painted on.

    `codes` (T, H, W) are the times at which it shows, as they are before. `distance` (pixels) and `azimuth`
    (degrees, clockwise from up) are (H, W), from the radar, which lies at `center` (column, row) and sees
    `range_px` far.
    """

    codes: Tensor
    distance: Tensor
    azimuth: Tensor
    center: tuple[float, float]
    range_px: float
    random: torch.Generator

    @property
    def times(self) -> int:
        """T."""
        return self.codes.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """H, W."""
        return self.codes.shape[1], self.codes.shape[2]

    @property
    def farthest_px(self) -> float:
        """What no pixel is farther than from the radar."""
        (column, row), (height, width) = self.center, self.shape
        return math.hypot(max(abs(column), abs(width - column)), max(abs(row), abs(height - row)))

    def uniform(self, *shape: int) -> Tensor:
        """Numbers from 0 to 1."""
        return torch.rand(shape, generator=self.random, device=self.codes.device)

    def normal(self, *shape: int) -> Tensor:
        """Numbers of mean 0 and spread 1."""
        return torch.randn(shape, generator=self.random, device=self.codes.device)

    def beside(self, plant: Plant) -> tuple[Tensor, Tensor]:
        """Columns (1, W) right of and rows (H, 1) below the plant's pixel."""
        device = self.codes.device
        rows = torch.arange(self.shape[0], device=device, dtype=torch.float32)[:, None]
        columns = torch.arange(self.shape[1], device=device, dtype=torch.float32)[None]
        return columns - plant.column, rows - plant.row

    def polar(self, plant: Plant) -> tuple[float, float]:
        """Distance (pixels) and azimuth (degrees) of the plant's pixel from the radar."""
        right, up = plant.column - self.center[0], self.center[1] - plant.row
        return math.hypot(right, up), math.degrees(math.atan2(right, up))

    def off_degrees(self, azimuth: float | Tensor) -> Tensor:
        """Degrees clockwise from an azimuth, -180 to 180."""
        return torch.remainder(self.azimuth - azimuth + 180, 360) - 180

    def range_db(self) -> Tensor:
        """(H, W): what a constant power is shown with, against its dBZ at the radar's range."""
        return 20 * torch.log10(self.distance.clamp_min(1) / self.range_px)


def sector(plant: Plant, canvas: Canvas) -> Tensor:
    """(H, W) bool: a sector around the plant's pixel, from `start` of the way to it on."""
    distance, azimuth = canvas.polar(plant)
    across = canvas.off_degrees(azimuth).abs() <= plant["width_degrees"] / 2
    return across & (canvas.distance >= plant["start"] * distance)


def block(plant: Plant, canvas: Canvas) -> Tensor:
    """(H, W) bool: a rectangle around the plant's pixel whose longer side is `size_px`."""
    right, down = canvas.beside(plant)
    shorter = plant["size_px"] * (0.5 + 0.5 * plant.free[0])
    width, height = (plant["size_px"], shorter) if plant.free[1] < 0.5 else (shorter, plant["size_px"])
    return (right.abs() <= width / 2) & (down.abs() <= height / 2)
