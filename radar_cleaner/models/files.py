"""Model files: the config, the provenance and the weights of a trained network.

A file is written whole or not at all, and read with `weights_only=True`, so that no file can run code. It has
plain types and tensors. Equal content gives an equal file.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.models.config import ModelConfig, migrate_config
from radar_cleaner.models.registry import build_model
from radar_cleaner.storage.atomic import replacing

MODEL_FORMAT = "radar_cleaner model"
MODEL_VERSION = 3
_OLDEST_VERSION = 2
# The errors of torch.load for a file that is truncated, of another kind, or has more than plain types.
UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    pickle.PickleError,
)
_MISFIT = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)  # of configs and weights


def save_model(
    path: Path, config: ModelConfig, weights: Mapping[str, Tensor], provenance: Mapping[str, object]
) -> None:
    """Write a model file. `provenance` records the model's origin, in plain types."""
    content = {
        "format": f"{MODEL_FORMAT} {MODEL_VERSION}",
        "config": config.to_dict(),
        "provenance": dict(provenance),
        "weights": dict(weights),
    }
    with replacing(path) as temporary:
        write_synced(temporary, to_bytes(content))


def load_model(path: Path) -> tuple[ModelConfig, str, nn.Module]:
    """Return the config, the digest of the file, and the network with its weights, on the CPU.

    Raises ModelError where the file is broken, and ConfigError where the network cannot be built here, for example
    because a package is missing.
    """
    content = _load(path)
    try:
        config = _read_config(content)
    except _MISFIT as error:
        raise _misfit(path, error) from None
    try:
        model = build_model(config)
        model.load_state_dict(content["weights"])
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except _MISFIT as error:
        raise _misfit(path, error) from None
    return config, f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}", model


def read_weights(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Return the config and the weights of a model file, on the CPU. Raises ModelError."""
    content = _load(path)
    try:
        return _read_config(content), dict(content["weights"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: its config is not readable ({error}); train it again") from None


def read_model_provenance(path: Path) -> dict[str, Any]:
    """Return the provenance of a model file. Raises ModelError."""
    return dict(_load(path)["provenance"])


def to_bytes(content: Mapping[str, object]) -> bytes:
    """Serialize plain types and tensors by torch.save; equal content gives equal bytes.

    The archive is made in memory, because torch.save would put a file's name into it.
    """
    buffer = io.BytesIO()
    torch.save(_canonical(content), buffer)
    return buffer.getvalue()


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(f"{path}: there is no model file; train one, or name another")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise ModelError(
            f"{path}: the model file is truncated or corrupt ({type(error).__name__}); train it again"
        ) from None
    if not isinstance(content, dict) or not _OLDEST_VERSION <= _version(content) <= MODEL_VERSION:
        raise ModelError(
            f"{path}: this is not a '{MODEL_FORMAT} {MODEL_VERSION}' file; train a model with this version"
        )
    return content


def _misfit(path: Path, error: Exception) -> ModelError:
    text = str(error).replace("\n", " ")
    return ModelError(f"{path}: its weights and config do not fit ({text}); train it again")


def _read_config(content: Mapping[str, Any]) -> ModelConfig:
    return ModelConfig.from_dict(migrate_config(content["config"], _version(content)))


def _version(content: Mapping[str, Any]) -> int:
    """Return the version of a model file's format, 0 for another kind of file."""
    name, _, version = str(content.get("format")).rpartition(" ")
    return int(version) if name == MODEL_FORMAT and version.isdecimal() else 0


def _canonical(value: Any) -> Any:
    """Return a copy whose pickle depends on its content alone.

    Tensors become contiguous copies on the CPU, tuples become lists. Pickle writes an object that it met before as
    a reference, so equal texts become one object.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu().contiguous().clone()
    if isinstance(value, Mapping):
        return {_canonical(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_canonical(item) for item in value]
    return sys.intern(value) if type(value) is str else value
