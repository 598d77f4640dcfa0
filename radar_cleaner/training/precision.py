"""How a step is computed: number formats, memory layout, compilation, determinism. What is learned stays."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from radar_cleaner.errors import ConfigError

logger = logging.getLogger(__name__)

Forward = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Numerics:
    """How a step is computed.

    Attributes
    ----------
    precision
        `fp32`; `mixed`: bf16 where the device has it, else fp16; or `bf16`, `fp16`. The weights stay fp32.
    compile
        Whether torch compiles the network; where it cannot, the network runs as it is, and a line says so.
    channels_last
        Whether channels lie innermost in memory, which most devices prefer.
    deterministic
        Whether equal runs on equal machines give equal bits.
    gradient_checkpointing
        Whether levels are computed again in the backward pass rather than kept: slower, smaller.
    """

    precision: Literal["fp32", "mixed", "bf16", "fp16"]
    compile: bool
    channels_last: bool
    deterministic: bool
    gradient_checkpointing: bool

    @property
    def memory_format(self) -> torch.memory_format:
        """Of the weights and of what goes through the network."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def half(self, device: torch.device) -> torch.dtype | None:
        """The short number format on a device, None for none. Raises ConfigError where the device has none."""
        # CPUs compute bf16 whatever they are; some of them slowly.
        has_bf16 = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
        if self.precision == "bf16" and not has_bf16:
            raise ConfigError("training.precision: bf16 is not in this GPU; write mixed, fp16 or fp32")
        if self.precision in ("bf16", "mixed") and has_bf16:
            return torch.bfloat16
        return None if self.precision == "fp32" else torch.float16

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """The block in which the network runs in its number format."""
        half = self.half(device)
        return torch.autocast(device.type, half) if half else contextlib.nullcontext()

    def scaler(self, device: torch.device) -> torch.amp.GradScaler:
        """Keeps small fp16 gradients from vanishing; does nothing in the other formats."""
        return torch.amp.GradScaler(device.type, enabled=self.half(device) == torch.float16)  # type: ignore[attr-defined]


def set_determinism(deterministic: bool) -> None:
    """Let this process compute the same bits each time, or as fast as it can."""
    if deterministic:  # before CUDA begins
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    # No operation here reads what it did not write, so memory need not be filled first.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic


def guard_norms(model: nn.Module) -> None:
    """Keep a network's GroupNorms from ending the process where what is before them does not learn.

    On a CPU the backward pass of torch's GroupNorm (2.13) in channels_last crashes where its input needs no
    gradient but its weights do. Such an input is laid in its plain order; every other is left as it is.
    """
    for module in model.modules():
        if isinstance(module, nn.GroupNorm):
            module.register_forward_pre_hook(_lay_plainly)


def _lay_plainly(norm: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    x = inputs[0] if inputs else None
    if x is None or x.requires_grad or x.device.type != "cpu" or not torch.is_grad_enabled():
        return None
    return (x.clone(memory_format=torch.contiguous_format), *inputs[1:])


def compile_network(model: nn.Module, example_BCHW: Tensor, numerics: Numerics) -> nn.Module:
    """The network compiled, tried on an example; itself where that is not asked for or cannot be done.

    torch raises as many kinds of errors here as there are compilers, drivers and file systems to miss; all of
    them mean the same: run it uncompiled.
    """
    if not numerics.compile:
        return model
    compiled = torch.compile(model)
    try:
        with numerics.autocast(example_BCHW.device):
            logit, scaled = compiled(example_BCHW.contiguous(memory_format=numerics.memory_format))
            (logit.float().sum() + scaled.float().sum()).backward()
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200]
        logger.warning(
            "training.compile: cannot compile here (%s: %s); goes on without", type(error).__name__, reason
        )
        torch._dynamo.reset()
        return model
    finally:
        model.zero_grad(set_to_none=True)
    return cast(nn.Module, compiled)
