"""Use a trained model on whole frames.

cleaner = load_cleaner(Path("results/model/best.pt"), threads=1)
frames = RadarFrames(labels, aligned, cleaner.config.input_minutes, atlas, cleaner.config.atlas)
prediction = cleaner.predict(frames.inputs(time))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from radar_cleaner.bank import AtlasUse, Codes, read_grid
from radar_cleaner.channels import make_channels, unscale_dbz
from radar_cleaner.checkpoints import load_model
from radar_cleaner.errors import ModelError
from radar_cleaner.models import ModelConfig, apply_padded
from radar_cleaner.stores import TimeSeries, open_store
from radar_cleaner.vocabulary import NODATA


@dataclass(frozen=True)
class FrameInputs:
    """What the model is told of one radar at one time.

    `own` and `others` are codes (input time, y, x), NODATA where unavailable. `center_px` is the radar's
    (column, row) and `range_px` its range, in pixels. `echo_frequency` is (y, x) uint8, for models that take
    the atlas as a channel.
    """

    own: Codes
    others: Codes
    center_px: tuple[float, float]
    range_px: float
    echo_frequency: Codes | None = None


@dataclass(frozen=True)
class Prediction:
    """(y, x) float32 each: probability 0..1 that this radar's echo here is meteorological, reflectivity in dBZ."""

    probability: NDArray[np.float32]
    dbz: NDArray[np.float32]


@dataclass(frozen=True)
class Cleaner:
    """A trained model, ready for frames of any size. `digest` is that of its file's content."""

    config: ModelConfig
    digest: str
    model: nn.Module

    def check_input_minutes(self, input_minutes: Sequence[int]) -> None:
        """Raise ModelError where a caller's input times are not those that the model has learned."""
        if tuple(input_minutes) != self.config.input_minutes:
            raise ModelError(
                f"the model reads input_minutes {list(self.config.input_minutes)}, the config says "
                f"{list(input_minutes)}; set them to the model's, or train a model with yours"
            )

    def check_atlas(self, atlas: str) -> None:
        """Raise ModelError where the config uses the clutter atlas in another way than the model has learned."""
        if atlas != self.config.atlas:
            raise ModelError(
                f"the model takes the clutter atlas as '{self.config.atlas}', samples.atlas says '{atlas}'; "
                "set it to the model's, or train a model with yours"
            )

    def predict(self, inputs: FrameInputs) -> Prediction:
        """Judge one frame. Raises ModelError where the inputs do not fit the model."""
        if len(inputs.own) != len(self.config.input_minutes):
            raise ModelError(
                f"the model reads {len(self.config.input_minutes)} times "
                f"({list(self.config.input_minutes)} minutes), got {len(inputs.own)}"
            )
        if (inputs.echo_frequency is None) == (self.config.atlas == "channel"):
            raise ModelError(f"the model was trained with atlas '{self.config.atlas}', the inputs do not fit it")
        frequency = inputs.echo_frequency
        with torch.inference_mode():
            channels_BCHW = make_channels(
                torch.from_numpy(inputs.own)[None],
                torch.from_numpy(inputs.others)[None],
                torch.tensor([inputs.center_px], dtype=torch.float32),
                torch.tensor([inputs.range_px], dtype=torch.float32),
                None if frequency is None else torch.from_numpy(frequency)[None],
            )
            logit_BHW, scaled_BHW = apply_padded(self.model, channels_BCHW, self.config.pad_mode)
            return Prediction(torch.sigmoid(logit_BHW)[0].numpy(), unscale_dbz(scaled_BHW)[0].numpy())


def load_cleaner(path: Path, threads: int) -> Cleaner:
    """Load a model file for inference on the CPU with so many threads. Raises ModelError where it is broken."""
    torch.set_num_threads(threads)
    config, digest, model = load_model(path)
    return Cleaner(config, digest, model.eval())


class RadarFrames:
    """One radar by time, over its labels and aligned stores (any number of shards) and its atlas.

    Whatever is missing around a time is marked unavailable. `atlas_use` is the model's `config.atlas`: `mask`
    makes the clutter pixels unavailable in the own codes that the model sees, not in `codes`.
    """

    def __init__(
        self,
        labels: Sequence[Path],
        aligned: Sequence[Path],
        input_minutes: Sequence[int],
        atlas: Path | None = None,
        atlas_use: AtlasUse | str = "none",
    ) -> None:
        if atlas is None and atlas_use != "none":
            raise ModelError(f"the model takes the clutter atlas as '{atlas_use}', but no atlas is given")
        self.labels = TimeSeries(labels, "labels")
        self.aligned = TimeSeries(aligned, "aligned")
        self.input_minutes = tuple(input_minutes)
        self.attrs = self.labels.stores[0].attrs
        store = open_store(atlas, "atlas") if atlas is not None and atlas_use != "none" else None
        self.grid = read_grid(self.labels.stores[0], store, atlas_use)  # type: ignore[arg-type]

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
        return FrameInputs(own, others, self.grid.center_px, self.grid.range_px, self.grid.echo_frequency)

    def _codes(self, series: TimeSeries, time: int) -> Codes:
        frame = series.frame("reflectivity", time)
        return np.full(self.grid.shape, NODATA, np.uint8) if frame is None else frame
