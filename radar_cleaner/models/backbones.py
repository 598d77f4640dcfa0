"""Backbones of transformers' `AutoBackbone`; a network reads four of their levels.

A backbone that is given by its configuration is tried on a frame without data when it is built. A misfit is then
reported at once, and not after hours of training.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from radar_cleaner.errors import ConfigError
from radar_cleaner.models.blocks import group_norm

logger = logging.getLogger(__name__)

LEVELS = 4  # that the network reads
_SIDE = 448  # of the frame that a backbone is tried on: 14 * 32
# Errors of transformers for a wrong configuration or folder, besides those of its own checks.
_UNFIT = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, OSError, ImportError)


def read_folder(folder: str, names: Iterable[str]) -> dict[str, Any]:
    """Return the configuration in a folder written by `save_pretrained`.

    `names` are the backbones that have a name, for the error message. Raises ConfigError.
    """
    if not (Path(folder) / "config.json").is_file():
        raise ConfigError(
            f"backbone: '{folder}' is neither one of {', '.join(names)} nor a folder with a config.json as"
            " save_pretrained writes it"
        )
    transformers = _transformers()
    with _naming(folder):
        found: dict[str, Any] = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True
        ).to_diff_dict()
    found.pop("dtype", None)  # of the stored weights; here they are fp32
    return found


def check_keys(backbone: Mapping[str, Any]) -> None:
    """Raise ConfigError where a configuration has a key that its model type would ignore."""
    transformers = _transformers()
    with _naming(str(backbone["model_type"])):
        config = transformers.AutoConfig.for_model(backbone["model_type"])
    known = {field.name for field in dataclasses.fields(config)} | set(config.attribute_map)
    known |= {"model_type", *config.to_dict()}
    for name in backbone:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise ConfigError(
                f"backbone: {backbone['model_type']} has no key {name}"
                + (f"; did you mean {near[0]}?" if near else "; leave it out")
            )


def make_backbone(configuration: Mapping[str, Any], folder: str | None, read: bool = False) -> nn.Module:
    """Build a backbone in fp32; with `read`, load the weights of its folder where it has one.

    Raises ConfigError.
    """
    transformers = _transformers()
    given = {name: value for name, value in configuration.items() if name not in ("dtype", "torch_dtype")}
    with _naming(str(given["model_type"])):
        config = transformers.AutoConfig.for_model(**given)
        config.out_features = _levels(config.stage_names)
        for name in [name for name in config.to_dict() if "drop" in name]:
            setattr(config, name, 0.0)  # its random numbers would depend on how a batch is split
        encoder: nn.Module = transformers.AutoBackbone.from_config(config)
    if folder is None:
        _replace_batch_norm(encoder)
    elif read:
        # AutoBackbone.from_pretrained would ask the hub for the folder.
        with _naming(folder):
            encoder, report = type(encoder).from_pretrained(  # type: ignore[attr-defined]
                folder, config=config, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
        _report_missing(folder, report, encoder)
    return encoder.float()


def measure(encoder: nn.Module, name: str) -> int:
    """Return the number that divides the sides of a backbone's input.

    The shapes of its features for a frame with twice as many columns as rows give the number; nothing is computed.
    `name` is the backbone's, for the error message. Raises ConfigError where the features are not four
    levels, each a whole number of times as small as the level before.
    """
    patch = getattr(encoder.config, "patch_size", None)
    side = 32 * patch if isinstance(patch, int) and patch > 0 and _SIDE % patch else _SIDE
    with _naming(name), torch.no_grad():
        frame = torch.empty(1, channels_of(encoder), side, 2 * side, device="meta")
        features = copy.deepcopy(encoder).eval().to("meta")(frame).feature_maps
        return _multiple(name, side, features, list(encoder.channels))  # type: ignore[arg-type]


def channels_of(encoder: nn.Module) -> int:
    """Return the number of input channels of a backbone: three, or one for gray images."""
    return int(getattr(encoder.config, "num_channels", 3))


def _multiple(name: str, side: int, features: Sequence[Tensor], channels: Sequence[int]) -> int:
    sizes = [feature.shape[-2] for feature in features]
    whole = len(sizes) == LEVELS and all(size and side % size == 0 for size in sizes) and all(channels)
    shapes = [(1, width, size, 2 * size) for width, size in zip(channels, sizes, strict=False)]
    if not whole or [tuple(feature.shape) for feature in features] != shapes or sizes != sorted(sizes)[::-1]:
        found = ", ".join(" x ".join(map(str, feature.shape)) for feature in features)
        raise ConfigError(
            f"backbone {name}: a frame of {side} x {2 * side} px gives {found}, but the decoder needs {LEVELS}"
            " levels, each a whole number of times as small as the one before; choose another backbone"
        )
    return side // sizes[-1]


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn errors of transformers into a ConfigError that names the backbone or its folder."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except ConfigError:
        raise
    except (*_UNFIT, StrictDataclassError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ConfigError(
            f"backbone {name}: transformers cannot build it ({reason}); correct training.model.backbone, or choose"
            " another"
        ) from None


def _transformers() -> Any:
    try:
        import transformers
    except ImportError:
        raise ConfigError(
            "model encoder_unet needs the package transformers: pip install 'radar-cleaner[encoders]', or"
            " -r envs/requirements-encoders.txt"
        ) from None
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()  # missing weights are reported here
    return transformers


def _levels(stages: Sequence[str]) -> list[str]:
    """Return the names of four evenly spaced stages: the last among them, never the stem."""
    found = list(stages[1:] if stages[0] == "stem" else stages)
    if len(found) < LEVELS:
        raise ConfigError(f"backbone: has {len(found)} stages, {LEVELS} are needed; choose another")
    return [found[len(found) * level // LEVELS - 1] for level in range(1, LEVELS + 1)]


def _report_missing(folder: str, report: Mapping[str, Any], encoder: nn.Module) -> None:
    missing, count = sorted(report["missing_keys"]), len(encoder.state_dict())
    if len(missing) > count / 2:
        raise ConfigError(f"backbone: {folder} lacks {len(missing)} of {count} weights, such as {missing[0]}")
    if missing:
        logger.warning(
            "%s lacks %d weights, which are drawn at random: %s", folder, len(missing), ", ".join(missing)
        )


def _replace_batch_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, group_norm(child.num_features))
        else:
            _replace_batch_norm(child)
