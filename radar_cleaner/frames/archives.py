"""List the pictures in zip and tar archives and read their bytes. Nothing is written to disk.

A member is identified by its position in the archive. Its name is only a label: a name that leads out of the
archive, or that occurs twice, is harmless and is listed with its problem.
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
# Exceptions that the readers raise on damaged archives. The tar readers raise OSError and EOFError, too.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,  # a name that is not UTF-8
    RuntimeError,  # includes NotImplementedError: a compression method that Python lacks
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
# Smaller than the buffers of the decompressors: seeking back beyond a buffer decompresses from the start.
CHUNK = 4096
# Larger than any picture. Skipping a member of a compressed archive decompresses it completely.
LARGEST_MEMBER = 2**30
LARGEST_HEADER = 2**20
CHANGED = "the archive was changed while it was read; run again"
HIDDEN = re.compile(r"(?:^|/)\.(?!\.(?:/|$))")


class Member(NamedTuple):
    """A picture in an archive: its name, size and position, and a digest of its content."""

    name: str
    size: int
    position: int  # of the bytes in the decompressed tar, or of the header in the zip
    content: str  # equal for equal content
    problem: str = ""


def is_archive(path: str) -> bool:
    """Whether a file name ends like that of a readable archive."""
    return path.lower().endswith(SUFFIXES)


def list_members(path: str, wanted: Callable[[str], bool]) -> list[Member]:
    """List the wanted members in their order in the archive, without hidden ones.

    Of several members of one name the last one counts. Raises ConfigError if the archive cannot be read to its
    end, because later members would be missing from the list.
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
            problem = "it occurs in the archive again, further on; that one is taken"
        members.append(member._replace(name=name, problem=member.problem or problem))
    return members


def read_members(
    path: str, members: Iterable[Member], max_bytes: int
) -> Iterator[tuple[Member, bytes | FrameError]]:
    """Yield members in their order in the archive, each with at most `max_bytes` bytes or the reason for none."""
    try:
        with _opened(path) as read:
            for member in sorted(members, key=lambda member: member.position):
                try:
                    check_size(member.size, max_bytes)
                    yield member, read(member)
                except FrameError as error:
                    yield member, error
    except _DAMAGE as error:
        raise ConfigError(f"the archive {path} cannot be read ({_reason(error)}); fetch it again") from error


def check_size(size: int, max_bytes: int) -> None:
    """Raise FrameError for a file that is larger than an intact picture can be."""
    if size > max_bytes:
        raise FrameError(f"{size} bytes; a picture of this size has at most {max_bytes}")


@contextmanager
def _opened(path: str) -> Iterator[Callable[[Member], bytes]]:
    """Give a function that reads a member and refuses one that changed since it was listed."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            headers = {info.header_offset: info for info in archive.infolist()}

            def read_zipped(member: Member) -> bytes:
                info = headers.get(member.position)
                if info is None or _content(info.CRC, info.file_size) != member.content:
                    raise FrameError(CHANGED)
                try:
                    with archive.open(info) as file:
                        return file.read(member.size)  # compares the checksum
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
                archive.members = []  # otherwise tarfile keeps all members in memory
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
                    content = _content(_checksum(stream, info.offset_data, info.size), info.size)
                yield Member(info.name, info.size, info.offset_data, content, problem)
        if not guard.last:  # tarfile treats a cut between two members, and a broken header, as the end
            raise EOFError
        if guard.last.strip(b"\0"):
            raise ValueError(f"a broken header at byte {archive.offset}")


def _checksum(stream: IO[bytes], position: int, size: int) -> int:
    stream.seek(position)
    total = 0
    while size:
        data = stream.read(min(CHUNK, size))
        if not data:
            raise EOFError
        total, size = zlib.crc32(data, total), size - len(data)
    return total


def _content(checksum: int, size: int) -> str:
    return f"{checksum:08x}-{size}"


class _Guard:
    """The bytes of a tar, guarded: no header can make tarfile read much at once, or seek backwards."""

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
    """Give the printable name of a member, and its problem if the name leads out of the archive."""
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
