"""Apply a trained model to whole frames.

predictor = load_predictor(Path("results/model/best.pt"), threads=1)
reader = FrameReader(reflectivity, aligned, predictor.inputs_for([-6, 0, 6]), atlas, static)
prediction = predictor.predict(reader.inputs(time))
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radar_cleaner.config.cleaning import KEPT_SHARES, Strength
from radar_cleaner.config.inputs import Inputs
from radar_cleaner.datasets.channels import FrameTensors, make_channels, unscale_dbz
from radar_cleaner.datasets.dihedral import (
    FLIP_ROTATIONS,
    UNCHANGED,
    FlipRotation,
    flip_rotate,
    flip_rotate_point,
    flip_rotate_sides,
    undo_flip_rotate,
)
from radar_cleaner.errors import ModelError
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.inference.tiles import tiles_of
from radar_cleaner.models.config import ModelConfig
from radar_cleaner.models.files import load_model, read_model_provenance
from radar_cleaner.models.padding import apply_padded
from radar_cleaner.models.registry import load_code
from radar_cleaner.storage.digests import digest_of_file
from radar_cleaner.training.calibration import UNCALIBRATED, Calibration

logger = logging.getLogger(__name__)

_CPU = torch.device("cpu")
_GPU_BATCH = 8  # frames: at 640 x 640 px they take some 3 GB of GPU memory


@dataclass(frozen=True)
class Prediction:
    """The prediction for one frame, (y, x) float32 each.

    `probability` (0..1) is that the echo of this radar is meteorological, `dbz` the reflectivity in dBZ.
    `spread` is the standard deviation of the probability over the members of an ensemble, None of a single model.
    """

    probability: NDArray[np.float32]
    dbz: NDArray[np.float32]
    spread: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Predictor:
    """A trained model on a device, for frames of any size: inputs in dBZ codes, outputs in probability and dBZ.

    `digest` is that of the content of its file.

    The logits of its probabilities are those of the network after `calibration`. `points` are the logits of the
    network from which echo is kept, by strength.
    """

    config: ModelConfig
    digest: str
    model: nn.Module
    device: torch.device = _CPU
    calibration: Calibration = UNCALIBRATED
    points: Mapping[str, float] = field(default_factory=dict)

    def threshold(self, strength: Strength) -> float | None:
        """Return the probability from which echo is kept; None where its file has no operating points."""
        return self.calibration.probability(self.points[strength]) if self.points else None

    @property
    def batch_size(self) -> int:
        """The fastest number of frames per batch: 1 on a CPU, where larger batches gain nothing."""
        return 1 if self.device.type == "cpu" else _GPU_BATCH

    def inputs_for(self, input_minutes: Sequence[int]) -> Inputs:
        """Return the inputs of the model at these input times.

        Raises ModelError if their numbers before and after the frame differ from those in training. Other
        intervals, from a radar of another cadence, are possible and logged as a warning.
        """
        trained = self.config.inputs.input_minutes
        if np.sign(trained).tolist() != np.sign(input_minutes).tolist():
            raise ModelError(
                f"the model reads input_minutes {list(trained)}, the config has {list(input_minutes)}; set"
                " samples.input_minutes to as many times before and after, or train a model with yours"
            )
        if tuple(input_minutes) != trained:
            logger.warning(
                "the model was trained with input_minutes %s and now reads %s: echoes move and grow by other"
                " amounts between these frames; a model trained with your input_minutes may do better",
                list(trained),
                list(input_minutes),
            )
        return replace(self.config.inputs, input_minutes=tuple(input_minutes))

    def check_atlas(self, atlas: str) -> None:
        """Raise ModelError if the config uses the clutter atlas differently from the model."""
        if atlas != self.config.inputs.atlas:
            raise ModelError(
                f"the model reads the clutter atlas as '{self.config.inputs.atlas}', samples.atlas is '{atlas}'; "
                f"set it to '{self.config.inputs.atlas}', or train a model with '{atlas}'"
            )

    def predict(self, inputs: FrameInputs, tta: bool = False) -> Prediction:
        """Predict one frame, as `predict_all` does."""
        return self.predict_all([inputs], tta)[0]

    def predict_all(self, frames: Sequence[FrameInputs], tta: bool = False) -> list[Prediction]:
        """Predict frames of one size in one batch. Raises ModelError if the inputs do not fit the model.

        With `tta` (test-time augmentation) the prediction is the mean over eight flips and rotations of a frame.
        """
        return [now for now, *_ in self._predict_leads(frames, 1, tta)]

    def forecast(self, inputs: FrameInputs, tta: bool = False) -> list[Prediction]:
        """Predict each of `config.inputs.lead_minutes`; the first prediction equals that of `predict`."""
        return self._predict_leads([inputs], len(self.config.inputs.lead_minutes), tta)[0]

    def _predict_leads(self, frames: Sequence[FrameInputs], leads: int, tta: bool) -> list[list[Prediction]]:
        """Predict the first `leads` lead times of each frame."""
        if not frames:
            return []
        for inputs in frames:
            self._check(inputs)
        height, width = frames[0].this_radar.shape[1:]
        tiles = list(tiles_of((height, width)))
        if len(tiles) == 1:
            probability_NLHW, dbz_NLHW = self._predict_whole(frames, leads, tta)
        else:
            probability_NLHW, dbz_NLHW = (np.empty((len(frames), leads, height, width), np.float32) for _ in "pd")
            for tile in tiles:
                parts = self._predict_whole([tile.of(inputs) for inputs in frames], leads, tta)
                for whole, part in zip((probability_NLHW, dbz_NLHW), parts, strict=True):
                    whole[..., *tile.kept] = part[..., *tile.inner]
        return [
            [Prediction(*of_lead) for of_lead in zip(*of_frame, strict=True)]
            for of_frame in zip(probability_NLHW, dbz_NLHW, strict=True)
        ]

    def _predict_whole(
        self, frames: Sequence[FrameInputs], leads: int, tta: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probability and dBZ, (N, leads, H, W) each, of frames or of tiles of them."""
        variants = FLIP_ROTATIONS if tta else (UNCHANGED,)
        with torch.inference_mode():
            heads = [self._apply(frames, variant) for variant in variants]
            mean_N2LHW = torch.stack(heads).mean(dim=0) if tta else heads[0]
            probability_NLHW = mean_N2LHW[:, 0, :leads].cpu().numpy()
            return probability_NLHW, unscale_dbz(mean_N2LHW[:, 1, :leads]).cpu().numpy()

    def _check(self, inputs: FrameInputs) -> None:
        if len(inputs.this_radar) != len(self.config.inputs.input_minutes):
            raise ModelError(
                f"the model reads {len(self.config.inputs.input_minutes)} times "
                f"({list(self.config.inputs.input_minutes)} minutes), got {len(inputs.this_radar)}"
            )
        if (inputs.echo_frequency is None) == (self.config.inputs.atlas == "channel"):
            raise ModelError(
                f"the model was trained with atlas '{self.config.inputs.atlas}', the inputs do not fit it"
            )
        names, count = self.config.inputs.fields, 0 if inputs.fields is None else len(inputs.fields)
        if count != len(names):
            raise ModelError(f"the model reads the fields {list(names)}, got {count} fields")

    def channels(self, frames: Sequence[FrameInputs], how: FlipRotation = UNCHANGED) -> Tensor:
        """(N, C, H, W) channels of the network for frames of one size, flipped and rotated.

        The helper channels are those of the rotated frame, as in training.
        """

        def stack(values: Sequence[NDArray[Any] | None]) -> Tensor | None:
            present = [torch.from_numpy(value) for value in values if value is not None]
            return flip_rotate(torch.stack(present).to(self.device), how) if present else None

        this_BKHW = stack([frame.this_radar for frame in frames])
        others_BKHW = stack([frame.other_radars for frame in frames])
        assert this_BKHW is not None and others_BKHW is not None
        centers = [flip_rotate_point(frame.center_px, frame.this_radar.shape[1:], how) for frame in frames]
        ranges = [frame.range_px for frame in frames]
        sides = [flip_rotate_sides(frame.pixel_sides, how) for frame in frames]
        tensors = FrameTensors(
            this_radar=this_BKHW,
            other_radars=others_BKHW,
            center_px=torch.tensor(centers, dtype=torch.float32, device=self.device),
            range_px=torch.tensor(ranges, dtype=torch.float32, device=self.device),
            times=[frame.time for frame in frames],
            echo_frequency=stack([frame.echo_frequency for frame in frames]),
            fields=stack([frame.fields for frame in frames]),
            pixel_sides=torch.tensor(sides, dtype=torch.float32, device=self.device),
            pixel_km=torch.tensor([frame.pixel_km for frame in frames], device=self.device),
        )
        return make_channels(self.config.inputs, tensors)

    def _apply(self, frames: Sequence[FrameInputs], how: FlipRotation) -> Tensor:
        """(N, 2, leads, H, W): probability and scaled reflectivity of flipped and rotated frames, rotated back."""
        channels_BCHW = self.channels(frames, how)
        with self._half_precision():
            heads = apply_padded(self.model, channels_BCHW, self.config.pad_mode)
        logit_BLHW, scaled_BLHW = (head.float() for head in heads)
        if self.calibration != UNCALIBRATED:  # fitted to echoes of the frame itself, so not for forecasts
            temperature, bias = self.calibration
            logit_BLHW = torch.cat([logit_BLHW[:, :1] / temperature + bias, logit_BLHW[:, 1:]], dim=1)
        return undo_flip_rotate(torch.stack([torch.sigmoid(logit_BLHW), scaled_BLHW], dim=1), how)

    def _half_precision(self) -> AbstractContextManager[object]:
        """Return the context in which a GPU computes in half precision."""
        if self.device.type != "cuda":
            return nullcontext()
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.autocast("cuda", torch.bfloat16 if has_bf16 else torch.float16)


