"""A backbone of transformers' `AutoBackbone` under a U-Net's decoder; needs the extra `encoders`.

Our channels are mapped onto the three that backbones read. What those make of them, at a quarter of the size and
less, is joined with convolutions of our channels at full and half size. BatchNorm is taken out, as its statistics
would mix samples: of a backbone whose weights are drawn it becomes GroupNorm, of a pretrained one its statistics
stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from radar_cleaner.architectures import BACKBONES, EncoderUNetOptions
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.blocks import Network, convolve, draw_module, group_norm
from radar_cleaner.models.registry import register_model

logger = logging.getLogger(__name__)

_LEVELS = 4  # of a backbone that are read
_OWN = "own_reflectivity_"
_GAIN, _OFFSET = 4.0, -2.0  # from our 0..1 to what pretrained backbones read: pictures of mean 0 and deviation 1


@register_model("encoder_unet", EncoderUNetOptions)
class EncoderUNet(Network):
    """Any backbone of transformers (ResNet, ConvNeXt, Swin, DINOv2), drawn or pretrained, under a decoder."""

    def __init__(self, inputs: Sequence[str], leads: int, options: EncoderUNetOptions) -> None:
        super().__init__()
        self.options = options
        width = options.base_width
        self.mapping = nn.Conv2d(len(inputs), 3, 1)
        self.own = [number for number, name in enumerate(inputs) if name.startswith(_OWN)]
        self.encoder = _make_encoder(options)
        self.multiple = _multiple(self.encoder.config)
        if options.freeze_encoder:
            self.encoder.requires_grad_(False)
        self.fine = convolve(len(inputs), width)
        self.channel_axes = {"mapping.weight": 1, "fine.0.weight": 1}
        self.coarse = convolve(width, 2 * width, stride=2)
        widths = [width, 2 * width, *(width * 2**level for level in range(1, _LEVELS + 1))]
        channels = [width, 2 * width, *list(self.encoder.channels)]  # type: ignore[arg-type]
        self.deepest = convolve(channels[-1], widths[-1])
        self.joins = nn.ModuleList(
            nn.Sequential(convolve(below + channel, own), convolve(own, own))
            for below, channel, own in zip(widths[1:], channels[:-1], widths[:-1], strict=True)
        )
        self.add_heads(width, leads)
        self.train()

    @staticmethod
    def resolve(options: EncoderUNetOptions) -> EncoderUNetOptions:
        """With the configuration of a pretrained folder in place of its name: a trained model needs no folder."""
        if isinstance(options.backbone, str) and options.folder is not None:
            return replace(options, backbone=_read_folder(options.folder), pretrained=options.folder)
        return options

    def train(self, mode: bool = True) -> EncoderUNet:
        """As any module, but what is frozen does not learn statistics and drops nothing."""
        super().train(mode)
        if self.options.freeze_encoder:
            self.encoder.eval()
        for module in self.encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def draw(self, generator: torch.Generator) -> None:
        """Draw all weights; those of the backbone as transformers does, or read them from its folder."""
        for name, module in self.named_children():
            if name != "encoder":
                draw_module(module, generator)
        seed = int(torch.randint(2**31, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = _make_encoder(self.options, read=True)
        self.encoder.load_state_dict(fresh.state_dict())
        if self.options.folder is not None:
            # A grey picture of the radar's own reflectivity to begin with.
            nn.init.zeros_(self.mapping.weight)
            nn.init.constant_(self.mapping.weight[:, self.own], _GAIN / len(self.own))
            assert self.mapping.bias is not None
            nn.init.constant_(self.mapping.bias, _OFFSET)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> mask logit and scaled reflectivity, (B, leads, H, W) each."""
        fine = self.run(self.fine, x)
        skips = [fine, self.run(self.coarse, fine), *_pyramid(self.encoder(self.mapping(x)).feature_maps)]
        x = self.run(self.deepest, skips.pop())
        for join, skip in zip(reversed(self.joins), reversed(skips), strict=True):  # type: ignore[call-overload]
            up = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = self.run(join, torch.cat([up, skip], dim=1))
        return self.answer(x)


