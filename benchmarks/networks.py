"""
Measure size and cost of the package's networks: one frame of the sample's size, on one thread.

    python -m benchmarks.networks

Prints the number of weights, the GFLOP of one frame forward, the time of that as a ratio to tiny_unet's, and the
time of a training step of a crop (forward and backward) as a ratio to tiny_unet's: medians over rounds in which
all networks take turns, with default options.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch

from radar_cleaner.config.inputs import Inputs
from radar_cleaner.config.networks import network_names
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.dropout import keyed_modules, set_keys
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import build_model
from radar_cleaner.models.summary import summarize_model

from .speed.timing import in_turns

FIRST = "tiny_unet"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--size", type=int, default=480, help="of a frame, in pixels")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    inputs = Inputs((-6, 0, 6), "channel", "max")
    configs = {name: ModelConfig(name, inputs) for name in network_names()}
    models = {name: build_model(config) for name, config in configs.items()}
    for model in models.values():
        draw_weights(model, 0)
    channels = configs[FIRST].channels
    frame, crop = torch.rand(1, channels, options.size, options.size), torch.rand(2, channels, *[options.crop] * 2)
    forward = in_turns({name: _forward(model, frame) for name, model in models.items()}, options.rounds)
    step = in_turns({name: _step(model, crop) for name, model in models.items()}, options.rounds)
    print("| network | weights | GFLOP a frame | a frame forward | a step of a crop |\n|---|---|---|---|---|")
    for name, model in models.items():
        summary = summarize_model(model, channels, options.size)
        times = f"{forward.ratio(name, FIRST):.2f} | {step.ratio(name, FIRST):.2f}"
        print(f"| `{name}` | {summary.parameters:,} | {summary.gflop_per_sample:.1f} | {times} |")


def _forward(model: torch.nn.Module, frame: torch.Tensor) -> Callable[[], object]:
    def run() -> None:
        with torch.inference_mode():
            apply_padded(model.eval(), frame, "reflect")

    return run


def _step(model: torch.nn.Module, crop: torch.Tensor) -> Callable[[], object]:
    def run() -> None:
        model.train()
        set_keys(keyed_modules(model), range(len(crop)))
        model.zero_grad()
        logit, scaled = apply_padded(model, crop, "reflect")
        (logit.square().mean() + scaled.square().mean()).backward()

    return run


if __name__ == "__main__":
    main()
