"""Use a trained model on whole frames.

cleaner = load_cleaner(Path("results/model/best.pt"), threads=1)
frames = RadarFrames(labels, aligned, cleaner.inputs_for([-6, 0, 6]), atlas, static)
prediction = cleaner.predict(frames.inputs(time))
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radar_cleaner.conventions import NODATA
from radar_cleaner.datasets.channels import Inputs, make_channels, unscale_dbz
from radar_cleaner.datasets.dihedral import ALL_TURNS, Turn, turn_back, turn_picture, turn_point
from radar_cleaner.datasets.frame_cache import Codes, read_grid
from radar_cleaner.errors import ModelError
from radar_cleaner.models import ModelConfig, apply_padded, load_code
from radar_cleaner.storage.reader import AHEAD, Store, TimeSeries, open_store
from radar_cleaner.training.checkpoints import digest_of_file, load_model, read_model_provenance

logger = logging.getLogger(__name__)

_CPU = torch.device("cpu")
_GPU_FRAMES = 8  # at once on a GPU: of 640 x 640 px they take some 3 GB


@dataclass(frozen=True)
class FrameInputs:
    """What the model is told of one radar at one time.

    `own` and `others` are codes (input time, y, x), NODATA where unavailable. `center_px` is the radar's
    (column, row) and `range_px` its range, in pixels. `time` is in seconds since 1970. `echo_frequency` is (y, x)
    uint8, for models that take the atlas as a channel; `fields` (field, y, x) float32 those of `Inputs.fields`,
    for models that take any.
    """

    own: Codes
    others: Codes
    center_px: tuple[float, float]
    range_px: float
    time: int
    echo_frequency: Codes | None = None
    fields: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Prediction:
    """(y, x) float32 each: probability 0..1 that this radar's echo here is meteorological, reflectivity in dBZ.

    `spread` is the standard deviation of the probability over the members of an ensemble, None of a single model.
    """

    probability: NDArray[np.float32]
    dbz: NDArray[np.float32]
    spread: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Cleaner:
    """A trained model, ready for frames of any size, on a device. `digest` is that of its file's content.

    Its logits are divided by `temperature`, so that above 1 it is less sure.
    """

    config: ModelConfig
    digest: str
    model: nn.Module
    device: torch.device = _CPU
    temperature: float = 1.0

    @property
    def at_once(self) -> int:
        """How many frames are judged quickest at once: on a CPU more are no quicker."""
        return 1 if self.device.type == "cpu" else _GPU_FRAMES

    def inputs_for(self, input_minutes: Sequence[int]) -> Inputs:
        """What the model is told, at a caller's input times.

        Raises ModelError where they are not as many before and after as it has learned. Other distances in time,
        as a radar of another cadence has them, are possible: a warning tells them.
        """
        learned = self.config.input_minutes
        if np.sign(learned).tolist() != np.sign(input_minutes).tolist():
            raise ModelError(
                f"the model reads input_minutes {list(learned)}, the config says {list(input_minutes)}; set"
                " as many before and after, or train a model with yours"
            )
        if tuple(input_minutes) != learned:
            logger.warning(
                "the model learned with input_minutes %s and now reads %s: it knows other motion and growth than"
                " these frames show; a model trained with yours may do better",
                list(learned),
                list(input_minutes),
            )
        return replace(self.config.inputs, input_minutes=tuple(input_minutes))

    def check_atlas(self, atlas: str) -> None:
        """Raise ModelError where the config uses the clutter atlas in another way than the model has learned."""
        if atlas != self.config.atlas:
            raise ModelError(
                f"the model takes the clutter atlas as '{self.config.atlas}', samples.atlas says '{atlas}'; "
                "set it to the model's, or train a model with yours"
            )

    def predict(self, inputs: FrameInputs, tta: bool = False) -> Prediction:
        """Judge one frame, as `predict_all` does."""
        return self.predict_all([inputs], tta)[0]

    def predict_all(self, frames: Sequence[FrameInputs], tta: bool = False) -> list[Prediction]:
        """Judge frames of one size at once. Raises ModelError where the inputs do not fit the model.

        With `tta` (test-time augmentation) a frame is judged as it lies, flipped and turned, eight times in
        all, and the answer is the mean.
        """
        return [now for now, *_ in self._answer(frames, 1, tta)]

    def forecast(self, inputs: FrameInputs, tta: bool = False) -> list[Prediction]:
        """What the model says of each of its `config.lead_minutes`, the first being that of `predict`."""
        return self._answer([inputs], len(self.config.lead_minutes), tta)[0]

    def _answer(self, frames: Sequence[FrameInputs], leads: int, tta: bool) -> list[list[Prediction]]:
        """By frame and lead, of the first so many leads."""
        if not frames:
            return []
        for inputs in frames:
            self._check(inputs)
        turns = ALL_TURNS if tta else ALL_TURNS[:1]
        with torch.inference_mode():
            answers = [self._judge(frames, turn) for turn in turns]
            mean_N2LHW = torch.stack(answers).mean(dim=0) if tta else answers[0]
            probability_NLHW = mean_N2LHW[:, 0, :leads].cpu().numpy()
            dbz_NLHW = unscale_dbz(mean_N2LHW[:, 1, :leads]).cpu().numpy()
        return [
            [Prediction(*of_lead) for of_lead in zip(*answer, strict=True)]
            for answer in zip(probability_NLHW, dbz_NLHW, strict=True)
        ]

    def _check(self, inputs: FrameInputs) -> None:
        if len(inputs.own) != len(self.config.input_minutes):
            raise ModelError(
                f"the model reads {len(self.config.input_minutes)} times "
                f"({list(self.config.input_minutes)} minutes), got {len(inputs.own)}"
            )
        if (inputs.echo_frequency is None) == (self.config.atlas == "channel"):
            raise ModelError(f"the model was trained with atlas '{self.config.atlas}', the inputs do not fit it")
        wanted, given = self.config.inputs.fields, 0 if inputs.fields is None else len(inputs.fields)
        if given != len(wanted):
            raise ModelError(f"the model reads the fields {list(wanted)}, got {given} fields")

    def channels(self, frames: Sequence[FrameInputs], turn: Turn = ALL_TURNS[0]) -> Tensor:
        """(N, C, H, W) what the network sees of frames of one size, laid as `turn` has it.

        The helper channels are those of the turned picture, as they are in training.
        """

        def laid(values: Sequence[NDArray[Any] | None]) -> Tensor | None:
            there = [torch.from_numpy(value) for value in values if value is not None]
            return turn_picture(torch.stack(there).to(self.device), turn) if there else None

        own_BKHW, others_BKHW = laid([one.own for one in frames]), laid([one.others for one in frames])
        assert own_BKHW is not None and others_BKHW is not None
        centers = [turn_point(one.center_px, one.own.shape[1:], turn) for one in frames]
        return make_channels(
            self.config.inputs,
            own_BKHW,
            others_BKHW,
            torch.tensor(centers, dtype=torch.float32, device=self.device),
            torch.tensor([one.range_px for one in frames], dtype=torch.float32, device=self.device),
            [one.time for one in frames],
            laid([one.echo_frequency for one in frames]),
            laid([one.fields for one in frames]),
        )

    def _judge(self, frames: Sequence[FrameInputs], turn: Turn) -> Tensor:
        """(N, 2, leads, H, W), turned back: probability and scaled reflectivity of frames laid so."""
        channels_BCHW = self.channels(frames, turn)
        with self._half():
            heads = apply_padded(self.model, channels_BCHW, self.config.pad_mode)
        logit_BLHW, scaled_BLHW = (head.float() for head in heads)
        if self.temperature != 1:  # it was fitted to echoes of the frame itself
            logit_BLHW = torch.cat([logit_BLHW[:, :1] / self.temperature, logit_BLHW[:, 1:]], dim=1)
        return turn_back(torch.stack([torch.sigmoid(logit_BLHW), scaled_BLHW], dim=1), turn)

    def _half(self) -> AbstractContextManager[object]:
        """The block in which a GPU computes in half precision."""
        if self.device.type != "cuda":
            return nullcontext()
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.autocast("cuda", torch.bfloat16 if has_bf16 else torch.float16)


def load_cleaner(path: Path, threads: int, code: Path | None = None, calibrated: bool = False) -> Cleaner:
    """Load a model file for inference on the GPU that there is, else on the CPU with so many threads.

    `calibrated`, it has the temperature that its training found on the validation samples (Guo et al. 2017).
    `code` is the Python file of a user's own network. A model file names none by itself: to load one runs no code.
    A GPU computes in half precision, which changes probabilities in the third digit. Raises ModelError where the
    file is broken.
    """
    torch.set_num_threads(threads)
    load_code(code)
    config, digest, model = load_model(path)
    provenance = read_model_provenance(path)
    learned_by = provenance.get("inputs", {}).get("code")
    if code is not None and learned_by not in (None, digest_of_file(code)):
        logger.warning("%s was trained with another version of %s", path, code)
    device = torch.device("cuda") if torch.cuda.is_available() else _CPU
    temperature = float(provenance.get("temperature", 1.0)) if calibrated else 1.0
    if not 0 < temperature < math.inf:
        raise ModelError(f"{path}: its temperature is {temperature}, which is none; train it again")
    if calibrated and "temperature" not in provenance:
        logger.warning("%s has no temperature, as it is of before there were any; it stays as sure as it is", path)
    return Cleaner(config, digest, model.eval().to(device), device, temperature)


class RadarFrames:
    """One radar by time, over its labels and aligned stores (any number of shards), its atlas and static store.

    Whatever is missing around a time is marked unavailable. `inputs` are the model's (`inputs_for`); atlas and
    static store are opened only where these use them. Atlas `mask` makes the clutter pixels unavailable in the
    own codes that the model sees, not in `codes`. Raises ModelError where the model wants what there is not.
    """

    def __init__(
        self,
        labels: Sequence[Path],
        aligned: Sequence[Path],
        inputs: Inputs,
        atlas: Path | None = None,
        static: Path | None = None,
    ) -> None:
        if atlas is None and inputs.atlas != "none":
            raise ModelError(f"the model takes the clutter atlas as '{inputs.atlas}', but no atlas is given")
        self.labels = TimeSeries(labels, "labels", AHEAD)
        self.aligned = TimeSeries(aligned, "aligned", AHEAD)
        self.input_minutes = inputs.input_minutes
        self.attrs = self.labels.stores[0].attrs
        atlas_store = open_store(atlas, "atlas") if atlas is not None and inputs.atlas != "none" else None
        static_store = _open_static(static, inputs) if inputs.fields else None
        self.grid = read_grid(self.labels.stores[0], inputs, atlas_store, static_store)
        stores = [*self.labels.stores, *self.aligned.stores, atlas_store, static_store]
        self.digests = {str(store.path): store.digest for store in stores if store is not None}

    @property
    def times(self) -> list[int]:
        """All times of the labels stores, increasing."""
        return self.labels.times

    def codes(self, time: int) -> Codes:
        """(y, x) reflectivity codes of this radar at one of `times`, as they were decoded."""
        frame = self.labels.frame("reflectivity", time)
        assert frame is not None, self.labels.describe(time)
        return np.asarray(frame, dtype=np.uint8)

    def inputs(self, time: int) -> FrameInputs:
        """What the model is told at a time."""
        times = [time + 60 * minutes for minutes in self.input_minutes]
        own = np.stack([self._codes(self.labels, moment) for moment in times])
        if self.grid.clutter is not None:
            own[:, self.grid.clutter] = NODATA
        others = np.stack([self._codes(self.aligned, moment) for moment in times])
        grid = self.grid
        return FrameInputs(own, others, grid.center_px, grid.range_px, time, grid.echo_frequency, grid.fields)

    def _codes(self, series: TimeSeries, time: int) -> Codes:
        frame = series.frame("reflectivity", time)
        return np.full(self.grid.shape, NODATA, np.uint8) if frame is None else frame


def _open_static(path: Path | None, inputs: Inputs) -> Store:
    """The static store of a radar; ModelError says which keys make it, or which fields it lacks."""
    if path is None or not path.exists():
        keys = [f"samples.{name}: true" for name in ("time_of_day", "coordinates") if getattr(inputs, name)]
        if inputs.static:
            keys.append(f"samples.static with {', '.join(inputs.static)}")
        raise ModelError(
            f"the model is told {list(inputs.fields)} of each pixel, but there is no store of them"
            f"{'' if path is None else f' at {path}'}; set {' and '.join(keys)}, or train a model without"
        )
    store = open_store(path, "static")
    there = list(store.attrs.get("names", []))
    missing = [name for name in inputs.static if name not in there]
    if missing:
        raise ModelError(
            f"{path}: holds the static fields {there}, the model reads {', '.join(missing)} as well; name "
            "its file in samples.static, or train a model without"
        )
    return store
