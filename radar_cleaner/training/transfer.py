"""Begin a training with the weights of another model: what fits is taken, what does not is told.

Weights fit by name and shape. Those of the first layer are matched channel by channel, by the channels' names, so
that a model of other channels lends those that both have; input times match by their order before and after the
sample's own. Those of the heads are matched lead by lead.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from radar_cleaner.config.inputs import TIMED_KINDS, Inputs
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import read_weights
from radar_cleaner.models.standardize import Standardized

_BODY = "body."  # before the names of a standardized network's weights


@dataclass(frozen=True)
class Transfer:
    """What was taken: names of weights `whole` and in `part` (with what of them), and those `drawn` anew."""

    whole: tuple[str, ...]
    part: Mapping[str, str]
    drawn: tuple[str, ...]

    def sentences(self, source: str) -> list[str]:
        """For the log and the model card."""
        told = [f"It began with {len(self.whole)} whole weights of {source}."]
        told += [f"Of {name} it took {what}." for name, what in self.part.items()]
        if self.drawn:
            told.append(f"Drawn anew, as {source} has none that fit: {', '.join(self.drawn)}.")
        return told


def start_from(path: Path, model: nn.Module, config: ModelConfig) -> list[str]:
    """Copy into a network all weights of a model file that fit; sentences of what it took. Raises ModelError."""
    source, weights = read_weights(path)
    return transfer_weights(model, config, weights, source).sentences(str(path))


def transfer_weights(
    model: nn.Module, config: ModelConfig, weights: Mapping[str, Tensor], source: ModelConfig
) -> Transfer:
    """Copy into a network (of `config`) all weights of another (of `source`) that fit.

    Raises ConfigError if none do, or where only one of both has its channels standardized: what its first layer
    learned means something else there.
    """
    if source.normalize != config.normalize:
        there, here = (str(made.normalize).lower() for made in (source, config))
        raise ConfigError(
            f"training.model.start_from: that model has samples.normalize {there}, this one {here}, and its"
            f" weights are of no use to the other; set samples.normalize to {there}, or start from another model"
        )
    body = model.body if isinstance(model, Standardized) else model
    lent = _body_of(weights) if source.normalize else weights
    # Of the axes that belong to channels or leads: for each of ours the position of the same one there.
    channels = _positions(_channel_keys(config.inputs), _channel_keys(source.inputs))
    leads = _positions(config.lead_minutes, source.lead_minutes)
    told_channels = _tell(config.inputs.names, channels, "channels")
    told_leads = _tell([f"{lead} min" for lead in config.lead_minutes], leads, "leads")
    axes = {name: (axis, channels, source.channels, told_channels) for name, axis in _axes(body, "channel_axes")}
    axes |= {name: (axis, leads, len(source.lead_minutes), told_leads) for name, axis in _axes(body, "lead_axes")}
    whole, part, drawn = [], {}, []
    with torch.no_grad():
        for name, own in body.state_dict(keep_vars=True).items():
            other = lent.get(name)
            if other is None:
                drawn.append(name)
            elif name in axes:
                axis, positions, count, told = axes[name]
                if not _copy_along(axis, own, other, positions, count):
                    drawn.append(name)
                elif positions == list(range(count)):
                    whole.append(name)
                else:
                    part[name] = told
            elif own.shape == other.shape:
                own.copy_(other)
                whole.append(name)
            else:
                drawn.append(name)
    heads = {name for name, _ in _axes(body, "lead_axes")}
    if not any(body.get_parameter(name).ndim > 1 for name in {*whole, *part} - heads - _buffers(body)):
        raise ConfigError(
            f"training.model.start_from: no weight of that {source.model} fits this {config.model}; start from a"
            " model of the same name and options, or from none"
        )
    return Transfer(tuple(whole), part, tuple(drawn))


def _body_of(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a standardized network without its statistics, which are those of its own data."""
    return {name.removeprefix(_BODY): values for name, values in weights.items() if name.startswith(_BODY)}


def _buffers(body: nn.Module) -> set[str]:
    return {name for name, _ in body.named_buffers()}


def _axes(body: nn.Module, kind: str) -> list[tuple[str, int]]:
    return list(getattr(body, kind, {}).items())


def _channel_keys(inputs: Inputs) -> list[str]:
    """Names of channels, with an input time's place in the order: -1 the last before the sample's own, 1 next."""
    before = sorted((minute for minute in inputs.input_minutes if minute < 0), reverse=True)
    after = sorted(minute for minute in inputs.input_minutes if minute > 0)
    order = {0: 0} | {minute: -place for place, minute in enumerate(before, 1)}
    order |= {minute: place for place, minute in enumerate(after, 1)}
    timed = [f"{kind}_{order[minute]}" for minute in inputs.input_minutes for kind in TIMED_KINDS]
    return [*timed, *inputs.names[len(timed) :]]


def _positions(own: Sequence[Hashable], other: Sequence[Hashable]) -> list[int | None]:
    """Where each of ours is in the other; None where it is not."""
    there = {key: position for position, key in enumerate(other)}
    return [there.get(key) for key in own]


def _copy_along(axis: int, own: Tensor, other: Tensor, positions: Sequence[int | None], count: int) -> bool:
    """Copy slices along an axis that holds the same number of places for each channel or lead; whether it fits."""
    each, rest = divmod(own.shape[axis], len(positions))
    shape = list(own.shape)
    shape[axis] = each * count
    if rest or list(other.shape) != shape:
        return False
    for place, position in enumerate(positions):
        if position is not None:
            own.narrow(axis, place * each, each).copy_(other.narrow(axis, position * each, each))
    return True


def _tell(names: Sequence[str], positions: Sequence[int | None], what: str) -> str:
    took = [name for name, position in zip(names, positions, strict=True) if position is not None]
    left = [name for name, position in zip(names, positions, strict=True) if position is None]
    drawn = f", not {', '.join(left)}, which are drawn" if left else ""
    return f"the {what} {', '.join(took) or 'none'}{drawn}"


def freeze(model: nn.Module, patterns: Sequence[str]) -> list[str]:
    """Let the weights whose name a pattern matches (a regular expression, from the start) stay as they are.

    Gives their names. Raises ConfigError where a pattern matches none, or all are frozen.
    """
    body = model.body if isinstance(model, Standardized) else model
    names = dict(body.named_parameters())
    frozen = []
    for pattern in patterns:
        try:
            found = [name for name in names if re.match(pattern, name)]
        except re.error as error:
            raise ConfigError(f"training.model.freeze: '{pattern}' is no regular expression ({error})") from None
        if not found:
            raise ConfigError(
                f"training.model.freeze: '{pattern}' matches no weight; there is {', '.join(sorted(names))}"
            )
        frozen += found
    for name in frozen:
        names[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in names.values()):
        raise ConfigError(f"training.model.freeze: {list(patterns)} leaves no weight to train")
    return sorted(set(frozen))
