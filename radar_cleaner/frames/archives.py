"""Zip and tar archives of pictures: what is in them, and the bytes of some of it. Nothing is written to disk.

A member is known by where it lies in the archive; its name only says what it is of. So names that lead out of
the archive, or that stand there twice, do no harm: they are listed with their problem.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

from radar_cleaner.errors import ConfigError, FrameError

_OPENERS: dict[str, Callable[..., Any]] = {
    ".zip": open,
    ".tar": open,
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tar.xz": lzma.open,
}
SUFFIXES = tuple(_OPENERS)
# What damaged archives make the readers raise; OSError and EOFError among the tar readers' own.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,  # a name that is no UTF-8
    RuntimeError,  # NotImplementedError among them: a way of packing that Python has not
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
# Less than the buffers of the unpackers: a step back that leaves them would unpack all from the start.
CHUNK = 4096
# No picture is as large: to pass over it in a compressed archive is to unpack it all.
LARGEST_MEMBER = 2**30
LARGEST_HEADER = 2**20
CHANGED = "the archive was changed while it was read; run again"
HIDDEN = re.compile(r"(?:^|/)\.(?!\.(?:/|$))")


class Member(NamedTuple):
    """A picture in an archive, or an object in a store: how it is called, and what its content is known by."""

    name: str
    size: int
    position: int  # of its bytes in the unpacked tar, of its header in the zip
    content: str  # equal where the content is
    problem: str = ""


def is_archive(path: str) -> bool:
    """Whether a file's name says that it is an archive that can be read."""
    return path.lower().endswith(SUFFIXES)


def list_members(path: str, wanted: Callable[[str], bool]) -> list[Member]:
    """The wanted members, hidden ones left out, as they lie in the archive; of equal names the last one counts.

    Raises ConfigError where the archive cannot be read to its end: what it has lost nobody could list.
    """
    try:
        found = list(_zip_members(path) if _is_zip(path) else _tar_members(path, wanted))
    except _DAMAGE as error:
        raise ConfigError(
            f"the archive {path} cannot be read to its end ({_reason(error)}); fetch or pack it again"
        ) from error
    settled = [(member, *_settle_name(member.name)) for member in found]
    last = {name: index for index, (_, name, _) in enumerate(settled)}
    members = []
    for index, (member, name, problem) in enumerate(settled):
        if not wanted(name) or HIDDEN.search(name):
            continue
        if last[name] != index:
            problem = "it stands in the archive again, further on; that one is taken"
        members.append(member._replace(name=name, problem=member.problem or problem))
    return members


def read_members(path: str, members: Iterable[Member], most: int) -> Iterator[tuple[Member, bytes | FrameError]]:
    """The bytes of members, in the order in which they lie there, each at most `most`; or why there are none."""
    try:
        with _opened(path) as read:
            for member in sorted(members, key=lambda member: member.position):
                try:
                    check_size(member.size, most)
                    yield member, read(member)
                except FrameError as error:
                    yield member, error
    except _DAMAGE as error:
        raise ConfigError(f"the archive {path} cannot be read ({_reason(error)}); fetch it again") from error


def check_size(size: int, most: int) -> None:
    """Raise FrameError for a file that is larger than any sound picture."""
    if size > most:
        raise FrameError(f"{size} bytes; a picture of this size has at most {most}")


@contextmanager
def _opened(path: str) -> Iterator[Callable[[Member], bytes]]:
    """A function that reads a member, and refuses one that is not as it was listed."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            headers = {info.header_offset: info for info in archive.infolist()}

            def read_zipped(member: Member) -> bytes:
                info = headers.get(member.position)
                if info is None or _content(info.CRC, info.file_size) != member.content:
                    raise FrameError(CHANGED)
                try:
                    with archive.open(info) as file:
                        return file.read(member.size)  # compares the check sum
                except _DAMAGE as error:
                    raise FrameError(f"it cannot be read from its archive: {_reason(error)}") from error

            yield read_zipped
    else:
        with _unpacked(path) as stream:

            def read_tarred(member: Member) -> bytes:
                stream.seek(member.position)
                data = stream.read(member.size)
                if _content(zlib.crc32(data), len(data)) != member.content:
                    raise FrameError(CHANGED)
                return data

            yield read_tarred


def _zip_members(path: str) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            problem = ""
            if info.is_dir() or stat.S_ISDIR(mode):
                problem = "a folder, not a picture"
            elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                problem = "a link or a device, not a picture"
            elif info.flag_bits & 0x1:
                problem = "encrypted; pack it without a password"
            content = _content(info.CRC, info.file_size)
            yield Member(info.filename.replace("\\", "/"), info.file_size, info.header_offset, content, problem)


def _tar_members(path: str, wanted: Callable[[str], bool]) -> Iterator[Member]:
    with _unpacked(path) as stream:
        guard = _Guard(stream)
        with tarfile.open(fileobj=guard, mode="r:") as archive:  # type: ignore[call-overload]
            while (info := archive.next()) is not None:
                archive.members = []  # it would keep them all
                if not 0 <= info.size <= LARGEST_MEMBER:
                    raise ValueError(f"{_printable(info.name)} in it claims {info.size} bytes")
                problem, content = "", _content(0, info.size)
                if info.isdir():
                    problem = "a folder, not a picture"
                elif not info.isreg():
                    problem = "a link or a device, not a picture"
                elif info.issparse():
                    problem = "a sparse file, not a picture"
                elif wanted(info.name):
                    content = _content(_check_sum(stream, info.offset_data, info.size), info.size)
                yield Member(info.name, info.size, info.offset_data, content, problem)
        if not guard.last:  # tarfile takes a cut between two members, and a broken header, for the end
            raise EOFError
        if guard.last.strip(b"\0"):
            raise ValueError(f"a broken header at byte {archive.offset}")


def _check_sum(stream: IO[bytes], position: int, size: int) -> int:
    stream.seek(position)
    total = 0
    while size:
        data = stream.read(min(CHUNK, size))
        if not data:
            raise EOFError
        total, size = zlib.crc32(data, total), size - len(data)
    return total


def _content(check_sum: int, size: int) -> str:
    return f"{check_sum:08x}-{size}"


class _Guard:
    """A tar's bytes as tarfile may read them: no header makes it read into memory at once, or go back."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._reached = 0
        self.last = b""
        self.tell = stream.tell

    def seek(self, position: int) -> int:
        if position < self._reached:
            raise ValueError(f"a header that points back to byte {position}")
        self._reached = position
        return self._stream.seek(position)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_HEADER:
            raise ValueError(f"a header that claims {size} bytes")
        self.last = self._stream.read(size)
        return self.last


@contextmanager
def _unpacked(path: str) -> Iterator[IO[bytes]]:
    suffix = next(suffix for suffix in SUFFIXES if path.lower().endswith(suffix))
    with _OPENERS[suffix](path, "rb") as stream:
        yield stream


def _is_zip(path: str) -> bool:
    return path.lower().endswith(".zip")


def _settle_name(name: str) -> tuple[str, str]:
    """A member's name as tables can show it, and its problem where it leads out of the archive."""
    parts = name.split("/")
    leaves = name.startswith("/") or ".." in parts or parts[0].endswith(":")
    kept = "/".join(part for part in parts if part not in ("", "."))
    return _printable(kept), "its name leads out of the archive" if leaves else ""


def _printable(name: str) -> str:
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it ends too early"
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return text.splitlines()[0]
