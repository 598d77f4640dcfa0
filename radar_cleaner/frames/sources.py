"""List the frames of a radar by time, and the pictures whose name gives no time.

A source is a folder, a glob (`archive/20??/**/*.png`), a zip or tar archive, a glob of archives, or a prefix of
an object store (`s3://bucket/prefix`). The workflow uses `list_frames` to declare inputs, and the stages use it to
read them. Both therefore find the same frames. It opens no picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.archives import SUFFIXES as ARCHIVES
from radar_cleaner.frames.archives import Member, check_size, is_archive, read_members
from radar_cleaner.frames.folders import Glob, has_magic, walk
from radar_cleaner.frames.listings import load_objects, members_of
from radar_cleaner.frames.time_table import MTIME, time_reader
from radar_cleaner.frames.timestamps import NameFormat

SUFFIXES = (".png", ".apng", ".gif", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff")
REMOTE = "s3://"
# Snakemake interprets these characters as wildcards and variables.
NO_PATH = "its path has a { or a <, which the workflow cannot carry; rename it"
NO_TEXT = "its path is not UTF-8, which tables need; rename it"
# Bytes of an archive's members in memory at once, so that they are read in their order in the archive.
HELD_BYTES = 2**28


class FrameFile(NamedTuple):
    """A picture of a known time: a file or a member of an archive. `problem` is why it is not a picture."""

    time: int  # seconds since 1970, UTC
    path: str  # of the file or archive; for an object, of its copy
    member: Member | None = None
    problem: str = ""
    version: str = ""  # of members and objects: equal for equal content
    offset: int = 0  # seconds from its slot, which is its time, to the time that it was found to have
    picture: int | None = None  # its number in an animation, from 0

    @property
    def full_name(self) -> str:
        """Its path, or `path/of/archive.zip/member`; of a picture in an animation with its number, from 1."""
        name = self.file_name
        return name if self.picture is None else f"{name}#{self.picture + 1}"

    @property
    def file_name(self) -> str:
        """Its path, or `path/of/archive.zip/member`."""
        return _full_name(self.path, self.member)


class Listing(NamedTuple):
    """Frames sorted by time and path, and (name, reason) of the pictures whose name gives no time."""

    frames: Sequence[FrameFile]
    unplaced: Sequence[tuple[str, str]]
    root: str = ""

    def name_of(self, frame: FrameFile) -> str:
        """Give the name of a frame in tables: its path below the root, `archive.zip/member`, or its key."""
        return frame.full_name[len(self.root) :]


class _Found(NamedTuple):
    """The pictures of a source, and the parts of their full names that tables and patterns omit."""

    pictures: Iterable[tuple[str, Member | None, str, str]]  # path, member, problem, version
    root: str
    searched_from: str


def is_picture(name: str) -> bool:
    """Whether a file name ends like that of a picture."""
    return name.lower().endswith(SUFFIXES)


def list_frames(
    source: str | Path, names: NameFormat, listings: Path | None = None, copies: str | None = None
) -> Listing:
    """List all pictures of a source, without hidden ones. Links to folders are followed, each folder once.

    A folder, or a link without target, with the name of a picture is listed with its `problem`. It then appears in
    the table of rejects. `listings` is a folder of earlier lists. Lists of archives save time; the objects of a
    store are read from its list only. `copies` is the folder of the local copies of objects; without it the paths
    are addresses. Raises ConfigError if the source does not exist or an archive is broken.
    """
    found = _find(settle_source(source), listings, copies)
    read = time_reader(names)
    start = len(found.searched_from)
    frames: list[FrameFile] = []
    unplaced: list[tuple[str, str]] = []
    for path, member, problem, version in found.pictures:
        name = path if member is None else _full_name(path, member)
        if names.time_from == MTIME and (member is not None or version):
            raise ConfigError(
                f"time_from: mtime is the date of a file, and {name} is in an archive or object store"
            )
        try:
            time, offset = names.settle(read(path, name[start:]))
        except ValueError as error:
            unplaced.append((_as_text(name[len(found.root) :]), _as_text(str(error))))
            continue
        if "{" in path or "<" in path:
            problem = problem or NO_PATH
        if not path.isascii() and _as_text(path) != path:
            path, problem = _as_text(path), problem or NO_TEXT
        frames.append(FrameFile(time, path, member, problem, version, offset))
    frames.sort()
    return Listing(frames, sorted(unplaced), found.root)


def list_pictures(source: str | Path) -> dict[str, FrameFile]:
    """Return the pictures of a folder, archive or glob by the name that patterns search, whatever their time.

    Raises ConfigError if the source does not exist, an archive is broken, or it is an object store.
    """
    if is_remote(str(source)):
        raise ConfigError(f"{source}: copy some pictures of the object store to a folder, and name that")
    found = _find(settle_source(source), None, None)
    start = len(found.searched_from)
    files = (FrameFile(0, path, member, problem, version) for path, member, problem, version in found.pictures)
    return {file.full_name[start:]: file for file in files}


def is_remote(source: str) -> bool:
    """Whether a source is the address of an object store."""
    return source.startswith(REMOTE)


def split_address(address: str) -> tuple[str, str, Glob | None]:
    """Split `s3://bucket/prefix` into bucket, prefix with a final `/`, and the glob, if any."""
    bucket, _, prefix = address.removeprefix(REMOTE).partition("/")
    if not bucket:
        raise ConfigError(f"{address}: the bucket is missing; write it like {REMOTE}bucket/prefix")
    if has_magic(prefix):
        glob = Glob(prefix)
        return bucket, glob.root, glob
    return bucket, prefix.strip("/") + "/" if prefix.strip("/") else "", None


def settle_source(source: str | Path) -> str:
    """Normalize a source: `./frames/` becomes `frames`."""
    return str(source) if "://" in str(source) else str(Path(source))


def _find(source: str, listings: Path | None, copies: str | None) -> _Found:
    if "{" in source or "<" in source:
        raise ConfigError(f"{source} has a {{ or a <, which the workflow cannot carry in paths; rename it")
    if is_remote(source):
        return _find_objects(source, listings, copies)
    if "://" in source:
        raise ConfigError(f"{source}: an address begins with {REMOTE}; no other store is read")
    if Path(source).is_dir():
        root = "" if source == "." else f"{source.rstrip('/')}/"
        return _Found(((path, None, problem, "") for path, problem in walk(root, is_picture)), root, root)
    if is_archive(source) and not has_magic(source):
        root = source[: source.rfind("/") + 1]
        return _Found(_find_members(source, listings), root, f"{source}/")
    if has_magic(source) and not Path(source).exists():
        return _find_matches(Glob(source), listings)
    if Path(source).exists():
        raise ConfigError(f"{source} is neither a folder nor an archive ({', '.join(ARCHIVES)}) of pictures")
    raise ConfigError(f"there is no folder {source}; name the folder of the pictures, an archive or a glob")


def _find_members(archive: str, listings: Path | None) -> Iterator[tuple[str, Member | None, str, str]]:
    for member in members_of(archive, is_picture, listings):
        yield archive, member, member.problem, member.content


def _find_matches(glob: Glob, listings: Path | None) -> _Found:
    if not Path(glob.root or ".").is_dir():
        raise ConfigError(f"there is no folder {glob.root}; name one before the first * of the glob")

    def pictures() -> Iterator[tuple[str, Member | None, str, str]]:
        for path, problem in walk(glob.root, lambda name: is_picture(name) or is_archive(name), glob):
            if is_archive(path):
                yield from _find_members(path, listings)
            else:
                yield path, None, problem, ""

    return _Found(pictures(), glob.root, glob.root)


def _find_objects(address: str, listings: Path | None, copies: str | None) -> _Found:
    bucket, prefix, _ = split_address(address)
    root = f"{copies}/{bucket}/" if copies else f"{REMOTE}{bucket}/"
    pictures = ((root + key, None, problem, version) for key, version, problem in load_objects(listings, address))
    return _Found(pictures, root, root + prefix)


def _as_text(name: str) -> str:
    """Escape the bytes of a name that are not UTF-8, as `\\udcff`."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _full_name(path: str, member: Member | None) -> str:
    return path if member is None else f"{path}/{member.name}"


