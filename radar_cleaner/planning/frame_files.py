"""Find what the files of a radar's frames contradict in a config: their names, their dates, their animations."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePath

import numpy as np

from radar_cleaner.errors import FrameError
from radar_cleaner.frames.image import FrameDecoder
from radar_cleaner.frames.loops import LARGEST_ANIMATION_BYTES, steps_of
from radar_cleaner.frames.sources import FrameFile, is_remote, read_frames
from radar_cleaner.planning.radars import Radar
from radar_cleaner.storage.shards import format_time, parse_time

# Before this time there are no archives of pictures.
FIRST_TIME = parse_time("1980-01-01")
# Seconds by which a frame may be later than the clock of this computer, or than the date of its file.
LATE = 3600
# Seconds from the local time farthest in the west to UTC, and a little more.
WEST = 12.5 * 3600
# Files whose dates are compared with their times; the dates of a download are within MADE_TOGETHER of each other.
DATED, MADE_TOGETHER = 15, 6 * 3600
# Kinds of names in one folder, the least share of the frames that a kind has, and the newest frames looked at.
MOST_KINDS, LEAST_SHARE, MOST_NAMES = 4, 0.1, 10_000
# Animations whose last pictures are compared, and those whose numbers of pictures must be alike.
COMPARED, COUNTED = 3, 3


def file_contradictions(radar: Radar, frames: Sequence[FrameFile], size: tuple[int, int]) -> Iterator[str]:
    """Yield a line for each contradiction, with the key to change.

    `frames` are those of a radar in the order of time, `size` is their (width, height).
    """
    if frames:
        yield from _impossible_times(radar, frames)
        yield from _dates(radar, frames)
        yield from _kinds_of_names(radar, frames)
        yield from _uneven_animations(radar, frames)
        yield from _pauses(radar, frames, size)


def _impossible_times(radar: Radar, frames: Sequence[FrameFile]) -> Iterator[str]:
    """Yield a line if frames are in the future or before all archives."""
    late = [frame for frame in frames if frame.time > time.time() + LATE]
    early = [frame for frame in frames if frame.time < FIRST_TIME]
    for found, words in ((late, "in the future"), (early, "before 1980")):
        if found:
            is_zone = found is late and late[-1].time < time.time() + 86400
            key = "frames.time_zone" if is_zone else "frames.pattern"
            yield (
                f"{key}: {len(found)} of {len(frames)} frames of radar {radar.id} are {words}"
                f" ({PurePath(found[-1].full_name).name} is read as {format_time(found[-1].time)}); check"
                " frames.pattern, frames.time_format and frames.time_zone"
            )


def _dates(radar: Radar, frames: Sequence[FrameFile]) -> Iterator[str]:
    """Yield a line if the dates of files show that their times are in another zone.

    A file is not written before its time. Files that were saved one by one, each the same number of hours after
    its time, were named in a local time.
    """
    if radar.names.time_from != "name":
        return
    plain = [frame for frame in frames if frame.member is None and not frame.version and not frame.problem]
    chosen = plain[:: max(1, len(plain) // DATED)]
    dates = []
    for frame in chosen:
        try:
            dates.append(Path(frame.path).stat().st_mtime)
        except OSError:
            return
    if len(dates) < DATED:
        return
    delays = np.asarray(dates) - [frame.time + frame.offset for frame in chosen]
    usual = float(np.median(delays))
    if float(np.mean(delays < -LATE)) > 0.5:
        yield (
            f"frames.time_zone: is {radar.names.time_zone}, and files of radar {radar.id} are"
            f" {-usual / 3600:.1f} hours older than the times in their names; write the zone of the names, for"
            " example Asia/Bangkok"
        )
    elif LATE < usual < WEST and np.ptp(delays) < LATE / 2 and np.ptp(dates) > MADE_TOGETHER:
        yield (
            f"frames.time_zone: is {radar.names.time_zone}, and each file of radar {radar.id} was written"
            f" {usual / 3600:.1f} hours after the time in its name; write the zone of the names, for example"
            " America/Chicago, unless the pictures are published that late"
        )


def _kinds_of_names(radar: Radar, frames: Sequence[FrameFile]) -> Iterator[str]:
    """Yield a line if names of several kinds follow each other all the time: several radars or products."""
    frames = frames[-MOST_NAMES:]
    kinds = [_kind(frame) for frame in frames]
    counts = Counter(kinds)
    if not 1 < len(counts) <= MOST_KINDS:
        return
    least = LEAST_SHARE * len(frames)
    many = [kind for kind, count in counts.most_common() if count >= max(least, 3)]
    changes = sum(1 for _ in groupby(kind for kind in kinds if kind in many)) - 1
    if len(many) > 1 and changes > len(frames) / 4:
        listed = ", ".join(f"{kind} ({counts[kind]})" for kind in many)
        below = "" if Path(radar.source, PurePath(frames[0].path).name).exists() else "**/"
        by_glob = f"by a glob, for example {radar.source}/{below}{many[0].replace('#', '*')}"
        yield (
            f"{radar.place}.frames: {radar.source} has names of {len(many)} kinds at the same times: {listed}. If"
            " they are of several radars or products, select one"
            f" {by_glob if Path(radar.source).is_dir() else 'by frames.pattern'}"
        )


def _kind(frame: FrameFile) -> str:
    name = PurePath(frame.member.name if frame.member else frame.path).name
    return re.sub(r"\d+", "#", name)


def _uneven_animations(radar: Radar, frames: Sequence[FrameFile]) -> Iterator[str]:
    """Yield a line if some animations have another number of pictures than most."""
    counts = Counter(frame.file_name for frame in frames if frame.picture is not None)
    if len(counts) < COUNTED:
        return
    usual, same = Counter(counts.values()).most_common(1)[0]
    other = [name for name, count in counts.items() if count != usual]
    if other and 2 * same > len(counts):
        name = PurePath(other[0]).name
        yield (
            f"frames.loop: {len(other)} of {len(counts)} animations of radar {radar.id} do not have {usual}"
            f" pictures like the others, for example {name} ({counts[other[0]]}); where a picture was left out or"
            " is shown twice, those before it have wrong times; move these files away, or leave their times out by"
            " frames.period"
        )


def describe_joined(radar: Radar, frames: Sequence[FrameFile]) -> str | None:
    """Return how many pictures of animations are frames of several times; None without any."""
    counts = Counter((frame.file_name, frame.picture) for frame in frames if frame.picture is not None)
    joined = sum(count > 1 for count in counts.values())
    if not joined:
        return None
    return (
        f"frames.loop: {joined} pictures in animations of radar {radar.id} last several steps, as encoders join"
        " equal pictures; each is the frame of all these times"
    )


def _pauses(radar: Radar, frames: Sequence[FrameFile], size: tuple[int, int]) -> Iterator[str]:
    """Yield a line if animations end with equal pictures."""
    files = {frame.file_name: frame._replace(picture=None) for frame in frames if frame.picture is not None}
    chosen = list(files.values())[:: max(1, len(files) // COMPARED)][:COMPARED]
    if not chosen or radar.names.loop_pause or is_remote(radar.source):
        return
    repeats = []
    for file, data in read_frames(chosen, LARGEST_ANIMATION_BYTES):
        if isinstance(data, bytes) and (found := _repeats(data, file.file_name, size)) is not None:
            repeats.append(found)
    if repeats and min(repeats) > 0:
        yield (
            f"frames.loop.pause_pictures: is 0, and the {len(repeats)} animations looked at of radar {radar.id}"
            f" end with {min(repeats) + 1} equal pictures; write {min(repeats)}, so that the others get their own"
            " times"
        )


def _repeats(data: bytes, name: str, size: tuple[int, int]) -> int | None:
    """Count the pictures at the end of an animation that equal the one before; None if all are equal or broken."""
    decoder, last = FrameDecoder(size), None
    run, pictures = 0, len(steps_of(data))
    for number in range(pictures):
        try:
            pixels = decoder.decode(data, name, number)
        except FrameError:
            return None
        run = run + 1 if last is not None and np.array_equal(pixels, last) else 0
        last = pixels
    return run if run < pictures - 1 else None
