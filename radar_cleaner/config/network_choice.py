"""The network that `training.model` names: its options and the files that it is made from."""

from __future__ import annotations

from typing import Any

from radar_cleaner.config import shipped
from radar_cleaner.config.networks import network_names, network_options_model, read_options
from radar_cleaner.config.training import Network, Training
from radar_cleaner.errors import ConfigError


def check_network(training: Training) -> None:
    """Raise ConfigError for an unknown network, for wrong options, and for crops that it cannot divide."""
    model = training.model
    if model.name not in network_names() and model.code is None:
        raise ConfigError(
            f"training.model.name: {model.name} is not one of {', '.join(network_names())}; write one of these,"
            " or name the Python file of your own in training.model.code"
        )
    multiple = getattr(_options(model), "multiple", 1)
    if training.crop_px % multiple:
        raise ConfigError(
            f"training.crop_px: {training.crop_px} is not a multiple of {multiple}, which {model.name} needs with"
            f" its options (training.model); write {-(-training.crop_px // multiple) * multiple}"
        )


def backbone_folder(model: Network) -> str | None:
    """Return the folder that a pretrained backbone is read from, if there is one."""
    return getattr(_options(model), "folder", None)


def network_files(model: Network) -> list[str]:
    """Return the files that the training reads beside its samples: code, a model to start from, a backbone."""
    found: list[Any] = [model.code, shipped.model_file(model.start_from), *getattr(_options(model), "files", ())]
    return [str(path) for path in found if path is not None]


def _options(model: Network) -> Any:
    """Return the options of a network, None if it is one of the user's. Raises ConfigError that names the key."""
    if model.name not in network_names():
        return None
    try:
        return read_options(network_options_model(model.name), model.options, model.name)
    except ConfigError as error:
        option, words = str(error).split(" ", 1)
        raise ConfigError(f"training.model.{option.rstrip(':')}: {words}") from None
