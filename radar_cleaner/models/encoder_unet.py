"""A backbone of transformers' `AutoBackbone` with a U-Net's decoder; needs the extra `encoders`.

A convolution maps the input channels to those of the backbone. The backbone's features, at a quarter of the size
and less, are joined with convolutions of the input at full and half size. BatchNorm would mix samples: in a
backbone with random weights it becomes GroupNorm, in a pretrained one its statistics are frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from radar_cleaner.config.section import Section
from radar_cleaner.models.backbones import LEVELS, channels_of, check_keys, make_backbone, measure, read_folder
from radar_cleaner.models.blocks import Network, convolve, draw_module
from radar_cleaner.models.registry import register_model

_OWN = "own_reflectivity_"
_GAIN, _OFFSET = 4.0, -2.0  # from 0..1 to the input of pretrained backbones: mean 0 and standard deviation 1


# Backbones by name, as transformers configures them: the model_type and the values that differ from its defaults.
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


class EncoderUNetOptions(Section):
    """Options of `encoder_unet`."""

    backbone: str | dict[str, Any] = Field(
        "resnet-18",
        description=(
            "Backbone of transformers: a name (resnet-18, resnet-34, convnext-tiny, swin-tiny, dinov2-small), a"
            " configuration (model_type and the values that differ from its defaults), or a local folder written"
            " by save_pretrained, whose weights the training starts from."
        ),
    )
    pretrained: str | None = Field(
        None,
        description="Folder with the weights of a backbone that is given as a configuration; set for a folder.",
    )
    freeze_encoder: bool = Field(False, description="Keep the backbone's weights; train only the rest.")
    base_width: int = Field(
        16, ge=1, le=256, description="Channels of the decoder at full size; each level down has twice as many."
    )

    @model_validator(mode="after")
    def _has_type(self) -> Self:
        if isinstance(self.backbone, dict) and not isinstance(self.backbone.get("model_type"), str):
            raise ValueError("backbone: a configuration needs a model_type, such as {model_type: resnet}")
        return self

    @property
    def configuration(self) -> dict[str, Any]:
        """Return the backbone's configuration; a folder must be resolved first."""
        return dict(BACKBONES[self.backbone]) if isinstance(self.backbone, str) else dict(self.backbone)

    @property
    def folder(self) -> str | None:
        """Return the folder of the backbone's weights, None where the weights are drawn."""
        if isinstance(self.backbone, str) and self.backbone not in BACKBONES:
            return self.backbone
        return self.pretrained

    @property
    def files(self) -> list[Path]:
        """Return the files of that folder."""
        return sorted(filter(Path.is_file, Path(self.folder).glob("*.*"))) if self.folder is not None else []


@register_model("encoder_unet", EncoderUNetOptions)
class EncoderUNet(Network):
    """Any backbone of transformers (ResNet, ConvNeXt, Swin, DINOv2), random or pretrained, with a decoder."""

    def __init__(self, inputs: Sequence[str], leads: int, options: EncoderUNetOptions) -> None:
        super().__init__()
        self.options = options
        width = options.base_width
        self.own = [number for number, name in enumerate(inputs) if name.startswith(_OWN)]
        encoder = make_backbone(options.configuration, options.folder)
        self.mapping = nn.Conv2d(len(inputs), channels_of(encoder), 1)
        self.encoder, self.multiple = encoder, _multiple(encoder, options)
        if options.freeze_encoder:
            self.encoder.requires_grad_(False)
        self.fine = convolve(len(inputs), width)
        self.channel_axes = {"mapping.weight": 1, "fine.0.weight": 1}
        self.coarse = convolve(width, 2 * width, stride=2)
        widths = [width, 2 * width, *(width * 2**level for level in range(1, LEVELS + 1))]
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
        """Replace the name of a pretrained folder by its configuration: a trained model needs no folder."""
        if isinstance(options.backbone, str) and options.folder is not None:
            backbone = read_folder(options.folder, BACKBONES)
            return options.model_copy(update={"backbone": backbone, "pretrained": options.folder})
        if isinstance(options.backbone, dict) and options.pretrained is None:
            check_keys(options.backbone)
        return options

    def train(self, mode: bool = True) -> EncoderUNet:
        """Set the mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        if self.options.freeze_encoder:
            self.encoder.eval()
        for module in self.encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def draw(self, generator: torch.Generator) -> None:
        """Draw all weights; those of the backbone are drawn by transformers, or read from its folder."""
        for name, module in self.named_children():
            if name != "encoder":
                draw_module(module, generator)
        seed = int(torch.randint(2**31, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = make_backbone(self.options.configuration, self.options.folder, read=True)
        self.encoder.load_state_dict(fresh.state_dict())
        if self.options.folder is not None:
            gain, offset = (1.0, 0.0) if self.standardized else (_GAIN, _OFFSET)
            # The backbone begins with a gray image of this radar's reflectivity.
            assert self.mapping.bias is not None
            with torch.no_grad():
                self.mapping.weight.zero_()
                self.mapping.weight[:, self.own] = gain / len(self.own)
                self.mapping.bias.fill_(offset)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, C, H, W) to mask logit and scaled reflectivity, (B, leads, H, W) each."""
        fine = self.run(self.fine, x)
        skips = [fine, self.run(self.coarse, fine), *_pyramid(self.encoder(self.mapping(x)).feature_maps)]
        x = self.run(self.deepest, skips.pop())
        for join, skip in zip(reversed(self.joins), reversed(skips), strict=True):  # type: ignore[call-overload]
            up = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = self.run(join, torch.cat([up, skip], dim=1))
        return self.answer(x)


def _multiple(encoder: nn.Module, options: EncoderUNetOptions) -> int:
    """Return the number that divides the sides of the backbone's input; known for backbones given by name."""
    if not isinstance(options.backbone, str):
        return measure(encoder, str(options.configuration["model_type"]))
    return 14 if options.configuration["model_type"] == "dinov2" else 32


def _pyramid(features: Sequence[Tensor]) -> list[Tensor]:
    """Return features of decreasing size; features of equal size (of a ViT) are resized (Li et al. 2022)."""
    first, last = features[0].shape[-2:], features[-1].shape[-2:]
    if first != last:
        return list(features)
    scales = (4.0, 2.0, 1.0, 0.5)
    # `ceil_mode` instead of padding would fix in an export whether the number of patches is even.
    return [
        functional.interpolate(feature, scale_factor=scale, mode="nearest")
        if scale >= 1
        else functional.avg_pool2d(functional.pad(feature, (0, 1, 0, 1), mode="replicate"), 2)
        for feature, scale in zip(features, scales, strict=True)
    ]
