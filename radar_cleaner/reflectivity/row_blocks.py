"""Rows of a picture in blocks, so that intermediate results of large pictures need little memory."""

from __future__ import annotations

from collections.abc import Iterator

PIXELS = 2**20  # of a block; pictures of a single radar are smaller


def row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices of the rows of a picture (y, x, ...) of at most PIXELS pixels, but of a row at least."""
    height, width = shape[:2]
    rows = max(1, PIXELS // max(width, 1))
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def widen(rows: slice, height: int, by: int) -> tuple[slice, slice]:
    """Return rows with `by` more on both sides, as far as they exist, and where the rows are among these."""
    start, stop = max(rows.start - by, 0), min(rows.stop + by, height)
    return slice(start, stop), slice(rows.start - start, rows.stop - start)
