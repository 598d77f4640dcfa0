"""Look at a few pictures of a radar: their sizes, their pixels, and whether they are loops of several pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import FrameDecoder, header_size
from radar_cleaner.frames.picture_file import count_pictures
from radar_cleaner.frames.sources import FrameFile, read_frames

Pixels = NDArray[np.uint8]
Size = tuple[int, int]

HEADERS = 200
DECODED = 24
MOST_PIXELS = 40_000_000  # of all decoded pictures of a size
LARGEST_PACKED = 2**28  # bytes of a picture in an archive
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


def look_at(files: Mapping[str, FrameFile], names: Sequence[str]) -> Looks:
    """Read the headers of many pictures and the pixels of a few. `names` are sorted by time.

    Members of archives are unpacked into a temporary folder.
    """
    chosen = _spread(len(names), HEADERS)
    with TemporaryDirectory() as scratch:
        paths, problems = _unpack([(names[index], files[names[index]]) for index in chosen], Path(scratch))
        return _look_at(names, [index for index in chosen if names[index] in paths], paths, problems)


def _unpack(
    pictures: Sequence[tuple[str, FrameFile]], scratch: Path
) -> tuple[dict[str, Path], list[tuple[str, str]]]:
    """Return the paths of pictures by name, members of archives below `scratch`, and (name, problem) of others."""
    paths = {name: Path(file.path) for name, file in pictures if file.member is None}
    packed = [(name, file) for name, file in pictures if file.member is not None]
    problems = []
    for number, ((name, _), (_, data)) in enumerate(
        zip(packed, read_frames([file for _, file in packed], LARGEST_PACKED), strict=True)
    ):
        if isinstance(data, FrameError):
            problems.append((name, str(data)))
            continue
        paths[name] = scratch / f"{number}{Path(name).suffix}"
        paths[name].write_bytes(data)
    return paths, problems


def _look_at(
    names: Sequence[str], chosen: Sequence[int], paths: Mapping[str, Path], problems: list[tuple[str, str]]
) -> Looks:
    sizes = {index: header_size(paths[names[index]]) for index in chosen}
    problems += [(names[index], "its header cannot be read") for index, size in sizes.items() if size is None]
    counts = Counter(size for size in sizes.values() if size is not None)
    total = counts.total()
    looks: list[Look] = []
    lengths: Counter[int] = Counter()
    for size in sorted((size for size in counts if counts[size] >= COMMON_SIZE * total), key=lambda s: -counts[s]):
        indices = [index for index in chosen if sizes[index] == size]
        frames: list[Pixels] = []
        wanted = max(2, min(DECODED, MOST_PIXELS // (size[0] * size[1])))
        for place in _spread(len(indices), wanted):
            name = names[indices[place]]
            try:
                pictures = _read(paths[name], size, wanted)
            except FrameError as error:
                problems.append((name, str(error)))
                continue
            lengths[count_pictures(paths[name])] += 1
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
