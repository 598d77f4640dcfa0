"""The networks by name: those of this package, and those of a user's Python file.

The name of a network of this package is the name of its module in `radar_cleaner.models`. A network's module is
imported when the network is first used.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from radar_cleaner.config.networks import network_names, read_options, write_options
from radar_cleaner.config.section import Section
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.standardize import Standardized

Network = TypeVar("Network", bound=type[nn.Module])


@dataclass(frozen=True)
class Architecture:
    """A kind of network: its name, its class, the section model of its options, the file that registered it."""

    name: str
    network: Callable[[Sequence[str], int, Any], nn.Module]
    options: type[Section]
    file: Path

    @property
    def summary(self) -> str:
        """Return the first line of the class's docstring."""
        return (inspect.getdoc(self.network) or "").split("\n")[0]


_REGISTERED: dict[str, Architecture] = {}
_LOADING: list[Path] = []  # the user's file that is being run; networks registered meanwhile belong to it


def register_model(name: str, options: type[Section]) -> Callable[[Network], Network]:
    """Register a network under a name, with the section model of its options.

    The class takes (inputs, leads, options): the names of its input channels, the number of lead times, and an
    instance of `options`. Its attribute `multiple` is a number that divides the sides of its input. It maps
    (B, C, H, W) to the logit of the meteorological probability and the scaled reflectivity, (B, leads, H, W)
    each. docs/model_template.py is an example.

    Raises ConfigError where another file uses the name, or `options` is not a section model.
    """

    def register(network: Network) -> Network:
        if not (isinstance(options, type) and issubclass(options, Section)):
            raise ConfigError(
                f"model '{name}': its options {options} are not a section model; derive them from"
                " radar_cleaner.config.section.Section"
            )
        file = _LOADING[-1] if _LOADING else Path(inspect.getfile(network)).resolve()
        known = _REGISTERED.get(name)
        if known is None and name in network_names() and file != _file_of(name):
            known = find_model(name)
        if known is not None and known.file != file:
            raise ConfigError(
                f"model '{name}' of {file} is also the name of one of {known.file}; choose another name"
            )
        _REGISTERED[name] = Architecture(name, network, options, file)
        return network

    return register


def find_model(name: str) -> Architecture:
    """Return the network of a name. Raises ConfigError with the names that exist."""
    if name not in _REGISTERED and name in network_names():
        importlib.import_module(f"radar_cleaner.models.{name}")
    if name not in _REGISTERED:
        raise ConfigError(
            f"model '{name}' is not known; choose one of {', '.join(sorted({*_REGISTERED, *network_names()}))}."
            " A network of your own needs its file in training.model.code"
        )
    return _REGISTERED[name]


def registered_models() -> list[Architecture]:
    """Return all networks of this package and of the files loaded so far, sorted by name."""
    return [find_model(name) for name in sorted({*_REGISTERED, *network_names()})]


def load_code(path: Path | None) -> None:
    """Run a user's Python file that registers networks; do nothing without one. Raises ConfigError."""
    if path is None:
        return
    file = path.resolve()
    if not file.is_file():
        raise ConfigError(f"training.model.code: there is no file {path}")
    name = f"radar_cleaner_code_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"training.model.code: {path} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic and dataclasses look for the module of a class there
    _LOADING.append(file)
    try:
        spec.loader.exec_module(module)  # an error keeps its traceback, which the author of the file needs
    finally:
        _LOADING.pop()
    if not any(model.file == file for model in _REGISTERED.values()):
        raise ConfigError(f"{path}: registers no model; decorate its class with @register_model(name, Options)")


def model_options(config: ModelConfig) -> Any:
    """Return the network's own options, an instance of its section model."""
    return read_options(find_model(config.model).options, config.options, config.model)


def resolve_options(config: ModelConfig) -> ModelConfig:
    """Return the config with every option written out.

    A network with a static method `resolve` may replace options that need a file beside the model file.
    """
    resolve = getattr(find_model(config.model).network, "resolve", lambda options: options)
    return dataclasses.replace(config, options=write_options(resolve(model_options(config))))


def build_model(config: ModelConfig) -> nn.Module:
    """Build a network; its weights are not yet drawn."""
    architecture = find_model(config.model)
    model = architecture.network(config.inputs.names, len(config.inputs.lead_minutes), model_options(config))
    if config.normalize:
        model = Standardized(model, config.channels)
    # On CPUs this layout is a fifth faster.
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def _file_of(name: str) -> Path:
    return Path(__file__).resolve().with_name(f"{name}.py")