def read_frames(frames: Iterable[FrameFile], max_bytes: int) -> Iterator[tuple[FrameFile, bytes | FrameError]]:
    """Yield each frame, in this order, with at most `max_bytes` bytes of its picture, or the reason for none.

    Members are read in their order in the archive: a compressed archive is decompressed once, not once a member.
    """
    for batch in _batches(frames, max_bytes):
        held: dict[tuple[str, int], bytes | FrameError] = {}
        packed = sorted((frame.path, frame.member) for frame in batch if frame.member and not frame.problem)
        for path, group in groupby(packed, key=lambda pair: pair[0]):
            for member, data in read_members(path, [member for _, member in group], max_bytes):
                held[path, member.position] = data
        for frame in batch:
            if frame.problem:
                yield frame, FrameError(frame.problem)
            elif frame.member:
                yield frame, held.pop((frame.path, frame.member.position))
            else:
                yield frame, _read_file(frame.path, max_bytes, fetched=bool(frame.version))


def _batches(frames: Iterable[FrameFile], max_bytes: int) -> Iterator[list[FrameFile]]:
    batch: list[FrameFile] = []
    held = 0
    for frame in frames:
        batch.append(frame)
        if frame.member is None:  # read later, one at a time
            continue
        held += min(frame.member.size, max_bytes)
        if held > HELD_BYTES:
            yield batch
            batch, held = [], 0
    yield batch


def _read_file(path: str, max_bytes: int, fetched: bool) -> bytes | FrameError:
    try:
        check_size(Path(path).stat().st_size, max_bytes)
        return Path(path).read_bytes()
    except FrameError as error:
        return error
    except FileNotFoundError as error:
        if fetched:  # a refused frame would be missing from the store
            raise ConfigError(f"{path}: its copy is missing; call snakemake again") from error
        return FrameError("it is no longer there")
    except OSError as error:
        return FrameError(f"it cannot be read: {error.strerror}")
