"""What the networks that come with the package are made of: their options, their bounds, what they halve.

Nothing here needs torch, so that a config is checked before anything is computed. A network of the user's has
such a dataclass too (`models.register_model`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from radar_cleaner.errors import ConfigError, require

Options = TypeVar("Options")


@dataclass(frozen=True)
class TinyUNetOptions:
    """Of `tiny_unet`.

    Attributes
    ----------
    base_width
        Channels of its first level, doubled at each down.
    depth
        How often it halves.
    dropout
        Share of the deepest level's channels that a training step leaves out.
    input_scale
        Side in pixels of the cells that it works on: each is one place, all of its pixels are channels there.
    depthwise
        Whether its convolutions are separable: one of each channel, then one over them.
    """

    base_width: int = 16
    depth: int = 3
    dropout: float = 0.0
    input_scale: int = 1
    depthwise: bool = False

    def __post_init__(self) -> None:
        require("base_width", self.base_width, 1, 256)
        require("depth", self.depth, 1, 6)
        require("dropout", self.dropout, 0, 0.99)
        require("input_scale", self.input_scale, 1, 8)

    @property
    def multiple(self) -> int:
        """What the sides of a picture are padded to a multiple of."""
        return int(self.input_scale * 2**self.depth)


@dataclass(frozen=True)
class RateNetOptions:
    """Of `rate_net`.

    Attributes
    ----------
    base_width
        Channels of every block.
    input_scale
        Side in pixels of the cells that it works on: each is one place, all of its pixels are channels there.
    dropout
        Share of the last block's channels that a training step leaves out.
    """

    base_width: int = 32
    input_scale: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require("base_width", self.base_width, 1, 512)
        require("input_scale", self.input_scale, 1, 8)
        require("dropout", self.dropout, 0, 0.99)

    @property
    def multiple(self) -> int:
        """What the sides of a picture are padded to a multiple of."""
        return self.input_scale


@dataclass(frozen=True)
class WindowAttentionOptions:
    """Of `window_attention`.

    Attributes
    ----------
    base_width
        Channels of its first level, doubled at each down; a multiple of `head_width`.
    depth
        How often it halves.
    blocks
        Pairs of blocks a level: one of windows, one of windows shifted by half.
    window
        Side of a window, in cells.
    head_width
        Channels of an attention head.
    input_scale
        Side in pixels of the cells that it works on: each is one place, all of its pixels are channels there.
    drop_path
        Share of the deepest block's answers that a training step leaves out, rising from 0 at the first.
    """

    base_width: int = 32
    depth: int = 2
    blocks: int = 1
    window: int = 8
    head_width: int = 16
    input_scale: int = 4
    drop_path: float = 0.1

    def __post_init__(self) -> None:
        require("base_width", self.base_width, 2, 512)  # half of them at full size
        require("depth", self.depth, 1, 5)
        require("blocks", self.blocks, 1, 16)
        require("window", self.window, 2, 32)
        require("head_width", self.head_width, 1, 256)
        require("input_scale", self.input_scale, 1, 8)
        require("drop_path", self.drop_path, 0, 0.99)
        if self.base_width % self.head_width:
            raise ConfigError(f"base_width is {self.base_width}, no multiple of head_width {self.head_width}")

    @property
    def multiple(self) -> int:
        """What the sides of a picture are padded to a multiple of."""
        return int(self.input_scale * 2**self.depth * self.window)


# Backbones by name, as transformers configures them: its model_type and what differs from its defaults.
BACKBONES: dict[str, dict[str, Any]] = {
    "resnet-18": {
        "model_type": "resnet",
        "layer_type": "basic",
        "depths": [2, 2, 2, 2],
        "hidden_sizes": [64, 128, 256, 512],
    },
    "resnet-34": {
        "model_type": "resnet",
        "layer_type": "basic",
        "depths": [3, 4, 6, 3],
        "hidden_sizes": [64, 128, 256, 512],
    },
    "convnext-tiny": {
        "model_type": "convnext",
        "depths": [3, 3, 9, 3],
        "hidden_sizes": [96, 192, 384, 768],
    },
    "swin-tiny": {"model_type": "swin"},
    "dinov2-small": {
        "model_type": "dinov2",
        "hidden_size": 384,
        "num_attention_heads": 6,
        "image_size": 518,
        "patch_size": 14,
    },
}


@dataclass(frozen=True)
class EncoderUNetOptions:
    """Of `encoder_unet`.

    Attributes
    ----------
    backbone
        One of transformers' backbones by name (resnet-18, resnet-34, convnext-tiny, swin-tiny, dinov2-small), a
        configuration of one (`model_type` and what differs from its defaults), or a local folder as
        `save_pretrained` writes it, whose weights it begins with.
    pretrained
        Folder that the weights are read from where `backbone` is a configuration; set by itself for a folder.
    freeze_encoder
        Whether the backbone stays as it is and only what is around it learns.
    base_width
        Channels of the decoder at full size, doubled at each down.
    """

    backbone: str | dict[str, Any] = "resnet-18"
    pretrained: str | None = None
    freeze_encoder: bool = False
    base_width: int = 16

    def __post_init__(self) -> None:
        require("base_width", self.base_width, 1, 256)
        if isinstance(self.backbone, dict) and not isinstance(self.backbone.get("model_type"), str):
            raise ConfigError("backbone: a configuration needs a model_type, such as {model_type: resnet}")

    @property
    def folder(self) -> str | None:
        """The folder that the backbone's weights are read from, None where they are drawn."""
        if isinstance(self.backbone, str) and self.backbone not in BACKBONES:
            return self.backbone
        return self.pretrained

    @property
    def files(self) -> list[Path]:
        """The files of that folder, none without one."""
        return sorted(filter(Path.is_file, Path(self.folder).glob("*.*"))) if self.folder is not None else []


# Of the networks that come with the package, by the names that they are registered by.
ARCHITECTURES: dict[str, type[Any]] = {
    "tiny_unet": TinyUNetOptions,
    "rate_net": RateNetOptions,
    "window_attention": WindowAttentionOptions,
    "encoder_unet": EncoderUNetOptions,
}


def read_options(kind: type[Options], text: str, model: str) -> Options:
    """The options of a network from a JSON object. Raises ConfigError that names each wrong one."""
    try:
        return TypeAdapter(kind).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise ConfigError("; ".join(_tell(problem, kind, model) for problem in error.errors())) from None


def write_options(options: Any) -> str:
    """What `read_options` reads, with every option in it."""
    return json.dumps(dataclasses.asdict(options), sort_keys=True)


def describe_options(kind: type[Any]) -> dict[str, Any]:
    """Each option of a network and its default."""
    return {
        field.name: field.default_factory() if callable(field.default_factory) else field.default
        for field in dataclasses.fields(kind)
    }


def _tell(problem: Mapping[str, Any], kind: type[Any], model: str) -> str:
    name = ".".join(str(part) for part in problem["loc"][:1])
    if problem["type"] == "unexpected_keyword_argument":
        return f"{name}: {model} has no such option; it has {', '.join(describe_options(kind)) or 'none'}"
    words = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {words[0].lower()}{words[1:]}, not {problem['input']!r}" if name else words
