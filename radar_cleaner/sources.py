"""List a folder of radar pictures: which file is of what time, and which has no place in time.

This one function is used by the workflow (to declare frames as inputs) and by the stages (to read them),
so that both always mean the same files. It opens no picture.
"""

from __future__ import annotations

import heapq
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

SUFFIXES = frozenset({".png", ".gif", ".jpg", ".jpeg", ".bmp"})


@dataclass(frozen=True, order=True)
class FrameFile:
    """A picture of a known time. `problem` names what it is where it is not a regular file."""

    time: int  # seconds since 1970, UTC
    path: Path
    problem: str = ""


@dataclass(frozen=True)
class Listing:
    """Frames sorted by (time, path), and the pictures whose name gives no time, with the reason."""

    frames: tuple[FrameFile, ...]
    unplaced: tuple[tuple[Path, str], ...]


@dataclass(frozen=True)
class NameFormat:
    """How a file name tells the time: a regular expression's first group, read by strptime in a zone."""

    pattern: str
    time_format: str
    time_zone: str = "UTC"

    def read(self, name: str) -> int:
        """Seconds since 1970 of a file name. Raises ValueError with the reason where it has none."""
        match = re.search(self.pattern, name)
        if match is None:
            raise ValueError(f"no time in the name: nothing matches {self.pattern!r}")
        text = (match.group(1) if match.re.groups else match.group(0)) or ""
        try:
            moment = datetime.strptime(text, self.time_format)
        except ValueError:
            raise ValueError(f"no time in the name: '{text}' is not {self.time_format}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(self.time_zone))
        return int(moment.astimezone(UTC).timestamp())


def list_frames(folder: Path, names: NameFormat) -> Listing:
    """All pictures below a folder, hidden ones left out; links to folders are followed, each folder once.

    A folder or a link without target that is named like a picture is listed too, with its `problem`,
    so that it ends in the rejects table instead of being passed over.
    """
    frames: list[FrameFile] = []
    unplaced: list[tuple[Path, str]] = []
    for path, problem in _walk(folder):
        try:
            frames.append(FrameFile(names.read(path.name), path, problem))
        except ValueError as error:
            unplaced.append((path, str(error)))
    return Listing(tuple(sorted(frames)), tuple(sorted(unplaced)))


def _walk(folder: Path) -> list[tuple[Path, str]]:
    """(path, problem) of everything below a folder that is named like a picture, not hidden.

    Links to folders are followed, but no folder is listed twice: a link to a parent would go on for ever.
    Folders in their own place come before linked ones and those in the order of their names, so that which
    path a file is listed by does not depend on the disk.
    """
    found: list[tuple[Path, str]] = []
    folders, links = [folder], list[Path]()
    seen: set[str] = set()
    while folders or links:
        place = folders.pop() if folders else heapq.heappop(links)
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        with os.scandir(place) as entries:
            for entry in entries:
                path = Path(entry.path)
                if entry.name.startswith("."):
                    continue
                if path.suffix.lower() in SUFFIXES:
                    found.append((path, _problem(entry)))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_symlink() and path.is_dir():  # False for a link to itself
                    heapq.heappush(links, path)
    return found


def _problem(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):  # told by the listing, without another call to the disk
        return ""
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "a link without target"
    if stat.S_ISDIR(mode):
        return "a folder, not a picture"
    return "" if stat.S_ISREG(mode) else "not a regular file"
