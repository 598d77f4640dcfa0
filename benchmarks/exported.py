"""
Measure how far the exported file of a model is from the model itself, on frames of a run and at other sizes.

    python -m benchmarks.exported RESULTS MODEL [MODEL ...]

Exports each model, runs it by onnxruntime on validation samples of a results folder, whole and cut to odd sizes,
several at once, and prints the largest difference in probability and in dBZ: from the model in double precision,
and from the model in the precision it cleans with, whose rounding changes the last digits. Needs
envs/requirements-export.txt.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.inference.ensemble import EnsembleReader
from radar_cleaner.inference.predictor import Predictor, load_predictor
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.stages.export_model import export_model
from radar_cleaner.storage.paths import Layout
from radar_cleaner.storage.shards import shard_of
from radar_cleaner.targets.splits import read_samples

CUTS = (np.s_[:, :, :, :], np.s_[:, :, 100:197, 60:291], np.s_[:1, :, 200:233, 210:257], np.s_[:, :, :5, :7])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=3, help="of the validation samples, spread evenly")
    parser.add_argument("--shard", default="hour", help="of the run's config")
    options = parser.parse_args()
    print("| network | from the model in double precision: probability, dBZ | as it cleans |\n|---|---|---|")
    for path in options.models:
        cleaner = load_predictor(path, 1)
        x = channels(options.results, options.shard, cleaner, options.frames)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            export_model(model=path, output=file)
            session = onnxruntime.InferenceSession(file)
        exact, apart, how = copy.deepcopy(cleaner.model).double(), np.zeros((2, 2)), cleaner.config.pad_mode
        for cut in CUTS:
            found = session.run(None, {"channels": np.ascontiguousarray(x[cut].numpy())})
            references = outputs(exact, how, x[cut].double()), outputs(cleaner.model, how, x[cut])
            for row, wanted in enumerate(references):
                off = [np.abs(one - other.numpy()).max() for one, other in zip(found, wanted, strict=True)]
                apart[row] = np.maximum(apart[row], off)
        cells = " | ".join(f"{probability:.1e}, {dbz:.1e}" for probability, dbz in apart)
        print(f"| `{cleaner.config.model}` | {cells} |")


def outputs(model: torch.nn.Module, pad_mode: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the model's probability of precipitation and its dBZ."""
    with torch.inference_mode():
        logit, scaled = apply_padded(model, x, pad_mode)
    return torch.sigmoid(logit), unscale_dbz(scaled)


def channels(results: Path, shard: str, cleaner: Predictor, count: int) -> torch.Tensor:
    """Return the model's input channels (count, C, H, W) of validation samples of the first radar."""
    layout, rows = Layout(results), read_samples(results / "samples/val.csv")
    radar = rows[0][1]
    times = [time for time, of in rows if of == radar]
    chosen = times[len(times) // (2 * count) :: max(1, len(times) // count)][:count]
    inputs = cleaner.inputs_for(cleaner.config.inputs.input_minutes)
    needed = sorted({shard_of(time + 60 * minute, shard) for time in chosen for minute in inputs.input_minutes})
    frames = EnsembleReader(
        [layout.reflectivity(radar, name) for name in needed],
        [layout.aligned(radar, name) for name in needed],
        [inputs],
        layout.atlas(radar),
    )
    return cleaner.channels([frames.inputs(time)[0] for time in chosen])


if __name__ == "__main__":
    main()
