"""The planes of a bank's frames in files that the processes of a machine map: raw, or each compressed by itself.

Mapped, they are in memory once whatever the number of processes, and the kernel lets go what does not fit. Raw
ones are cut some three times as quickly, packed ones are 25 to 60 times smaller (docs/experiments).
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

_RAW, _PACKED, _ENDS = "planes.npy", "planes.zstd", "planes.ends.npy"
_CODEC = Zstd(level=3)
_KEPT = 16  # unpacked planes that a process keeps: the echo that a crop is laid over is looked for in one of them


class Planes(Protocol):
    """Frames (frame, plane, y, x) of which planes are read by their two numbers; a raw bank's are an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(frame, plane, y, x)."""

    def __getitem__(self, place: tuple[int, int]) -> Codes:
        """(y, x) of one plane, not to be written to."""


class PackedPlanes:
    """Compressed planes, unpacked one at a time."""

    def __init__(self, data: NDArray[np.uint8], ends: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._data, self._ends = data, ends
        self._unpack = lru_cache(maxsize=_KEPT)(self._unpack_one)

    def __getitem__(self, place: tuple[int, int]) -> Codes:
        """See `Planes`."""
        frame, plane = place
        return self._unpack(frame * self.shape[1] + plane)

    def _unpack_one(self, number: int) -> Codes:
        start = int(self._ends[number - 1]) if number else 0
        packed = self._data[start : int(self._ends[number])]
        codes: Codes = np.frombuffer(_CODEC.decode(packed), np.uint8).reshape(self.shape[2:])
        return codes


class PlanesWriter:
    """Writes the planes of `shape` (frame, plane, y, x) to a folder, frame by frame, raw or packed."""

    def __init__(self, folder: Path, shape: tuple[int, int, int, int], packed: bool) -> None:
        self._folder, self._shape = folder, shape
        self._raw = None if packed else np.lib.format.open_memmap(folder / _RAW, "w+", np.uint8, shape=shape)
        self._file: Any = (folder / _PACKED).open("wb") if packed else None
        self._ends: list[int] = []
        self._written = 0

    def append(self, frame: Codes) -> None:
        """Write the (plane, y, x) of the next frame."""
        if self._raw is not None:
            self._raw[self._written] = frame
        else:
            for plane in frame:
                self._file.write(_CODEC.encode(np.ascontiguousarray(plane)))
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


def open_planes(folder: Path, shape: tuple[int, int, int, int]) -> Planes:
    """Map what a `PlanesWriter` wrote; the files may be unlinked as soon as this returns."""
    if (folder / _RAW).exists():
        # As a plain array: numpy's class for mapped files takes longer to cut than the cut itself.
        return np.asarray(np.load(folder / _RAW, mmap_mode="r"))
    return PackedPlanes(np.memmap(folder / _PACKED, np.uint8, "r"), np.load(folder / _ENDS), shape)


@contextmanager
def naming_full_disks(folder: Path) -> Iterator[None]:
    """Raise StoreError where the disk of a folder is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError(
            f"{folder}: {error.strerror}; the training's frames lie there while it runs: make room, or"
            " set TMPDIR to a folder on a disk that has it"
        ) from None