def _pyramid(features: Sequence[Tensor]) -> list[Tensor]:
    """Features of falling size: those of a backbone of one size (a ViT) are made so (Li et al. 2022)."""
    first, last = features[0].shape[-2:], features[-1].shape[-2:]
    if first != last:
        return list(features)
    scales = (4.0, 2.0, 1.0, 0.5)
    return [
        functional.interpolate(feature, scale_factor=scale, mode="nearest")
        if scale >= 1
        else functional.avg_pool2d(feature, 2, ceil_mode=True)
        for feature, scale in zip(features, scales, strict=True)
    ]


def _transformers() -> Any:
    try:
        import transformers
    except ImportError:
        raise ConfigError(
            "model encoder_unet needs the package transformers: pip install 'radar-cleaner[encoders]', or"
            " -r envs/requirements-encoders.txt"
        ) from None
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()  # what a folder lacks is told here
    return transformers


def _read_folder(folder: str) -> dict[str, Any]:
    """The configuration that lies in a folder of `save_pretrained`. Raises ConfigError."""
    if not (Path(folder) / "config.json").is_file():
        raise ConfigError(
            f"backbone: '{folder}' is neither one of {', '.join(BACKBONES)} nor a folder with a config.json as"
            " save_pretrained writes it"
        )
    found: dict[str, Any] = (
        _transformers().AutoConfig.from_pretrained(folder, local_files_only=True).to_diff_dict()
    )
    return found


def _make_encoder(options: EncoderUNetOptions, read: bool = False) -> nn.Module:
    """The backbone; with `read` its weights are those of its folder, where it has one. Raises ConfigError."""
    transformers = _transformers()
    given = BACKBONES[options.backbone] if isinstance(options.backbone, str) else dict(options.backbone)
    try:
        config = transformers.AutoConfig.for_model(**given)
        config.out_features = _levels(config.stage_names)
        for name in [name for name in config.to_dict() if "drop" in name]:
            setattr(config, name, 0.0)  # its draws would depend on how a batch is parted
        encoder: nn.Module = transformers.AutoBackbone.from_config(config)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConfigError(f"backbone {given['model_type']}: transformers makes none of it ({error})") from None
    if options.folder is None:
        _replace_batch_norm(encoder)
    elif read:
        # Not AutoBackbone's own from_pretrained, which asks the hub for the folder.
        encoder, told = type(encoder).from_pretrained(  # type: ignore[attr-defined]
            options.folder, config=config, local_files_only=True, output_loading_info=True
        )
        _tell_missing(options.folder, told, encoder)
    return encoder


def _levels(stages: Sequence[str]) -> list[str]:
    """The names of the stages that are read: four, spread evenly, the last among them; never the stem."""
    depth = len(stages) - 1
    if depth < _LEVELS:
        raise ConfigError(f"backbone: has {depth} stages, {_LEVELS} are needed")
    return [stages[depth * level // _LEVELS] for level in range(1, _LEVELS + 1)]


def _multiple(config: Any) -> int:
    """What the sides of a picture are multiples of: of a ViT, which has no depths of stages, its patch."""
    return 32 if hasattr(config, "depths") else int(config.patch_size)


def _tell_missing(folder: str, told: Mapping[str, Any], encoder: nn.Module) -> None:
    missing, all_of_it = sorted(told["missing_keys"]), len(encoder.state_dict())
    if len(missing) > all_of_it / 2:
        raise ConfigError(f"backbone: {folder} lacks {len(missing)} of {all_of_it} weights, such as {missing[0]}")
    if missing:
        logger.warning("%s lacks %d weights, which are drawn: %s", folder, len(missing), ", ".join(missing))


def _replace_batch_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, group_norm(child.num_features))
        else:
            _replace_batch_norm(child)
