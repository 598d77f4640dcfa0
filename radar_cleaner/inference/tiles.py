"""Tiles of large frames: a network's memory then follows the size of a tile, not that of a continent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from radar_cleaner.inference.frame_reader import FrameInputs

LARGEST_PIXELS = 2**22  # larger frames are cut: a frame of this size takes some 3 GB
TILE_PX = 1024
MARGIN_PX = 128  # is predicted with a tile and dropped; both are multiples of what networks halve frames by

Window = tuple[slice, slice]  # rows, columns


@dataclass(frozen=True)
class Tile:
    """A part of a frame: the pixels that the network `reads`, and the `kept` ones, both counted in the frame."""

    reads: Window
    kept: Window

    @property
    def inner(self) -> Window:
        """The kept pixels, counted in those that the network reads."""
        rows, columns = (
            slice(kept.start - reads.start, kept.stop - reads.start)
            for kept, reads in zip(self.kept, self.reads, strict=True)
        )
        return rows, columns

    def of(self, inputs: FrameInputs) -> FrameInputs:
        """Return the inputs of the pixels that the network reads."""
        rows, columns = self.reads
        column, row = inputs.center_px

        def cut(values: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if values is None else values[..., rows, columns]

        return replace(
            inputs,
            this_radar=inputs.this_radar[..., rows, columns],
            other_radars=inputs.other_radars[..., rows, columns],
            center_px=(column - columns.start, row - rows.start),
            echo_frequency=cut(inputs.echo_frequency),
            fields=cut(inputs.fields),
        )


def tiles_of(shape: tuple[int, int]) -> Iterator[Tile]:
    """Yield the tiles of a frame of (rows, columns). A frame of at most LARGEST_PIXELS is one tile."""
    if shape[0] * shape[1] <= LARGEST_PIXELS:
        whole = slice(0, shape[0]), slice(0, shape[1])
        yield Tile(whole, whole)
        return
    for reads_rows, rows in _spans(shape[0]):
        for reads_columns, columns in _spans(shape[1]):
            yield Tile((reads_rows, reads_columns), (rows, columns))


def _spans(size: int) -> Iterator[tuple[slice, slice]]:
    """Yield (read, kept) along one axis."""
    for start in range(0, size, TILE_PX):
        stop = min(start + TILE_PX, size)
        yield slice(max(0, start - MARGIN_PX), min(size, stop + MARGIN_PX)), slice(start, stop)
