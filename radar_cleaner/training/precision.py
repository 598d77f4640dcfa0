"""How a step is computed: number formats, memory layout, compilation, determinism. The model stays the same."""

from __future__ import annotations

import contextlib
import logging
import os
from contextlib import AbstractContextManager
from typing import Literal, cast

import torch
from torch import Tensor, nn

from radar_cleaner.config.training import Learning
from radar_cleaner.errors import ConfigError

logger = logging.getLogger(__name__)

Precision = Literal["fp32", "mixed", "bf16", "fp16"]


def memory_format(learning: Learning) -> torch.memory_format:
    """Return the memory format of weights and activations."""
    return torch.channels_last if learning.channels_last else torch.contiguous_format


def half_precision(precision: Precision, device: torch.device) -> torch.dtype | None:
    """Return the 16-bit number format on a device, None for fp32. Raises ConfigError where it does not exist."""
    # Every CPU computes bf16, some of them slowly.
    has_bf16 = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bf16" and not has_bf16:
        raise ConfigError("training.precision: this GPU does not support bf16; write mixed, fp16 or fp32")
    if precision in ("bf16", "mixed") and has_bf16:
        return torch.bfloat16
    return None if precision == "fp32" else torch.float16


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which the network runs in its number format."""
    half = half_precision(precision, device)
    return torch.autocast(device.type, half) if half else contextlib.nullcontext()


def make_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler:  # type: ignore[name-defined]
    """Return the scaler that keeps small fp16 gradients from vanishing; it does nothing in other formats."""
    enabled = half_precision(precision, device) == torch.float16
    return torch.amp.GradScaler(device.type, enabled=enabled)  # type: ignore[attr-defined]


def set_determinism(deterministic: bool) -> None:
    """Make this process compute the same bits each time, or as fast as it can."""
    if deterministic:  # before CUDA begins
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    # No operation here reads memory before writing it, so memory need not be filled first.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic


def guard_norms(model: nn.Module) -> None:
    """Work around a crash of torch's GroupNorm behind frozen layers.

    On a CPU the backward pass of GroupNorm (torch 2.13) in channels_last crashes where its input needs no gradient
    but its weights do. An input of this kind is copied to the contiguous format; others stay as they are.
    """
    for module in model.modules():
        if isinstance(module, nn.GroupNorm):
            module.register_forward_pre_hook(_make_contiguous)


def _make_contiguous(norm: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    x = inputs[0] if inputs else None
    if x is None or x.requires_grad or x.device.type != "cpu" or not torch.is_grad_enabled():
        return None
    return (x.clone(memory_format=torch.contiguous_format), *inputs[1:])


def compile_network(model: nn.Module, example_BCHW: Tensor, learning: Learning) -> nn.Module:
    """Compile the network and try it on an example; return the network itself where that is off or fails.

    torch raises many kinds of errors here, for compilers, drivers and file systems that are missing. All of them
    mean the same: run the network uncompiled.
    """
    if not learning.compile:
        return model
    compiled = torch.compile(model)
    try:
        with autocast(learning.precision, example_BCHW.device):
            logit, scaled = compiled(example_BCHW.contiguous(memory_format=memory_format(learning)))
            (logit.float().sum() + scaled.float().sum()).backward()
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200]
        logger.warning(
            "training.compile: cannot compile here (%s: %s); the network runs uncompiled",
            type(error).__name__,
            reason,
        )
        torch._dynamo.reset()
        return model
    finally:
        model.zero_grad(set_to_none=True)
    return cast(nn.Module, compiled)
