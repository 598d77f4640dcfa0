"""The pictures of animations, each a frame with a time of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from pathlib import Path

from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.durations import count_steps
from radar_cleaner.frames.listings import load_counts, save_counts
from radar_cleaner.frames.picture_file import count_pictures
from radar_cleaner.frames.sources import FrameFile, Listing, is_remote, list_frames, read_frames
from radar_cleaner.frames.timestamps import NameFormat

Reader = Callable[[Sequence[FrameFile], int], Iterable[tuple[FrameFile, bytes | FrameError]]]

# Of files that are larger the pictures are not counted.
LARGEST_ANIMATION_BYTES = 2**28


def list_pictures(
    source: str | Path, names: NameFormat, listings: Path | None = None, copies: str | None = None
) -> Listing:
    """List the frames of a source as `list_frames`, and each picture of an animation if `names` has a step.

    The pictures of a file are `names.loop_minutes` apart. The time of the file is that of the last picture, or of
    the first. A picture that lasts several steps is the frame of each of these times. The steps of the pictures
    are kept in `listings`; those of objects must be there already. Raises ConfigError.
    """
    listing = list_frames(source, names, listings, copies)
    if not names.loop_minutes:
        return listing
    if is_remote(str(source)):
        lasting = _counted(str(source), listing, listings)
    else:
        lasting = count_new(str(source), listing, listings, read_frames)
    frames = []
    for file, steps in zip(listing.frames, lasting, strict=True):
        shown = [number for number, count in enumerate(steps) for _ in range(count)]
        shown = shown[: len(shown) - min(names.loop_pause, len(shown) - 1)]
        first = -(len(shown) - 1) if names.loop_last == "name" else 0
        for place, number in enumerate(shown):
            shift = round(60 * names.loop_minutes * (first + place))
            time, offset = names.settle(file.time + file.offset + shift)
            frames.append(file._replace(time=time, offset=offset, picture=number if len(steps) > 1 else None))
    return listing._replace(frames=sorted(frames))


def count_new(source: str, listing: Listing, listings: Path | None, read: Reader) -> list[list[int]]:
    """Return the steps of each picture of each file; files that have changed are read by `read` and counted."""
    kept = load_counts(listings, source)
    states = {listing.name_of(file): _state(file) for file in listing.frames}
    known = {name: kept[name][1] for name, state in states.items() if kept.get(name, [None])[0] == state}
    new = [file for file in listing.frames if listing.name_of(file) not in known]
    if new:
        for file, data in read(new, LARGEST_ANIMATION_BYTES):
            known[listing.name_of(file)] = steps_of(data) if isinstance(data, bytes) else [1]
        save_counts(listings, source, {name: [state, known[name]] for name, state in states.items()})
    return [known[listing.name_of(file)] for file in listing.frames]


def _counted(source: str, listing: Listing, listings: Path | None) -> list[list[int]]:
    """Return the steps of each picture of each object, which the plan has counted."""
    kept = load_counts(listings, source)
    missing = next((name for name in map(listing.name_of, listing.frames) if name not in kept), None)
    if missing is not None:
        raise ConfigError(
            f"{source}: the pictures of {missing} are not counted in {listings or 'any folder (--listings)'}; the"
            " workflow counts them: run it by snakemake"
        )
    return [kept[listing.name_of(file)][1] for file in listing.frames]


def steps_of(data: bytes) -> list[int]:
    """Return the steps that each picture of a file lasts; one of 1 for a file that cannot be read."""
    return count_steps(data, count_pictures(BytesIO(data)))


def _state(file: FrameFile) -> str:
    """Return a text that changes when the file does."""
    if file.member is not None or file.version:
        return file.version
    try:
        found = Path(file.path).stat()
    except OSError:
        return "missing"
    return f"{found.st_size} {found.st_mtime_ns}"
