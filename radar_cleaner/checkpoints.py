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

from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.models import ModelConfig
from radar_cleaner.tables import replacing

logger = logging.getLogger(__name__)

MODEL_FORMAT = "radar_cleaner model 1"
STATE_FORMAT = "radar_cleaner training state 1"
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


def save_model(
    path: Path, config: ModelConfig, weights: Mapping[str, Tensor], provenance: Mapping[str, object]
) -> None:
    """Write a model file. `provenance` says what made it, in plain types."""
    _save(
        path,
        {
            "format": MODEL_FORMAT,
            "config": dataclasses.asdict(config),
            "provenance": dict(provenance),
            "weights": dict(weights),
        },
    )


def load_model(path: Path) -> tuple[ModelConfig, str, nn.Module]:
    """Config, digest of the file's content, and the network with its weights, on the CPU.

    Raises ModelError that names the file and what is wrong with it.
    """
    content = _load_model_file(path)
    try:
        config = _read_config(content["config"])
        model = config.build()
        model.load_state_dict(content["weights"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        text = str(error).replace("\n", " ")
        raise ModelError(f"{path}: its weights and config do not fit ({text}); train it again") from None
    return config, f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}", model


def read_model_provenance(path: Path) -> dict[str, Any]:
    """What made a model file. Raises ModelError."""
    return dict(_load_model_file(path)["provenance"])


def save_state(path: Path, digest: str, state: Mapping[str, object]) -> None:
    """Write the state from which a training goes on, under the digest of all that determines the training."""
    _save(path, {"format": STATE_FORMAT, "digest": digest, "state": dict(state)})


def load_state(path: Path, digest: str) -> dict[str, Any] | None:
    """The state of an unfinished equal training, or None.

    A state of another training, or a broken file, is renamed aside (`NAME.aside`, the one before it is
    replaced) and a line is logged: nothing is resumed that is not exactly this training.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        known = content["format"] == STATE_FORMAT
        found, state = content["digest"], content["state"]
    except _BROKEN as error:
        _set_aside(path, f"it cannot be read ({type(error).__name__})")
        return None
    if not known or found != digest:
        _set_aside(path, "it is of a training with other parameters, data or code")
        return None
    return dict(state)


def digest_of(*parts: object) -> str:
    """One digest of plain values (numbers, texts, lists, dicts)."""
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def digest_of_file(path: Path) -> str:
    """Digest of a file's content."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def digest_of_sources() -> str:
    """Digest of this package's source files: a training is resumed only by the code that began it."""
    root = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return f"sha256:{total.hexdigest()}"


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
    names = {field.name for field in dataclasses.fields(ModelConfig)}
    if values.keys() != names:
        raise ConfigError(f"its config has {sorted(values)}, wanted {sorted(names)}")
    minutes = {name: tuple(values[name]) for name in ("input_minutes", "lead_minutes")}
    return ModelConfig(**{**values, **minutes})


def _save(path: Path, content: Mapping[str, object]) -> None:
    # By way of memory: a file's name would enter the archive, and equal content must be an equal file.
    buffer = io.BytesIO()
    torch.save(_canonical(content), buffer)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def _set_aside(path: Path, reason: str) -> None:
    aside = path.with_name(f"{path.name}.aside")
    path.replace(aside)
    logger.info("%s is not resumed: %s; it is set aside as %s", path, reason, aside.name)


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
