"""The parameters of an artefact, and the canvas that it is painted on.

Shapes: T input times at which an artefact appears, H rows, W columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from radar_cleaner.config.artefacts import KINDS, ArtefactKind


@dataclass(frozen=True)
class Artefact:
    """One artefact, in the flipped and rotated crop.

    `shown` are the input times at which it appears. `source` is the time that a copying kind repeats. The
    artefact is placed on the pixel (`column`, `row`); `from_column`, `from_row` is another pixel. `free` are
    uniform numbers for choices of the kind, `numbers` the parameters from its ranges, in the order of KINDS.
    `loss` is the weight of one of its pixels in the loss of the mask.
    """

    kind: ArtefactKind
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
        """Return a parameter by its name."""
        return dict(zip(KINDS[self.kind].numbers, self.numbers, strict=True))[name]


@dataclass(frozen=True)
class Canvas:
    """The frames that an artefact is painted on.

    `codes` (T, H, W) are the frames before it. `distance` (pixels) and `azimuth` (degrees, clockwise from up) are
    (H, W), from the radar at `center` (column, row) with a range of `range_px`.
    """

    codes: Tensor
    distance: Tensor
    azimuth: Tensor
    center: tuple[float, float]
    range_px: float
    random: torch.Generator

    @property
    def times(self) -> int:
        """Return T."""
        return self.codes.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Return (H, W)."""
        return self.codes.shape[1], self.codes.shape[2]

    @property
    def farthest_px(self) -> float:
        """Return an upper bound of the distance of a pixel from the radar."""
        (column, row), (height, width) = self.center, self.shape
        return math.hypot(max(abs(column), abs(width - column)), max(abs(row), abs(height - row)))

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers from 0 to 1."""
        return torch.rand(shape, generator=self.random, device=self.codes.device)

    def normal(self, *shape: int) -> Tensor:
        """Draw normal numbers of mean 0 and standard deviation 1."""
        return torch.randn(shape, generator=self.random, device=self.codes.device)

    def beside(self, artefact: Artefact) -> tuple[Tensor, Tensor]:
        """Return the columns (1, W) and rows (H, 1), counted from the artefact's pixel."""
        device = self.codes.device
        rows = torch.arange(self.shape[0], device=device, dtype=torch.float32)[:, None]
        columns = torch.arange(self.shape[1], device=device, dtype=torch.float32)[None]
        return columns - artefact.column, rows - artefact.row

    def polar(self, artefact: Artefact) -> tuple[float, float]:
        """Return distance (pixels) and azimuth (degrees) of the artefact's pixel."""
        right, up = artefact.column - self.center[0], self.center[1] - artefact.row
        return math.hypot(right, up), math.degrees(math.atan2(right, up))

    def off_degrees(self, azimuth: float | Tensor) -> Tensor:
        """Return the degrees clockwise from an azimuth, -180 to 180."""
        return torch.remainder(self.azimuth - azimuth + 180, 360) - 180

    def range_db(self) -> Tensor:
        """Return (H, W): the dBZ of a constant power, relative to its dBZ at the radar's range."""
        return 20 * torch.log10(self.distance.clamp_min(1) / self.range_px)


def sector(artefact: Artefact, canvas: Canvas) -> Tensor:
    """(H, W) bool: a sector around the artefact's pixel, beyond the share `start` of its distance."""
    distance, azimuth = canvas.polar(artefact)
    across = canvas.off_degrees(azimuth).abs() <= artefact["width_degrees"] / 2
    return across & (canvas.distance >= artefact["start"] * distance)


def block(artefact: Artefact, canvas: Canvas) -> Tensor:
    """(H, W) bool: a rectangle around the artefact's pixel; its longer side is `size_px`."""
    right, down = canvas.beside(artefact)
    shorter = artefact["size_px"] * (0.5 + 0.5 * artefact.free[0])
    width, height = (artefact["size_px"], shorter) if artefact.free[1] < 0.5 else (shorter, artefact["size_px"])
    return (right.abs() <= width / 2) & (down.abs() <= height / 2)
