"""Look at a few pictures of a radar: their sizes, their pixels, and whether they are loops of several pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import FrameDecoder, header_size
from radar_cleaner.frames.picture_file import count_pictures

Pixels = NDArray[np.uint8]
Size = tuple[int, int]

HEADERS = 200
DECODED = 24
MOST_PIXELS = 40_000_000  # of all decoded pictures of a size
# A size that this share of the pictures has is a layout of its own; others are damaged or stray.
COMMON_SIZE = 0.03


@dataclass(frozen=True)
class Look:
    """Pictures of one size: their number, the indices of the first and last, and the pixels of some."""

    size: Size
    count: int
    first: int
    last: int
    frames: tuple[Pixels, ...]  # (y, x, 3) uint8, in the order of time


@dataclass(frozen=True)
class Looks:
    """The pictures of a radar by their size, and the problems of those that cannot be read."""

    looks: tuple[Look, ...]
    loop_length: int  # pictures in each file; 1 for plain frames
    problems: tuple[tuple[str, str], ...]  # path and reason


def look_at(folder: Path, paths: Sequence[str]) -> Looks:
    """Read the headers of many pictures below a folder, and the pixels of a few. `paths` are sorted by time."""
    chosen = _spread(len(paths), HEADERS)
    sizes = {index: header_size(folder / paths[index]) for index in chosen}
    problems = [(paths[index], "its header cannot be read") for index, size in sizes.items() if size is None]
    counts = Counter(size for size in sizes.values() if size is not None)
    total = counts.total()
    looks: list[Look] = []
    lengths: Counter[int] = Counter()
    for size in sorted((size for size in counts if counts[size] >= COMMON_SIZE * total), key=lambda s: -counts[s]):
        indices = [index for index in chosen if sizes[index] == size]
        frames: list[Pixels] = []
        wanted = max(2, min(DECODED, MOST_PIXELS // (size[0] * size[1])))
        for place in _spread(len(indices), wanted):
            path = paths[indices[place]]
            try:
                pictures = _read(folder / path, size, wanted)
            except FrameError as error:
                problems.append((path, str(error)))
                continue
            lengths[count_pictures(folder / path)] += 1
            frames += pictures
        if frames:
            kept = tuple(frames[index] for index in _spread(len(frames), wanted))
            looks.append(Look(size, counts[size], indices[0], indices[-1], kept))
    length = lengths.most_common(1)[0][0] if lengths else 1
    return Looks(tuple(looks), length, tuple(problems))


def _spread(count: int, wanted: int) -> list[int]:
    """Return at most `wanted` of `count` indices, evenly spread, with the first and the last."""
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(wanted, count)).round())]


def _read(path: Path, size: Size, most: int) -> list[Pixels]:
    """Return the picture of a file (y, x, 3), or at most `most` of an animation. Raises FrameError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FrameError(f"it cannot be read: {error}") from error
    count, decoder = count_pictures(path), FrameDecoder(size)
    numbers = [None] if count == 1 else _spread(count, most)
    return [decoder.decode(data, path.name, number)[..., :3] for number in numbers]
