"""Zip and tar archives for the tests: of folders, and with hostile members."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

KINDS = {"zip": "", "tar": "w", "tar.gz": "w:gz", "tgz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}


def pack(archive: Path, files: dict[str, bytes]) -> Path:
    """Write an archive of these members; its name gives the format."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in files.items():
                file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    else:
        kind = next(kind for kind in KINDS if archive.name.endswith(f".{kind}") and kind != "zip")
        with tarfile.open(archive, KINDS[kind]) as tar:
            for name, data in files.items():
                add(tar, name, data)
    return archive


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    tar.addfile(info, io.BytesIO(data))


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the regular files below a folder, by their relative paths."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
