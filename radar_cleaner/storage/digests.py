"""SHA-256 digests of plain values and of files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def digest_of(*parts: object) -> str:
    """Return one digest of plain values: numbers, texts, lists, mappings."""
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def digest_of_file(path: Path) -> str:
    """Return the digest of a file's content."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
