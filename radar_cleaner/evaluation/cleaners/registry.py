"""The registry of cleaners: names of `evaluation.cleaners` and their cleaners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from radar_cleaner.config.cleaning import ModelDecision
from radar_cleaner.evaluation import cleaners
from radar_cleaner.evaluation.cleaners.scene import Scene, Values
from radar_cleaner.inference.ensemble import Ensemble
from radar_cleaner.inference.frame_reader import FrameInputs


class Cleaner(Protocol):
    """A way to separate meteorological echo from other echo.

    Echo with a score of at least `threshold` is kept. Scores are probabilities of meteorological echo if
    `probabilistic`, else they only rank echoes. `settings` are the parameters that an evaluation may compare; the
    first is the default.
    """

    @property
    def name(self) -> str:
        """The name in tables and figures."""

    @property
    def probabilistic(self) -> bool:
        """Whether scores are probabilities."""

    @property
    def threshold(self) -> float:
        """The least score of echo that is kept, with the default setting."""

    @property
    def settings(self) -> Sequence[str]:
        """The names of the settings, the default first."""

    def score(self, scene: Scene, setting: str | None = None) -> Values:
        """Return (y, x) scores; they count only where the frame has an echo."""


class InputsReader(Protocol):
    """Reads the inputs of each member of an ensemble."""

    def inputs(self, time: int) -> list[FrameInputs]:
        """Read the inputs of each member at a time."""


class Fusion(Protocol):
    """Adds the evidence of the label model to a probability."""

    def fuse(self, probability: Values, time: int) -> Values:
        """Return (y, x) probabilities of network and label model together."""


@dataclass(frozen=True)
class Network:
    """An ensemble of models and the frames of a radar as it reads them."""

    ensemble: Ensemble
    frames: InputsReader


@dataclass(frozen=True)
class Context:
    """Everything that cleaners of one radar are made of besides the frames.

    `fusion` adds the log-odds of the label model to those of a network. `decision` has the
    probability from which an echo is kept. `tta` averages a network's probabilities
    over eight flips and rotations.
    """

    networks: Mapping[str, Network]  # by name in the tables
    fusion: Fusion
    decision: ModelDecision
    tta: bool


@dataclass(frozen=True)
class Filter:
    """A cleaner that is one function of a scene and keyword arguments, its settings."""

    name: str
    function: Callable[..., Values]
    threshold: float
    keywords: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})
    probabilistic: bool = False

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings, the default first."""
        return tuple(self.keywords)

    def score(self, scene: Scene, setting: str | None = None) -> Values:
        """Return (y, x) scores."""
        return self.function(scene, **self.keywords[self.settings[0] if setting is None else setting])


Factory = Callable[[Context], Sequence[Cleaner]]
_FACTORIES: dict[str, Factory] = {}


def register(key: str) -> Callable[[Factory], Factory]:
    """Register a function that makes the cleaners of a name of `evaluation.cleaners`."""

    def add(factory: Factory) -> Factory:
        assert key not in _FACTORIES, f"two cleaners are named {key}"
        _FACTORIES[key] = factory
        return factory

    return add


def register_filter(
    key: str,
    *,
    name: str,
    threshold: float,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[Callable[..., Values]], Callable[..., Values]]:
    """Register a function of a scene as a filter; the first of `settings` is the default."""

    def add(function: Callable[..., Values]) -> Callable[..., Values]:
        cleaner = Filter(name, function, threshold, settings or {"": {}})
        register(key)(lambda context: [cleaner])
        return function

    return add


def make_cleaners(keys: Sequence[str], context: Context) -> list[Cleaner]:
    """Make the cleaners of a radar, in the order of their names, which `evaluation.cleaners` checked."""
    cleaners.import_all()
    return list(chain.from_iterable(_FACTORIES[key](context) for key in keys))
