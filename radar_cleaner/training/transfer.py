"""Start a training with the weights of another model: weights that fit are copied, others are reported.

Weights fit by name and shape. Those of the first layer are matched channel by channel, by the channels' names, so
that models with different channels share those that both have. Input times match by their order before and after
the sample's own time. Weights of the heads are matched by lead time.
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
    """Names of the weights that were copied `whole`, in `part` (with a description), or `drawn` at random."""

    whole: tuple[str, ...]
    part: Mapping[str, str]
    drawn: tuple[str, ...]

    def sentences(self, source: str) -> list[str]:
        """Return sentences for the log and the model card."""
        text = [f"The training began with {len(self.whole)} whole weights of {source}."]
        text += [f"A part of {name} was copied: {what}." for name, what in self.part.items()]
        if self.drawn:
            text.append(f"Drawn at random, because {source} has no weights that fit: {', '.join(self.drawn)}.")
        return text


def start_from(path: Path, model: nn.Module, config: ModelConfig) -> list[str]:
    """Copy all weights of a model file that fit, and return sentences about them. Raises ModelError."""
    source, weights = read_weights(path)
    return transfer_weights(model, config, weights, source).sentences(str(path))


def transfer_weights(
    model: nn.Module, config: ModelConfig, weights: Mapping[str, Tensor], source: ModelConfig
) -> Transfer:
    """Copy all weights of a network of config `source` that fit into `model`, a network of `config`.

    Raises ConfigError where none fit, or where only one of both networks has standardized channels: its first
    layer then expects other values.
    """
    if source.normalize != config.normalize:
        there, here = (str(made.normalize).lower() for made in (source, config))
        raise ConfigError(
            f"training.model.start_from: that model has samples.normalize {there}, this one {here}, so its weights"
            f" do not fit; set samples.normalize to {there}, or start from another model"
        )
    body = model.body if isinstance(model, Standardized) else model
    lent = _body_of(weights) if source.normalize else weights
    # For each channel and each lead time of this network: its position in the other network.
    channels = _positions(_channel_keys(config.inputs), _channel_keys(source.inputs))
    leads = _positions(config.inputs.lead_minutes, source.inputs.lead_minutes)
    copied_channels = _describe(config.inputs.names, channels, "channels")
    copied_leads = _describe([f"{lead} min" for lead in config.inputs.lead_minutes], leads, "leads")
    axes = {name: (axis, channels, source.channels, copied_channels) for name, axis in _axes(body, "channel_axes")}
    axes |= {
        name: (axis, leads, len(source.inputs.lead_minutes), copied_leads)
        for name, axis in _axes(body, "lead_axes")
    }
    whole, part, drawn = [], {}, []
    with torch.no_grad():
        for name, weight in body.state_dict(keep_vars=True).items():
            other = lent.get(name)
            if other is None:
                drawn.append(name)
            elif name in axes:
                axis, positions, count, copied = axes[name]
                if not _copy_along(axis, weight, other, positions, count):
                    drawn.append(name)
                elif positions == list(range(count)):
                    whole.append(name)
                else:
                    part[name] = copied
            elif weight.shape == other.shape:
                weight.copy_(other)
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
    """Return the weights of a standardized network without its statistics, which belong to its own data."""
    return {name.removeprefix(_BODY): values for name, values in weights.items() if name.startswith(_BODY)}


def _buffers(body: nn.Module) -> set[str]:
    return {name for name, _ in body.named_buffers()}


def _axes(body: nn.Module, kind: str) -> list[tuple[str, int]]:
    return list(getattr(body, kind, {}).items())


def _channel_keys(inputs: Inputs) -> list[str]:
    """Return the channel names with the order of their input time: -1 is the one before the sample's own."""
    before = sorted((minute for minute in inputs.input_minutes if minute < 0), reverse=True)
    after = sorted(minute for minute in inputs.input_minutes if minute > 0)
    order = {0: 0} | {minute: -place for place, minute in enumerate(before, 1)}
    order |= {minute: place for place, minute in enumerate(after, 1)}
    timed = [f"{kind}_{order[minute]}" for minute in inputs.input_minutes for kind in TIMED_KINDS]
    return [*timed, *inputs.names[len(timed) :]]


def _positions(own: Sequence[Hashable], other: Sequence[Hashable]) -> list[int | None]:
    """Return the position of each item of `own` in `other`; None where it is missing."""
    there = {key: position for position, key in enumerate(other)}
    return [there.get(key) for key in own]


def _copy_along(axis: int, own: Tensor, other: Tensor, positions: Sequence[int | None], count: int) -> bool:
    """Copy slices along an axis with the same number of slices per channel or lead; return whether they fit."""
    each, rest = divmod(own.shape[axis], len(positions))
    shape = list(own.shape)
    shape[axis] = each * count
    if rest or list(other.shape) != shape:
        return False
    for place, position in enumerate(positions):
        if position is not None:
            own.narrow(axis, place * each, each).copy_(other.narrow(axis, position * each, each))
    return True


def _describe(names: Sequence[str], positions: Sequence[int | None], what: str) -> str:
    copied = [name for name, position in zip(names, positions, strict=True) if position is not None]
    left = [name for name, position in zip(names, positions, strict=True) if position is None]
    drawn = f"; drawn at random are {', '.join(left)}" if left else ""
    return f"the {what} {', '.join(copied) or 'none'}{drawn}"


def freeze(model: nn.Module, patterns: Sequence[str]) -> list[str]:
    """Freeze the weights whose names begin with a match of a pattern, a regular expression; return their names.

    Raises ConfigError where a pattern matches no weight, or no weight is left to train.
    """
    body = model.body if isinstance(model, Standardized) else model
    names = dict(body.named_parameters())
    frozen = []
    for pattern in patterns:
        try:
            matching = [name for name in names if re.match(pattern, name)]
        except re.error as error:
            raise ConfigError(
                f"training.model.freeze: '{pattern}' is not a regular expression ({error})"
            ) from None
        if not matching:
            raise ConfigError(
                f"training.model.freeze: '{pattern}' matches no weight; the weights are {', '.join(sorted(names))}"
            )
        frozen += matching
    for name in frozen:
        names[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in names.values()):
        raise ConfigError(f"training.model.freeze: {list(patterns)} leaves no weight to train")
    return sorted(set(frozen))
