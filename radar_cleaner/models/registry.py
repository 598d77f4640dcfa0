"""The networks by name: those that come with the package, and those of a user's file."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from radar_cleaner.errors import ConfigError

Network = TypeVar("Network", bound=type[nn.Module])


@dataclass(frozen=True)
class Architecture:
    """A kind of network: its name, its class, the dataclass of its options, the file that registered it."""

    name: str
    network: Callable[[Sequence[str], int, Any], nn.Module]
    options: type[Any]
    file: Path

    @property
    def summary(self) -> str:
        """The first line of what the class says of itself."""
        return (inspect.getdoc(self.network) or "").split("\n")[0]


_REGISTERED: dict[str, Architecture] = {}
_LOADING: list[Path] = []  # the user's file that runs now, to which belongs what is registered meanwhile


def register_model(name: str, options: type[Any]) -> Callable[[Network], Network]:
    """Make a network known by a name, with the dataclass of its options.

    The class takes (inputs, leads, options): the names of its input channels, how many times it answers for, and
    an instance of `options`. It has an attribute `multiple`, what the sides of its pictures are multiples of, and
    maps (B, C, H, W) to the logit that an echo is meteorological and the scaled reflectivity, (B, leads, H, W)
    each. docs/model_template.py says more.

    Raises ConfigError where the name is another file's, or `options` is no dataclass.
    """

    def register(network: Network) -> Network:
        if not dataclasses.is_dataclass(options):
            raise ConfigError(
                f"model '{name}': its options {options} are no dataclass; decorate them with @dataclass"
            )
        file = _LOADING[-1] if _LOADING else Path(inspect.getfile(network)).resolve()
        known = _REGISTERED.get(name)
        if known is not None and known.file != file:
            raise ConfigError(
                f"model '{name}' of {file} is also the name of one of {known.file}; choose another name"
            )
        _REGISTERED[name] = Architecture(name, network, options, file)
        return network

    return register


def find_model(name: str) -> Architecture:
    """A network by its name. Raises ConfigError that lists those there are."""
    if name not in _REGISTERED:
        raise ConfigError(
            f"model '{name}' is not known; there is {', '.join(sorted(_REGISTERED))}. One of your own"
            " needs its file in training.model.code"
        )
    return _REGISTERED[name]


def registered_models() -> list[Architecture]:
    """All networks that are known, by name."""
    return [_REGISTERED[name] for name in sorted(_REGISTERED)]


def load_code(path: Path | None) -> None:
    """Run a user's Python file that registers networks, with None do nothing. Raises ConfigError."""
    if path is None:
        return
    file = path.resolve()
    if not file.is_file():
        raise ConfigError(f"training.model.code: there is no file {path}")
    name = f"radar_cleaner_code_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"training.model.code: {path} is no Python file; its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass looks for its module there
    _LOADING.append(file)
    try:
        spec.loader.exec_module(module)  # what goes wrong in it is told by a traceback, as its writer needs it
    finally:
        _LOADING.pop()
    if not any(model.file == file for model in _REGISTERED.values()):
        raise ConfigError(f"{path}: registers no model; decorate its class with @register_model(name, Options)")
