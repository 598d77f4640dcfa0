"""Model files and the state from which a killed training goes on.

Both are written whole or not at all, and read with `weights_only=True`: no file can run code. A model file
holds plain types and tensors: format, config, provenance, weights. Equal content is an equal file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import logging
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from radar_cleaner.config.networks import TinyUNetOptions
from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.models import ModelConfig
from radar_cleaner.storage.atomic import replacing

logger = logging.getLogger(__name__)

MODEL_FORMAT = "radar_cleaner model 2"
STATE_FORMAT = "radar_cleaner training state 2"
# What torch.load raises on a file that is cut off, of another kind, or holds more than plain types.
_BROKEN = (
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    pickle.PickleError,
)

_UNFIT = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)  # of configs and weights


def save_model(
    path: Path, config: ModelConfig, weights: Mapping[str, Tensor], provenance: Mapping[str, object]
) -> None:
    """Write a model file. `provenance` says what made it, in plain types."""
    content = {
        "format": MODEL_FORMAT,
        "config": dataclasses.asdict(config),
        "provenance": dict(provenance),
        "weights": dict(weights),
    }
    with replacing(path) as temporary:
        _write(temporary, _to_bytes(content))


def load_model(path: Path) -> tuple[ModelConfig, str, nn.Module]:
    """Config, digest of the file's content, and the network with its weights, on the CPU.

    Raises ModelError that names the file and what is wrong with it, and ConfigError where the network cannot be
    made here, such as for want of a package or of its file.
    """
    content = _load_model_file(path)
    try:
        config = _read_config(content["config"])
    except _UNFIT as error:
        raise _unfit(path, error) from None
    try:
        model = config.build()
        model.load_state_dict(content["weights"])
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except _UNFIT as error:
        raise _unfit(path, error) from None
    return config, f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}", model


def _unfit(path: Path, error: Exception) -> ModelError:
    text = str(error).replace("\n", " ")
    return ModelError(f"{path}: its weights and config do not fit ({text}); train it again")


def read_weights(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Config and weights of a model file, on the CPU. Raises ModelError."""
    content = _load_model_file(path)
    try:
        return _read_config(content["config"]), dict(content["weights"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: its config is not readable ({error}); train it again") from None


def read_model_provenance(path: Path) -> dict[str, Any]:
    """What made a model file. Raises ModelError."""
    return dict(_load_model_file(path)["provenance"])


def save_state(path: Path, digest: str, state: Mapping[str, object]) -> None:
    """Write the state from which a training goes on, under the digest of all that determines the training.

    The state before it stays as `NAME.previous.pt`. Raises ModelError where the disk is full; nothing is lost.
    """
    payload = _to_bytes(state)
    head = {"format": STATE_FORMAT, "training": digest, "content": hashlib.sha256(payload).hexdigest()}
    try:
        with replacing(path) as temporary:
            _write(temporary, json.dumps(head).encode() + b"\n" + payload)
            if path.exists():
                path.replace(previous_state(path))
    except OSError as error:
        raise ModelError(
            f"{path}: the state of the training cannot be saved ({error.strerror or error}); make room, and call "
            "the training again: it goes on from the state before"
        ) from None


def previous_state(path: Path) -> Path:
    """Where the state before the newest lies."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def load_state(path: Path, digest: str) -> dict[str, Any] | None:
    """The newest whole state of an unfinished equal training, or None.

    A state of another training, or a broken file, is renamed aside (`NAME.aside`, the one before it is
    replaced) and a line is logged: nothing is resumed that is not exactly this training.
    """
    for candidate in (path, previous_state(path)):
        if candidate.exists():
            found = _read_state(candidate, digest)
            if not isinstance(found, str):
                return found
            aside = candidate.with_name(f"{candidate.name}.aside")
            candidate.replace(aside)
            logger.info("%s is not resumed: %s; it is set aside as %s", candidate, found, aside.name)
    return None


def _read_state(path: Path, digest: str) -> dict[str, Any] | str:
    """A state, or why it is not to be resumed."""
    try:
        line, _, payload = path.read_bytes().partition(b"\n")
        head = json.loads(line)
        if head["format"] != STATE_FORMAT or head["training"] != digest:
            return "it is of a training with other parameters, data or code"
        if head["content"] != hashlib.sha256(payload).hexdigest():
            return "it cannot be read: its content is damaged"
        return dict(torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True))
    except _BROKEN as error:
        return f"it cannot be read ({type(error).__name__})"


def digest_of(*parts: object) -> str:
    """One digest of plain values (numbers, texts, lists, dicts)."""
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def digest_of_file(path: Path) -> str:
    """Digest of a file's content."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _load_model_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file; train one, or set cleaning.model to one")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _BROKEN as error:
        raise ModelError(f"{path}: is no whole model file ({type(error).__name__}); train it again") from None
    if not isinstance(content, dict) or content.get("format") != MODEL_FORMAT:
        raise ModelError(f"{path}: is not a '{MODEL_FORMAT}' file; train a model with this version")
    return content


def _read_config(values: Mapping[str, Any]) -> ModelConfig:
    if "options" not in values:  # as models of one kind only had them
        own = {field.name for field in dataclasses.fields(TinyUNetOptions)} & values.keys()
        options = json.dumps({name: values[name] for name in sorted(own)})
        values = {**{name: value for name, value in values.items() if name not in own}, "options": options}
    fields = dataclasses.fields(ModelConfig)
    names = {field.name for field in fields}
    needed = {field.name for field in fields if field.default is dataclasses.MISSING}  # others came later
    if not needed <= values.keys() <= names:
        raise ConfigError(f"its config has {sorted(values)}, wanted {sorted(names)}")
    lists = {name: tuple(values[name]) for name in ("input_minutes", "lead_minutes", "static")}
    return ModelConfig(**{**values, **lists})


def _to_bytes(content: Mapping[str, object]) -> bytes:
    """By way of memory: a file's name would enter the archive, and equal content must be an equal file."""
    buffer = io.BytesIO()
    torch.save(_canonical(content), buffer)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _canonical(value: Any) -> Any:
    """A copy that is pickled alike whenever it is equal: plain types, tensors of their own on the CPU.

    Pickle writes an object that it met before as a reference, so equal texts must be one object; lists stand
    for tuples.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu().contiguous().clone()
    if isinstance(value, Mapping):
        return {_canonical(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_canonical(item) for item in value]
    return sys.intern(value) if type(value) is str else value
