"""Keep lists of the contents of archives and object stores in a folder, so that jobs can reuse them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from radar_cleaner.errors import ConfigError
from radar_cleaner.frames.archives import Member, list_members

VERSION = 3  # of these files; raise it when the list of an unchanged archive changes


class StoredObject(NamedTuple):
    """An object of a store: its key, the version of its content (ETag), and its problem."""

    key: str
    version: str
    problem: str = ""


def members_of(archive: str, wanted: Callable[[str], bool], folder: Path | None) -> list[Member]:
    """List the wanted members of an archive, from `folder` if the archive has not changed since."""
    state = _state(archive)
    if folder is not None:
        kept = _load(folder, os.path.abspath(archive))  # noqa: PTH100
        if kept is not None and kept["state"] == state:
            return [Member(*row) for row in kept["rows"]]
    members = list_members(archive, wanted)
    if folder is not None and _state(archive) == state:
        with contextlib.suppress(OSError):  # without a writable folder the list is made again
            _save(folder, os.path.abspath(archive), {"state": state, "rows": members})  # noqa: PTH100
    return members


def save_objects(folder: Path, address: str, objects: Sequence[StoredObject]) -> None:
    """Keep the list of the objects below an address."""
    _save(folder, address, {"rows": objects})


def load_objects(folder: Path | None, address: str) -> list[StoredObject]:
    """Load the list of the objects below an address. Raises ConfigError if it was not made yet."""
    kept = _load(folder, address) if folder else None
    if kept is None:
        raise ConfigError(
            f"{address}: there is no list of its objects in {folder or 'any folder (--listings)'}; the workflow"
            " makes it and fetches them: run it by snakemake"
        )
    return [StoredObject(*row) for row in kept["rows"]]


def save_counts(folder: Path | None, source: str, counts: dict[str, Any]) -> None:
    """Keep {file: [state, steps of each picture]} of the animations of a source."""
    if folder is not None:
        with contextlib.suppress(OSError):  # without a writable folder they are counted again
            _save(folder, f"loops of {source}", {"rows": counts})


def load_counts(folder: Path | None, source: str) -> dict[str, Any]:
    """Load what `save_counts` kept; nothing if it was not called yet."""
    kept = _load(folder, f"loops of {source}") if folder else None
    return dict(kept["rows"]) if kept else {}


def _state(archive: str) -> list[int]:
    try:
        found = Path(archive).stat()
    except OSError as error:
        raise ConfigError(f"the archive {archive} cannot be read: {error.strerror}") from error
    return [found.st_size, found.st_mtime_ns]


def _place(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"


def _load(folder: Path, name: str) -> dict[str, Any] | None:
    try:
        kept = json.loads(_place(folder, name).read_text(encoding="utf-8"))
        return kept if kept["version"] == VERSION and kept["name"] == ascii(name) else None
    except (OSError, ValueError, LookupError, TypeError):  # missing, of an older version, or incomplete
        return None


def _save(folder: Path, name: str, content: dict[str, Any]) -> None:
    """Write a list. Concurrent jobs write separate files, and the last one stays."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "name": ascii(name), **content}, file)
        Path(temporary).replace(_place(folder, name))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
