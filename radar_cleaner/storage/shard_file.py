"""The file of a Zarr shard: chunks of one frame each, one after the other, and the index of their places.

Zarr packs and unpacks a file through tasks and threads of its own, which takes twice the time of the packing
itself, and to pack it needs all frames of the file. Here each frame is packed when it comes. The bytes are the
same.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numcodecs import Blosc, blosc
from numpy.typing import NDArray

blosc.use_threads = False  # one core per job; a frame is too small for more

_EMPTY = 2**64 - 1  # place and length of a chunk that is not in the file


class ShardFile:
    """The frames of one file; `most` is how many its index has room for."""

    def __init__(self, most: int, codec: Blosc) -> None:
        self._codec = codec
        self._index = np.full((most, 2), _EMPTY, "<u8")
        self._chunks: list[bytes] = []
        self._end = 0

    def add(self, number: int, frame: NDArray[Any]) -> None:
        """Pack a frame, contiguous and in little endian, as chunk `number`."""
        chunk = self._codec.encode(frame)
        self._index[number] = self._end, len(chunk)
        self._chunks.append(chunk)
        self._end += len(chunk)

    def write(self, path: Path) -> None:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        index = self._index.tobytes()
        check = google_crc32c.value(index).to_bytes(4, "little")
        path.write_bytes(b"".join([*self._chunks, index, check]))


def read_frames(path: Path, most: int, first: int, out: NDArray[Any]) -> list[int]:
    """Read chunks from `first` on into the frames `out`; return the numbers of those that are not in the file.

    `most` is how many the index has room for. Raises ValueError if the index is damaged.
    """
    if not path.is_file():
        return list(range(len(out)))
    missing = []
    with path.open("rb") as file:
        file.seek(-16 * most - 4, os.SEEK_END)
        tail = file.read()
        if google_crc32c.value(tail[:-4]).to_bytes(4, "little") != tail[-4:]:
            raise ValueError(f"{path}: the check sum of its index is wrong")
        index = np.frombuffer(tail[:-4], "<u8").reshape(most, 2).tolist()
        for number, (start, length) in enumerate(index[first : first + len(out)]):
            if start == _EMPTY:
                missing.append(number)
                continue
            file.seek(start)
            blosc.decompress(file.read(length), out[number])
    return missing
