"""Export a trained model as ONNX, for programs without this package and torch; needs the extra `export`."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.errors import ConfigError
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import model_options

INPUT, OUTPUTS = "channels", ("meteorological_probability", "reflectivity")
_OPSET = 20


class Exported(nn.Module):
    """A network for other programs: it pads frames of any size, and returns probabilities and dBZ."""

    def __init__(self, model: nn.Module, pad_mode: str) -> None:
        super().__init__()
        self.model, self.pad_mode = copy.deepcopy(model), pad_mode
        _use_exact_norms(self.model)

    def forward(self, channels: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, C, H, W) to probability 0..1 and reflectivity in dBZ, (B, leads, H, W) each."""
        logit, scaled = apply_padded(self.model, channels, self.pad_mode)
        return torch.sigmoid(logit), unscale_dbz(scaled)


class ExactGroupNorm(nn.Module):
    """A GroupNorm whose sums over a large frame keep their precision.

    It sums along rows first, and subtracts the mean before squaring. Plain float32 sums over all pixels of a group
    lose about 1e-4 in the probabilities of a large frame, differently in each program.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Normalize (B, C, H, W)."""
        x_BGCHW = x_BCHW.unflatten(1, (self.norm.num_groups, -1))  # type: ignore[no-untyped-call]
        x_BGCHW = x_BGCHW - x_BGCHW.mean(-1, keepdim=True).mean((2, 3), keepdim=True)
        variance = x_BGCHW.square().mean(-1, keepdim=True).mean((2, 3), keepdim=True)
        x_BCHW = (x_BGCHW * torch.rsqrt(variance + self.norm.eps)).flatten(1, 2)
        if not self.norm.affine:
            return x_BCHW
        return x_BCHW * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]


def _use_exact_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, ExactGroupNorm(child))
        else:
            _use_exact_norms(child)


def export_onnx(model: nn.Module, config: ModelConfig, about: Mapping[str, str]) -> bytes:
    """Return a network as an ONNX file for any number and size of frames.

    Its metadata contain the names of the channels, the lead times, and `about`. Raises ConfigError where a
    package is missing, or where the network can be exported for one frame size only.
    """
    try:
        import onnxscript  # noqa: F401  # torch uses it
    except ImportError:
        raise ConfigError(
            "the export needs the packages onnx and onnxscript: pip install 'radar-cleaner[export]', or"
            " -r envs/requirements-export.txt"
        ) from None
    exported = Exported(model.cpu(), config.pad_mode).eval()
    multiple = int(model.multiple)  # type: ignore[arg-type]
    example = torch.zeros(2, config.channels, 2 * multiple + 3, 2 * multiple + 5)
    batch = torch.export.Dim("batch")
    # torch requires this of padded sizes and would trace twice without it; the file takes smaller frames, too.
    height, width = (torch.export.Dim(name, min=multiple + 1) for name in ("height", "width"))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns that torchvision is missing
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            exported,
            (example,),
            dynamo=True,
            opset_version=_OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes={INPUT: {0: batch, 2: height, 3: width}},
            verbose=False,
        )
    assert program is not None
    _expect_any_size(config, program.model.graph.inputs[0].shape or ())
    metadata = {"channels": config.inputs.names, "lead_minutes": config.inputs.lead_minutes, **about}
    program.model.metadata_props.update(
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in metadata.items()}
    )
    content: bytes = program.model_proto.SerializeToString()
    return content


def _expect_any_size(config: ModelConfig, shape: Iterable[object]) -> None:
    """Raise ConfigError where the number or size of frames is fixed: torch fixes it without a warning."""
    names = dict(zip(("batch", "channels", "height", "width"), shape, strict=False))
    fixed = [f"{name} {size}" for name, size in names.items() if name != "channels" and isinstance(size, int)]
    if not fixed:
        return
    backbone = getattr(model_options(config), "backbone", None)
    of = (
        f" with the backbone {backbone['model_type'] if isinstance(backbone, dict) else backbone}"
        if backbone
        else ""
    )
    raise ConfigError(
        f"export-model: {config.model}{of} can be exported for {', '.join(fixed)} only, so no file is written: its"
        " computation depends on the frame size. Export a model of another network or backbone, for example"
        " tiny_unet or resnet-18, or apply this model with radar_cleaner"
    )