def load_predictor(
    path: Path | str, threads: int = 1, code: Path | None = None, calibrated: bool = False
) -> Predictor:
    """Load a model file for inference on a GPU if there is one, else on the CPU with `threads` threads.

        predictor = load_predictor("results/model/best.pt")
        predictor.config.inputs.names  # the channels

    `calibrated` applies the calibration that training fitted to the validation samples.
    `code` is the Python file of a user's own network; loading a model file alone runs no code from it.
    A GPU computes in half precision, which changes probabilities in the third digit. Raises ModelError if the
    file is broken.
    """
    path = Path(path)
    torch.set_num_threads(threads)
    load_code(code)
    config, digest, model = load_model(path)
    provenance = read_model_provenance(path)
    trained_code = provenance.get("inputs", {}).get("code")
    if code is not None and trained_code not in (None, digest_of_file(code)):
        logger.warning("%s was trained with another version of %s", path, code)
    device = torch.device("cuda") if torch.cuda.is_available() else _CPU
    calibration = _read_calibration(path, provenance) if calibrated else UNCALIBRATED
    return Predictor(config, digest, model.eval().to(device), device, calibration, _read_points(path, provenance))


def _read_points(path: Path, provenance: Mapping[str, Any]) -> dict[str, float]:
    """Return the operating points in a model file; files of earlier versions have none."""
    points = {name: float(point) for name, point in provenance.get("points", {}).items()}
    if points and (points.keys() != KEPT_SHARES.keys() or any(math.isnan(point) for point in points.values())):
        raise ModelError(
            f"{path}: invalid operating points {points}: must be numbers for"
            f" {', '.join(KEPT_SHARES)}; retrain the model"
        )
    return points


def _read_calibration(path: Path, provenance: Mapping[str, Any]) -> Calibration:
    """Return the calibration in a model file; files of earlier versions have a temperature only, or nothing."""
    if "temperature" not in provenance:
        logger.warning(
            "%s has no temperature: its probabilities are not calibrated; retrain the model for one", path
        )
    found = Calibration(
        *(float(provenance.get(name, getattr(UNCALIBRATED, name))) for name in Calibration._fields)
    )
    if not 0 < found.temperature < math.inf or not math.isfinite(found.bias):
        raise ModelError(
            f"{path}: invalid temperature {found.temperature} or bias {found.bias}: must be finite, and the"
            " temperature positive; retrain the model"
        )
    return found
