"""The part of a model file that is needed, beside the weights, to use the model. No torch is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.networks import network_options_model, write_options
from radar_cleaner.config.training import Network


@dataclass(frozen=True)
class ModelConfig:
    """Everything that is needed, beside the weights, to use a model.

    `model` is the name of the network and `options` its own options as a JSON object. `pad_mode` is the padding of
    frames whose size the network cannot divide. With `normalize` the channels are scaled to mean 0 and standard
    deviation 1 of the training samples.
    """

    model: str
    inputs: Inputs
    pad_mode: Literal["reflect", "replicate", "constant"] = "reflect"
    options: str = "{}"
    normalize: bool = False

    @classmethod
    def of(cls, inputs: Inputs, network: Network, normalize: bool) -> ModelConfig:
        """Return the config of a network that a training names."""
        return cls(network.name, inputs, network.pad_mode, network.options, normalize)

    @property
    def channels(self) -> int:
        """Return the number of input channels."""
        return len(self.inputs.names)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for a model file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Read what `to_dict` returned. Raises TypeError and KeyError where a value is missing or unknown."""
        inputs = dict(values["inputs"])
        lists = {name: tuple(inputs[name]) for name in ("input_minutes", "lead_minutes", "static")}
        return cls(**{**values, "inputs": Inputs(**{**inputs, **lists})})


def migrate_config(values: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Convert the config of an older format of model files to the current format, step by step."""
    values = dict(values)
    if version < 3:
        values = _from_version_2(values)
    return values


def _from_version_2(values: dict[str, Any]) -> dict[str, Any]:
    """Group the keys of the inputs, which were beside the others. The first files had tiny_unet only."""
    if "options" not in values:
        options = network_options_model("tiny_unet")
        own = {name: values.pop(name) for name in options.model_fields if name in values}
        values["options"] = write_options(options(**own))
    inputs = {name: values.pop(name) for name in Inputs.__dataclass_fields__ if name in values}
    return {**values, "inputs": {"static": (), **inputs}}
