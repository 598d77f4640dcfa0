"""Number formats, layouts and compilation do not change what is learned."""

import logging

import pytest
import torch
from learning_cases import LEARNING, augmentation, changed, config, running, small_cache, training

from radar_cleaner.models.blocks import checkpoint_gradients, draw_weights
from radar_cleaner.models.registry import build_model
from radar_cleaner.training.distributed import Processes
from radar_cleaner.training.precision import (
    compile_network,
    half_precision,
    make_scaler,
    memory_format,
    set_determinism,
)
from radar_cleaner.training.step import CropDataset, Steps

CPU = torch.device("cpu")


def gradients(**changes):
    """Gradients of a batch, as one vector."""
    cache, samples = small_cache()
    how = training(augmentation(crop=32), **changes)
    model = build_model(how.config)
    draw_weights(model, 3)
    model.to(memory_format=memory_format(how.learning))
    if how.learning.gradient_checkpointing:
        checkpoint_gradients(model)
    Steps(how, running(), CropDataset(how, cache, samples), model, Processes()).gradients(
        [0, 1, 2], 0, torch.amp.GradScaler("cpu", enabled=False)
    )
    return torch.cat([weight.grad.reshape(-1) for weight in model.parameters()])


def test_recomputed_levels_give_the_same_gradients_to_the_bit():
    assert torch.equal(gradients(gradient_checkpointing=True), gradients())


def test_recomputed_levels_are_not_kept():
    """Autograd keeps less than half for the backward pass."""
    kept = {}
    for recompute in (False, True):
        model = build_model(config(base_width=16, depth=3))
        if recompute:
            checkpoint_gradients(model)
        sizes = []
        hooks = torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, sizes=sizes: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
        )
        with hooks:
            model.train()(torch.rand(1, config().channels, 64, 64))
        kept[recompute] = sum(sizes)
    assert kept[True] < 0.5 * kept[False]


def test_the_layout_in_memory_changes_rounding_only():
    assert torch.allclose(gradients(channels_last=False), gradients(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("precision", ["bf16", "mixed", "fp16"])
def test_short_formats_point_the_same_way(precision):
    short, full = gradients(precision=precision), gradients()
    assert not torch.equal(short, full)
    assert torch.nn.functional.cosine_similarity(short, full, dim=0) > 0.99


def test_formats_follow_the_device_and_only_fp16_is_scaled():
    assert half_precision("fp32", CPU) is None
    assert half_precision("mixed", CPU) == half_precision("bf16", CPU) == torch.bfloat16
    assert half_precision("fp16", CPU) == torch.float16
    assert [make_scaler(name, CPU).is_enabled() for name in ("fp32", "bf16", "fp16")] == [
        False,
        False,
        True,
    ]


def test_a_machine_that_cannot_compile_trains_without(monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("no C++ compiler\nin any path")

    def broken(model):
        return fail

    monkeypatch.setattr(torch, "compile", broken)
    model = build_model(config())
    with caplog.at_level(logging.WARNING):
        network = compile_network(model, torch.rand(1, config().channels, 16, 16), changed(LEARNING, compile=True))
    assert network is model
    assert "cannot compile here (RuntimeError: no C++ compiler); the network runs uncompiled" in caplog.text
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.slow  # a process of its own
def test_without_a_compiler_on_the_machine_it_trains_uncompiled(monkeypatch, caplog, tmp_path):
    """The real one: torch looks for a compiler and finds none."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    model = build_model(config(base_width=2, depth=1))
    with caplog.at_level(logging.WARNING):
        network = compile_network(model, torch.rand(1, config().channels, 16, 16), changed(LEARNING, compile=True))
    assert network is model and "training.compile: cannot compile here" in caplog.text
    torch._dynamo.reset()


@pytest.mark.slow  # a C++ compiler runs for half a minute
def test_compiled_it_computes_the_same():
    changes = {"model": config(base_width=2, depth=1)}
    compiled = gradients(compile=True, **changes)
    assert torch.allclose(compiled, gradients(**changes), rtol=1e-2, atol=1e-5)
    torch._dynamo.reset()


def test_determinism_is_switched_on_and_off():
    set_determinism(True)
    assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.benchmark
    set_determinism(False)
    assert not torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.benchmark
