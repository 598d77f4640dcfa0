"""Find the pictures below a folder, or those that match a glob, in one walk that lists each folder once."""

from __future__ import annotations

import heapq
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.archives import is_archive

_MAGIC = re.compile(r"[*?[]")


class Glob:
    """A glob with sub-folders: `*`, `?` and `[]` within a name, `**` for any number of folders."""

    def __init__(self, pattern: str) -> None:
        parts = pattern.rstrip("/").split("/")
        fixed = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
        self.root = "/".join(parts[:fixed]) + "/" if fixed else ""
        rest = parts[fixed:]
        # Patterns of the folders to enter, by depth. Below a `**` all folders are entered.
        self._any_depth = "**" in rest
        deep = rest.index("**") if self._any_depth else len(rest) - 1
        try:
            self._whole = re.compile("".join(map(_part, rest[:-1])) + _last_part(rest[-1]), re.DOTALL)
            self._levels = [re.compile(_name(part), re.DOTALL) for part in rest[:deep]]
        except re.error as error:
            raise ConfigError(f"{pattern} is not a glob ({error.msg})") from error

    def matches(self, path: str) -> bool:
        """Whether a path below the root matches."""
        return self._whole.fullmatch(path) is not None

    def enters(self, name: str, depth: int) -> bool:
        """Whether a folder of this name, at this depth below the root, can contain matches."""
        if depth < len(self._levels):
            return self._levels[depth].fullmatch(name) is not None
        return self._any_depth


def has_magic(text: str) -> bool:
    """Whether a path is a glob."""
    return _MAGIC.search(text) is not None


def _name(part: str) -> str:
    """Translate one part of a glob to a regular expression."""
    words = []
    for word in re.findall(r"\[!?\]?[^\]]*\]|.", part, re.DOTALL):
        if word in "*?":
            words.append("[^/]*" if word == "*" else "[^/]")
        elif len(word) > 2:
            inner = word[1:-1].replace("\\", r"\\").replace("[", r"\[")
            words.append(f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]")
        else:
            words.append(re.escape(word))
    return "".join(words)


def _part(part: str) -> str:
    return "(?:[^/]+/)*" if part == "**" else f"{_name(part)}/"


def _last_part(part: str) -> str:
    return "(?:[^/]+/)*[^/]+" if part == "**" else _name(part)


def walk(folder: str, wanted: Callable[[str], bool], glob: Glob | None = None) -> list[tuple[str, str]]:
    """List (path, problem) of all entries below a folder (`frames/`, or ``) with a wanted name; skip hidden ones.

    A folder with the name of an archive is searched like any other. Links to folders are followed, but no folder
    is listed twice, because a link to a parent would never end. Real folders come before linked ones, and linked
    ones in the order of their names. The path of a file therefore does not depend on the disk.
    """
    found: list[tuple[str, str]] = []
    folders, links = [(folder, 0)], list[tuple[str, int]]()
    seen: set[str] = set()
    while folders or links:
        place, depth = folders.pop() if folders else heapq.heappop(links)
        place = place if place.endswith("/") or not place else f"{place}/"
        real = os.path.realpath(place)
        if real in seen:
            continue
        seen.add(real)
        with os.scandir(place or ".") as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    continue
                path = place + name
                if _matches_entry(entry, wanted) and (glob is None or glob.matches(path[len(folder) :])):
                    found.append((path, _problem(entry)))
                elif glob is not None and not glob.enters(name, depth):
                    continue
                elif entry.is_dir(follow_symlinks=False):
                    folders.append((path, depth + 1))
                elif entry.is_symlink() and Path(path).is_dir():  # False for a link to itself
                    heapq.heappush(links, (path, depth + 1))
    return found


def _matches_entry(entry: os.DirEntry[str], wanted: Callable[[str], bool]) -> bool:
    return wanted(entry.name) and not (is_archive(entry.name) and entry.is_dir())


def _problem(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):  # known from the listing, without another call to the disk
        return ""
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "a link without target"
    if stat.S_ISDIR(mode):
        return "a folder, not a picture"
    return "" if stat.S_ISREG(mode) else "not a regular file"
