"""What `training.model` says of the network: its own options, and the files that it is made from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from radar_cleaner.config import shipped
from radar_cleaner.config.networks import ARCHITECTURES, EncoderUNetOptions, read_options, write_options
from radar_cleaner.errors import ConfigError

# Keys that hold for every network; the others are options of its own.
COMMON = ("name", "code", "pad_mode", "start_from", "freeze")


def network_options(model: dict[str, Any]) -> str:
    """The network's own options as JSON, with the defaults of those that are left out where they are known.

    Those of a network of the user's are known only to its file. Raises ConfigError.
    """
    given = json.dumps({name: value for name, value in model.items() if name not in COMMON}, sort_keys=True)
    if model["name"] not in ARCHITECTURES:
        return given
    return write_options(_read(model["name"], given))


def network_files(model: dict[str, Any]) -> list[str]:
    """The files that the training reads beside its samples: a user's code, a model to start from, a backbone."""
    found = [model["code"], shipped.model_file(model["start_from"])]
    if model["name"] == "encoder_unet":
        found += _read(model["name"], network_options(model)).files
    return [str(path) for path in found if path is not None]


def check_network(training: dict[str, Any]) -> None:
    """Raise ConfigError for names, options and files that cannot be, and crops that the network cannot halve."""
    model = training["model"]
    if model["name"] not in ARCHITECTURES and model["code"] is None:
        raise ConfigError(
            f"training.model.name: {model['name']} is none of {', '.join(ARCHITECTURES)}; write one of these,"
            " or name the Python file of your own in training.model.code"
        )
    if model["code"] is not None and (not model["code"].endswith(".py") or not Path(model["code"]).is_file()):
        raise ConfigError(f"training.model.code: there is no Python file {model['code']}; its name ends in .py")
    for pattern in model["freeze"]:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigError(
                f"training.model.freeze: {pattern!r} is no regular expression ({error}); write such as first, or"
                " downs[.]0"
            ) from None
    network_options(model)
    if model["name"] not in ARCHITECTURES:
        return
    options = _read(model["name"], network_options(model))
    folder = options.folder if isinstance(options, EncoderUNetOptions) else None
    if folder is not None and not (Path(folder) / "config.json").is_file():
        raise ConfigError(
            f"training.model.backbone: {folder} is neither a backbone of that name nor a folder that"
            " save_pretrained wrote; `radar-cleaner list-models` names them"
        )
    multiple = getattr(options, "multiple", 1)
    if training["crop_px"] % multiple:
        raise ConfigError(
            f"training.crop_px: {training['crop_px']} is no multiple of {multiple}, which {model['name']} needs by"
            f" its options (training.model); write {-(-training['crop_px'] // multiple) * multiple}"
        )


def _read(name: str, options: str) -> Any:
    try:
        return read_options(ARCHITECTURES[name], options, name)
    except ConfigError as error:
        option, words = str(error).split(" ", 1)
        raise ConfigError(f"training.model.{option.rstrip(':')}: {words}") from None
