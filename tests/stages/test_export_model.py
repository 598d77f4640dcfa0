"""An exported model has the outputs of the model itself, by onnxruntime and at any size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from learning_cases import config
from workflow_cases import REPOSITORY

from radar_cleaner.datasets.channels import unscale_dbz
from radar_cleaner.errors import ConfigError
from radar_cleaner.inference.predictor import load_predictor
from radar_cleaner.models.blocks import draw_weights
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import load_model, save_model
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import build_model
from radar_cleaner.stages.export_model import export_model

KINDS: dict[str, dict[str, Any]] = {  # tiny_unet, which mirrors the edges, has a test of its own
    "rate_net, edges repeated": {"model": "rate_net", "pad_mode": "replicate", "input_scale": 2},
    "window_attention, standardized, zeros": {
        "model": "window_attention",
        "pad_mode": "constant",
        "normalize": True,
    },
    "resnet": {"model": "encoder_unet"},
    "convnext": {
        "model": "encoder_unet",
        "base_width": 4,
        "backbone": {"model_type": "convnext", "depths": [1, 1, 1, 1], "hidden_sizes": [8, 8, 8, 8]},
    },
    "dinov2": {
        "model": "encoder_unet",
        "base_width": 4,
        "backbone": {
            "model_type": "dinov2",
            "hidden_size": 16,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "image_size": 56,
            "patch_size": 14,
        },
    },
}


def outputs(model: torch.nn.Module, pad_mode: str, x: torch.Tensor) -> list[np.ndarray]:
    """Return the package's own prediction."""
    with torch.no_grad():
        logit, scaled = apply_padded(model.eval(), x, pad_mode)
    return [torch.sigmoid(logit).numpy(), unscale_dbz(scaled).numpy()]


def exported(folder: Path, **how: Any) -> tuple[ModelConfig, onnxruntime.InferenceSession]:
    """A network as best.pt and best.onnx: its reflectivities are of the size that trained ones give, its
    probabilities turn within a few pixels, where they show what sums have lost."""
    made = config(**how)
    model = build_model(made)
    draw_weights(model, 0)
    with torch.no_grad():
        body = getattr(model, "body", model)
        body.reflectivity_head.weight *= 0.1
        body.mask_head.weight *= 20
    save_model(folder / "best.pt", made, model.state_dict(), {})
    export_model(model=folder / "best.pt", output=folder / "best.onnx")
    return made, onnxruntime.InferenceSession(folder / "best.onnx")


def expect_the_models_answers(folder: Path, made: ModelConfig, session: onnxruntime.InferenceSession) -> None:
    own = load_predictor(folder / "best.pt", 1).model
    generator = torch.Generator().manual_seed(0)  # equal frames, whichever tests ran before
    for shape in ((1, 64, 64), (2, 33, 47), (1, 5, 3), (3, 16, 128)):
        x = torch.rand(shape[0], made.channels, *shape[1:], generator=generator)
        found = session.run(None, {"channels": x.numpy()})
        for one, other, name in zip(
            found, outputs(own, made.pad_mode, x), ("probability", "reflectivity"), strict=True
        ):
            assert one.shape == (shape[0], 1, *shape[1:])
            assert np.abs(one - other).max() <= 1e-4, (name, shape)


@pytest.mark.slow  # torch traces each network for any size
@pytest.mark.parametrize("kind", KINDS)
def test_the_exported_model_has_the_outputs_of_the_model_at_any_size(tmp_path: Path, kind: str) -> None:
    expect_the_models_answers(tmp_path, *exported(tmp_path, **KINDS[kind]))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelConfig, onnxruntime.InferenceSession]:
    folder = tmp_path_factory.mktemp("tiny")
    return folder, *exported(folder, atlas="channel")


@pytest.mark.slow
def test_the_default_network_is_exported_so_too(tiny) -> None:
    expect_the_models_answers(*tiny)


@pytest.mark.slow
def test_of_a_whole_frame_the_output_is_the_models_in_double_precision(tiny) -> None:
    """In single precision sums over all pixels have rounding errors."""
    folder, made, session = tiny
    x = torch.rand(1, made.channels, 480, 480) ** 8  # dry for the most part, as frames are
    probability, dbz = session.run(None, {"channels": x.numpy()})
    exact = outputs(load_model(folder / "best.pt")[2].double(), made.pad_mode, x.double())
    assert np.abs(probability - exact[0]).max() <= 1e-4 and np.abs(dbz - exact[1]).max() <= 1e-4


@pytest.mark.slow
def test_it_describes_its_channels(tiny) -> None:
    folder, made, session = tiny
    metadata = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(metadata["channels"])) == made.inputs.names and json.loads(
        metadata["lead_minutes"]
    ) == [0]
    assert metadata["digest"].startswith("sha256:") and metadata["atlas"] == "channel"
    assert [output.name for output in session.get_outputs()] == ["meteorological_probability", "reflectivity"]
    assert session.get_inputs()[0].shape == ["batch", made.channels, "height", "width"]
    assert [path.name for path in sorted(folder.iterdir())] == ["best.onnx", "best.pt"]


@pytest.mark.slow
def test_a_network_for_one_size_only_is_refused_by_its_name(tmp_path: Path) -> None:
    """Swin's windows: torch writes the size of its example into the file without a warning."""
    swin = {"model_type": "swin", "embed_dim": 4, "depths": [1, 1, 1, 1], "num_heads": [1] * 4, "window_size": 4}
    made = config("encoder_unet", backbone=swin, base_width=4)
    save_model(tmp_path / "best.pt", made, build_model(made).state_dict(), {})
    with pytest.raises(ConfigError, match="encoder_unet with the backbone swin can be exported for height"):
        export_model(model=tmp_path / "best.pt", output=tmp_path / "best.onnx")
    assert not (tmp_path / "best.onnx").exists()


def test_without_its_packages_it_names_what_to_install(tmp_path: Path) -> None:
    made = config()
    save_model(tmp_path / "best.pt", made, build_model(made).state_dict(), {})
    code = "import sys; sys.modules['onnxscript'] = None; from radar_cleaner.cli import main; main()"
    command = [sys.executable, "-c", code, "export-model", "--model", "best.pt", "--output", "best.onnx"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(REPOSITORY)}
    )
    assert done.returncode == 1 and "pip install 'radar-cleaner[export]'" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "best.onnx").exists()
