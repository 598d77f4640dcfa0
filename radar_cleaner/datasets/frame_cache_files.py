"""The frames of a cache in files that the processes of a machine map: raw, or each variable compressed by itself.

Mapped files are in memory once, whatever the number of processes, and the kernel drops parts that do not fit. Raw
frames are cut about three times as fast; compressed frames are 25 to 60 times smaller (docs/experiments).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numcodecs import Zstd
from numpy.typing import NDArray

from radar_cleaner.errors import StoreError

Codes = NDArray[np.uint8]

_RAW, _COMPRESSED, _ENDS = "frames.npy", "frames.zstd", "frames.ends.npy"
_CODEC = Zstd(level=3)
# Decompressed arrays that a process keeps: a crop around an echo reads the echo class twice.
_KEPT = 16


class CachedFrames(Protocol):
    """Frames (frame, variable, y, x), read by the numbers of frame and variable. Raw frames are an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (frame, variable, y, x)."""

    def __getitem__(self, place: tuple[int, int]) -> Codes:
        """Return one variable of one frame, (y, x); it must not be changed."""


class CompressedFrames:
    """Compressed frames; one variable of one frame is decompressed at a time."""

    def __init__(self, data: NDArray[np.uint8], ends: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._data, self._ends = data, ends
        self._read = lru_cache(maxsize=_KEPT)(self._decompress)

    def __getitem__(self, place: tuple[int, int]) -> Codes:
        """See `CachedFrames`."""
        frame, variable = place
        return self._read(frame * self.shape[1] + variable)

    def _decompress(self, number: int) -> Codes:
        start = int(self._ends[number - 1]) if number else 0
        data = self._data[start : int(self._ends[number])]
        codes: Codes = np.frombuffer(_CODEC.decode(data), np.uint8).reshape(self.shape[2:])
        return codes


class FrameWriter:
    """Writes frames of `shape` (frame, variable, y, x) to a folder one by one, raw or compressed."""

    def __init__(self, folder: Path, shape: tuple[int, int, int, int], compressed: bool) -> None:
        self._folder, self._shape = folder, shape
        self._raw = None if compressed else np.lib.format.open_memmap(folder / _RAW, "w+", np.uint8, shape=shape)
        self._file: Any = (folder / _COMPRESSED).open("wb") if compressed else None
        self._ends: list[int] = []
        self._written = 0

    def append(self, frame: Codes) -> None:
        """Write the (variable, y, x) of the next frame."""
        if self._raw is not None:
            self._raw[self._written] = frame
        else:
            for values in frame:
                self._file.write(_CODEC.encode(np.ascontiguousarray(values)))
                self._ends.append(self._file.tell())
        self._written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._raw is not None:
            self._raw.flush()
        else:
            self._file.close()
            np.save(self._folder / _ENDS, np.array(self._ends, np.int64))
        if error is None:
            assert self._written == self._shape[0], f"{self._written} of {self._shape[0]} frames"


def open_frames(folder: Path, shape: tuple[int, int, int, int]) -> CachedFrames:
    """Map the frames that a `FrameWriter` wrote; the files may be unlinked as soon as this returns."""
    if (folder / _RAW).exists():
        # A plain array: numpy's class for mapped files takes longer than the crop itself.
        return np.asarray(np.load(folder / _RAW, mmap_mode="r"))
    return CompressedFrames(np.memmap(folder / _COMPRESSED, np.uint8, "r"), np.load(folder / _ENDS), shape)


@contextmanager
def name_full_disk(folder: Path) -> Iterator[None]:
    """Raise StoreError with a remedy where the disk of a folder is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError(
            f"{folder}: {error.strerror}; the frames of the training are kept there while it runs: free space, or"
            " set TMPDIR to a folder on a disk with more"
        ) from None
