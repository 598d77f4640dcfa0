"""Models as methods: the probability that an echo is meteorological, of one model or of several by their mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.conventions import NODATA
from radar_cleaner.errors import ConfigError, ModelError
from radar_cleaner.inference.frame_reader import FrameReader
from radar_cleaner.inference.predictor import Predictor, load_predictor
from radar_cleaner.storage.paths import Layout

from .methods import Answer, Method
from .scenes import Codes, Frames, Scene, Values

JOINED = " + votes"  # of a model's name
SUREST = 1e-7  # a probability of 1 has no log-odds


@dataclass(frozen=True)
class NamedModel:
    """A row of the tables: one model file, or several whose answers are averaged."""

    name: str
    paths: tuple[Path, ...]
    joined: bool = True  # also with the votes, as `clean_frames` does

    @classmethod
    def from_flag(cls, text: str) -> NamedModel:
        """Read `NAME=PATH` or `NAME=PATH,PATH,...`. Raises ConfigError."""
        name, separator, paths = text.partition("=")
        files = tuple(Path(path) for path in paths.split(",") if path)
        if not separator or not name or not files:
            raise ConfigError(f"--model '{text}': write NAME=PATH, or NAME=PATH,PATH,... for the mean of several")
        return cls(name, files)


def model_methods(
    model: NamedModel, results: Path, frames: Frames, threshold: float, votes: float
) -> list[Method]:
    """A model by itself, and joined with so much times the votes; `threshold` is the config's, in probability."""
    ask = load_models(model, results, frames)
    default = "", float(log_odds(np.array([threshold]))[0])

    def alone(scene: Scene) -> Answer:
        answer: Answer = scene.once(ask, lambda: ask(scene.time))
        return answer

    found = [Method(model.name, "model", {"": alone}, default)]
    if model.joined and votes:
        together = {"": lambda scene: join(alone(scene), scene.votes, votes)}
        found.append(Method(f"{model.name}{JOINED}", "model", together, default))
    return found


def join(answer: Answer, votes: Values, weight: float) -> Answer:
    """A model's answer with so much times the votes' log-odds added, as the product has it."""
    return Answer(answer.score + np.float32(weight) * votes, answer.dbz)


def load_models(model: NamedModel, results: Path, frames: Frames) -> Callable[..., Answer]:
    """What the models say of a time, by their mean: `answer(time)`, or `answer(time, own)` of other frames.

    `own` are frames (y, x) of the radar by their distance in minutes, which the models see instead of the real.
    """
    members = [_Member.load(path, results, frames) for path in model.paths]

    def answer(time: int, own: Mapping[float, Codes] | None = None) -> Answer:
        answers = [member.answer(time, own) for member in members]
        probability, dbz = (np.stack(part).mean(axis=0, dtype=np.float64) for part in zip(*answers, strict=True))
        return Answer(log_odds(probability), np.asarray(dbz, dtype=np.float32))

    return answer


def log_odds(probability: NDArray[np.floating]) -> Values:
    """Log-odds (any shape) of probabilities, at most those of one in ten million."""
    bounded = np.clip(probability.astype(np.float64), SUREST, 1 - SUREST)
    return np.asarray(np.log(bounded / (1 - bounded)), dtype=np.float32)


@dataclass(frozen=True)
class _Member:
    cleaner: Predictor
    frames: FrameReader

    @classmethod
    def load(cls, path: Path, results: Path, frames: Frames) -> _Member:
        cleaner, layout = load_predictor(path, threads=1), Layout(results)
        places = _existing([layout.aligned(frames.radar, shard) for shard in frames.shards])
        reflectivity = [store.path for store in frames.reflectivity.stores]
        static = layout.static(frames.radar)
        inputs = cleaner.config.inputs
        return cls(cleaner, FrameReader(reflectivity, places, inputs, layout.atlas(frames.radar), static))

    def answer(self, time: int, own: Mapping[float, Codes] | None) -> tuple[Values, Values]:
        """Probability and dBZ, (y, x) each. Raises ModelError where `own` lacks a time that the model reads."""
        inputs = self.frames.inputs(time)
        if own is not None:
            inputs = replace(inputs, this_radar=self._instead(own))
        found = self.cleaner.predict(inputs)
        return found.probability, found.dbz

    def _instead(self, own: Mapping[float, Codes]) -> Codes:
        minutes, clutter = self.frames.input_minutes, self.frames.grid.clutter
        if not set(minutes) <= own.keys():
            raise ModelError(
                f"the model reads input_minutes {list(minutes)}, artefacts are planted at {sorted(own)} minutes; "
                "set samples.input_minutes to times that hold the model's, or name another model"
            )
        codes = np.stack([own[minute] for minute in minutes])
        if clutter is not None:
            codes[:, clutter] = NODATA
        return codes


def _existing(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]
