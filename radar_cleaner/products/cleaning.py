"""Clean the frames of a radar: predict with the models, add the evidence, decide each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from radar_cleaner.config.cleaning import FrameCleaning
from radar_cleaner.errors import StoreError
from radar_cleaner.georeference.grid import RadarGeometry
from radar_cleaner.georeference.polar import in_range
from radar_cleaner.inference.ensemble import Ensemble, EnsembleReader
from radar_cleaner.inference.frame_reader import FrameInputs
from radar_cleaner.inference.fusion import EvidenceFusion
from radar_cleaner.inference.predictor import Prediction
from radar_cleaner.inference.prefetch import map_in_thread
from radar_cleaner.products.decision import Codes, DecidedFrame, decide


@dataclass(frozen=True)
class PredictedFrame:
    """A frame with its prediction: time in seconds since 1970, decoded reflectivity and its uncertainty (y, x)."""

    time: int
    codes: Codes
    uncertainty: Codes
    prediction: Prediction


@dataclass(frozen=True)
class FrameCleaner:
    """Clean the frames of one radar in two steps, so that decisions can run in another thread."""

    ensemble: Ensemble
    reader: EnsembleReader
    fusion: EvidenceFusion
    in_range: NDArray[np.bool_]
    options: FrameCleaning

    @cached_property
    def threshold(self) -> float:
        """The probability from which echo is kept."""
        return self.ensemble.threshold(self.options)

    def predict(self, times: Iterable[int]) -> Iterator[PredictedFrame]:
        """Predict frames batch by batch; another thread reads the next ones."""

        def read(time: int) -> tuple[int, Codes, Codes, list[FrameInputs]]:
            return time, self.reader.codes(time), self.reader.uncertainty(time), self.reader.inputs(time)

        frames = map_in_thread(read, times)
        while batch := list(islice(frames, self.ensemble.batch_size)):
            predictions = self.ensemble.predict_all([inputs for *_, inputs in batch], self.options.tta)
            for (time, codes, uncertainty, _), prediction in zip(batch, predictions, strict=True):
                yield PredictedFrame(time, codes, uncertainty, prediction)

    def decide(self, frame: PredictedFrame) -> DecidedFrame:
        """Add the evidence of the label model, then keep, remove or fill each pixel."""
        return decide(
            frame.codes,
            self.fusion.fuse(frame.prediction.probability, frame.time),
            frame.prediction.dbz,
            frame.prediction.spread,
            threshold=self.threshold,
            fill=self.options.fill,
            in_range=self.in_range,
            uncertainty=frame.uncertainty,
        )


def find_range(geometry: RadarGeometry, reader: EnsembleReader) -> NDArray[np.bool_]:
    """(y, x) mask of the pixels within the radar's range. Raises StoreError if the frames have another shape."""
    grid = reader.first.grid
    if geometry.grid.shape != grid.shape:
        raise StoreError(
            f"{reader.first.reflectivity.stores[0].path}: its frames are {grid.shape}, --geometry of"
            f" {geometry.radar} is {geometry.grid.shape}; run snakemake to make the reflectivity again"
        )
    return in_range(geometry)


def decision_attrs(options: FrameCleaning, threshold: float) -> dict[str, object]:
    """Return the options as attributes of a product, with the threshold that they mean."""
    attrs: dict[str, object] = {"threshold": threshold, "votes": options.votes}
    if options.threshold is None:
        attrs["strength"] = options.strength
    attrs |= {"fill": int(options.fill), "tta": int(options.tta)}
    return attrs | ({"calibrated": 1} if options.calibrated else {})
