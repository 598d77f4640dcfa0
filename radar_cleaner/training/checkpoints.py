"""Checkpoints: the state from which a killed training resumes. A file is written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from radar_cleaner.errors import ModelError
from radar_cleaner.models.files import UNREADABLE, to_bytes, write_synced
from radar_cleaner.storage.atomic import replacing

logger = logging.getLogger(__name__)

STATE_FORMAT = "radar_cleaner training state 3"


def save_state(path: Path, digest: str, state: Mapping[str, object]) -> None:
    """Write the state of a training, with the digest of everything that determines the training.

    The previous state is kept as `NAME.previous.pt`. Raises ModelError where the disk is full; nothing is lost.
    """
    payload = to_bytes(state)
    head = {"format": STATE_FORMAT, "training": digest, "content": hashlib.sha256(payload).hexdigest()}
    try:
        with replacing(path) as temporary:
            write_synced(temporary, json.dumps(head).encode() + b"\n" + payload)
            if path.exists():
                path.replace(previous_state(path))
    except OSError as error:
        raise ModelError(
            f"{path}: the state of the training cannot be saved ({error.strerror or error}); make room and start"
            " the training again: it resumes from the previous state"
        ) from None


def previous_state(path: Path) -> Path:
    """Return the path of the state before the newest one."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def load_state(path: Path, digest: str) -> dict[str, Any] | None:
    """Return the newest complete state of an equal training, None without one.

    Only a state of exactly this training is resumed. Any other state, or a broken file, is renamed to
    `NAME.aside`, which replaces an older one, and logged.
    """
    for candidate in (path, previous_state(path)):
        if candidate.exists():
            state = _read_state(candidate, digest)
            if not isinstance(state, str):
                return state
            aside = candidate.with_name(f"{candidate.name}.aside")
            candidate.replace(aside)
            logger.info("%s is not resumed: %s; it is set aside as %s", candidate, state, aside.name)
    return None


def _read_state(path: Path, digest: str) -> dict[str, Any] | str:
    """Return a state, or the reason not to resume it."""
    try:
        line, _, payload = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["format"] != STATE_FORMAT or head["training"] != digest:
            return "it belongs to a training with other parameters, data or code"
        if head["content"] != hashlib.sha256(payload).hexdigest():
            return "it cannot be read: its content is damaged"
        return dict(torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True))
    except UNREADABLE as error:
        return f"it cannot be read ({type(error).__name__})"
